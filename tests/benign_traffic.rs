//! The default policy lets ordinary traffic through: thousands of requests, made afresh from tables, none of them refused.
//!
//! `PALISADE_BENIGN=file.jsonl` writes them in the form that `palisade evaluate` reads; `PALISADE_SEED` and
//! `PALISADE_COUNT` choose others and more of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use benign::Request;
use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::model::{Action, Verdict};
use palisade::request::Head;

mod benign;

/// Each kind of traffic comes up a hundred times or more.
const COUNT: usize = 4_000;
const SEED: u64 = 20_241_120;

/// What is refused although an honest client may send it: the same text is an attack elsewhere, and nothing in the
/// request tells the two apart. Each needs an exception where it is wanted.
const REFUSED_BY_DECISION: &[(&str, &str, &str)] = &[
    (
        "operators of a document database as names: what a public filter means, and a login without a password",
        "price[$gte]",
        "10",
    ),
    (
        "the Java call that starts a process, even in a how-to: nearly every Java exploit ends with it",
        "comment",
        "Then call Runtime.getRuntime().exec(\"ls\") and read its output.",
    ),
    (
        "a command line as the whole of a value: behind a parameter that a shell gets, it is the attack itself",
        "q",
        "cd /tmp && ls -la | grep log",
    ),
    (
        "the same for a host on the network",
        "q",
        "curl -H \"Accept: application/json\" https://api.example.com/v1/items",
    ),
    (
        "the same for PowerShell",
        "q",
        "Get-ChildItem -Path C:\\Logs -Filter *.log",
    ),
    (
        "a file that a web server runs, sent as an upload header's value",
        "x-file-name",
        "index.php",
    ),
];

fn judge(engine: &Engine, scratch: &mut Scratch, request: &Request) -> Verdict {
    let headers: Vec<(&[u8], &[u8])> = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let head = Head {
        method: request.method.as_bytes(),
        scheme: b"https",
        authority: b"shop.example.com",
        target: request.target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: request.body.is_empty(),
    };
    let mut seen = engine.begin(scratch, &head);
    if !request.body.is_empty() {
        engine.body(scratch, &mut seen, &request.body, true);
    }
    engine.verdict(&seen)
}

fn describe(request: &Request, verdict: &Verdict) -> String {
    let mut text = format!("{}: {} {}\n", request.kind, request.method, request.target);
    for hit in verdict.hits.iter().filter(|hit| hit.enforced) {
        let _ = writeln!(text, "  {hit:?}");
    }
    for (name, value) in &request.headers {
        if ["cookie", "referer", "user-agent", "content-type"].contains(&name.as_str()) {
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    let body: String = String::from_utf8_lossy(&request.body)
        .chars()
        .take(1_500)
        .collect();
    let _ = writeln!(text, "  {body}");
    text
}

#[test]
fn the_default_policy_refuses_no_ordinary_request() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seed = number("PALISADE_SEED").unwrap_or(SEED);
    let count = number("PALISADE_COUNT").map_or(COUNT, |count| count as usize);
    let requests = benign::requests(seed, count);
    let distinct: std::collections::HashSet<_> = requests
        .iter()
        .map(|request| (&request.target, &request.headers, &request.body))
        .collect();
    assert!(
        distinct.len() >= 3_000,
        "only {} different requests",
        distinct.len()
    );
    if let Some(file) = std::env::var_os("PALISADE_BENIGN") {
        std::fs::write(file, labelled(&requests)).expect("the file can be written");
    }

    let engine = Engine::compile(Config::parse(b"{}").expect("a policy"))
        .expect("the shipped rules compile");
    let mut scratch = Scratch::default();
    let (mut alarms, mut rules) = (Vec::new(), BTreeMap::<u32, usize>::new());
    for request in &requests {
        let verdict = judge(&engine, &mut scratch, request);
        if verdict.action == Action::Block {
            for hit in verdict.hits.iter().filter(|hit| hit.enforced) {
                *rules.entry(hit.rule).or_default() += 1;
            }
            alarms.push(describe(request, &verdict));
        }
    }
    assert!(
        alarms.is_empty(),
        "{} of {} refused; hits by rule: {rules:?}\n{}",
        alarms.len(),
        requests.len(),
        alarms.join("\n")
    );
}

#[test]
fn the_default_policy_refuses_no_everyday_text() {
    let engine = Engine::compile(Config::parse(b"{}").expect("a policy"))
        .expect("the shipped rules compile");
    let mut scratch = Scratch::default();
    let requests = benign::everyday::requests();
    assert!(requests.len() >= 1_500, "only {}", requests.len());
    let alarms: Vec<String> = requests
        .iter()
        .filter_map(|request| {
            let verdict = judge(&engine, &mut scratch, request);
            (verdict.action == Action::Block).then(|| describe(request, &verdict))
        })
        .collect();
    assert!(
        alarms.is_empty(),
        "{} of {} refused\n{}",
        alarms.len(),
        requests.len(),
        alarms.join("\n")
    );
}

/// The list above stays true: what no longer is refused leaves it.
#[test]
fn what_is_refused_by_decision_is_refused() {
    let engine = Engine::compile(Config::parse(b"{}").expect("a policy"))
        .expect("the shipped rules compile");
    let mut scratch = Scratch::default();
    for (what, name, value) in REFUSED_BY_DECISION {
        let request = if name.starts_with("x-") {
            Request::new("decided", "GET", "/upload").header(name, *value)
        } else {
            Request::new("decided", "POST", "/items").form(&[(name, value)])
        };
        assert_eq!(
            judge(&engine, &mut scratch, &request).action,
            Action::Block,
            "{what}"
        );
    }
}

/// One JSON object a line, as docs/evaluate.md describes.
fn labelled(requests: &[Request]) -> String {
    let mut text = String::new();
    for (index, request) in requests.iter().enumerate() {
        let (path, query) = request
            .target
            .split_once('?')
            .map_or((request.target.as_str(), None), |(path, query)| {
                (path, Some(query))
            });
        let headers: Vec<(&str, String)> = std::iter::once(("host", "shop.example.com".to_owned()))
            // Octets stand as Latin-1 there.
            .chain(
                request
                    .headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.bytes().map(char::from).collect())),
            )
            .collect();
        let line = serde_json::json!({
            "id": format!("made:{index}"), "source": "made", "label": "benign", "category": request.kind, "placement": request.kind,
            "method": request.method, "path": path, "query": query, "version": "HTTP/1.1", "headers": headers,
            "body_b64": base64::engine::general_purpose::STANDARD.encode(&request.body), "wire_ok": true, "meta": {},
        });
        let _ = writeln!(text, "{line}");
    }
    text
}
