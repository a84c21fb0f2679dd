//! No rule, reader or decoding and no step of the engine takes more than linear time, whatever the text: texts made
//! to slow each of them down, at growing sizes. `cargo test --test linear -- --nocapture` prints what costs most.
//!
//! Counted is the time that this thread really ran, not what passed meanwhile: other work on the machine takes turns
//! with it. Times are the best of several and compared with much slack, and only where they are long enough to mean
//! something; a square would be off by far more.

mod readers;

use std::time::Duration;

use palisade::config::{Config, SHIPPED_SAMPLES};
use palisade::engine::{Engine, Scratch};
use palisade::model::{Matcher, Rule, Zone};
use palisade::request::Head;
use serde::Deserialize;

const SMALL: usize = 16 << 10;
const LARGE: usize = 64 << 10;
/// Four times the text may take four times as long; three times that is the slack.
const MOST: f64 = (LARGE / SMALL) as f64 * 3.0;

#[derive(Deserialize)]
struct Samples {
    id: u32,
    #[serde(default)]
    attacks: Vec<String>,
}

fn engine() -> Engine {
    let policy = Config::parse(br#"{"preset":"strict"}"#).expect("a policy");
    Engine::compile(policy).expect("the shipped rules compile")
}

/// How long this thread has run.
fn ran() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).expect("time does not run backwards"),
        u32::try_from(time.tv_nsec).expect("below a second"),
    )
}

fn best(times: usize, mut run: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let start = ran();
            run();
            ran().saturating_sub(start)
        })
        .min()
        .unwrap_or_default()
}

/// A piece over and over, up to a length.
fn repeat(piece: &[u8], length: usize) -> Vec<u8> {
    let mut text = piece.repeat(length / piece.len().max(1) + 1);
    text.truncate(length);
    text
}

/// A start, then a piece over and over.
fn start_and(start: &[u8], piece: &[u8], length: usize) -> Vec<u8> {
    let mut text = start.to_vec();
    text.extend(repeat(piece, length.saturating_sub(start.len())));
    text
}

/// Samples of a rule that hostile texts are made of.
const ATTACKS: usize = 3;

/// How a text of any length is made.
type Make<'a> = Box<dyn Fn(usize) -> Vec<u8> + 'a>;

/// Texts that come near to a match again and again, from what the rule itself says it matches.
fn hostile_to(rule: &Rule, attacks: &[String]) -> Vec<(String, Make<'static>)> {
    let mut made: Vec<(String, Make<'static>)> = Vec::new();
    let mut add = |what: String, make: Make<'static>| made.push((what, make));
    for attack in attacks.iter().take(ATTACKS) {
        let bytes = attack.as_bytes();
        let shown: String = attack.chars().take(40).collect();
        for (what, cut) in [
            ("all but the end", bytes.len().saturating_sub(1)),
            ("three quarters", bytes.len() * 3 / 4),
            ("half", bytes.len() / 2),
        ] {
            let piece = bytes[..cut].to_vec();
            if piece.is_empty() {
                continue;
            }
            let spaced = [&piece[..], b" "].concat();
            add(
                format!("{what} of {shown:?}, repeated"),
                Box::new(move |length| repeat(&spaced, length)),
            );
            for filler in [&b"a"[..], b" '\"("] {
                let piece = piece.clone();
                add(
                    format!("{what} of {shown:?}, then {filler:?}"),
                    Box::new(move |length| start_and(&piece, filler, length)),
                );
            }
        }
        let tail = bytes[bytes.len() / 2..].to_vec();
        add(
            format!("second half of {shown:?}, repeated"),
            Box::new(move |length| repeat(&tail, length)),
        );
    }
    if let Some(keys) = Engine::keys(rule) {
        let keys: Vec<Vec<u8>> = keys.into_iter().take(12).collect();
        for between in [&b""[..], b" ", b"="] {
            let text = keys.join(between);
            add(
                format!("literals, {between:?} between"),
                Box::new(move |length| repeat(&text, length)),
            );
        }
    }
    made
}

/// What is hard for one reader, decoder or detector or another.
fn hostile() -> Vec<&'static [u8]> {
    vec![
        b"a",
        b" ",
        b"'",
        b"\"'`",
        b"((((",
        b"()",
        b"[[{{",
        b"<",
        b"<a ",
        b"<a b='",
        b"<script",
        b"<!--",
        b"/*",
        b"/**/",
        b"-- \n",
        b"%25",
        b"%2525",
        b"%u0027",
        b"\\u0027",
        b"\\",
        b"\\x27",
        b"&lt;",
        b"&#x3c",
        b"&",
        b"+ADw-",
        b"\xc0\xaf",
        b"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg",
        b"UEhOamNtbHdkRDVoYkdWeWRDZ3hLVHd2YzJOeWFYQjBQZz09",
        b"../",
        b"..\\",
        b"/./",
        b"${",
        b"${${::-j}",
        b"$(",
        b";id ",
        b"|| ",
        b"1 or 1=1 ",
        b"union select ",
        b"select(",
        b"' or '",
        b"on=",
        b"onx= onerror =",
        b"javascript:",
        b"http://a@",
        b"http://127.0.0.1/",
        b"O:1:\"a\":1:{",
        b"$_a[",
        b"{{",
        b"c'a't ",
        b"a=b;c=d&",
        b"\0",
        b"\r\n",
        b"\xff\xfe",
    ]
}

