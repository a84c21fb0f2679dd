//! `palisade test` as a command: our own suite passes it, and what fails is told.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

mod running;

use running::root;

fn run_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    running::run_in(folder, arguments, b"")
}

/// A folder that is gone at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path =
            std::env::temp_dir().join(format!("palisade-test-{}-{name}", std::process::id()));
        for (name, text) in files {
            let file = path.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_suite_of_the_product_passes() {
    let (code, out, err) = run_in(&root(), &["test", "tests/cases", "--json"]);
    assert_eq!(code, 0, "{out} {err}");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let suite = palisade_harness::cases::load();
    assert_eq!(json["cases"].as_array().expect("a list").len(), suite.len());
    let skipped = suite
        .iter()
        .filter(|case| !case.runs_on(palisade_harness::cases::Driver::Engine))
        .count();
    assert_eq!(json["skipped"], skipped);
}

/// The fenced blocks of a document by the word behind the fence.
fn block<'a>(text: &'a str, word: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n```{word}\n")).expect(word);
    rest.split_once("\n```\n").expect(word).0
}

#[test]
fn the_example_of_the_document_does_what_stands_there() {
    let document = fs::read_to_string(root().join("docs/testing.md")).expect("docs/testing.md");
    let (policy, cases) = (block(&document, "yaml"), block(&document, "toml"));
    let folder = Folder::new(
        "document",
        &[("policy.yaml", policy), ("cases.toml", cases)],
    );
    let console = block(&document, "console");
    let (command, expected) = console
        .split_once('\n')
        .expect("a command and what it prints");
    let words: Vec<&str> = command.split(' ').collect();
    let ["$", "palisade", arguments @ ..] = words.as_slice() else {
        panic!("{command}");
    };
    let (code, out, err) = run_in(&folder.0, arguments);
    assert_eq!((code, out.trim_end(), err.as_str()), (0, expected, ""));
    let (code, out, _) = run_in(&folder.0, &["lint", "policy.yaml"]);
    assert_eq!((code, out.as_str()), (0, ""));
    // Without the exception the first case fails: the example is about something.
    let bare = Folder::new(
        "bare",
        &[("p.yaml", "preset: strict"), ("a/b/cases.toml", cases)],
    );
    let (code, out, _) = run_in(&bare.0, &["test", ".", "-p", "p.yaml"]);
    assert_eq!(code, 1);
    assert!(
        out.ends_with("2 passed, 1 failed, 0 skipped under p.yaml\n"),
        "{out}"
    );
}

/// Every key of the format has its row.
#[test]
fn the_document_knows_every_key() {
    let document = fs::read_to_string(root().join("docs/testing.md")).expect("docs/testing.md");
    for (table, template) in [
        ("[[case]]", "[[case]]\nno_such_key = 1\n"),
        (
            "[case.request]",
            "[[case]]\nname = \"a\"\n[case.request]\nno_such_key = 1\n",
        ),
        (
            "[case.expect]",
            "[[case]]\nname = \"a\"\n[case.request]\ntarget = \"/\"\n[case.expect]\nno_such_key = 1\n",
        ),
    ] {
        let problems = palisade_harness::cases::parse_suite([("x", template)]).expect_err(table);
        let (_, known) = problems[0].split_once("expected one of ").expect("a list");
        for key in known
            .split(['`', ',', ' ', '\n'])
            .filter(|key| !key.is_empty())
        {
            let inner = [
                "request",
                "expect",
                "drivers",
                "skip_reason",
                "refused",
                "normalized",
            ];
            if !inner.contains(&key) {
                assert!(document.contains(&format!("`{key}`")), "{table} {key}");
            }
        }
    }
}

const CASES: &str = r#"
[[case]]
name = "passes"
[case.request]
target = "/"
[case.expect]
action = "allow"

[[case]]
name = "fails"
why = "<it> & was learned"
[case.request]
target = "/?q=1%27%20or%201=1--"
[case.expect]
action = "allow"
rules = [17]
not_rules = [2017]

[[case]]
name = "of-envoy-alone"
drivers = ["envoy"]
skip_reason = "the proxy answers"
[case.request]
target = "/"
[case.expect]
action = "allow"

[[case]]
name = "own-policy"
policy = { mode = "monitor", block_response = { status = 404 } }
[case.request]
target = "/?q=1%27%20or%201=1--"
[case.expect]
action = "monitor"
rules = [2017]

[[case]]
name = "bad-policy"
policy = { mode = "blok" }
[case.request]
target = "/"
[case.expect]
action = "allow"

