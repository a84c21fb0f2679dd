//! `palisade check` and `palisade rule`: what they say about one request and about one rule.

use serde_json::Value;

mod running;

use running::{Scrap, root, run_in};

fn run(arguments: &[&str], input: &[u8]) -> (i32, String, String) {
    run_in(&root(), arguments, input)
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
    assert!(err.contains("-:1:1: expected a request line"), "{err}");
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
    assert!(
        out.contains("  expired   OLD-1 would have taken hits away, but ended on 2001-02-03\n"),
        "{out}"
    );
    assert!(out.contains("  scope     notes\n"), "{out}");
    let (_, json, _) = check(&policy(r#", "expires": "2001-02-03""#), "--json");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["decision"]["expired"], serde_json::json!(["OLD-1"]));
    let (code, out, _) = check(&policy(""), "-XGET");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("  excepted  by OLD-1\n    removed "), "{out}");
    let _ = std::fs::remove_file(&file);
}

#[test]
fn the_bytes_that_matched_are_marked() {
    let (_, out, _) = run(&["check", "/?q=the+name+is+O%27Brien&b=1;id"], b"");
    let lines: Vec<&str> = out.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("1013 apostrophe"))
        .expect("it hits");
    let column = lines[at + 1].find('\'').expect("the text is shown");
    assert_eq!(lines[at + 2], format!("{}^", " ".repeat(column)), "{out}");
    let (_, json, _) = run(&["check", "--json", "/?q=the+name+is+O%27Brien"], b"");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let rules = json["rules"].as_array().expect("a list");
    let hit = rules
        .iter()
        .find(|rule| rule["rule"] == 1013)
        .expect("it hits");
    assert_eq!(hit["text"], "the name is O'Brien");
    assert_eq!(
        hit["matched"],
        serde_json::json!([{"start": 13, "end": 14}])
    );
    assert_eq!(hit["enforced"], false);
    assert_eq!(
        json["sums"]["cross_site_scripting"]["threshold"], 16,
        "{json}"
    );
    let (_, out, _) = run(&["check", "--color", "always", "/?q=O%27Brien"], b"");
    assert!(out.contains("O\u{1b}[31m'\u{1b}[0mBrien"), "{out}");
}

#[test]
fn what_exceptions_took_away_is_shown() {
    let policy = Scrap::new(
        "excepted.yaml",
        "preset: strict
exceptions:
  - {id: SEARCH-12, reason: the page filters by name, rules: [17], name: filter}
  - {id: QUOTES, rules: [1013], path: /data}
  - {id: OTHER, rules: [0], path: /elsewhere}
",
    );
    let request = "/data?filter=name+LIKE+%27%25test%25%27";
    let (code, out, _) = run(&["check", "-p", policy.path(), request], b"");
    assert_eq!(code, 0, "{out}");
    for wanted in [
        "excepted  by SEARCH-12: the page filters by name\n    removed 17 libinjection",
        "excepted  by QUOTES\n    removed 1013 apostrophe in query_string `filter`, 2 times",
        "libinjection_sql sos",
        "verdict   allow",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    assert!(!out.contains("OTHER"), "{out}");
    let (_, json, _) = run(&["check", "--json", "-p", policy.path(), request], b"");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["excepted"][0]["exception"], "SEARCH-12");
    assert_eq!(json["excepted"][0]["rules"][0]["rule"], 17);
    assert_eq!(json["excepted"][1]["rules"][0]["count"], 2);
}

#[test]
fn sums_are_compared_with_what_holds_in_the_scope() {
    let policy = Scrap::new(
        "scope.json",
        r#"{"overrides": [{"rules": [1013], "mode": "block", "score": {"sql_injection": 5}}],
            "scopes": [{"name": "notes", "path": "/notes", "sensitivity": "low", "mode": "monitor"}]}"#,
    );
    let check = |request: &str| run(&["check", "--brief", "-p", policy.path(), request], b"");
    let (code, out, _) = check("/?q=%27%27%27%27");
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("sum       sql_injection 20 of 16: reached\n"),
        "{out}"
    );
    assert!(!out.contains("  field"), "{out}");
    let (code, out, _) = check("/notes?q=%27%27%27%27");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("sum       sql_injection 20 of 24\n"), "{out}");
    assert!(out.contains("scope     notes\n"), "{out}");
    let (code, out, _) = check("/notes?q=%27%27%27%27%27");
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("25 of 24: reached, and only monitored\n"),
        "{out}"
    );
}

