//! What people and programs write every day that resembles code, markup or a query: each text in every place where
//! it may stand, each address as the one that is asked for and as the one that led there, each jar of cookies.

use serde_json::json;

use super::{Request, component, form, lines};

const TEXTS: &str = include_str!("data/everyday.txt");
const ADDRESSES: &str = include_str!("data/urls.txt");
const JARS: &str = include_str!("data/jars.txt");

/// Every text, address and jar.
pub fn requests() -> Vec<Request> {
    let texts = lines(TEXTS)
        .into_iter()
        .map(|text| text.replace("\\n", "\n"));
    let mut all: Vec<Request> = texts.flat_map(|text| places(&text)).collect();
    for address in lines(ADDRESSES) {
        all.extend(places(address));
        all.push(Request::new("everyday referer", "GET", "/").header("referer", address));
        if let Some((_, target)) = address
            .split_once("://")
            .and_then(|(_, rest)| rest.split_at_checked(rest.find('/')?))
        {
            let target = target.split('#').next().unwrap_or(target);
            all.push(Request::new("everyday address", "GET", target));
        }
    }
    all.extend(
        lines(JARS)
            .into_iter()
            .map(|jar| Request::new("everyday cookies", "GET", "/").header("cookie", jar)),
    );
    all
}

fn places(text: &str) -> Vec<Request> {
    let boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
    vec![
        Request::new("everyday query", "GET", format!("/search?lang=en&q={}", form(text))),
        Request::new("everyday form", "POST", "/contact").form(&[("name", "Jane"), ("message", text), ("ok", "1")]),
        Request::new("everyday json", "POST", "/api/notes").json(&json!({"id": 1, "text": text, "history": [null, text]})),
        Request::new("everyday part", "POST", "/notes").body(
            &format!("multipart/form-data; boundary={boundary}"),
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--{boundary}--\r\n"),
        ),
        Request::new("everyday cookie", "GET", "/").header("cookie", format!("s=1; draft={}; z=2", component(text))),
    ]
}
