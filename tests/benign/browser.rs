//! Pages opened in a browser: full header sets, Referers from search engines, campaign parameters, cookies of analytics tools.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{Dice, Request, component, form, lines, sparingly};

const AGENTS: &str = include_str!("data/agents.txt");
const SEARCHES: &str = include_str!("data/searches.txt");
const PATHS: &[&str] = &[
    "/",
    "/index.html",
    "/en/products/running-shoes_p-4711.html",
    "/category/men's-shoes",
    "/wiki/SQL_injection",
    "/wiki/C%2B%2B",
    "/wiki/Select_(SQL)",
    "/blog/2024/11/20/what-is-a-union-all/",
    "/blog/drop-table-explained",
    "/caf%C3%A9/men%C3%BC",
    "/product/5-8%22-drill-bit;jsessionid=1A2B3C4D5E6F",
    "/@user.name/posts/1234567890",
    "/docs/v2.4/api/users/{id}",
    "/static/js/main.4f3c2b1a.chunk.js",
    "/assets/fonts/inter-v12-latin-700.woff2",
    "/_next/data/Xk2_9-aB/en/product/foo.json",
    "/images/banner@2x.png",
    "/favicon.ico",
    "/robots.txt",
    "/docs/reference/dockerfile/",
    "/api/v4/projects/1/repository/files/db%2Fmigrate%2F001_init.sql",
    "/repos/o/r/contents/db/seed.sql",
    "/.well-known/security.txt",
    "/.well-known/openid-configuration",
    "/sitemap_index.xml",
    "/archive/2024/report%20(final).pdf",
    "/a/b/c/..hidden-notes/file.v1.2.tar.gz",
    "/shop/Damen%20%26%20Herren/",
    "/user/o%27brien",
    "/tag/c%23",
    "/search/red+shoes",
    "/index.php/kontakt",
    "/wp-content/uploads/2024/11/cat.png",
    "/wp-json/wp/v2/posts/42",
];

/// What a browser sends with every page.
pub(crate) fn dressed(dice: &mut Dice, request: Request) -> Request {
    let agent = lines(AGENTS)[dice.below(11)];
    let language = dice.pick(&[
        "en-US,en;q=0.9",
        "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7",
        "es-ES,es;q=0.8,en-US;q=0.5,en;q=0.3",
        "pl,en-US;q=0.7,en;q=0.3",
        "fr-FR,fr;q=0.9,*;q=0.5",
        "zh-CN,zh;q=0.9",
    ]);
    let mut request = request
        .header("user-agent", agent)
        .header("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7")
        .header("accept-language", language)
        .header("accept-encoding", "gzip, deflate, br, zstd");
    if agent.contains("Chrome/") {
        request = request
            .header(
                "sec-ch-ua",
                "\"Google Chrome\";v=\"131\", \"Chromium\";v=\"131\", \"Not_A Brand\";v=\"24\"",
            )
            .header("sec-ch-ua-mobile", "?0")
            .header("sec-ch-ua-platform", "\"Windows\"")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-user", "?1");
    }
    if dice.once_in(3) {
        request = request.header(
            "if-none-match",
            format!("W/\"{}-{}\"", dice.hex(5), dice.token(27)),
        );
    }
    if dice.once_in(4) {
        request = request
            .header("x-forwarded-for", "203.0.113.7, 10.0.0.3")
            .header("via", "1.1 proxy.example.net (squid/5.7)")
            .header("forwarded", "for=\"[2001:db8::1]:4711\";proto=https");
    }
    request.header("upgrade-insecure-requests", "1")
}