#[test]
fn clients_and_days_are_those_that_are_given() {
    let policy = Scrap::new(
        "client.json",
        r#"{"deny_clients": ["192.0.2.0/24"], "preset": "strict",
            "exceptions": [{"id": "A", "rules": [0], "name": "q", "expires": "2026-06-30"}]}"#,
    );
    let check = |arguments: &[&str]| {
        let mut all = vec!["check", "--brief", "-p", policy.path()];
        all.extend(arguments);
        run(&all, b"")
    };
    let (code, out, _) = check(&["/", "--client", "192.0.2.7"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("ended by  deny_clients"), "{out}");
    assert_eq!(check(&["/", "--client", "192.0.3.7"]).0, 0);
    assert_eq!(check(&["/?q=%27%27%27", "--date", "2026-06-30"]).0, 0);
    let (code, out, _) = check(&["/?q=%27%27%27", "--date", "2026-07-01"]);
    assert_eq!(code, 1);
    assert!(out.contains("expired   A would have"), "{out}");
    assert_eq!(check(&["/", "--date", "tomorrow"]).0, 2);
}

#[test]
fn what_was_not_seen_is_said() {
    let policy = Scrap::new("limit.json", r#"{"limits": {"json_depth": 2}}"#);
    let (code, out, _) = run(
        &[
            "check",
            "-p",
            policy.path(),
            "/",
            "-H",
            "content-type: application/json",
            "-d",
            "[[[[1]]]]",
        ],
        b"",
    );
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains(
            "not seen  json_too_deep: JSON nested deeper than the limit. The policy says block."
        ),
        "{out}"
    );
}

#[test]
fn the_flags_of_curl_mean_what_they_mean_there() {
    let file = Scrap::new("upload.txt", "one\ntwo\n");
    let at = format!("@{}", file.path());
    let file_name = file.name();
    let form = format!("doc=@{};type=text/plain", file.path());
    let renamed = format!("doc=@{};filename=a.php", file.path());
    let inline = format!("doc=<{}", file.path());
    let encoded = format!("t@{}", file.path());
    for (arguments, zone, name, value) in [
        (&["/", "-d", at.as_str()][..], "request_body", "onetwo", ""),
        (&["/", "--data-binary", &at], "request_body", "one\ntwo", ""),
        (&["/", "--data-raw", "a=@b"], "request_body", "a", "@b"),
        (
            &["/", "--data-urlencode", "a=b&c %"],
            "request_body",
            "a",
            "b&c %",
        ),
        (
            &["/", "--data-urlencode", &encoded],
            "request_body",
            "t",
            "one\ntwo\n",
        ),
        (&["/?x=1", "-G", "-d", "a=b"], "query_string", "a", "b"),
        (&["/", "-F", "a=b;c"], "request_body", "a", "b;c"),
        (
            &["/", "-F", "a={\"b\":1};type=application/json"],
            "request_body",
            "a.b",
            "1",
        ),
        (&["/", "-F", &form], "file_name", "doc", file_name),
        (&["/", "-F", &renamed], "file_name", "doc", "a.php"),
        (&["/", "-F", &inline], "request_body", "doc", "one\ntwo\n"),
        (
            &["/", "-e", "https://r.example/"],
            "request_header",
            "referer",
            "https://r.example/",
        ),
        // Aladdin:open sesame of RFC 7617; what is scanned of it is the user's name.
        (
            &["/", "-u", "Aladdin:open sesame"],
            "request_header",
            "authorization",
            "Aladdin",
        ),
        (&["curl", "/copied", "--compressed"], "path", "", "/copied"),
        (&["/", "-H", "x-empty;"], "request_header", "x-empty", ""),
    ] {
        let mut all = vec!["check", "--json"];
        all.extend(arguments);
        let (_, out, err) = run(&all, b"");
        let value_of: Value =
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {err}"));
        let fields = value_of["fields"].as_array().expect("a list");
        let is = |field: &Value| {
            field["zone"] == zone && field["name"] == name && field["value"] == value
        };
        assert!(fields.iter().any(is), "{arguments:?}: {out}");
    }
    for arguments in [
        &["/", "/other"][..],
        &["/", "-F", "nothing"],
        &["/", "-d", "@/no/such/file"],
        &["/", "-H", "nothing"],
    ] {
        let mut all = vec!["check"];
        all.extend(arguments);
        assert_eq!(run(&all, b"").0, 2, "{arguments:?}");
    }
}

#[test]
fn a_file_in_place_of_the_url_is_a_whole_request() {
    let raw = "POST /login HTTP/1.1\nHost: x\n\nid=1";
    let file = Scrap::new("request.http", raw);
    // A path of a URL begins with a slash, that of a file need not.
    let (_, out, _) = run_in(file.folder(), &["check", file.name()], b"");
    assert!(out.contains("request   POST /login"), "{out}");
    let (_, out, _) = run(&["check", "-"], raw.as_bytes());
    assert!(out.contains("request   POST /login"), "{out}");
}
