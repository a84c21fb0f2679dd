//! What a policy of realistic size costs: `cargo bench --bench policy`. Prints how long it takes to compile, and what
//! an ordinary request takes under `{}` and under policies of growing size, in microseconds, the best of many.

#[path = "../tests/size/mod.rs"]
mod size;

use std::hint::black_box;
use std::time::{Duration, Instant};

use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::request::Head;

fn compile(policy: &str) -> Engine {
    Config::parse(policy.as_bytes())
        .and_then(Engine::compile)
        .unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The shortest of many runs.
fn best(runs: usize, mut work: impl FnMut()) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..runs {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed());
    }
    best
}

const HEADERS: [(&[u8], &[u8]); 8] = [
    (b"accept", b"application/json, text/plain, */*"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"accept-language", b"en-GB,en;q=0.9"),
    (b"cookie", b"session=4f7c2f0e9b; theme=dark; consent=yes"),
    (b"referer", b"https://www.example.com/products?page=2"),
    (
        b"user-agent",
        b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
    ),
    (b"x-request-id", b"d2c21672-0360-479b-afd9-4a5fd5124ed4"),
    (b"content-type", b"application/json"),
];
const BODY: &[u8] = br#"{"items": [{"sku": "A-1042", "amount": 3, "comment": "please ring twice, we're in the garden"},
 {"sku": "B-7", "amount": 1, "comment": ""}], "address": {"street": "Via Roma 12", "city": "L'Aquila"}}"#;

fn request(engine: &Engine, scratch: &mut Scratch, target: &[u8], body: &[u8]) {
    let head = Head {
        method: if body.is_empty() { b"GET" } else { b"POST" },
        scheme: b"https",
        authority: b"www.example.com",
        target,
        protocol: b"HTTP/2",
        headers: &HEADERS,
        end_of_stream: body.is_empty(),
    };
    let mut seen = engine.begin(scratch, &head);
    if !body.is_empty() {
        engine.body(scratch, &mut seen, body, true);
    }
    black_box(engine.action(&seen));
}

fn main() {
    // The shipped rules are compiled once for the process.
    compile("{}");
    let sizes = [
        (0, 0, 0),
        (1000, 0, 0),
        (0, 200, 0),
        (0, 0, 50),
        (1000, 200, 50),
    ];
    println!(
        "{:28} {:>10} {:>12} {:>12}",
        "exceptions, rules, scopes", "compile ms", "GET µs", "POST µs"
    );
    let mut scratch = Scratch::default();
    for (exceptions, rules, scopes) in sizes {
        let policy = size::policy(exceptions, rules, scopes);
        let took = best(20, || {
            black_box(compile(&policy));
        });
        let engine = compile(&policy);
        let target: &[u8] = b"/products/1042?page=2&sort=price&q=garden%20chairs%20O%27Brien";
        let mut run = |body: &[u8]| {
            best(400, || {
                (0..20).for_each(|_| request(&engine, &mut scratch, target, body));
            }) / 20
        };
        let (get, post) = (run(b""), run(BODY));
        println!(
            "{:28} {:10.1} {:12.2} {:12.2}",
            format!("{exceptions}, {rules}, {scopes}"),
            took.as_secs_f64() * 1e3,
            get.as_secs_f64() * 1e6,
            post.as_secs_f64() * 1e6
        );
    }
}
