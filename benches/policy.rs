//! What a policy of realistic size costs: `cargo bench --bench policy`. Prints how long it takes to compile, and what
//! an ordinary request takes under `{}` and under policies of growing size, in microseconds, the best of many.

use std::hint::black_box;
use std::time::{Duration, Instant};

use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::request::Head;
use palisade_harness::policies;

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
        (0, 8, 0),
        (0, 200, 0),
        (0, 0, 50),
        (1000, 200, 50),
    ];
    println!(
        "{:28} {:>10} {:>10} {:>7} {:>10} {:>7}",
        "exceptions, rules, scopes", "compile ms", "GET µs", "more", "POST µs", "more"
    );
    let mut scratch = Scratch::default();
    let mut rows: Vec<Row> = sizes.into_iter().map(Row::new).collect();
    // In turns and in short ones, so that a busy neighbour disturbs all of them alike, and some not at all.
    for _ in 0..400 {
        for row in &mut rows {
            for (body, best) in [(&b""[..], &mut row.get), (BODY, &mut row.post)] {
                let start = Instant::now();
                (0..20).for_each(|_| request(&row.engine, &mut scratch, TARGET, body));
                *best = (*best).min(start.elapsed() / 20);
            }
        }
    }
    let base = rows
        .first()
        .map(|row| (row.get, row.post))
        .unwrap_or_default();
    let more =
        |took: Duration, base: Duration| 100.0 * (took.as_secs_f64() / base.as_secs_f64() - 1.0);
    for row in &rows {
        println!(
            "{:28} {:10.1} {:10.2} {:+6.1}% {:10.2} {:+6.1}%",
            row.name,
            row.compile.as_secs_f64() * 1e3,
            row.get.as_secs_f64() * 1e6,
            more(row.get, base.0),
            row.post.as_secs_f64() * 1e6,
            more(row.post, base.1)
        );
    }
}

/// A policy of one size, and the shortest times it took.
struct Row {
    name: String,
    engine: Engine,
    compile: Duration,
    get: Duration,
    post: Duration,
}

impl Row {
    fn new((exceptions, rules, scopes): (usize, usize, usize)) -> Self {
        let policy = policies::large(exceptions, rules, scopes);
        Self {
            name: format!("{exceptions}, {rules}, {scopes}"),
            engine: compile(&policy),
            compile: best(20, || {
                black_box(compile(&policy));
            }),
            get: Duration::MAX,
            post: Duration::MAX,
        }
    }
}

const TARGET: &[u8] = b"/products/1042?page=2&sort=price&q=garden%20chairs%20O%27Brien";
