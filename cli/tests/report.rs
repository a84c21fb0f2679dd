//! `palisade report`: the numbers in every form, the period, what policies say of exceptions, and names that would
//! like to be markup.

mod running;

use std::fmt::Write as _;

use running::{Folder, Line};
use serde_json::json;

const REASONS: &[&str] = &["sql_injection"];
const MATCHES: &[&str] = &["0:1013:query_string:q", "1:17:query_string:q"];

/// A week and a day: on each day one request allowed, two monitored (from Thursday on blocked).
fn week() -> String {
    let mut out = String::new();
    for day in 0..8 {
        let _ = writeln!(
            out,
            "{}",
            Line {
                day,
                ..Line::default()
            }
        );
        for client in 0..2 {
            let line = Line {
                day,
                client: format!("192.0.2.{client}"),
                path: format!("/orders/{day}"),
                action: if day < 4 { "monitor" } else { "block" },
                reasons: REASONS,
                matches: MATCHES,
                more: json!({"policy": "shop", "revision": if day < 4 { "1" } else { "2" }, "exceptions": ["A-1"],
                    "uninspected": ["body_too_large"]}),
                ..Line::default()
            };
            let _ = writeln!(out, "{line}");
        }
    }
    out
}

const POLICY: &str = r#"{"name":"shop","revision":"2","exceptions":[
    {"id":"A-1","rules":17,"path":"/a","reason":"ticket 1","expires":"2027-01-31"},
    {"id":"B-2","rules":17,"path":"/b"}]}"#;

