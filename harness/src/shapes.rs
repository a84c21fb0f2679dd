//! Requests of the sorts that services see all day, for everything that measures: the bench on a real Envoy, the
//! counted instructions, the memory of a VM. Each exists twice, ordinary and with one attack in the middle of it.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The attack that the second edition of each request carries.
const ATTACK: &str = "1' UNION SELECT password FROM users--";

/// One request.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What it is, in a few words, for tables.
    pub title: &'static str,
    /// What it is called where it is chosen: small letters, digits and hyphens.
    pub name: String,
    /// Whether it carries an attack, which every policy that is measured blocks.
    pub attack: bool,
    /// The method.
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    /// The headers, without `host` and `content-length`.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

impl Shape {
    /// The host that every request asks for.
    pub const HOST: &'static str = "shop.example.com";

    /// The whole message as it goes over an HTTP/1.1 connection that stays open.
    pub fn http1(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\n",
            self.method,
            self.target,
            Self::HOST
        );
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            let _ = write!(head, "content-length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

type Make = fn(Option<&str>) -> Shape;

/// All shapes: the ordinary ones, then each once more with an attack.
pub fn all() -> Vec<Shape> {
    let made: [(&'static str, &'static str, Make); 9] = [
        ("get", "small GET", get),
        ("get-20-10", "GET, 20 headers, 10 parameters", get_20_10),
        ("json-2k", "2 KB JSON, 91 values", json_2k),
        ("form-2k", "2 KB form, 30 fields", form_2k),
        ("graphql-1k", "1 KB GraphQL", graphql_1k),
        ("json-10k", "10 KB JSON", |attack| json_orders(10, attack)),
        ("json-100k", "100 KB JSON", |attack| {
            json_orders(100, attack)
        }),
        ("upload-8k", "8 KB multipart upload", upload_8k),
        ("cookies-2k", "GET, 2 KB of cookies", cookies_2k),
    ];
    let edition = |attack: Option<&'static str>| {
        made.iter().map(move |(name, title, make)| {
            let mut shape = make(attack);
            shape.title = title;
            shape.attack = attack.is_some();
            shape.name = match attack {
                None => (*name).to_owned(),
                Some(_) => format!("{name}-attack"),
            };
            shape
        })
    };
    edition(None).chain(edition(Some(ATTACK))).collect()
}

fn shape(method: &'static str, target: String, headers: Vec<(&'static str, String)>) -> Shape {
    Shape {
        title: "",
        name: String::new(),
        attack: false,
        method,
        target,
        headers,
        body: Vec::new(),
    }
}

fn post(target: &str, media_type: &str, body: Vec<u8>) -> Shape {
    let mut headers = headers(&AGENT);
    headers.push(("content-type", media_type.to_owned()));
    let mut made = shape("POST", target.to_owned(), headers);
    made.body = body;
    made
}

const AGENT: [(&str, &str); 2] = [
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    ("accept", "application/json, text/plain, */*"),
];

fn headers(list: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    list.iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect()
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn get(attack: Option<&str>) -> Shape {
    let page = encoded(attack.unwrap_or("2"));
    shape(
        "GET",
        format!("/products/1042?page={page}"),
        headers(&AGENT),
    )
}

/// Twenty headers with `host`, ten parameters.
fn get_20_10(attack: Option<&str>) -> Shape {
    let mut list = headers(&AGENT);
    list.extend(headers(&[
        ("accept-language", "en-GB,en;q=0.9,de;q=0.8,fr;q=0.6"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        (
            "referer",
            "https://shop.example.com/garden/chairs?sort=price&page=1",
        ),
        ("origin", "https://shop.example.com"),
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("dnt", "1"),
        (
            "sec-ch-ua",
            "\"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\"",
        ),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", "\"Linux\""),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-origin"),
        ("x-requested-with", "XMLHttpRequest"),
        (
            "authorization",
            "Bearer 7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
        ),
        (
            "cookie",
            "session=4f7c2f0e9b5d4c21a8; theme=dark; consent=analytics; cart=3",
        ),
        ("x-correlation-id", "0b7a3c55-7e52-4c8b-9a8b-2f7f4c1d9e10"),
    ]));
    let search = encoded(attack.unwrap_or("folding chair"));
    let target = format!(
        "/products/search?lang=en&page=2&size=50&sort=price&order=asc&q={search}&colour=dark%20blue&min=10&max=250.50&available=true"
    );
    shape("GET", target, list)
}

const WORDS: [&str; 12] = [
    "garden",
    "chair",
    "oak",
    "delivered by noon",
    "please ring twice",
    "Miller and Sons",
    "blue",
    "Lisbon",
    "next to the old mill",
    "size 12 wide",
    "half linen",
    "ask for Zoë",
];

fn word(at: usize) -> &'static str {
    WORDS[at % WORDS.len()]
}

