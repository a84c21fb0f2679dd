//! `palisade evaluate` over small files that are made here: counts, intervals, filters, explanations,
//! exit codes, what is malformed, what is compressed.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use serde_json::{Value, json};

const ATTACK: &str = "q=1%27%20UNION%20SELECT%20password%20FROM%20users--%20";
const BENIGN: &str = "q=garden+chairs";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("palisade-cli-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("a file");
        path.to_str().expect("a name in UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn palisade(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("palisade").expect("the binary");
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    outcome(&palisade(arguments).output().expect("it runs"))
}

fn outcome(output: &Output) -> (i32, String, String) {
    (
        output.status.code().expect("it ends by itself"),
        String::from_utf8(output.stdout.clone()).expect("UTF-8"),
        String::from_utf8(output.stderr.clone()).expect("UTF-8"),
    )
}

/// Runs with `--json` and reads the object.
fn report(arguments: &[&str]) -> Value {
    let mut all = vec!["evaluate", "--json"];
    all.extend(arguments);
    let (_, out, err) = run(&all);
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"))
}

fn line(id: &str, source: &str, category: &str, label: &str, query: &str, payload: &str) -> String {
    json!({
        "id": id, "source": source, "category": category, "placement": "query", "label": label,
        "method": "GET", "path": "/search", "query": query,
        "headers": [["Host", "shop.example"], ["User-Agent", "Mozilla/5.0"]],
        "meta": {"payload": payload},
    })
    .to_string()
        + "\n"
}

/// Two sources: in `one` the payload `p1` is blocked in two of its three requests and `p2` in its only
/// one; `two` holds ordinary requests, one of which looks like an attack.
fn sample() -> String {
    [
        line("a1", "one", "sqli", "malicious", ATTACK, "p1"),
        line("a2", "one", "sqli", "malicious", ATTACK, "p1"),
        line("a3", "one", "sqli", "malicious", BENIGN, "p1"),
        line("a4", "one", "xss", "malicious", ATTACK, "p2"),
        line("b1", "two", "search", "benign", BENIGN, "p3"),
        line("b2", "two", "search", "benign", BENIGN, "p4"),
        line("b3", "two", "search", "benign", ATTACK, "p4"),
    ]
    .concat()
}

#[test]
fn requests_and_payloads_are_counted() {
    let folder = Folder::new("counts");
    let report = report(&[&folder.write("a.jsonl", sample())]);
    let attacks = &report["sources"]["one"]["attacks"];
    assert_eq!(attacks["requests"]["total"], 4);
    assert_eq!(attacks["requests"]["blocked"], 3);
    assert_eq!(attacks["payloads_everywhere"]["total"], 2);
    assert_eq!(attacks["payloads_everywhere"]["blocked"], 1);
    assert_eq!(attacks["payloads_anywhere"]["blocked"], 2);
    let mean = attacks["payloads_mean"].as_f64().expect("a number");
    assert!((mean - (2.0 / 3.0 + 1.0) / 2.0).abs() < 1e-12, "{mean}");
    // Wilson, 3 of 4.
    let near =
        |value: &Value, wanted: f64| (value.as_f64().expect("a number") - wanted).abs() < 1e-4;
    assert!(near(&attacks["requests"]["low"], 0.3006), "{attacks}");
    assert!(near(&attacks["requests"]["high"], 0.9544), "{attacks}");
    let xss = &report["sources"]["one"]["categories"]["xss"]["attacks"]["requests"];
    assert_eq!((&xss["total"], &xss["blocked"]), (&json!(1), &json!(1)));
    let benign = &report["sources"]["two"]["benign"];
    assert_eq!(benign["requests"]["blocked"], 1);
    assert_eq!(benign["payloads_anywhere"]["total"], 2);
    assert_eq!(benign["payloads_anywhere"]["blocked"], 1);
    assert_eq!(report["all"]["attacks"]["requests"]["total"], 4);
    assert_eq!(report["all"]["benign"]["requests"]["total"], 3);
    assert_eq!(report["malformed"], 0);
}

#[test]
fn the_rules_that_decided_are_told_apart() {
    // Two rules of which each reaches half of the threshold, and one that needs no other.
    let rule = |id: u32, word: &str, score: u32| {
        json!({"id": id, "name": word, "what": word, "score": {"sql_injection": score},
               "zones": ["query_string"], "literals": [word]})
    };
    let policy = json!({"rules": [
        rule(100_001, "blue", 8), rule(100_002, "green", 8), rule(100_003, "red", 16),
    ]});
    let folder = Folder::new("deciders");
    let policy = folder.write("p.json", policy.to_string());
    let lines: String = ["q=blue+green", "q=blue+red", "q=red", "q=blue"]
        .iter()
        .enumerate()
        .map(|(index, query)| line(&format!("r{index}"), "s", "c", "malicious", query, query))
        .collect();
    let report = report(&["--policy", &policy, &folder.write("a.jsonl", lines)]);
    let of = |id: u32| {
        let rules = report["rules"].as_array().expect("a list");
        let rule = rules
            .iter()
            .find(|rule| rule["id"] == id)
            .expect("the rule");
        let attacks = &rule["attacks"];
        [&attacks["hit"], &attacks["needed"], &attacks["alone"]]
            .map(|n| n.as_u64().expect("a count"))
    };
    assert_eq!(of(100_001), [2, 1, 0]);
    assert_eq!(of(100_002), [1, 1, 0]);
    assert_eq!(of(100_003), [2, 2, 2]);
    assert_eq!(report["all"]["attacks"]["requests"]["blocked"], 3);
}

#[test]
fn exit_codes_say_clean_found_and_could_not_run() {
    let folder = Folder::new("codes");
    let clean = [
        line("a", "s", "c", "malicious", ATTACK, "p"),
        line("b", "s", "c", "benign", BENIGN, "q"),
    ]
    .concat();
    let clean = folder.write("clean.jsonl", clean);
    let missed = folder.write("miss.jsonl", line("a", "s", "c", "malicious", BENIGN, "p"));
    let alarm = folder.write("alarm.jsonl", line("a", "s", "c", "benign", ATTACK, "p"));
    let empty = folder.write("empty.jsonl", "\n\n");
    let bad = folder.write("bad.json", "{\n  \"mdoe\": \"block\"\n}");
    for (arguments, code, said) in [
        (&["evaluate", &clean][..], 0, ""),
        (&["evaluate", &missed], 1, ""),
        (&["evaluate", &alarm], 1, ""),
        (&["evaluate", &empty], 2, "no request stands there"),
        (
            &["evaluate", "/nowhere/at/all"],
            2,
            "/nowhere/at/all: No such file",
        ),
        (&["evaluate", "/"], 2, "is a folder"),
        (&["evaluate"], 2, "<FILE>"),
        (&["evaluate", &clean, "--label", "malign"], 2, "malign"),
        (
            &["evaluate", &clean, "--source", "nobody"],
            2,
            "none passes the filters",
        ),
        (
            &["evaluate", &clean, "--policy", &bad],
            2,
            "bad.json:2:3: $.mdoe",
        ),
    ] {
        let (found, _, err) = run(arguments);
        assert_eq!(found, code, "{arguments:?}: {err}");
        assert!(err.contains(said), "{arguments:?}: {err}");
        assert_eq!(
            err.is_empty(),
            said.is_empty(),
            "{arguments:?}: quiet when piped: {err}"
        );
    }
}

#[test]
fn malformed_lines_are_named_counted_and_fatal_only_where_asked() {
    let folder = Folder::new("malformed");
    let good = line("a", "s", "c", "malicious", ATTACK, "p");
    let text = format!(
        "{good}not json\n\n{{\"label\":\"benign\"}}\n{{\"label\":\"benign\",\"path\":\"/\",\"body_b64\":\"*\"}}\n{good}"
    );
    let file = folder.write("a.jsonl", text);
    let (code, out, err) = run(&["evaluate", &file]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("2 requests") && out.contains("3 malformed lines skipped"),
        "{out}"
    );
    for wanted in [
        "a.jsonl:2: column",
        "a.jsonl:4: missing field `path`",
        "a.jsonl:5: body_b64:",
    ] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    let (code, out, err) = run(&["evaluate", &file, "--strict"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("a.jsonl:2:") && !err.contains("a.jsonl:4:"),
        "{err}"
    );
    let (_, _, err) = run(&[
        "evaluate",
        &folder.write("b.jsonl", format!("{}{good}", "x\n".repeat(50))),
    ]);
    assert_eq!(
        err.lines().count(),
        11,
        "only the first ten are listed: {err}"
    );
}

#[test]
fn compressed_input_and_standard_input_are_read_as_they_are() {
    let folder = Folder::new("compressed");
    let plain = sample();
    let wanted = counts(&report(&[&folder.write("a.jsonl", &plain)]));
    let gzip = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(text.as_bytes()).expect("in memory");
        out.finish().expect("in memory")
    };
    let zstd = |text: &str| {
        ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    };
    let (first, second) = plain.split_at(plain.len() / 2);
    // The names say nothing; several members or frames are one file (RFC 1952, 2.2; RFC 8878, 3.1).
    for (name, bytes) in [
        ("a.gz", gzip(&plain)),
        ("a.zst", zstd(&plain)),
        ("gz-without-a-name", gzip(&plain)),
        ("two.gz", [gzip(first), gzip(second)].concat()),
        ("two.zst", [zstd(first), zstd(second)].concat()),
    ] {
        let found = report(&[&folder.write(name, &bytes)]);
        assert_eq!(counts(&found), wanted, "{name}");
        let output = palisade(&["evaluate", "--json", "-"])
            .write_stdin(bytes)
            .output();
        let (code, out, _) = outcome(&output.expect("it runs"));
        assert_eq!(code, 1);
        assert_eq!(
            counts(&serde_json::from_str(&out).expect("JSON")),
            wanted,
            "{name} by a pipe"
        );
    }
    let both = report(&[
        &folder.write("a.gz", gzip(&plain)),
        &folder.write("a.jsonl", &plain),
    ]);
    assert_eq!(both["all"]["attacks"]["requests"]["total"], 8);
    let mut cut = gzip(&plain);
    cut.truncate(cut.len() / 2);
    let (code, _, err) = run(&["evaluate", &folder.write("cut.gz", cut)]);
    assert_eq!(code, 2, "half a file is not a result");
    assert!(err.contains("cut.gz:"), "{err}");
}

/// What does not depend on the time.
fn counts(report: &Value) -> Value {
    json!([report["all"], report["sources"], report["rules"]])
}

#[test]
fn the_result_does_not_depend_on_the_threads() {
    let folder = Folder::new("threads");
    let file = folder.write("a.jsonl", sample().repeat(300));
    let one = run(&[
        "evaluate",
        &file,
        "--threads",
        "1",
        "--misses",
        "--false-alarms",
    ]);
    let many = run(&[
        "evaluate",
        &file,
        "--threads",
        "7",
        "--misses",
        "--false-alarms",
    ]);
    // All but the last line, which says how long it took.
    let body = |text: &str| {
        text.trim_end()
            .rsplit_once('\n')
            .map(|(body, _)| body.to_owned())
    };
    assert_eq!(body(&one.1), body(&many.1));
    assert_eq!(one.1.matches("MISS a3").count(), 300);
}

#[test]
fn misses_and_false_alarms_are_explained() {
    let folder = Folder::new("explained");
    let file = folder.write("a.jsonl", sample());
    let (_, out, _) = run(&["evaluate", &file, "--misses", "--false-alarms"]);
    assert_eq!(out.matches("MISS").count(), 1);
    assert_eq!(out.matches("FALSE ALARM").count(), 1);
    for wanted in [
        "MISS a3 (one sqli, query)",
        "request   GET /search?q=garden+chairs",
        "payload   p1",
        "FALSE ALARM b3 (two search, query)",
        "block for sql_injection",
        "libinjection-in-context in query_string `q`",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    assert!(!out.contains('\x1b'), "no colour where output is piped");
    let (_, out, _) = run(&["evaluate", &file, "--misses", "--color", "always"]);
    assert!(out.contains("\x1b[31mMISS\x1b[0m"), "{out}");
    let (_, out, _) = run(&["evaluate", &file, "--misses=0", "--false-alarms=0"]);
    assert!(!out.contains("MISS") && !out.contains("FALSE ALARM"));

    let report = report(&[&file, "--misses", "--false-alarms"]);
    let shown = report["shown"].as_array().expect("a list");
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0]["id"], "a3");
    assert_eq!(shown[1]["decision"]["action"], "block");
    let all = self::report(&[&file, "--all"]);
    assert_eq!(all["shown"].as_array().map(Vec::len), Some(7));
}

