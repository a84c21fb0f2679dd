//! `palisade tune`: what is proposed and what is not, how it is written, and how much memory a long log takes.

mod running;

use std::fmt::Write as _;

use running::{Folder, Line};
use serde_json::{Value, json};

const STRICT: &str = r#"{"preset":"strict","mode":"monitor"}"#;

/// Requests of as many clients on as many days, each hitting these rules in one field.
struct Hits {
    clients: u32,
    days: u32,
    each: u32,
    path: &'static str,
    reasons: &'static [&'static str],
    matches: &'static [&'static str],
}

/// Ordinary clients whose names have apostrophes.
const ORDINARY: Hits = Hits {
    clients: 12,
    days: 4,
    each: 1,
    path: "/people",
    reasons: &["sql_injection"],
    matches: &["0:1013:query_string:name"],
};

impl Hits {
    fn lines(&self) -> String {
        let mut out = String::new();
        for (day, client, _) in (0..self.days).flat_map(|day| {
            (0..self.clients)
                .flat_map(move |client| (0..self.each).map(move |one| (day, client, one)))
        }) {
            let line = Line {
                day,
                client: format!("192.0.2.{client}"),
                path: self
                    .path
                    .replace("{}", &format!("word{}", (b'a' + client as u8) as char)),
                action: "monitor",
                reasons: self.reasons,
                matches: self.matches,
                ..Line::default()
            };
            let _ = writeln!(out, "{line}");
        }
        out
    }
}

/// Runs `tune` on a log under a policy.
fn tuned(policy: &str, log: &str, more: &[&str]) -> (i32, Value) {
    let folder = Folder::new();
    folder.write("policy.json", policy).write("envoy.log", log);
    let ran = folder.run(
        &[
            &["tune", "envoy.log", "--policy", "policy.json", "--json"],
            more,
        ]
        .concat(),
    );
    (ran.code, ran.json())
}

#[test]
fn an_exception_is_as_narrow_as_its_evidence() {
    let (code, json) = tuned(STRICT, &ORDINARY.lines(), &["--expire-after", "0"]);
    assert_eq!(code, 1);
    let one = &json["proposals"][0];
    let mut exception = one["exception"].clone();
    let fields = exception.as_object_mut().expect("an object");
    fields.remove("id");
    let reason = fields.remove("reason").expect("every exception says why");
    assert!(
        reason
            .as_str()
            .is_some_and(|text| text.contains("48 requests of 12 clients on 4 days")),
        "{reason}"
    );
    assert_eq!(
        exception,
        json!({"rules": [1013], "host": "shop.example", "path": "/people", "method": "GET",
            "zones": "query_string", "name": "name", "part": "value"})
    );
    assert_eq!(one["confidence"], "high");
    assert_eq!(
        one["evidence"],
        json!({"requests": 48, "clients": 12, "days": 4})
    );
    assert!(
        one["attacks_blocked"].as_u64() > Some(100) && one["attacks_let_through"] == 0,
        "{one}"
    );
}

#[test]
fn nothing_suspect_is_excused() {
    let few = |clients, days, each| Hits {
        clients,
        days,
        each,
        ..ORDINARY
    };
    let signature = &["0:2017:query_string:name"];
    for (what, hits, expected) in [
        ("one client", few(1, 5, 10), "a single client"),
        ("two clients", few(2, 5, 10), "fewer than 3 clients"),
        ("few requests", few(3, 1, 1), "fewer than 5 requests"),
        (
            "a signature",
            Hits {
                matches: signature,
                ..ORDINARY
            },
            "rule 2017 is a signature that blocks by itself",
        ),
        (
            "several categories at once",
            Hits {
                reasons: &[
                    "sql_injection",
                    "cross_site_scripting",
                    "remote_code_execution",
                ],
                ..ORDINARY
            },
            "single requests reach 3 categories or more",
        ),
        (
            "no path",
            Hits {
                path: "/{}1234567890",
                ..ORDINARY
            },
            "the path has no part that stays the same",
        ),
        (
            "a name that is a secret",
            Hits {
                matches: &["0:1013:query_string:[email]"],
                ..ORDINARY
            },
            "the name of the field looks like a secret and is not in the records",
        ),
    ] {
        let (code, json) = tuned(STRICT, &hits.lines(), &[]);
        assert_eq!(json["proposals"], json!([]), "{what}: {json:#}");
        assert_eq!(code, 0, "{what}");
        let reasons = json["rejected"][0]["reasons"].to_string();
        assert!(reasons.contains(expected), "{what}: {reasons}");
    }
    // What records only under the policy needs no exception.
    let (_, json) = tuned("{}", &ORDINARY.lines(), &[]);
    assert_eq!(
        (&json["proposals"], &json["not_explained_by_the_policy"]),
        (&json!([]), &json!(48))
    );
}

