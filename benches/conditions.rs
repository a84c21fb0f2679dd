//! What a policy's own rules cost an ordinary request: `cargo bench --bench conditions`. Prints, for
//! policies of 200 rules of one sort, nanoseconds a request and what that is above the default policy.

use std::hint::black_box;
use std::time::{Duration, Instant};

use palisade::config::Config;
use palisade::engine::{Engine, Peer, Scratch};
use palisade::request::Head;

const RULES: usize = 200;

/// A head and a body as browsers send them.
fn inspect(engine: &Engine, scratch: &mut Scratch, body: &[u8]) {
    let headers: [(&[u8], &[u8]); 12] = [
        (b"user-agent", b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"),
        (b"accept", b"application/json, text/plain, */*"),
        (b"accept-language", b"en-GB,en;q=0.9,de;q=0.8"),
        (b"accept-encoding", b"gzip, deflate, br"),
        (b"content-type", b"application/json"),
        (b"origin", b"https://shop.example.com"),
        (b"referer", b"https://shop.example.com/checkout/address?step=2"),
        (b"cookie", b"sid=3f1c9e0a7b5d4c21; theme=dark; consent=analytics%2Cads; cart=eyJpdGVtcyI6WzEsMl19"),
        (b"x-requested-with", b"XMLHttpRequest"),
        (b"x-forwarded-for", b"203.0.113.7"),
        (b"x-request-id", b"550e8400-e29b-41d4-a716-446655440000"),
        (b"sec-fetch-mode", b"cors"),
    ];
    let head = Head {
        method: b"POST",
        scheme: b"https",
        authority: b"shop.example.com",
        target: b"/api/v1/orders?lang=en&page=2&sort=price&filter=colour%3Ablue",
        protocol: b"HTTP/2",
        headers: &headers,
        end_of_stream: false,
    };
    let peer = Peer::known("203.0.113.7".parse().ok(), None);
    let mut seen = engine.begin_for(scratch, &head, &peer);
    engine.body(scratch, &mut seen, body, true);
    black_box(engine.verdict(&seen));
}

/// A policy of rules with these conditions; `#` stands for the number of the rule.
fn policy(when: &str) -> Engine {
    let rules: Vec<String> = (0..RULES)
        .map(|index| {
            let when = when.replace('#', &index.to_string());
            let id = 100_000 + index;
            format!(r#"{{"id":{id},"score":{{"unwanted_access":8}},"when":{when}}}"#)
        })
        .collect();
    compile(&format!(r#"{{"rules":[{}]}}"#, rules.join(",")))
}

fn compile(policy: &str) -> Engine {
    Config::parse(policy.as_bytes())
        .and_then(Engine::compile)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn main() {
    let body = br#"{"customer":{"name":"Conan O'Brien","email":"conan@example.com","phone":"+44 20 7946 0018"},"items":[{"sku":"AB-1234","quantity":2,"note":"please wrap it as a gift"},{"sku":"CD-5678","quantity":1,"note":""}],"address":{"street":"12 Rue de l'Abreuvoir","city":"Paris","zip":"75018","country":"FR"},"total":129.5,"currency":"EUR","newsletter":false,"comment":"Leave it with the neighbour; the bell does not work."}"#;
    let sorts = [
        ("the default policy", compile("{}")),
        (
            "method and path",
            policy(r##"{"all":[{"path":{"prefix":"/admin/#/"}},{"method":"POST"}]}"##),
        ),
        (
            "address",
            policy(
                r##"{"all":[{"client_address":["198.51.100.#","10.0.0.0/8"]},{"not":{"path":"/health"}}]}"##,
            ),
        ),
        (
            "path by regex",
            policy(r##"{"path":{"regex":"^/v#/[a-z]+/[0-9]+$"}}"##),
        ),
        (
            "path, then a length",
            policy(
                r##"{"all":[{"path":{"prefix":"/login/#"}},{"field":"user","length":{"min":200}}]}"##,
            ),
        ),
        (
            "literals anywhere",
            policy(r##"{"field":{},"literals":["attack-tool-#","bad-word-#"]}"##),
        ),
        (
            "literals, then a length",
            policy(
                r##"{"all":[{"field":{},"literals":["attack-tool-#"]},{"field":{"zones":["request_body"]},"length":{"min":20}}]}"##,
            ),
        ),
        (
            "equality of a field",
            policy(r##"{"all":[{"method":"POST"},{"field":"role-#","equals":"admin-#"}]}"##),
        ),
        (
            "length of a field",
            policy(r##"{"all":[{"method":"POST"},{"field":"user-#","length":{"min":200}}]}"##),
        ),
        (
            "a header is missing",
            policy(
                r##"{"all":[{"path":{"prefix":"/internal/#"}},{"header":"x-token","count":{"max":0}}]}"##,
            ),
        ),
        (
            "length of any field",
            policy(r##"{"field":{"zones":["request_body"]},"length":{"min":2#0}}"##),
        ),
    ];
    let mut scratch = Scratch::default();
    let mut shortest = vec![Duration::MAX; sorts.len()];
    // In turns and in short ones, so that a busy neighbour disturbs all of them alike, and some not at all.
    for _ in 0..400 {
        for ((_, engine), shortest) in sorts.iter().zip(&mut shortest) {
            let start = Instant::now();
            let runs = 10;
            for _ in 0..runs {
                inspect(engine, &mut scratch, black_box(body));
            }
            *shortest = (*shortest).min(start.elapsed() / runs);
        }
    }
    let base = shortest[0].as_nanos() as f64;
    println!("{:28} {:>10} {:>8}", "200 rules on", "ns/request", "more");
    for ((name, _), took) in sorts.iter().zip(&shortest) {
        let more = 100.0 * (took.as_nanos() as f64 / base - 1.0);
        println!("{name:28} {:10} {more:7.1}%", took.as_nanos());
    }
}