#[test]
fn filters_choose() {
    let folder = Folder::new("filters");
    let file = folder.write("a.jsonl", sample());
    for (arguments, attacks, benign) in [
        (&["--source", "one"][..], 4, 0),
        (&["--source", "one", "--source", "two"], 4, 3),
        (&["--category", "xss"], 1, 0),
        (&["--label", "benign"], 0, 3),
        (&["--id", "a"], 4, 0),
        (&["--not-id", "a1", "--not-id", "b"], 3, 0),
        (&["--meta", "payload=p4"], 0, 2),
        (&["--placement", "query", "--category", "sqli"], 3, 0),
    ] {
        let mut all = vec![file.as_str()];
        all.extend(arguments);
        let report = report(&all);
        assert_eq!(
            report["all"]["attacks"]["requests"]["total"], attacks,
            "{arguments:?}"
        );
        assert_eq!(
            report["all"]["benign"]["requests"]["total"], benign,
            "{arguments:?}"
        );
        assert_eq!(report["left_out"], 7 - attacks - benign, "{arguments:?}");
    }
}

#[test]
fn a_collection_does_not_show_through_when_neutralised() {
    let rule = |id: u32, word: &str| {
        json!({"id": id, "name": "tool", "what": "a tool", "score": {"scanner": 16},
               "zones": ["request_header"], "literals": [word]})
    };
    let policy = json!({"rules": [rule(100_001, "test-agent")]});
    let folder = Folder::new("neutral");
    let policy = folder.write("p.json", policy.to_string());
    let with = |id: &str, placement: &str| {
        json!({"id": id, "label": "malicious", "placement": placement, "path": "/", "method": "POST",
               "headers": [["user-agent", "test-agent/1.0"]], "body": "{\"a\": 1}"})
        .to_string()
            + "\n"
    };
    let file = folder.write(
        "a.jsonl",
        with("query", "query") + &with("agent", "user-agent"),
    );
    let plain = report(&["--policy", &policy, &file]);
    assert_eq!(plain["all"]["attacks"]["requests"]["blocked"], 2);
    let neutral = report(&["--policy", &policy, &file, "--neutralize", "--all"]);
    assert_eq!(neutral["all"]["attacks"]["requests"]["blocked"], 1);
    assert_eq!(neutral["neutralized"], true);
    let headers = neutral["shown"][0]["headers"].to_string();
    assert!(
        headers.contains("Chrome/") && headers.contains("application/json"),
        "{headers}"
    );
    assert!(
        neutral["shown"][1]["headers"]
            .to_string()
            .contains("test-agent")
    );
}