#[test]
fn scanners_speak_for_nothing() {
    let mut log = String::new();
    let places = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    for client in 0..6 {
        for place in places {
            let path = format!("/{place}/search");
            let line = Line {
                client: format!("198.51.100.{client}"),
                path,
                action: "monitor",
                reasons: &["sql_injection"],
                matches: &["0:1013:query_string:q"],
                ..Line::default()
            };
            let _ = writeln!(log, "{line}");
        }
    }
    let (_, json) = tuned(STRICT, &log, &[]);
    assert_eq!(json["proposals"], json!([]), "{json:#}");
    assert!(
        json["rejected"][0]["reasons"]
            .to_string()
            .contains("clients that look for weaknesses")
    );
    // Beside ordinary clients they change nothing.
    let both = log
        .replace("/a/search", "/people")
        .replace("query_string:q", "query_string:name")
        + &ORDINARY.lines();
    let (_, json) = tuned(STRICT, &both, &[]);
    assert_eq!(json["proposals"][0]["evidence"]["clients"], 12, "{json:#}");
}

#[test]
fn an_editor_is_told_from_an_attack_by_its_crowd() {
    let balanced = r#"{"mode":"monitor"}"#;
    let editor = Hits {
        clients: 40,
        days: 3,
        path: "/articles",
        reasons: &["cross_site_scripting"],
        matches: &[
            "0:2018:request_body:html",
            "1:12000:request_body:html",
            "2:12010:request_body:html",
            "3:12040:request_body:html",
        ],
        ..ORDINARY
    };
    let (_, json) = tuned(balanced, &editor.lines(), &[]);
    let one = &json["proposals"][0];
    assert_eq!(
        (&one["confidence"], &one["exception"]["rules"]),
        (&json!("low"), &json!([2018, 12000, 12010, 12040])),
        "{json:#}"
    );
    // An exception for a signature opens a door, and it is said how wide.
    assert!(one["attacks_let_through"].as_u64() > Some(0), "{one}");
    assert!(
        one["attack_samples"]
            .as_array()
            .is_some_and(|list| !list.is_empty())
    );
    let (code, json) = tuned(balanced, &editor.lines(), &["--confidence", "medium"]);
    assert_eq!((code, &json["proposals"]), (0, &json!([])));
    assert_eq!(
        json["rejected"][0]["reasons"],
        json!(["the confidence is low"])
    );
}

#[test]
fn paths_that_differ_in_a_word_are_one() {
    let people = Hits {
        path: "/people/{}/notes",
        each: 1,
        days: 3,
        ..ORDINARY
    };
    let (_, json) = tuned(STRICT, &people.lines(), &[]);
    let paths: Vec<_> = json["proposals"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["exception"]["path"])
        .collect();
    assert_eq!(
        paths,
        [&json!({"regex": "^/people/[^/]+/notes$"})],
        "{json:#}"
    );
    assert_eq!(json["proposals"][0]["evidence"]["requests"], 36);
}

#[test]
fn what_is_excused_already_is_not_proposed_again() {
    let policy = r#"{"preset":"strict","exceptions":[{"id":"HAVE-1","rules":1013,"path":"/people","zones":"query_string","name":"name"}]}"#;
    let (code, json) = tuned(policy, &ORDINARY.lines(), &[]);
    assert_eq!(code, 0);
    assert_eq!(
        json["rejected"][0]["reasons"],
        json!(["the policy has the exception `HAVE-1` for it"]),
        "{json:#}"
    );
}

#[test]
fn access_logs_show_the_share() {
    // A request of an access log, allowed or with the decision in it.
    let line = |number: u32, decision: &str| {
        format!(
            r#"{{"time":"2026-11-{:02}T10:00:00Z","method":"GET","path":"/people?name=x","authority":"shop.example","status":200,"client":"192.0.2.{}","waf":{decision}}}"#,
            9 + number % 5,
            number % 40
        )
    };
    let hit = r#"{"action":"monitor","reasons":["sql_injection"],"rules":[1013],"matches":["0:1013:query_string:name"]}"#;
    let mut log = String::new();
    for number in 0..2_000 {
        let decision = match number % 50 {
            0 => hit,
            _ => r#"{"action":"allow"}"#,
        };
        let _ = writeln!(log, "{}", line(number, decision));
    }
    // Every fiftieth of forty clients is one of four.
    let (_, json) = tuned(STRICT, &log, &[]);
    let one = &json["proposals"][0];
    assert_eq!(
        (&one["endpoint_requests"], &one["share"]),
        (&json!(2000), &json!(0.02)),
        "{json:#}"
    );
    let (_, json) = tuned(STRICT, &log, &["--min-share", "5"]);
    assert!(
        json["rejected"][0]["reasons"]
            .to_string()
            .contains("less than 5 %"),
        "{json:#}"
    );
}

