//! `palisade replay`: every kind of recording, one policy and two, what cannot be read, and how much memory
//! a long log takes.

mod running;

use std::io::Write as _;

use running::Folder;
use serde_json::json;

const ATTACK: &str = "/items?id=1%27%20OR%20%271%27=%271%27--%20";

/// A folder with a lax and a strict policy and one file of each kind.
fn traffic() -> Folder {
    let folder = Folder::new();
    let har = json!({"log": {"version": "1.2", "entries": [
        {"request": {"method": "GET", "url": format!("https://shop.example{ATTACK}"), "headers": []}},
        {"request": {"method": "POST", "url": "https://shop.example/notes/17", "headers":
            [{"name": "content-type", "value": "application/json"}], "postData": {"text": "{\"a\":\"O'Brien\"}"}}},
    ]}});
    let lines = [
        json!({"id": "ok", "path": "/items", "query": "id=1"}),
        json!({"label": "malicious", "path": "/items", "query": "id=1%20UNION%20SELECT%20password%20FROM%20users"}),
    ];
    let log = [
        json!({"start_time": "2026-11-20T10:00:00Z", "method": "GET", "path": ATTACK, "authority": "shop.example",
            "response_code": 200, "client": "192.0.2.1"}),
        json!({"start_time": "2026-11-20T10:00:00Z", "method": "POST", "path": "/login", "authority": "shop.example",
            "response_code": 200, "user_agent": "sqlmap/1.8"}),
    ];
    let joined = |list: &[serde_json::Value]| {
        let lines: Vec<String> = list.iter().map(ToString::to_string).collect();
        lines.join("\n")
    };
    folder
        .write("block.yaml", "mode: block\n")
        .write("monitor.json", r#"{"mode":"monitor"}"#)
        .write("strict.json", r#"{"preset":"strict"}"#)
        .write("deny.json", r#"{"deny_clients":["192.0.2.1"]}"#)
        .write("session.har", har.to_string())
        .write("lines.jsonl", joined(&lines))
        .write("access.log", joined(&log))
        .write(
            "wire.txt",
            format!("GET {ATTACK} HTTP/1.1\r\nHost: x\r\n\r\nGET /ok HTTP/1.1\r\nHost: x\r\n\r\n"),
        );
    folder
}

#[test]
fn every_kind_of_recording_is_replayed() {
    let folder = traffic();
    for (input, requests, blocked) in [
        ("session.har", 2, 1),
        ("lines.jsonl", 2, 1),
        ("access.log", 2, 2),
        ("wire.txt", 2, 1),
    ] {
        let ran = folder.run(&["replay", "block.yaml", input, "--json"]);
        let json = ran.json();
        assert_eq!(ran.code, 0, "{input}: {}", ran.err);
        assert_eq!(json["requests"], requests, "{input}: {json}");
        assert_eq!(json["actions"]["block"], blocked, "{input}: {json}");
        let samples = &json["stopped"]["rules"][0]["samples"][0];
        assert!(
            samples
                .as_str()
                .is_some_and(|place| place.starts_with(input)),
            "{json}"
        );
    }
    // The body of the second line was not recorded: what is missing of it is not held against it.
    let json = folder
        .run(&["replay", "block.yaml", "access.log", "--json"])
        .json();
    assert_eq!(json["head_only"], 1);
    let ran = folder.run(&["replay", "deny.json", "access.log", "--json"]);
    assert_eq!(ran.json()["actions"]["block"], 2);
    let ran = folder.run(&["replay", "block.yaml", "session.har", "wire.txt"]);
    for wanted in [
        "4 requests in ",
        "stopped: 2 of 4 (",
        "GET /items ",
        "wire.txt:1",
    ] {
        assert!(ran.out.contains(wanted), "{wanted}: {}", ran.out);
    }
}

#[test]
fn two_policies_are_compared() {
    let folder = traffic();
    let all = ["session.har", "lines.jsonl", "wire.txt"];
    let run = |words: &[&str]| folder.run(&[&["replay"], words, &all[..]].concat());
    let ran = run(&["strict.json", "--against", "block.yaml", "--json"]);
    let json = ran.json();
    assert_eq!(ran.code, 0, "{json}");
    assert_eq!(json["changes"]["newly_blocked"]["requests"], 0);
    let ran = run(&["block.yaml", "--against", "monitor.json", "--json"]);
    let json = ran.json();
    assert_eq!(ran.code, 1);
    assert_eq!(json["changes"]["newly_blocked"]["requests"], 3);
    assert_eq!(json["against"]["actions"]["monitor"], 3);
    let ran = run(&["monitor.json", "--against", "block.yaml"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("newly let through: 3 of 6"), "{}", ran.out);
    let ran = run(&["block.yaml", "--against", "monitor.json", "--as-block"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("both policies do the same"), "{}", ran.out);
    let ran = run(&[
        "block.yaml",
        "--against",
        "monitor.json",
        "--jsonl",
        "-",
        "--changed",
    ]);
    let lines: Vec<serde_json::Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    assert_eq!(lines[0]["request"], "session.har:1");
    assert_eq!(lines[0]["path"], "/items");
    assert_eq!(lines[0]["change"], "newly_blocked");
    assert_eq!(lines[0]["against"]["action"], "monitor");
    assert!(
        !ran.out.contains("UNION") && !ran.out.contains("OR"),
        "{}",
        ran.out
    );
}

#[test]
fn expectations_decide_the_exit_code() {
    let folder = traffic();
    folder
        .write("benign.jsonl", "{\"path\":\"/items\"}\n")
        .write(
            "attacks.jsonl",
            "{\"path\":\"/\",\"query\":\"a=1%20UNION%20SELECT%20password%20FROM%20users\"}\n",
        );
    for (input, expected, code) in [
        ("benign.jsonl", "pass", 0),
        ("benign.jsonl", "block", 1),
        ("attacks.jsonl", "block", 0),
        ("attacks.jsonl", "pass", 1),
    ] {
        let ran = folder.run(&["replay", "block.yaml", input, "--expect", expected]);
        assert_eq!(ran.code, code, "{input} {expected}: {}", ran.out);
        assert_eq!(
            ran.out.contains(&format!("{input}:1")) && code == 1,
            code == 1
        );
    }
}

#[test]
fn what_cannot_be_read_is_said_and_skipped() {
    let folder = traffic();
    folder.write(
        "odd.jsonl",
        "{\"path\":\"/a\"}\nnonsense\n\n{\"record\":1}\n{\"path\":\"/b\"}\n",
    );
    let ran = folder.run(&["replay", "block.yaml", "odd.jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for wanted in [
        "odd.jsonl:2: no JSON object",
        "odd.jsonl:4: a record of a decision",
    ] {
        assert!(ran.err.contains(wanted), "{wanted}: {}", ran.err);
    }
    assert!(ran.out.contains("2 malformed lines skipped"), "{}", ran.out);
    for (words, wanted) in [
        (
            &["block.yaml", "odd.jsonl", "--strict"][..],
            "odd.jsonl:2: no JSON object",
        ),
        (
            &["block.yaml", "nowhere.jsonl"],
            "nowhere.jsonl: No such file",
        ),
        (
            &["nowhere.json", "lines.jsonl"],
            "nowhere.json: No such file",
        ),
        (&["block.yaml", "/dev/null"], "no request stands there"),
    ] {
        let ran = folder.run(&[&["replay"], words].concat());
        assert_eq!(ran.code, 2, "{words:?}");
        assert!(ran.err.contains(wanted), "{wanted}: {}", ran.err);
    }
}

#[test]
fn compressed_members_and_folders_are_read_as_they_are() {
    let folder = Folder::new();
    let member = |text: &str| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(text.as_bytes()).expect("memory");
        writer.finish().expect("memory")
    };
    let two = [member("{\"path\":\"/a\"}\n{\"pa"), member("th\":\"/b\"}\n")].concat();
    std::fs::create_dir(folder.path("many")).expect("a folder");
    folder
        .write("policy.json", "{}")
        .write("many/a.jsonl.gz", &two)
        .write("many/b.jsonl", "{\"path\":\"/c\"}");
    let ran = folder.run(&["replay", "policy.json", "many", "--json"]);
    assert_eq!(ran.json()["requests"], 3, "{}", ran.err);
    let ran = folder.run_with(&["replay", "policy.json", "-", "--json"], &two);
    assert_eq!(ran.json()["requests"], 2, "{}", ran.err);
}

#[test]
fn a_long_log_takes_little_memory() {
    let folder = Folder::new();
    folder.write("policy.json", "{}");
    let lines = 100_000;
    let (peak, ran) = folder.peak(&["replay", "policy.json", "-", "--json"], |out| {
        for number in 0..lines {
            // Every line another endpoint: what is counted must not grow with the log.
            writeln!(
                out,
                "{{\"method\":\"GET\",\"path\":\"/p{number:x}/x?q=O%27Brien{number}\",\"authority\":\"shop.example\",\
                 \"protocol\":\"HTTP/2\",\"client\":\"10.{}.{}.1\",\"user_agent\":\"Mozilla/5.0\"}}",
                number % 251,
                number % 241
            )
            .expect("it reads on");
        }
    });
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["requests"], lines);
    assert!(peak > 1 && peak < 200, "{peak} MiB");
}
