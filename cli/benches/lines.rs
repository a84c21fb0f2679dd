//! Lines per second, and the most memory held, of the verbs that read long logs: a million lines through each, as a
//! stream, as they would come from a pipe.
//!
//! `cargo bench -p palisade-cli --bench lines`; `LINES=100000` for fewer.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The most memory that a million lines may take, in MiB.
const MOST: u64 = 200;

fn main() {
    // `cargo test --benches` runs it too, which is not what it is for.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let lines = std::env::var("LINES")
        .ok()
        .and_then(|text| text.parse().ok());
    let lines: u64 = lines.unwrap_or(1_000_000);
    let folder = std::env::temp_dir().join(format!("palisade-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("the folder is ours");
        path.display().to_string()
    };
    let balanced = file("balanced.json", "{}");
    let strict = file("strict.json", r#"{"preset":"strict","mode":"monitor"}"#);
    println!(
        "{lines} lines each, {} threads",
        std::thread::available_parallelism().map_or(1, usize::from)
    );
    println!("{:<44}{:>12}{:>12}", "", "lines/s", "MiB");
    for (what, words, line) in [
        (
            "replay, access log",
            vec!["replay", &balanced, "-", "--json"],
            access as fn(u64) -> String,
        ),
        (
            "replay --against, access log",
            vec!["replay", &strict, "-", "--json", "--against", &balanced],
            access,
        ),
        (
            "replay, whole requests with JSON bodies",
            vec!["replay", &balanced, "-", "--json"],
            whole,
        ),
        (
            "tune, records",
            vec!["tune", "-", "--policy", &strict, "--json"],
            record,
        ),
        ("report, records", vec!["report", "-", "--json"], record),
    ] {
        let (rate, peak) = measure(&words, lines, line);
        println!("{what:<44}{rate:>12.0}{peak:>12}");
        assert!(peak < MOST, "{what} holds {peak} MiB");
    }
    let _ = fs::remove_dir_all(&folder);
}

/// Runs the binary on generated lines: lines per second, and the most memory in MiB.
fn measure(words: &[&str], lines: u64, line: fn(u64) -> String) -> (f64, u64) {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_palisade"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it runs");
    let status = format!("/proc/{}/status", child.id());
    let peak = || -> u64 {
        let text = fs::read_to_string(Path::new(&status)).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let mark = mark.map(|mark| mark.trim().trim_end_matches(" kB"));
        mark.and_then(|mark| mark.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    let mut most = 0;
    let mut input =
        BufWriter::with_capacity(1 << 16, child.stdin.take().expect("it was asked for"));
    for number in 0..lines {
        writeln!(input, "{}", line(number)).expect("it reads on");
        if number % 10_000 == 0 {
            most = most.max(peak());
        }
    }
    drop(input);
    // What is held at the end is held until the process is gone.
    while child.try_wait().expect("it can be waited for").is_none() {
        most = most.max(peak());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let code = child.wait().expect("it has ended").code();
    assert!(matches!(code, Some(0 | 1)), "{words:?}: {code:?}");
    (lines as f64 / started.elapsed().as_secs_f64(), most)
}

fn access(number: u64) -> String {
    format!(
        r#"{{"time":"2026-11-20T10:00:00.000Z","method":"GET","path":"/products/{number}?q=blue+shoes+size+{}&page={}","authority":"shop.example","protocol":"HTTP/2","status":200,"client":"10.{}.{}.{}","request_id":"1f0e4a5c-7b52-4c7e-9d8a-{number:012x}","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"}}"#,
        number % 50,
        number % 7,
        number >> 16 & 255,
        number >> 8 & 255,
        number & 255
    )
}

fn whole(number: u64) -> String {
    format!(
        r#"{{"id":"{number}","method":"POST","path":"/orders","headers":[["Host","shop.example"],["Content-Type","application/json"],["User-Agent","Mozilla/5.0"]],"body":"{{\"customer\":{number},\"name\":\"Ann O'Brien\",\"items\":[{{\"sku\":\"a-{}\",\"count\":2,\"note\":\"leave it at the door, please\"}}]}}"}}"#,
        number % 9_000
    )
}

fn record(number: u64) -> String {
    format!(
        r#"[2026-11-20 10:00:00.000][9][warning][wasm] wasm log: palisade: {{"record":1,"time":"2026-11-{:02}T10:00:00.000Z","request_id":"1f0e4a5c-7b52-4c7e-9d8a-{number:012x}","client":"10.{}.{}.{}","method":"GET","host":"shop.example","path":"/people/{}","action":"monitor","would":"block","reasons":["sql_injection"],"scores":{{"sql_injection":20}},"rules":[17,1013],"matches":["0:17:query_string:f{}","1:1013:query_string:f{}"],"policy":"shop","revision":"7"}}"#,
        10 + number % 7,
        number >> 16 & 255,
        number >> 8 & 255,
        number & 255,
        number % 100_000,
        number % 9_000,
        number % 9_000
    )
}
