//! Texts that customers write must pass the default policy wherever they stand: names, prose in five
//! languages, questions about SQL and HTML, pasted code, content of a CMS, filters of public query languages,
//! what analytics tools keep in cookies. One text a line in `tests/texts/ordinary.txt`.

use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::model::Action;
use palisade::request::Head;

const TEXTS: &str = include_str!("texts/ordinary.txt");

/// Percent-encodes everything that is not plain; a space becomes `space`.
fn encode(text: &str, space: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => space.to_owned(),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The rules that hit, if the request is blocked.
fn blocked(
    engine: &Engine,
    target: &str,
    headers: &[(&[u8], &[u8])],
    body: &[u8],
) -> Option<Vec<u32>> {
    let head = Head {
        method: if body.is_empty() { b"GET" } else { b"POST" },
        scheme: b"https",
        authority: b"shop.example",
        target: target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers,
        end_of_stream: body.is_empty(),
    };
    let mut scratch = Scratch::default();
    let mut seen = engine.begin(&mut scratch, &head);
    if !body.is_empty() {
        engine.body(&mut scratch, &mut seen, body, true);
    }
    let verdict = engine.verdict(&seen);
    (verdict.action != Action::Allow).then(|| {
        verdict
            .hits
            .iter()
            .filter(|hit| hit.enforced)
            .map(|hit| hit.rule)
            .collect()
    })
}

#[test]
fn what_customers_write_passes() {
    let engine = Engine::compile(Config::default()).expect("the shipped rules compile");
    let mut failures = Vec::new();
    let mut tried = 0;
    for text in TEXTS.lines() {
        let plus = encode(text, "+");
        let percent = encode(text, "%20");
        let json = serde_json::json!({ "id": 7, "title": "A note", "text": text }).to_string();
        let keyed = serde_json::json!({ "labels": { text: "x" } }).to_string();
        let multipart = format!(
            "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n{text}\r\n--b--\r\n"
        );
        let cookie = format!("sid=1a2b; last={percent}");
        let referer = format!("https://search.example/?q={plus}&hl=en");
        let form = format!("id=7&text={plus}");
        let query = format!("/search?q={plus}");
        let path = format!("/tag/{percent}");
        let kind = |value: &'static str| (&b"content-type"[..], value.as_bytes());
        let requests = [
            ("query", query.as_str(), None, ""),
            ("path", &path, None, ""),
            ("cookie", "/", Some((&b"cookie"[..], cookie.as_bytes())), ""),
            (
                "referer",
                "/",
                Some((&b"referer"[..], referer.as_bytes())),
                "",
            ),
            (
                "form",
                "/x",
                Some(kind("application/x-www-form-urlencoded")),
                &form,
            ),
            ("json", "/x", Some(kind("application/json")), &json),
            ("json key", "/x", Some(kind("application/json")), &keyed),
            (
                "multipart",
                "/x",
                Some(kind("multipart/form-data; boundary=b")),
                &multipart,
            ),
        ];
        for (place, target, header, body) in requests {
            tried += 1;
            let headers: Vec<(&[u8], &[u8])> = header.into_iter().collect();
            if let Some(rules) = blocked(&engine, target, &headers, body.as_bytes()) {
                failures.push(format!("{place}: {text}\n    {rules:?}"));
            }
        }
    }
    assert!(tried > 2000, "the texts are there: {tried}");
    assert!(
        failures.is_empty(),
        "{} of {tried} blocked:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