#[test]
fn lines_of_all_kinds_stand_in_one_log() {
    let mut log = "[info] starting\n{\"level\":\"info\"}\n".to_owned();
    log += &ORDINARY.lines();
    // The access log of a request that left a record, and a record that is cut off.
    log += "{\"method\":\"GET\",\"path\":\"/people\",\"request_id\":\"r-1\",\"waf_action\":\"monitor\"}\n";
    let told = Line {
        request_id: "r-1",
        dropped: 7,
        ..Line::default()
    };
    let _ = writeln!(log, "{told}");
    log += "palisade: {\"record\":1,\"time\":\n";
    let (_, json) = tuned(STRICT, &log, &[]);
    assert_eq!(
        (&json["other_lines"], &json["malformed"], &json["dropped"]),
        (&json!(2), &json!(1), &json!(7))
    );
    assert_eq!(json["requests"], 49);
    let folder = Folder::new();
    folder.write("policy.json", STRICT).write("envoy.log", &log);
    let ran = folder.run(&["tune", "envoy.log", "--policy", "policy.json", "--strict"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("envoy.log:53: column"), "{}", ran.err);
    folder.write("empty.log", "[info] nothing\n");
    assert_eq!(folder.run(&["tune", "empty.log"]).code, 2);
}

#[test]
fn exceptions_are_written_into_the_file() {
    let folder = Folder::new();
    let json = "{\n    \"preset\": \"strict\",\n    \"exceptions\": [\n        {\"id\": \"tune-x\", \"rules\": 17, \"path\": \"/a\"}\n    ],\n    \"mode\": \"monitor\"\n}\n";
    let yaml = "preset: strict # tuned\nexceptions:\n  # The first.\n  - {id: A, rules: 17, path: /a}\n\n# The end.\nmode: monitor\n";
    folder
        .write("p.json", json)
        .write("p.yaml", yaml)
        .write("envoy.log", ORDINARY.lines());
    for (name, kept) in [
        (
            "p.json",
            "{\"id\": \"tune-x\", \"rules\": 17, \"path\": \"/a\"},",
        ),
        ("p.yaml", "  # The first."),
    ] {
        let words = ["tune", "envoy.log", "--policy", name, "--write"];
        let ran = folder.run(&words);
        assert_eq!(ran.code, 2, "nobody is there to ask");
        let ran = folder.run(&[&words[..], &["--yes"]].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(
            ran.out
                .contains(&format!("1 of 1 exceptions written to {name}")),
            "{}",
            ran.out
        );
        let text = folder.read(name);
        assert!(text.contains(kept) && text.contains("tune-20"), "{text}");
        assert_eq!(
            folder.run(&["replay", name, "envoy.log"]).code,
            2,
            "records carry no requests"
        );
        let ran = folder.run(&[
            "check",
            "--policy",
            name,
            "http://shop.example/people?name=O'Brien'",
        ]);
        assert_eq!(ran.code, 0, "{}", ran.out);
    }
    assert!(
        folder
            .read("p.yaml")
            .ends_with("\n# The end.\nmode: monitor\n")
    );
    // Nothing is written where there is no place for it.
    let flow = "preset: strict\nexceptions: [{id: A, rules: 17, path: /a}]\n";
    folder.write("flow.yaml", flow);
    let ran = folder.run(&[
        "tune",
        "envoy.log",
        "--policy",
        "flow.yaml",
        "--write",
        "--yes",
    ]);
    assert_eq!((ran.code, folder.read("flow.yaml").as_str()), (2, flow));
    assert!(ran.err.contains("one entry a line"), "{}", ran.err);
}

#[test]
fn on_a_terminal_each_exception_is_asked_for() {
    let mut log = ORDINARY.lines();
    for path in ["/b", "/c", "/d"] {
        log += &Hits { path, ..ORDINARY }.lines();
    }
    for (answers, expected) in [
        ("y\nn\ny\nn\n", 2),
        ("n\na\n", 3),
        ("what\ny\nq\n", 1),
        ("n\nn\nn\nn\n", 0),
    ] {
        let folder = Folder::new();
        folder
            .write("p.yaml", "preset: strict\nmode: monitor\n")
            .write("envoy.log", &log);
        let (code, out) = folder.at_terminal(
            &["tune", "envoy.log", "--policy", "p.yaml", "--write"],
            answers,
        );
        assert_eq!(
            folder.read("p.yaml").matches("- id:").count(),
            expected,
            "{answers:?}: {out}"
        );
        assert!(
            out.contains(&format!("{expected} of 4 exceptions written")),
            "{answers:?}: {out}"
        );
        assert_eq!(code, 1);
    }
}

#[test]
fn a_long_log_takes_little_memory() {
    let folder = Folder::new();
    folder.write("policy.json", STRICT);
    let lines = 60_000_u32;
    let (peak, ran) = folder.peak(&["tune", "-", "--policy", "policy.json", "--json"], |out| {
        for number in 0..lines {
            // Every line another client, endpoint and field: what is counted must not grow with the log.
            let line = Line {
                day: number % 7,
                client: format!("10.{}.{}.{}", number >> 16, number >> 8 & 255, number & 255),
                path: format!("/p{number:x}x/y"),
                action: "monitor",
                reasons: &["sql_injection"],
                matches: &["0:1013:query_string:q", "1:17:query_string:q"],
                ..Line::default()
            };
            writeln!(out, "{line}").expect("it reads on");
        }
        out.write_all(ORDINARY.lines().as_bytes())
            .expect("it reads on");
    });
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(
        ran.json()["proposals"][0]["exception"]["path"],
        "/people",
        "the frequent ones are not forgotten"
    );
    assert!(peak > 1 && peak < 200, "{peak} MiB");
}
