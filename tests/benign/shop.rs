//! A shop's visitors: searching, filtering, filling a cart, paying, complaining.

use serde_json::json;

use super::browser::{cookies, dressed};
use super::{Dice, Request, component, form, lines, sparingly};

const SEARCHES: &str = include_str!("data/searches.txt");
const NAMES: &str = include_str!("data/names.txt");
const ADDRESSES: &str = include_str!("data/addresses.txt");
const PROSE: &str = include_str!("data/prose.txt");

/// A person: family name, given name.
pub(crate) fn person(dice: &mut Dice) -> (&'static str, &'static str) {
    let names = lines(NAMES);
    names[dice.below(names.len())]
        .split_once('|')
        .expect("a table of two columns")
}

/// Street, town, post code, country.
pub(crate) fn address(dice: &mut Dice) -> Vec<&'static str> {
    let all = lines(ADDRESSES);
    all[dice.below(all.len())].split('|').collect()
}

/// A sentence or two in one of five languages.
pub(crate) fn sentence(dice: &mut Dice) -> &'static str {
    let all = lines(PROSE);
    all[dice.below(all.len())]
}

fn words(dice: &mut Dice) -> &'static str {
    let all = lines(SEARCHES);
    all[dice.below(all.len())]
}

/// What people type into a search box.
pub(crate) fn search(dice: &mut Dice) -> Request {
    let words = words(dice);
    let encoded = match dice.below(3) {
        0 => form(words),
        1 => component(words),
        _ => component(words).replace("%20", "+"),
    };
    let name = dice.pick(&[
        "q",
        "query",
        "search",
        "s",
        "keyword",
        "text",
        "term",
        "search_query",
    ]);
    let path = dice.pick(&[
        "/search",
        "/catalogsearch/result/",
        "/suche.html",
        "/s",
        "/",
        "/api/v2/products",
    ]);
    let target = format!("{path}?{name}={encoded}&page={}", dice.below(20) + 1);
    let request = dressed(dice, Request::new("shop search", "GET", target));
    let cookies = cookies(dice);
    request.header("cookie", cookies)
}

/// Facets, ranges and orders.
pub(crate) fn filters(dice: &mut Dice) -> Request {
    let query = match dice.below(7) {
        0 => format!(
            "price[gte]={}&price[lte]={}&brand[]=H%26M&brand[]=Levi%27s",
            dice.below(50),
            dice.below(500) + 50
        ),
        1 => format!(
            "filters%5Bprice%5D%5Bgte%5D={}&sort%5B0%5D=price%3Aasc&pagination%5Blimit%5D=25",
            dice.below(50)
        ),
        2 => "f=brand:D%27Addario|Fender;color:red,blue;price:10..50&sort=price-asc&view=grid"
            .to_owned(),
        3 => format!(
            "p={}&product_list_order=price&product_list_dir=desc&size=42%2C43&availability=%3E0",
            dice.below(9)
        ),
        4 => format!(
            "orderby=popularity&min_price={}&max_price={}&filter_size=s,m,l&query_type_size=or",
            dice.below(9),
            dice.below(900)
        ),
        5 => format!(
            "facets={}&select=id,name,price&union=true",
            component("{\"brand\":[\"Ben & Jerry's\"],\"price\":{\"from\":1,\"to\":5}}")
        ),
        _ => format!(
            "refine={}&dimensions=3x4x5&weight=%3C{}kg&in_stock=1",
            component("size:(S OR M) AND NOT color:red"),
            dice.below(9)
        ),
    };
    let path = dice.pick(&[
        "/category/shoes",
        "/c/men's",
        "/products",
        "/shop/table-lamps",
    ]);
    let request = dressed(
        dice,
        Request::new("shop filters", "GET", format!("{path}?{query}")),
    );
    let cookies = cookies(dice);
    request.header("cookie", cookies)
}

