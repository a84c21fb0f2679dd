//! What one request may cost in memory: the most that the inspection of the worst bodies takes, under
//! the default limits, counted by an allocator that counts.

#![cfg(not(target_family = "wasm"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::request::Head;
use std::io::Write as _;

/// The system's allocator, with a count of the bytes that are in use and of the most that ever were.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn taken(bytes: usize) {
    let now = IN_USE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    MOST.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: the caller's promise is the one that is asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // A block that moves is there twice for a while.
        taken(size);
        // SAFETY: as above.
        let moved = unsafe { System.realloc(place, layout, size) };
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        moved
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tests count for the whole process, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// What the documents promise for one request under the default limits.
const BOUND: usize = 48 * MIB;
/// What may stay allocated between requests.
const KEPT: usize = 16 * MIB;

/// A request that is as costly as somebody could make it.
struct Hostile {
    name: &'static str,
    content_type: &'static str,
    coding: &'static str,
    target: Vec<u8>,
    body: Vec<u8>,
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(body).expect("a vector takes all");
    out.finish().expect("a vector takes all")
}

/// Bytes in no order, always the same.
fn noise(alphabet: &[&str], length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length);
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let word = alphabet[(state >> 33) as usize % alphabet.len()];
        out.extend_from_slice(word.as_bytes());
    }
    out.truncate(length);
    out
}

fn repeat(text: &str, length: usize) -> Vec<u8> {
    text.as_bytes()
        .iter()
        .copied()
        .cycle()
        .take(length)
        .collect()
}

const BODY: usize = 128 * KIB;
const FORM: &str = "application/x-www-form-urlencoded";
/// Every mark that some decoder looks for.
const MARKS: [&str; 24] = [
    "%25",
    "%u0027",
    "&lt;",
    "&#39;",
    "\\u003c",
    "\\x27",
    "/*x*/",
    "+ADw-",
    "%c0%ae",
    "\u{FF1C}",
    "'",
    "\"",
    "$IFS",
    "^",
    "${x}",
    "[a]",
    "\\",
    "--\n",
    "  ",
    "..;/",
    "java\nscript:",
    "Jzs8c2NyaXB0Pg==",
    "\0",
    "`",
];
/// Words by which many rules are found.
const WORDS: [&str; 16] = [
    "select",
    "union",
    "from",
    "<script",
    "onload=",
    "../",
    "etc/passwd",
    "cat ",
    "curl ",
    "eval(",
    "http://",
    "';",
    "alert(",
    "system(",
    "${",
    "or 1=1",
];