[[case]]
name = "status"
policy = { block_response = { status = 404 } }
[case.request]
target = "/?q=1%27%20or%201=1--"
[case.expect]
action = "block"
status = 403
rules = [2017]
"#;

#[test]
fn failures_say_what_differs_and_why() {
    let folder = Folder::new(
        "failures",
        &[("c/cases.toml", CASES), ("c/notes.txt", "no case")],
    );
    let (code, out, err) = run_in(&folder.0, &["test", "c", "--junit", "out.xml"]);
    assert_eq!((code, err.as_str()), (1, ""));
    for wanted in [
        "FAIL fails (c/cases.toml:10)\n  because   <it> & was learned\n  wrong     action is block, expected allow\n  wrong     rule 2017 hit\n",
        "  rule      2017 libinjection-in-context in query_string `q`",
        "FAIL bad-policy (c/cases.toml:",
        "  wrong     the policy: $.mode: `blok` is not a mode",
        "  wrong     status is 404, expected 403\n",
        "\n2 passed, 3 failed, 1 skipped under the default policy\n",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    assert!(!out.contains("\x1b"), "{out}");
    let xml = fs::read_to_string(folder.0.join("out.xml")).expect("a file");
    for wanted in [
        "<testsuites name=\"palisade test\" tests=\"6\" skipped=\"1\" failures=\"3\" errors=\"0\"",
        "<testcase name=\"fails\" classname=\"c/cases.toml\"",
        "line=\"10\"",
        "message=\"action is block, expected allow; rule 2017 hit\"",
        "<skipped message=\"the proxy answers\"",
    ] {
        assert!(xml.contains(wanted), "{wanted}: {xml}");
    }
    let report = quick_junit_read(&xml);
    assert_eq!(report, (6, 3));
    let (code, out, _) = run_in(
        &folder.0,
        &["test", "c", "--filter", "pass", "--color", "always"],
    );
    assert_eq!(code, 0);
    assert!(
        out.contains("ok  \x1b[0m passes\n") && out.contains("1 passed, 0 failed"),
        "{out}"
    );
    let (_, json, _) = run_in(&folder.0, &["test", "c", "--json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["passed"], &json["failed"]), (&2.into(), &3.into()));
    assert_eq!(json["cases"][1]["differences"][1], "rule 2017 hit");
}

/// How many cases and failures another reader of XML finds.
fn quick_junit_read(xml: &str) -> (usize, usize) {
    let opening = |name: &str| xml.matches(&format!("<{name} ")).count();
    assert_eq!(xml.matches("</failure>").count(), opening("failure"));
    (opening("testcase"), opening("failure"))
}

#[test]
fn what_cannot_be_run_is_told_apart() {
    let folder = Folder::new(
        "broken",
        &[
            (
                "broken.toml",
                "[[case]]\nname = \"a\"\n\n[case.request]\npath = \"/\"\n",
            ),
            ("empty/notes.txt", ""),
            (
                "twice.toml",
                "[[case]]\nname = \"Not So\"\n[case.request]\ntarget = \"/\"\n[case.expect]\naction = \"allow\"\n",
            ),
            ("policy.yaml", "mode: blok"),
        ],
    );
    for (arguments, wanted) in [
        (&["test", "broken.toml"][..], "line 5, column 1"),
        (
            &["test", "twice.toml"],
            "twice.toml:2: Not So: a name is made of a-z",
        ),
        (&["test", "empty"], "there is no such case"),
        (&["test", "nowhere"], "nowhere: No such file"),
        (
            &["test", "broken.toml", "-p", "policy.yaml"],
            "policy.yaml:1:1: $.mode",
        ),
    ] {
        let (code, out, err) = run_in(&folder.0, arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
        assert!(err.contains(wanted), "{arguments:?}: {err}");
    }
}

#[test]
fn a_day_ends_exceptions() {
    let folder = Folder::new(
        "day",
        &[
            (
                "p.yaml",
                "preset: strict\nexceptions: [{id: A, rules: [0], name: q, expires: 2026-06-30}]",
            ),
            (
                "c.toml",
                "[[case]]\nname = \"a\"\n[case.request]\ntarget = \"/?q=%27%27%27\"\n[case.expect]\naction = \"allow\"\nexceptions = [\"A\"]\n",
            ),
        ],
    );
    let on = |day: &str| {
        run_in(
            &folder.0,
            &["test", "c.toml", "-p", "p.yaml", "--date", day],
        )
        .0
    };
    assert_eq!((on("2026-06-30"), on("2026-07-01")), (0, 1));
}