/// Things put into a cart, and coupons.
pub(crate) fn cart(dice: &mut Dice) -> Request {
    let coupon = dice.pick(&[
        "WINTER-50%",
        "SAVE10",
        "10€OFF",
        "MOM'S-DAY",
        "BF#2024",
        "2+1=3",
        "WELCOME_BACK!",
        "A&B-123",
    ]);
    if dice.once_in(2) {
        let request = Request::new(
            "cart form",
            "POST",
            "/cart/add?redirect=%2Fcart%3Fadded%3D1",
        );
        let request = dressed(dice, request);
        let cookies = cookies(dice);
        return request.header("cookie", cookies).form(&[
            ("utf8", "✓"),
            ("authenticity_token", &format!("{}==", dice.token(86))),
            ("product_id", "4711"),
            ("options[size]", "5/8\""),
            ("options[color]", "Navy & White"),
            ("quantity", "1"),
            ("gift_message", sentence(dice)),
            ("coupon", coupon),
            (
                "return_to",
                "https://shop.example.com/p/4711?color=navy#reviews",
            ),
        ]);
    }
    let body = json!({
        "items": [{"sku": "A-1/4\"", "qty": dice.below(9) + 1, "price": {"amount": 19.9, "currency": "EUR"}, "attributes": {"engraving": sentence(dice)}}, {"sku": "B_2", "qty": 1, "price": null}],
        "coupons": [coupon],
        "note": sentence(dice),
        "deliver_after": "2024-12-01T08:00:00+01:00",
    });
    Request::new("cart call", "PUT", format!("/api/carts/{}", dice.uuid()))
        .header(
            "authorization",
            format!("Bearer {}", super::browser::jwt(dice)),
        )
        .json(&body)
}

/// Name, address, card.
pub(crate) fn checkout(dice: &mut Dice) -> Request {
    let (family, given) = person(dice);
    let place = address(dice);
    let card = dice.pick(&[
        "4242 4242 4242 4242",
        "5555-5555-5555-4444",
        "378282246310005",
        "6011111111111117",
    ]);
    let mail = format!(
        "{}+shop@example.com",
        given.to_lowercase().replace(' ', ".")
    );
    let note = sentence(dice);
    let iban = "DE89 3704 0044 0532 0130 00";
    if dice.once_in(2) {
        let request = dressed(
            dice,
            Request::new("checkout form", "POST", "/checkout/step/address"),
        );
        let cookies = cookies(dice);
        return request
            .header("cookie", cookies)
            .header("origin", "https://shop.example.com")
            .form(&[
                ("billing[first_name]", given),
                ("billing[last_name]", family),
                ("billing[company]", "Smith & Sons, Ltd."),
                ("billing[street][0]", place[0]),
                ("billing[city]", place[1]),
                ("billing[postcode]", place[2]),
                ("billing[country_id]", place[3]),
                ("billing[email]", &mail),
                ("billing[telephone]", "+49 (0)221 / 123-456"),
                ("payment[cc_number]", card),
                ("payment[cc_exp]", "12/27"),
                ("payment[cc_cid]", "123"),
                ("payment[iban]", iban),
                ("comment", note),
                ("agree", "on"),
            ]);
    }
    let body = json!({
        "customer": {"name": {"first": given, "last": family}, "email": mail, "phone": "+1 (555) 010-9999 x12", "birthday": "1980-02-29"},
        "shipping": {"street": place[0], "city": place[1], "zip": place[2], "country": place[3], "geo": [50.94, 6.96]},
        "payment": {"method": "card", "token": format!("tok_{}", dice.token(24)), "three_ds": {"version": "2.2.0", "cavv": "AAABBEg0VhI0VniQEjRWAAAAAAA="}},
        "notes": note, "gift": dice.once_in(2), "total": {"gross": 129.9, "tax": 0.19}, "eta": "P3DT12H",
    });
    Request::new("checkout call", "POST", "/api/v1/checkout")
        .header("idempotency-key", dice.uuid())
        .json(&body)
}

/// Stars and opinions.
pub(crate) fn review(dice: &mut Dice) -> Request {
    let (family, given) = person(dice);
    let text = format!("{} {}", sentence(dice), sentence(dice));
    let title = sentence(dice);
    match dice.below(3) {
        0 => Request::new("review form", "POST", "/product/4711/reviews").form(&[("nickname", given), ("title", title), ("detail", &text), ("ratings[4]", "20")]),
        1 => Request::new("review call", "POST", "/api/reviews").json(&json!({"author": format!("{given} {family}"), "rating": 5, "title": title, "body": text, "tags": ["fits", "true to size"]})),
        _ => Request::new("review query", "GET", format!("/review/preview?title={}&text={}", sparingly(title).replace('&', "%26"), component(&text))),
    }
}