fn hostile() -> Vec<Hostile> {
    let body = |name, content_type, body: Vec<u8>| Hostile {
        name,
        content_type,
        coding: "",
        target: b"/".to_vec(),
        body,
    };
    let members = |count: usize| {
        let list: Vec<String> = (0..count).map(|n| format!("\"{n}\":\"a'b\"")).collect();
        list.join(",")
    };
    let long = "k".repeat(15 * KIB);
    let mut all = vec![
        body("nothing", FORM, Vec::new()),
        body("short pairs", FORM, repeat("a=%27&", BODY)),
        body("short names", FORM, repeat("%27&", BODY)),
        body("one name, many values", FORM, repeat("a=%27+'&", BODY)),
        body("pairs between semicolons", FORM, repeat("a=%27;", BODY)),
        body(
            "marks in one value",
            FORM,
            [b"a=".to_vec(), noise(&MARKS, BODY - 2)].concat(),
        ),
        body(
            "words in one value",
            FORM,
            [b"a=".to_vec(), noise(&WORDS, BODY - 2)].concat(),
        ),
        body("marks as text", "text/plain", noise(&MARKS, BODY)),
        body("words as text", "text/plain", noise(&WORDS, BODY)),
        body(
            "percent upon percent",
            FORM,
            [b"a=".to_vec(), repeat("%252525252527", BODY - 2)].concat(),
        ),
        body(
            "a long key around many",
            "application/json",
            format!("{{\"{long}\":{{{}}}}}", members(4000)).into_bytes(),
        ),
        body(
            "long keys in long keys",
            "application/json",
            format!(
                "{{\"{long}\":{}",
                format!("{{\"{}\":", "j".repeat(900)).repeat(60)
            )
            .into_bytes(),
        ),
        body(
            "a long element around many",
            "application/xml",
            format!("<{long}>{}</{long}>", "<b c='&#39;'/>".repeat(4000)).into_bytes(),
        ),
        body(
            "a long selection around many",
            "application/graphql",
            format!("{{ {long} {{ {} }} }}", "b(c:1) ".repeat(8000)).into_bytes(),
        ),
        body(
            "marks in JSON",
            "application/json",
            serde_json::to_vec(&vec![
                String::from_utf8_lossy(&noise(&MARKS, 200))
                    .into_owned();
                300
            ])
            .expect("JSON"),
        ),
        body(
            "four types",
            "application/json, application/x-www-form-urlencoded, text/xml, text/plain",
            noise(&MARKS, BODY),
        ),
        body(
            "four boundaries",
            "multipart/form-data; boundary=a; boundary=b; boundary=c; boundary=d",
            noise(
                &[
                    "--a\r\n",
                    "--b\r\n",
                    "--c\r\n",
                    "--d\r\n",
                    "Content-Disposition: form-data; name=x; filename=y\r\n\r\n",
                    "';%27",
                ],
                BODY,
            ),
        ),
        body(
            "parts",
            "multipart/form-data; boundary=b",
            repeat(
                "--b\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"; name=\"c\"\r\n\r\n'%27\r\n",
                BODY,
            ),
        ),
        body(
            "protobuf in protobuf",
            "application/x-protobuf",
            repeat("\n\x0e\n\x0c\n\n\n\x08\n\x06\n\x04\n\x02''", BODY),
        ),
        body("open brackets", "application/json", repeat("[", BODY)),
        body(
            "UTF-16",
            "text/plain; charset=utf-16le",
            noise(&MARKS, BODY),
        ),
    ];
    for (name, content_type, inflated) in [
        ("a megabyte of marks", "text/plain", noise(&MARKS, MIB)),
        ("a megabyte of words", "text/plain", noise(&WORDS, MIB)),
        (
            "a megabyte of marks in a form",
            FORM,
            [b"a=".to_vec(), noise(&MARKS, MIB - 2)].concat(),
        ),
        (
            "a megabyte of four types",
            "application/json, application/x-www-form-urlencoded, text/xml, text/plain",
            noise(&MARKS, MIB),
        ),
        (
            "a megabyte of pairs full of words",
            FORM,
            repeat(
                &format!("a=%27{}%2527&", WORDS.concat().replace([';', '&'], "")),
                MIB,
            ),
        ),
        (
            "a megabyte of pairs full of marks",
            FORM,
            repeat(&format!("a={}&", MARKS.concat().replace('&', "%26")), MIB),
        ),
        ("a megabyte of short pairs", FORM, repeat("a=%27&", MIB)),
        (
            "a megabyte of one character",
            "text/plain",
            repeat("'", MIB),
        ),
        ("ten megabytes", "text/plain", repeat("'", 10 * MIB)),
    ] {
        let packed = gzip(&inflated);
        let cut = packed.len().min(BODY);
        all.push(Hostile {
            coding: "gzip",
            ..body(name, content_type, packed[..cut].to_vec())
        });
    }
    let mut packed = repeat("a'", MIB);
    for _ in 0..4 {
        packed = gzip(&packed);
    }
    all.push(Hostile {
        coding: "gzip, gzip, gzip, gzip",
        ..body("packed four times", "text/plain", packed)
    });
    all.push(Hostile {
        target: [
            b"/".to_vec(),
            noise(
                &["../", "%2e%2e/", ";x/", "%u002e", "\\", "%c0%ae"],
                25 * KIB,
            ),
            b"?".to_vec(),
            repeat("a=%27;", 30 * KIB),
        ]
        .concat(),
        ..body("a long target", FORM, Vec::new())
    });
    all
}

/// Bytes that were in use at most while one request was inspected, and those that stayed.
fn cost(engine: &Engine, scratch: &mut Scratch, hostile: &Hostile) -> (usize, usize) {
    let mut headers: Vec<(&[u8], &[u8])> = vec![(b"content-type", hostile.content_type.as_bytes())];
    if !hostile.coding.is_empty() {
        headers.push((b"content-encoding", hostile.coding.as_bytes()));
    }
    let head = Head {
        method: b"POST",
        scheme: b"http",
        authority: b"shop.test",
        target: &hostile.target,
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: false,
    };
    let before = IN_USE.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let mut seen = engine.begin(scratch, &head);
    engine.body(scratch, &mut seen, &hostile.body, true);
    let most = MOST.load(Ordering::Relaxed).saturating_sub(before);
    drop(seen);
    let kept = IN_USE.load(Ordering::Relaxed).saturating_sub(before);
    (most, kept)
}

#[test]
fn the_worst_request_stays_within_the_bound() {
    let _turn = TURN.lock();
    let engine = Config::parse(b"{\"preset\":\"strict\"}")
        .and_then(Engine::compile)
        .expect("a policy");
    let mut worst = (0, "");
    let mut kept_worst = (0, "");
    let all = hostile();
    let [nothing, ..] = all.as_slice() else {
        panic!("there are requests");
    };
    for hostile in &all {
        let mut scratch = Scratch::default();
        let start = std::time::Instant::now();
        let (most, _) = cost(&engine, &mut scratch, hostile);
        let took = start.elapsed();
        // What stays is seen by the next request, which gives it back.
        cost(&engine, &mut scratch, nothing);
        let before = IN_USE.load(Ordering::Relaxed);
        drop(scratch);
        let kept = before - IN_USE.load(Ordering::Relaxed);
        println!(
            "{:32} {:>8} KiB, keeps {:>6} KiB, {took:?}",
            hostile.name,
            most / KIB,
            kept / KIB
        );
        worst = worst.max((most, hostile.name));
        kept_worst = kept_worst.max((kept, hostile.name));
    }
    assert!(worst.0 <= BOUND, "{worst:?}");
    assert!(kept_worst.0 <= KEPT, "{kept_worst:?}");
}