/// The cookies a visitor collects.
pub(crate) fn cookies(dice: &mut Dice) -> String {
    let mut all = vec![
        format!("_ga=GA1.1.{}.17{}", dice.text("123456789", 9), dice.text("0123456789", 8)),
        format!("_ga_{}=GS1.1.17{}.5.1.17{}.60.0.0", dice.text("ABCDEFGH123456", 10), dice.text("0123456789", 8), dice.text("0123456789", 8)),
        format!("_fbp=fb.1.17{}.{}", dice.text("0123456789", 11), dice.text("0123456789", 10)),
        format!("_gcl_au=1.1.{}.17{}", dice.text("123456789", 9), dice.text("0123456789", 8)),
        format!("OptanonConsent=isGpcEnabled=0&datestamp=Wed+Nov+20+2024+08%3A15%3A30+GMT%2B0100+(Mitteleurop%C3%A4ische+Normalzeit)&version=202409.2.0&browserGpcFlag=0&isIABGlobal=false&hosts=&consentId={}&interactionCount=1&isAnonUser=1&landingPath=NotLandingPage&groups=C0001%3A1%2CC0002%3A0%2CC0003%3A1&AwaitingReconsent=false&geolocation=DE%3BNW", dice.uuid()),
        format!("OptanonAlertBoxClosed=2024-11-{:02}T08:15:30.123Z", dice.below(28) + 1),
        format!("CookieConsent={{stamp:%27{}==%27%2Cnecessary:true%2Cpreferences:true%2Cstatistics:false%2Cmarketing:false%2Cmethod:%27explicit%27%2Cver:1%2Cutc:17{}%2Cregion:%27de%27}}", dice.token(30), dice.text("0123456789", 11)),
        format!("session={}", jwt(dice)),
        format!("PHPSESSID={}", dice.text("abcdefghijklmnopqrstuvwxyz0123456789", 26)),
        format!("JSESSIONID={}.node1", dice.text("ABCDEF0123456789", 32)),
        format!("connect.sid=s%3A{}.{}", dice.token(32), component(&STANDARD.encode(dice.bytes(32)))),
        format!("ASP.NET_SessionId={}", dice.text("abcdefghijklmnopqrstuvwxyz012345", 24)),
        format!("__RequestVerificationToken={}", dice.token(92)),
        format!("XSRF-TOKEN={}", component(&STANDARD.encode(serde_json::json!({"iv": STANDARD.encode(dice.bytes(16)), "value": STANDARD.encode(dice.bytes(48)), "mac": dice.hex(64), "tag": ""}).to_string()))),
        format!("prefs={}", component(&serde_json::json!({"theme": "dark", "lang": "de", "columns": ["name", "price"], "page": {"size": 50, "sort": "-created"}}).to_string())),
        format!("recent={}", STANDARD.encode(b"[{\"id\":4711,\"name\":\"Men's shoes\"},{\"id\":12,\"name\":\"Lamp <E27>\"}]")),
        format!("_hjSessionUser_{}={}", dice.text("0123456789", 7), STANDARD.encode(format!("{{\"id\":\"{}\",\"created\":1732000000000,\"existing\":true}}", dice.uuid()))),
        format!("mp_{}_mixpanel=%7B%22distinct_id%22%3A%20%22%24device%3A{}%22%2C%22%24initial_referrer%22%3A%20%22https%3A%2F%2Fwww.google.com%2F%22%7D", dice.hex(32), dice.uuid()),
        format!("intercom-id-{}={}", dice.text("abcdefgh", 8), dice.uuid()),
        format!("__utmz=1.17{}.1.1.utmcsr=google|utmccn=(organic)|utmcmd=organic|utmctr=(not%20provided)", dice.text("0123456789", 8)),
        format!("AMP_{}=JTdCJTIyZGV2aWNlSWQlMjIlM0ElMjI{}", dice.hex(10), dice.text("ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789", 40)),
        format!("li_gc={}", dice.token(48)),
        format!("cart=%5B%7B%22sku%22%3A%22A-1%22%2C%22qty%22%3A{}%7D%5D", dice.below(9) + 1),
        "wordpress_test_cookie=WP%20Cookie%20check".to_owned(),
        "lastSearch=men%27s+shoes+%26+socks".to_owned(),
        "timezone=Europe/Berlin".to_owned(),
        "_dd_s=rum=1&id=5d2a&created=1732000000000&expire=1732000900000".to_owned(),
        "gdpr=Y; consent=\"CPzXYZ.AAAAAA:1~2.3\"".to_owned(),
        "_session=BAh7CEkiD3Nlc3Npb25faWQGOgZFVEkiJTNkZWM0N2E5ZmE2YjAzZTRhOTM2ZjMyNzU1YjIyMGNhBjsAVA%3D%3D--0a1b2c3d4e5f60718293a4b5c6d7e8f901234567".to_owned(),
        "wp_woocommerce_session=t_9f8e7d6c5b4a%7C%7C1732172800%7C%7C1732169200%7C%7C0123456789abcdef".to_owned(),
        "laravel_cart=a%3A1%3A%7Bi%3A0%3Ba%3A2%3A%7Bs%3A3%3A%22sku%22%3Bs%3A3%3A%22A-1%22%3Bs%3A3%3A%22qty%22%3Bi%3A2%3B%7D%7D".to_owned(),
    ];
    let keep = 3 + dice.below(8);
    while all.len() > keep {
        let index = dice.below(all.len());
        all.swap_remove(index);
    }
    all.join("; ")
}

/// A signed token with ordinary claims.
pub(crate) fn jwt(dice: &mut Dice) -> String {
    let header = URL_SAFE_NO_PAD.encode("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"2024-11\"}");
    let claims = URL_SAFE_NO_PAD.encode(
        serde_json::json!({"iss": "https://login.example.com/", "sub": format!("auth0|{}", dice.hex(24)), "aud": ["api", "https://api.example.com"], "iat": 1_732_000_000, "exp": 1_732_003_600, "name": "Seán O'Brien", "scope": "openid profile read:orders"})
            .to_string(),
    );
    format!(
        "{header}.{claims}.{}",
        URL_SAFE_NO_PAD.encode(dice.bytes(256))
    )
}