#[test]
fn a_whole_raw_request_is_read_as_far_as_possible() {
    use base64::Engine as _;
    let raw = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nHi \r\n3\r\nYou\r\n0\r\n";
    let raw = base64::engine::general_purpose::STANDARD.encode(raw);
    let folder = Folder::new("raw");
    let lines = format!(
        "{}\n{}\n",
        json!({"label": "benign", "raw": raw}),
        json!({"label": "benign", "path": "/other", "wire_ok": false, "meta": {"raw": raw}}),
    );
    let report = report(&["--all", &folder.write("a.jsonl", lines)]);
    for index in 0..2 {
        let shown = &report["shown"][index];
        assert_eq!(shown["target"], "/a?b=c");
        assert_eq!(shown["body"], "Hi You");
        assert_eq!(shown["authority"], "x");
    }
}

#[test]
fn bars_decide_the_exit_code() {
    let folder = Folder::new("bars");
    let file = folder.write("a.jsonl", sample());
    for (bars, code) in [
        (
            json!([{"name": "one", "only": {"source": ["one"]}, "attacks": 0.5}]),
            0,
        ),
        (
            json!([{"name": "one", "only": {"source": ["one"]}, "attacks": 0.9}]),
            1,
        ),
        // Three of four requests, but only one of two payloads wherever it stands.
        (
            json!([{"name": "one", "only": {"source": ["one"]}, "attacks": 0.7}]),
            1,
        ),
        (
            json!([{"name": "one", "only": {"source": ["one"]}, "attacks": 0.7, "payloads": "anywhere"}]),
            0,
        ),
        (
            json!([{"name": "each", "each_category": 0.9, "category_payloads": 1, "payloads": "anywhere"}]),
            1,
        ),
        (json!([{"name": "few", "each_category": 0.9}]), 0),
        (json!([{"name": "two", "benign": 1}]), 0),
        (json!([{"name": "two", "benign": 0}]), 1),
        (json!([{"name": "two", "benign_share": 0.5}]), 0),
        (json!([{"name": "two", "benign_share": 0.1}]), 1),
        (
            json!([{"name": "nothing", "only": {"source": ["none"]}, "benign": 9}]),
            1,
        ),
        (json!([{"name": "typo", "only": {"sorce": []}}]), 2),
        (json!([{"name": "large", "attacks": 95}]), 2),
    ] {
        let path = folder.write("bars.json", json!({"bars": bars}).to_string());
        let (found, out, err) = run(&["evaluate", &file, "--bars", &path]);
        assert_eq!(found, code, "{bars}: {out}{err}");
    }
}