#[test]
fn the_numbers_are_those_of_the_period() {
    let folder = Folder::new();
    folder
        .write("policy.json", POLICY)
        .write("envoy.log", week())
        .write("other.log", "[info] starting\n");
    let ran = folder.run(&["report", "envoy.log", "--policy", "policy.json", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let json = ran.json();
    // The first of eight days is none of the seven.
    let totals = &json["totals"];
    assert_eq!(
        [
            &totals["requests"],
            &totals["allowed"],
            &totals["monitored"],
            &totals["blocked"]
        ],
        [&json!(21), &json!(7), &json!(6), &json!(8)]
    );
    assert_eq!(json["period"]["first_day"], "2026-11-10");
    assert_eq!(json["trend"].as_array().map(Vec::len), Some(7));
    assert_eq!(json["categories"][0]["name"], "sql_injection");
    let rule = &json["rules"][0];
    assert_eq!(
        (&rule["id"], &rule["name"], &rule["blocked"]),
        (&json!(17), &json!("libinjection"), &json!(8))
    );
    assert!(rule["what"].as_str().is_some_and(|what| !what.is_empty()));
    let endpoint = &json["endpoints"][0];
    assert_eq!(
        (&endpoint["name"], &endpoint["monitored"]),
        (&json!("GET shop.example/orders/{number}"), &json!(6))
    );
    assert_eq!(json["clients"][0]["name"], "192.0.2.0");
    let exceptions = &json["exceptions"];
    assert_eq!(
        exceptions["used"],
        json!([{"id": "A-1", "requests": 14, "reason": "ticket 1", "expires": "2027-01-31", "in_policy": true}])
    );
    assert_eq!(exceptions["unused"][0]["id"], "B-2");
    assert_eq!(json["uninspected"][0]["requests"], 14);
    assert_eq!(json["revisions"][1]["first"], "2026-11-13 10:00");
    assert_eq!(
        json["notes"],
        json!(["3 records lie outside the period and are not counted."])
    );

    let counted = |words: &[&str]| {
        let ran = folder.run(&[&["report", "envoy.log", "--json"], words].concat());
        ran.json()["totals"]["requests"].clone()
    };
    assert_eq!(counted(&["--days", "2"]), 6);
    assert_eq!(
        counted(&["--since", "2026-11-09", "--until", "2026-11-10"]),
        6
    );
    assert_eq!(counted(&["--until", "2026-11-10T09:59:59Z"]), 3);
    let masked = folder.run(&["report", "envoy.log", "--json", "--mask-clients"]);
    assert!(
        masked.out.contains("192.0.2.0/24") && !masked.out.contains("192.0.2.1\""),
        "{}",
        masked.out
    );
    for (words, wanted) in [
        (
            &["report", "envoy.log", "--since", "soon"][..],
            "expected a day such as",
        ),
        (
            &["report", "envoy.log", "--days", "0"],
            "0 is not in 1..=31",
        ),
        (&["report", "other.log"], "no record and no access log"),
    ] {
        let ran = folder.run(words);
        assert_eq!(ran.code, 2, "{words:?}");
        assert!(ran.err.contains(wanted), "{}", ran.err);
    }
}

/// What would run, end an attribute, close an element or a cell, if it were not escaped.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "</title></style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "a|b`c\n\u{202e}# d",
];

#[test]
fn no_name_becomes_markup() {
    let folder = Folder::new();
    let mut log = week();
    for name in HOSTILE {
        let line = Line {
            day: 7,
            client: name.to_owned(),
            path: format!("/x/{name}"),
            action: "block",
            reasons: REASONS,
            matches: MATCHES,
            more: json!({"host": name, "method": name, "exceptions": [name], "expired": [name], "policy": name,
                "revision": name, "uninspected": [name], "scope": name, "request_id": name}),
            ..Line::default()
        };
        let _ = writeln!(log, "{line}");
    }
    let policy = json!({"exceptions": [{"id": "<b>unused", "rules": 17, "path": "/", "reason": HOSTILE[1]}]});
    folder
        .write("policy.json", policy.to_string())
        .write("envoy.log", log);
    let ran = folder.run(&["report", "envoy.log", "--policy", "policy.json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let page = &ran.out;
    for wanted in [
        "&lt;script&gt;alert(1)&lt;&#x2f;script&gt;",
        "{{ 7 * 7 }}",
        "\\u{202e}",
        "&lt;b&gt;unused",
    ] {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
    for name in [
        "<script",
        "<img",
        "onerror=alert(1)>",
        "<svg onload",
        "<b>",
        "\u{202e}",
        "49",
    ] {
        assert!(!page.contains(name) || name == "49", "{name}");
    }
    // Nothing is fetched and nothing runs.
    for name in [
        "http://", "https://", "src=", "url(", "<script", "<iframe", "@import",
    ] {
        assert!(
            !page.replace("http://www.w3.org", "").contains(name) || name == "src=",
            "{name}"
        );
    }
    assert_eq!(
        page.matches("src=").count(),
        page.matches("&lt;img src=").count()
    );
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));

    let ran = folder.run(&[
        "report",
        "envoy.log",
        "--policy",
        "policy.json",
        "--format",
        "markdown",
    ]);
    let text = &ran.out;
    assert!(
        !text.contains("<script") && !text.contains("<img") && !text.contains('\u{202e}'),
        "{text}"
    );
    assert!(text.contains(r"a\|b\`c"), "{text}");
    // Each row has as many cells as its head.
    let cells = |line: &str| line.replace(r"\|", "").matches('|').count();
    let mut head = 0;
    for line in text.lines() {
        match line.starts_with('|') {
            true if head > 0 => assert_eq!(cells(line), head, "{line}"),
            true => head = cells(line),
            false => head = 0,
        }
    }
}

#[test]
fn an_empty_period_is_a_report_too() {
    let folder = Folder::new();
    folder.write("envoy.log", week());
    for format in ["html", "markdown", "json"] {
        let words = [
            "report",
            "envoy.log",
            "--since",
            "2020-01-01",
            "--until",
            "2020-01-02",
            "--format",
            format,
        ];
        let ran = folder.run(&[&words[..], &["--output", "out"]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
        assert!(
            folder
                .read("out")
                .contains("24 records lie outside the period")
        );
    }
}

#[test]
fn many_clients_take_little_memory() {
    let folder = Folder::new();
    let (peak, ran) = folder.peak(&["report", "-", "--json"], |out| {
        for number in 0..60_000_u32 {
            let line = Line {
                day: number % 7,
                client: format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255),
                path: format!("/p{number:x}x/y"),
                action: "block",
                reasons: REASONS,
                matches: MATCHES,
                ..Line::default()
            };
            writeln!(out, "{line}").expect("it reads on");
        }
    });
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["totals"]["blocked"], 60_000);
    assert!(ran.out.contains("the rare ones are missing"));
    assert!(peak > 1 && peak < 200, "{peak} MiB");
}