#[test]
fn every_rule_is_linear() {
    let engine = engine();
    let samples: Vec<Samples> = serde_json::from_str(SHIPPED_SAMPLES).expect("samples");
    let mut costs: Vec<(f64, u32, String)> = Vec::new();
    let mut failures = Vec::new();
    let common: Vec<(&[u8], Vec<u8>)> = hostile()
        .into_iter()
        .map(|piece| (piece, repeat(piece, LARGE)))
        .collect();
    for rule in engine.rules() {
        if matches!(rule.matcher, Matcher::Anomalies(_)) {
            continue;
        }
        let attacks = samples
            .iter()
            .find(|samples| samples.id == rule.id)
            .map_or(&[][..], |samples| samples.attacks.as_slice());
        let texts = hostile_to(rule, attacks);
        let zone = Zone::QueryString;
        let mut worst = (Duration::ZERO, String::new());
        let own = texts.iter().map(|(what, make)| {
            let small: Make = Box::new(make);
            (what.clone(), make(LARGE), small)
        });
        let shared = common.iter().map(|(piece, large)| {
            let small: Make = Box::new(|length| repeat(piece, length));
            let what = format!("{}, repeated", piece.escape_ascii());
            (what, large.clone(), small)
        });
        for (what, large, make) in own.chain(shared) {
            // The first time compiles the pattern.
            engine.matches(rule.id, zone, &large[..16]);
            let run = |text: &[u8]| {
                std::hint::black_box(engine.matches(rule.id, zone, text));
            };
            let mut took = best(1, || run(&large));
            if took > Duration::from_millis(4) {
                let small = make(SMALL);
                took = took.min(best(3, || run(&large)));
                let little = best(3, || run(&small));
                let ratio = took.as_secs_f64() / little.as_secs_f64().max(1e-6);
                if ratio > MOST && took > Duration::from_millis(4) {
                    failures.push(format!(
                        "{}: {what}: {ratio:.0} times as long for {} times the text",
                        rule.id,
                        LARGE / SMALL
                    ));
                }
            }
            if took > worst.0 {
                worst = (took, what);
            }
        }
        costs.push((
            worst.0.as_secs_f64() * 1e6 / (LARGE >> 10) as f64,
            rule.id,
            worst.1,
        ));
    }
    costs.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("microseconds for a KiB of the worst text, rule, text");
    for (cost, id, what) in costs.iter().take(10) {
        println!("{cost:8.1} {id:6} {what}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Where a hostile text is sent.
#[derive(Clone, Copy, Debug)]
enum Place {
    Text,
    Form,
    Json,
    Multipart,
    Xml,
    Query,
    Header,
    Cookie,
}

const PLACES: &[Place] = &[
    Place::Text,
    Place::Form,
    Place::Json,
    Place::Multipart,
    Place::Xml,
    Place::Query,
    Place::Header,
    Place::Cookie,
];

struct Message {
    target: Vec<u8>,
    headers: Vec<(&'static [u8], Vec<u8>)>,
    body: Vec<u8>,
}

fn message(place: Place, text: &[u8]) -> Message {
    let mut message = Message {
        target: b"/x".to_vec(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let mut body = |kind: &[u8], body: Vec<u8>| {
        message.headers.push((b"content-type", kind.to_vec()));
        message.body = body;
    };
    match place {
        Place::Text => body(b"text/plain", text.to_vec()),
        Place::Form => body(b"application/x-www-form-urlencoded", [b"q=", text].concat()),
        Place::Json => {
            let text = String::from_utf8_lossy(text);
            let json = serde_json::json!({"q": text}).to_string();
            body(b"application/json", json.into_bytes());
        }
        Place::Multipart => body(
            b"multipart/form-data; boundary=b",
            [
                b"--b\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n",
                text,
                b"\r\n--b--\r\n",
            ]
            .concat(),
        ),
        Place::Xml => body(b"application/xml", [b"<q>", text, b"</q>"].concat()),
        Place::Query => message.target = [b"/x?q=", text].concat(),
        Place::Header => message.headers.push((b"x-note", text.to_vec())),
        Place::Cookie => message.headers.push((b"cookie", [b"q=", text].concat())),
    }
    message
}

fn inspect(engine: &Engine, scratch: &mut Scratch, message: &Message) {
    let headers: Vec<(&[u8], &[u8])> = message
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_slice()))
        .collect();
    let head = Head {
        method: b"POST",
        scheme: b"http",
        authority: b"example.com",
        target: &message.target,
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: message.body.is_empty(),
    };
    let mut seen = engine.begin(scratch, &head);
    if !message.body.is_empty() {
        engine.body(scratch, &mut seen, &message.body, true);
    }
    std::hint::black_box(engine.verdict(&seen));
}

#[test]
fn the_whole_engine_is_linear() {
    let engine = engine();
    let mut scratch = Scratch::default();
    let mut costs: Vec<(f64, String)> = Vec::new();
    let mut failures = Vec::new();
    for (index, piece) in hostile().into_iter().enumerate() {
        // Each text in three places; all places come up with every kind of text.
        for step in 0..3 {
            let place = PLACES[(index * 3 + step) % PLACES.len()];
            let large = message(place, &repeat(piece, LARGE));
            let what = format!("{} in {place:?}", piece.escape_ascii());
            // The first time compiles patterns.
            inspect(&engine, &mut scratch, &large);
            let mut took = best(1, || inspect(&engine, &mut scratch, &large));
            if took > Duration::from_millis(20) {
                let small = message(place, &repeat(piece, SMALL));
                took = took.min(best(2, || inspect(&engine, &mut scratch, &large)));
                let little = best(3, || inspect(&engine, &mut scratch, &small));
                let ratio = took.as_secs_f64() / little.as_secs_f64().max(1e-6);
                if ratio > MOST {
                    failures.push(format!(
                        "{what}: {ratio:.0} times as long for {} times the text",
                        LARGE / SMALL
                    ));
                }
            }
            costs.push((took.as_secs_f64() * 1e6 / (LARGE >> 10) as f64, what));
        }
    }
    costs.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("microseconds for a KiB, text");
    for (cost, what) in costs.iter().take(10) {
        println!("{cost:8.1} {what}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Fails where four times the text takes more than [`MOST`] times as long.
fn compare(
    what: &str,
    make: &dyn Fn(usize) -> Vec<u8>,
    run: &mut dyn FnMut(&[u8]),
) -> Option<String> {
    let large = make(LARGE);
    let mut took = best(1, || run(&large));
    if took < Duration::from_millis(2) {
        return None;
    }
    let small = make(SMALL);
    took = took.min(best(3, || run(&large)));
    let little = best(3, || run(&small));
    let ratio = took.as_secs_f64() / little.as_secs_f64().max(1e-6);
    (ratio > MOST && took > Duration::from_millis(2)).then(|| {
        format!(
            "{what}: {ratio:.0} times as long for {} times the text",
            LARGE / SMALL
        )
    })
}

#[test]
fn a_square_is_found() {
    let make = |length: usize| vec![b'a'; length / 8];
    let mut square = |text: &[u8]| {
        let pairs = text.iter().flat_map(|a| text.iter().map(move |b| (a, b)));
        std::hint::black_box(
            pairs
                .filter(|pair| std::hint::black_box(pair.0 == pair.1))
                .count(),
        );
    };
    assert!(compare("square", &make, &mut square).is_some());
    let mut line = |text: &[u8]| {
        for _ in 0..4000 {
            std::hint::black_box(
                text.iter()
                    .filter(|byte| **byte == std::hint::black_box(b'a'))
                    .count(),
            );
        }
    };
    assert_eq!(compare("line", &make, &mut line), None);
}
