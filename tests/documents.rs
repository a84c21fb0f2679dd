//! The documents on policies, executed: every policy in them is read, every request below one is judged as it
//! says there, and the tables are those of the code.

use std::fs;
use std::path::Path;

use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::model::{Action, Anomaly, Limits, Named};
use palisade::request::Head;

const DOCUMENTS: [&str; 4] = [
    "docs/policy.md",
    "docs/exceptions.md",
    "docs/scopes.md",
    "README.md",
];

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect(name)
}

/// The fenced blocks of a document: the word behind the fence, and the text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(word)) => open = Some((word.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, text)), None) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    found
}

/// A line such as `block POST host/path?query content/type body`; without a host the path comes at once.
fn judge(engine: &Engine, line: &str) -> (Action, Action) {
    let mut words = line.splitn(5, ' ');
    let mut word = || words.next().unwrap_or_default();
    let (expected, method, place, media_type, body) = (word(), word(), word(), word(), word());
    let expected = palisade::model::parse_name(expected).unwrap_or_else(|| panic!("{line}"));
    let (host, target) = place.split_at(place.find('/').expect(line));
    let headers: Vec<(&[u8], &[u8])> = match media_type {
        "" => Vec::new(),
        _ => vec![(b"content-type", media_type.as_bytes())],
    };
    let head = Head {
        method: method.as_bytes(),
        scheme: b"https",
        authority: if host.is_empty() {
            b"api.example.com"
        } else {
            host.as_bytes()
        },
        target: target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: body.is_empty(),
    };
    let mut scratch = Scratch::default();
    let mut seen = engine.begin(&mut scratch, &head);
    if engine.action(&seen) != Action::Block && !body.is_empty() {
        engine.body(&mut scratch, &mut seen, body.as_bytes(), true);
    }
    (expected, engine.action(&seen))
}

#[test]
fn examples_in_documents_do_what_stands_there() {
    let (mut policies, mut requests) = (0, 0);
    for document in DOCUMENTS {
        let mut engine = None;
        for (word, text) in blocks(&read(document)) {
            match word.as_str() {
                // The README shows an answer too.
                "json" if text.contains("about:blank") => {}
                "json" => {
                    let compiled = Config::parse(text.as_bytes()).and_then(Engine::compile);
                    engine =
                        Some(compiled.unwrap_or_else(|problems| {
                            panic!("{document}: {text}: {problems:#?}")
                        }));
                    policies += 1;
                }
                "requests" => {
                    let engine = engine.as_ref().expect("a policy stands above");
                    for line in text.lines() {
                        let (expected, found) = judge(engine, line);
                        assert_eq!(expected, found, "{document}: {line}");
                        requests += 1;
                    }
                }
                _ => {}
            }
        }
    }
    assert!(policies >= 12 && requests >= 20, "{policies} {requests}");
}

#[test]
fn tables_are_those_of_the_code() {
    let document = read("docs/policy.md");
    let mut table = String::from("| limit | default | from | to |\n|---|---|---|---|\n");
    for (key, value, range) in Limits::default().entries() {
        let (least, most) = range.into_inner();
        table += &format!("| `{key}` | {value} | {least} | {most} |\n");
    }
    assert!(document.contains(&table), "docs/policy.md needs\n{table}");
    let mut table = String::from("| what | default | meaning |\n|---|---|---|\n");
    for anomaly in Anomaly::UNINSPECTED.iter() {
        let fallback = anomaly.default_fallback().name();
        table += &format!("| `{anomaly}` | `{fallback}` | {} |\n", anomaly.meaning());
    }
    assert!(document.contains(&table), "docs/policy.md needs\n{table}");
}

/// Every key that the reader knows at the top and in scopes has a row in `docs/policy.md`, with a star where it
/// may stand in a scope.
#[test]
fn every_key_has_its_row() {
    let document = read("docs/policy.md");
    let known = |template: &str| -> Vec<String> {
        let problems = Config::parse(template.as_bytes()).expect_err(template);
        let told = problems
            .iter()
            .find_map(|problem| problem.message.strip_prefix("unknown key; expected "))
            .expect(template);
        told.split(", ").map(str::to_owned).collect()
    };
    let scope = known(r#"{"scopes": [{"no such key": 1}]}"#);
    for key in known(r#"{"no such key": 1}"#) {
        let star = if scope.contains(&key) && key != "name" {
            "*"
        } else {
            ""
        };
        let rows = [
            format!("| `{key}`{star} |"),
            format!("| `{key}`, "),
            format!(", `{key}` |"),
        ];
        assert!(
            rows.iter().any(|row| document.contains(row)),
            "{key}: {rows:?}"
        );
        let example = blocks(&document)
            .iter()
            .any(|(word, text)| word == "json" && text.contains(&format!("\"{key}\": ")));
        assert!(example, "{key} has no example in docs/policy.md");
    }
}
