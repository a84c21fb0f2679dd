//! `palisade check` and `palisade rule`: what they say about one request and about one rule.

use assert_cmd::Command;
use serde_json::Value;

fn run(arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    let output = Command::cargo_bin("palisade")
        .expect("the binary")
        .args(arguments)
        .write_stdin(input)
        .output()
        .expect("it runs");
    (
        output.status.code().expect("it ends by itself"),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

#[test]
fn a_blocked_request_is_explained() {
    let (code, out, err) = run(&["check", "/search?q=1%2527%20or%201=1--&b=2"], b"");
    assert_eq!((code, err.as_str()), (1, ""));
    for wanted in [
        "field     path = /search",
        "field     query_string `q` = 1%27 or 1=1--",
        "decoded  1' or 1=1--",
        "field     query_string `b` = 2",
        "verdict   block for sql_injection",
        "libinjection-in-context in query_string `q`",
        "(recorded only)",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
}

#[test]
fn requests_are_written_as_for_curl() {
    let json = |arguments: &[&str]| -> (i32, Value) {
        let mut all = vec!["check", "--json"];
        all.extend(arguments);
        let (code, out, err) = run(&all, b"from=stdin");
        (
            code,
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}")),
        )
    };
    let has = |value: &Value, zone: &str, name: &str, text: &str| {
        let fields = value["fields"].as_array().expect("a list");
        fields
            .iter()
            .any(|f| f["zone"] == zone && f["name"] == name && f["value"] == text)
    };
    let (code, value) = json(&[
        "https://shop.example/a?b=c",
        "-H",
        "X-A: b",
        "-b",
        "s=1",
        "-A",
        "curl/8",
    ]);
    assert_eq!(code, 0);
    assert!(
        has(&value, "request_header", "host", "shop.example"),
        "{value}"
    );
    assert!(has(&value, "path", "", "/a") && has(&value, "query_string", "b", "c"));
    assert!(has(&value, "cookies", "s", "1") && has(&value, "request_header", "x-a", "b"));
    let (_, value) = json(&["/a", "-d", "b=c", "-d", "d=e"]);
    assert!(has(&value, "request_body", "b", "c") && has(&value, "request_body", "d", "e"));
    let (_, value) = json(&["/a", "-d", "@-"]);
    assert!(has(&value, "request_body", "from", "stdin"), "{value}");
    let (_, value) = json(&[
        "/a",
        "-H",
        "content-type: application/json",
        "-d",
        r#"{"a":{"b":"c"}}"#,
    ]);
    assert!(has(&value, "request_body", "a.b", "c"), "{value}");
}

#[test]
fn a_raw_request_is_read_from_a_file_or_a_pipe() {
    let raw = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nid=1' OR '1'='1";
    let (code, out, _) = run(&["check", "--raw", "-"], raw);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("in request_body `id`"), "{out}");
    let (code, _, err) = run(&["check", "--raw", "-"], b"\n");
    assert_eq!(code, 2);
    assert!(err.contains("-:1: expected a request line"), "{err}");
}

#[test]
fn a_head_that_decides_alone_is_said_to() {
    let (code, out, _) = run(&["check", "/?q=1'+union+select+1,2--+", "-d", "a=b"], b"");
    assert_eq!(code, 1);
    assert!(out.contains("the body was not looked at"), "{out}");
}

#[test]
fn rules_explain_themselves() {
    let (code, out, _) = run(&["rule", "2017"], b"");
    assert_eq!(code, 0);
    for wanted in [
        "2017 libinjection-in-context",
        "score     sql_injection +16",
        "attack    ",
        "benign    ",
        "why ",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    let (_, all, _) = run(&["rules"], b"");
    assert!(all.lines().count() > 50, "{all}");
    let (_, some, _) = run(&["rule", "apostrophe"], b"");
    assert!(some.contains("1013") && some.lines().count() < all.lines().count());
    let (code, out, err) = run(&["rule", "4294967295"], b"");
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("4294967295"), "{err}");
    let (_, json, _) = run(&["rule", "--json", "17"], b"");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["effect"], "records");
    let folder =
        std::env::temp_dir().join(format!("palisade-cli-{}-strict.json", std::process::id()));
    std::fs::write(&folder, r#"{"preset":"strict"}"#).expect("a file");
    let (_, json, _) = run(
        &[
            "rule",
            "--json",
            "17",
            "--policy",
            folder.to_str().expect("UTF-8"),
        ],
        b"",
    );
    let _ = std::fs::remove_file(&folder);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["effect"], "scores");
}

#[test]
fn exceptions_that_applied_and_that_expired_are_named() {
    let file =
        std::env::temp_dir().join(format!("palisade-cli-{}-expired.json", std::process::id()));
    let policy = |expires: &str| {
        format!(
            r#"{{"preset": "strict", "exceptions": [{{"id": "OLD-1", "rules": [0], "name": "q"{expires}}}],
                "scopes": [{{"name": "notes", "path": "/notes"}}]}}"#
        )
    };
    let check = |policy: &str, extra: &str| {
        std::fs::write(&file, policy).expect("a file");
        let name = file.to_str().expect("UTF-8");
        run(
            &["check", extra, "--policy", name, "/notes?q=1'+OR+'1'='1"],
            b"",
        )
    };
    let (code, out, _) = check(&policy(r#", "expires": "2001-02-03""#), "-XGET");
    assert_eq!(code, 1);
    assert!(out.contains("  expired   OLD-1 (2001-02-03)\n"), "{out}");
    assert!(out.contains("  scope     notes\n"), "{out}");
    let (_, json, _) = check(&policy(r#", "expires": "2001-02-03""#), "--json");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["decision"]["expired"], serde_json::json!(["OLD-1"]));
    let (code, out, _) = check(&policy(""), "-XGET");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("  excepted  by OLD-1\n"), "{out}");
    let _ = std::fs::remove_file(&file);
}