/// One object of 91 values, flat and nested, of all types.
fn json_2k(attack: Option<&str>) -> Shape {
    let items: Vec<String> = (0..10)
        .map(|n| {
            let note = if n == 5 { attack.unwrap_or(word(n)) } else { word(n) };
            format!(
                r#"{{"sku":"A-{}","amount":{},"price":{}.95,"colour":"{}","gift":{},"weight":{},"note":"{note}","tax":"reduced rate of 7%"}}"#,
                1040 + n,
                n % 4 + 1,
                n * 17 + 4,
                word(n * 5),
                n % 3 == 0,
                n * 120 + 80,
            )
        })
        .collect();
    let body = format!(
        r#"{{"customer":{{"name":"Conan O'Brien","email":"conan@example.com","phone":"+44 20 7946 0018","street":"12 Rue de Seine","city":"Paris","zip":"75018"}},"items":[{}],"total":129.5,"currency":"EUR","newsletter":false,"voucher":null,"comment":"Leave it with the neighbour as the bell does not work. It is the third door behind the yard. Mind the dog: he is friendly but loud and he does not like parcels or hats or umbrellas. If nobody is there the shop next door takes it in until six."}}"#,
        items.join(",")
    );
    post("/api/v1/orders", "application/json", body.into_bytes())
}

fn form_2k(attack: Option<&str>) -> Shape {
    let fields: Vec<String> = (0..30)
        .map(|n| {
            let text = match n {
                15 => attack.unwrap_or("Conan O'Brien").to_owned(),
                _ if n % 3 == 0 => format!(
                    "{} and {} and the usual {} in {n} pieces as we said on the phone this morning",
                    word(n),
                    word(n + 1),
                    word(n + 4)
                ),
                _ if n % 3 == 1 => format!("{}", 1_000_003 * (n + 1)),
                _ => format!("{} {} no. {n}", word(n + 2), word(n)),
            };
            format!(
                "delivery_field_{n:02}={}",
                encoded(&text).replace("%20", "+")
            )
        })
        .collect();
    let body = fields.join("&").into_bytes();
    post(
        "/checkout/address",
        "application/x-www-form-urlencoded",
        body,
    )
}

fn graphql_1k(attack: Option<&str>) -> Shape {
    let query = "query Products($first: Int!, $after: String, $filter: ProductFilter) { products(first: $first, after: $after, filter: $filter) { edges { cursor node { id name slug description price { amount currency } images(first: 3) { url alt width height } variants { id sku stock options { name value } } reviews(first: 5, order: NEWEST) { edges { node { id author { name avatar } rating title text created } } } } } pageInfo { hasNextPage endCursor } totalCount } viewer { id cart { id items { id amount product { id name price { amount currency } } } total { amount currency } } favourites(first: 10) { edges { node { id name slug price { amount currency } images(first: 1) { url alt width height } reviews(first: 1) { totalCount } } } } } }";
    let search = attack.unwrap_or("garden chair to fold");
    let body = format!(
        r#"{{"operationName":"Products","query":"{query}","variables":{{"first":24,"after":"b2Zmc2V0OjI0","filter":{{"search":"{search}","colours":["dark blue","oak"],"minimum":10,"maximum":250.5,"available":true,"categories":["garden","furniture"]}}}}}}"#
    );
    post("/graphql", "application/json", body.into_bytes())
}