/// Where the visitor came from.
fn referer(dice: &mut Dice) -> String {
    let searches = lines(SEARCHES);
    let words = searches[dice.below(searches.len())];
    match dice.below(9) {
        0 => format!("https://www.google.com/search?q={}&oq={}&gs_lcrp={}&sourceid=chrome&ie=UTF-8", form(words), form(words), dice.token(60)),
        1 => format!("https://www.bing.com/search?q={}&form=QBLH&sp=-1&pq={}&sc=10-20&cvid={}", form(words), form(words), dice.hex(32)),
        2 => format!("https://duckduckgo.com/?q={}&t=ffab&ia=web", component(words)),
        3 => format!("https://shop.example.com/search?query={}&page=2#results", sparingly(words)),
        4 => "https://l.facebook.com/l.php?u=https%3A%2F%2Fshop.example.com%2F%3Ffbclid%3DIwAR0abc&h=AT0x".to_owned(),
        5 => format!("https://yandex.ru/search/?text={}&lr=213", component(words)),
        6 => "android-app://com.google.android.googlequicksearchbox/".to_owned(),
        7 => "https://t.co/AbCdEfGhIj".to_owned(),
        _ => "https://www.google.com/".to_owned(),
    }
}

/// A page asked for by its address.
pub(crate) fn navigation(dice: &mut Dice) -> Request {
    let path = dice.pick(PATHS);
    let request = Request::new("browser navigation", "GET", path);
    let request = dressed(dice, request);
    let (referer, cookies) = (referer(dice), cookies(dice));
    let request = request.header("referer", referer).header("cookie", cookies);
    if dice.once_in(3) {
        // Now and then a robot or a tool instead.
        let agents = lines(AGENTS);
        let mut request = request;
        request.headers.retain(|(name, _)| name != "user-agent");
        return request.header("user-agent", agents[dice.below(agents.len())]);
    }
    request
}

/// A page reached from an advertisement or a newsletter.
pub(crate) fn landing(dice: &mut Dice) -> Request {
    let searches = lines(SEARCHES);
    let words = searches[dice.below(searches.len())];
    let query = match dice.below(6) {
        0 => format!(
            "utm_source=google&utm_medium=cpc&utm_campaign={}&utm_term={}&gclid=Cj0KCQiA{}&gad_source=1&gbraid=0AAAAA{}",
            component("DE | Brand [exact] (2024)"),
            component(words),
            dice.token(80),
            dice.token(30)
        ),
        1 => format!(
            "fbclid=IwZXh0bgNhZW0C{}&utm_content={}",
            dice.token(70),
            component("Carousel #3 – \"Winter's here\"")
        ),
        2 => format!("msclkid={}&utm_term={}", dice.hex(32), form(words)),
        3 => format!(
            "mc_cid={}&mc_eid={}&utm_source=newsletter&utm_campaign=Black%20Friday%20-%2050%25%20off!",
            dice.hex(10),
            dice.hex(10)
        ),
        4 => format!(
            "_hsenc=p2ANqtz-{}&_hsmi={}&next={}",
            dice.token(60),
            dice.text("0123456789", 9),
            component("/account/orders?status=open&sort=date")
        ),
        _ => format!(
            "srsltid={}&q={}&ref=https%3A%2F%2Fpartner.example.net%2Fdeals%3Fid%3D5%26lang%3Dde",
            dice.token(40),
            component(words)
        ),
    };
    let path = dice.pick(PATHS);
    let request = dressed(
        dice,
        Request::new("campaign landing", "GET", format!("{path}?{query}")),
    );
    let cookies = cookies(dice);
    request.header("cookie", cookies)
}

/// What the page's own scripts and trackers ask for.
pub(crate) fn script_call(dice: &mut Dice) -> Request {
    let searches = lines(SEARCHES);
    let words = searches[dice.below(searches.len())];
    let page = format!("https://shop.example.com/search?q={}", form(words));
    let query = match dice.below(4) {
        0 => format!(
            "v=2&tid=G-ABC123&gtm=45je4bk0v887&_p=17320&cid=1.17&ul=de-de&sr=1920x1080&uaa=x86&uafvl=Google%2520Chrome%3B131.0.6778.86%7CChromium%3B131.0.6778.86&dl={}&dr=&dt={}&en=view_search_results&ep.search_term={}&_et=12",
            component(&page),
            component("Suche – Müller's Shop"),
            component(words)
        ),
        1 => format!(
            "idsite=1&rec=1&action_name={}&url={}&urlref={}&_id={}&res=1920x1080&cookie=1&pf_net=5",
            component(words),
            component(&page),
            component("https://www.google.com/"),
            dice.hex(16)
        ),
        2 => format!(
            "id=123456789&ev=ViewContent&dl={}&rl=&if=false&ts=1732&cd[content_name]={}&cd[value]=9.90&cd[currency]=EUR&ud[em]={}",
            component(&page),
            component(words),
            dice.hex(64)
        ),
        _ => format!(
            "callback=jQuery3610{}_17320&term={}&_=17320",
            dice.text("0123456789", 17),
            component(words)
        ),
    };
    let request = Request::new("tracking call", "GET", format!("/collect?{query}"))
        .header("accept", "*/*")
        .header("origin", "https://shop.example.com")
        .header("referer", page)
        .header("x-requested-with", "XMLHttpRequest")
        .header("user-agent", lines(AGENTS)[dice.below(11)]);
    let cookies = cookies(dice);
    request.header("cookie", cookies)
}