#[test]
fn the_prefilter_is_measured() {
    let folder = Folder::new("prefilter");
    let report = report(&["--prefilter-stats", &folder.write("a.jsonl", sample())]);
    let attacks = &report["prefilter"]["malicious"];
    let most = |what: &str| attacks[what]["most"].as_u64().expect("a count");
    assert!(most("rules") > 0, "{attacks}");
    assert!(most("rule tries") >= most("rules"), "{attacks}");
    assert!(most("texts") > 3, "{attacks}");
}

#[test]
fn requests_are_not_kept_in_memory() {
    // 60,000 lines are 30 MB: much more than a run over many lines may take above one over few.
    if !cfg!(target_os = "linux") {
        return;
    }
    let peak = |lines: usize| {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_palisade"))
            .args(["evaluate", "--threads", "2", "-"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("it runs");
        let one = line(
            "a1",
            "one",
            "sqli",
            "malicious",
            &format!("q={}", "a".repeat(300)),
            "p1",
        );
        let mut input = child.stdin.take().expect("a pipe");
        for _ in 0..lines {
            input.write_all(one.as_bytes()).expect("it reads");
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it lives");
        drop(input);
        child.wait().expect("it ends");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmHWM"))
            .expect("a peak");
        let kib = line.split_whitespace().nth(1).expect("a number");
        kib.parse::<u64>().expect("a number")
    };
    let (few, many) = (peak(1_000), peak(60_000));
    assert!(
        many < few + 20_000,
        "{few} KiB for few, {many} KiB for many"
    );
}