/// An array of orders, of 1 KB each and all alike, so that ten times the size is ten times the work.
fn json_orders(kilobytes: usize, attack: Option<&str>) -> Shape {
    let orders: Vec<String> = (0..kilobytes)
        .map(|n| {
            let note = if n == kilobytes / 2 { attack } else { None };
            let lines: Vec<String> = (0..6)
                .map(|line| {
                    format!(
                        r#"{{"sku":"A-{}","amount":{},"price":{}.95,"note":"{}"}}"#,
                        1000 + (n * 6 + line) % 9000,
                        line % 4 + 1,
                        line * 31 % 90 + 10,
                        word(n % 12 + line)
                    )
                })
                .collect();
            let mut order = format!(
                r#"{{"id":"550e8400-e29b-41d4-a716-44665544{n:04}","state":"paid","created":"2026-03-{:02}T10:{:02}:00Z","customer":{{"name":"Maria Angelo","email":"maria{n:03}@example.com","city":"{}"}},"note":"{}","lines":[{}],"text":""#,
                n % 28 + 1,
                n % 60,
                word(n),
                note.unwrap_or("left with the neighbour"),
                lines.join(",")
            );
            let filler = "The parcel went out on time and the driver rang twice. Nobody was in and so it is at the depot. ";
            let missing = 1022_usize.saturating_sub(order.len() + 2);
            order.extend(filler.chars().cycle().take(missing));
            order.push_str("\"}");
            order
        })
        .collect();
    let body = format!("[{}]", orders.join(",\n"));
    post("/api/v1/import", "application/json", body.into_bytes())
}

fn upload_8k(attack: Option<&str>) -> Shape {
    let boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
    let mut body = Vec::new();
    for (name, value) in [
        ("title", "The garden in March"),
        ("album", "2026"),
        (
            "comment",
            attack.unwrap_or("The one next to the old mill. Zoë took it."),
        ),
    ] {
        body.extend(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            )
            .into_bytes(),
        );
    }
    body.extend(
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"garden.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n")
            .into_bytes(),
    );
    body.extend(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01");
    // What is compressed looks like noise.
    let mut state: u32 = 0x2545_f491;
    while body.len() < 8 * 1024 {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        body.push((state >> 11) as u8);
    }
    body.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    let media_type = format!("multipart/form-data; boundary={boundary}");
    post("/photos", &media_type, body)
}

fn cookies_2k(attack: Option<&str>) -> Shape {
    let mut cookies: Vec<String> = (0..30)
        .map(|n| match n % 3 {
            0 => format!(
                "_track_{n:02}=GS1.1.17320{n:05}.{n}.1.1732011{n:03}.60.0.0-{:032x}",
                0x9e37_79b9_7f4a_7c15_u128 * (n + 3)
            ),
            1 => format!(
                "preference_{n:02}={:x}.{:x}.enabled-{n}",
                0xdead_beef_u64 * (n as u64 + 7),
                n * 7919 + 11
            ),
            _ => format!(
                "token_{n:02}={:064x}",
                0x0123_4567_89ab_cdef_u128 * 0xfedc_ba98 * (n + 1)
            ),
        })
        .collect();
    if let Some(attack) = attack {
        cookies.insert(12, format!("basket={}", encoded(attack)));
    }
    let mut list = headers(&AGENT);
    list.push(("cookie", cookies.join("; ")));
    shape("GET", "/account/overview".to_owned(), list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(value: &serde_json::Value) -> usize {
        match value {
            serde_json::Value::Array(list) => list.iter().map(values).sum(),
            serde_json::Value::Object(map) => map.values().map(values).sum(),
            _ => 1,
        }
    }

    #[test]
    fn shapes_are_what_they_are_called() {
        let all = all();
        let find = |name: &str| all.iter().find(|shape| shape.name == name).expect(name);
        let json = |name: &str| -> serde_json::Value {
            serde_json::from_slice(&find(name).body).expect(name)
        };
        assert_eq!(values(&json("json-2k")), 91);
        let form = String::from_utf8(find("form-2k").body.clone()).expect("a form is ASCII");
        assert_eq!(form.split('&').count(), 30);
        // With `host`.
        assert_eq!(find("get-20-10").headers.len() + 1, 20);
        assert_eq!(find("get-20-10").target.split('&').count(), 10);
        let (ten, hundred) = (values(&json("json-10k")), values(&json("json-100k")));
        assert_eq!(ten * 10, hundred);
        for (name, bytes) in [
            ("json-2k", 2048),
            ("form-2k", 2048),
            ("graphql-1k", 1024),
            ("json-10k", 10_240),
            ("json-100k", 102_400),
            ("upload-8k", 8192),
        ] {
            let length = find(name).body.len();
            let near = bytes - bytes / 10..=bytes + bytes / 10;
            assert!(near.contains(&length), "{name}: {length}");
        }
        let cookies = &find("cookies-2k").headers[2].1;
        assert!((1850..2250).contains(&cookies.len()), "{}", cookies.len());
        assert_eq!(
            all.iter().filter(|shape| shape.attack).count() * 2,
            all.len()
        );
    }
}
