//! `palisade init`: what it writes is good, and it overwrites nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

mod running;

fn run_in(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    running::run_in(folder, arguments, b"")
}

/// A folder that is gone at the end of its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("palisade-init-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect(name)
    }

    /// Every file in it with its text.
    fn all(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let text = fs::read_to_string(&path).expect("a file");
                    found.insert(path, text);
                }
            }
        }
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The policy that a configuration carries.
fn carried(folder: &Folder, file: &str) -> Value {
    let configuration = yaml(&folder.read(file));
    match file {
        "envoy.yaml" => {
            let filters = configuration["http_filters"].as_array().expect("a list");
            let text = &filters[1]["typed_config"]["config"]["configuration"]["value"];
            let policy: Value =
                serde_json::from_str(text.as_str().expect("a string")).expect("JSON");
            let behind = policy["telemetry"]["metadata_on_request"] == true;
            assert_eq!(filters.len(), if behind { 3 } else { 2 });
            policy
        }
        _ => configuration["spec"]["pluginConfig"].clone(),
    }
}

#[test]
fn the_starter_policy_is_clean_and_its_tests_pass() {
    for (index, arguments) in [
        &["init"][..],
        &["init", "--mode", "block"],
        &["init", "--format", "json"],
        &[
            "init", "--format", "json", "--mode", "block", "--for", "istio",
        ],
        &["init", "--for", "istio", "--name", "shop"],
    ]
    .iter()
    .enumerate()
    {
        let folder = Folder::new(&format!("clean-{index}"));
        let quiet = run_in(&folder.0, arguments);
        assert_eq!(quiet, (0, String::new(), String::new()), "{arguments:?}");
        let json = arguments.contains(&"json");
        let policy = if json { "policy.json" } else { "policy.yaml" };
        let mut lint = vec!["lint", "--level", "note", policy];
        if json && !arguments.contains(&"block") {
            // JSON has no comments.
            lint.extend(["--allow", "monitor-mode"]);
        }
        let (code, out, err) = run_in(&folder.0, &lint);
        assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
        let (code, out, _) = run_in(&folder.0, &["test", "tests", "--policy", policy]);
        assert_eq!(code, 0, "{out}");
        assert!(out.starts_with("3 passed, 0 failed"), "{out}");
        let written = yaml(&folder.read(policy));
        let istio = arguments.contains(&"istio");
        let file = if istio {
            "wasmplugin.yaml"
        } else {
            "envoy.yaml"
        };
        assert_eq!(carried(&folder, file), written);
        assert_eq!(written["telemetry"]["metadata"] == false, istio);
        let wanted = if arguments.contains(&"shop") {
            "shop"
        } else {
            "my-service"
        };
        assert_eq!(written["name"], wanted);
        assert_eq!(folder.all().len(), 3);
    }
}

/// What stands in comments is good too, once somebody takes the marks away.
#[test]
fn examples_in_comments_are_good_policy() {
    let folder = Folder::new("comments");
    run_in(&folder.0, &["init"]);
    let text = folder.read("policy.yaml");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let example = line.strip_prefix("# ").filter(|rest| {
            rest.starts_with("  ") && !rest.contains("palisade ")
                || rest.ends_with(':') && !rest.contains(' ')
        });
        let line = line.strip_suffix(": []").map(|key| format!("{key}:"));
        lines.push(
            example
                .map(str::to_owned)
                .or(line)
                .unwrap_or_else(|| text.lines().nth(lines.len()).expect("the line").to_owned()),
        );
    }
    fs::write(folder.0.join("policy.yaml"), lines.join("\n")).expect("a file");
    let (code, out, err) = run_in(&folder.0, &["check", "-p", "policy.yaml", "--json", "/"]);
    assert_eq!(code, 0, "{out} {err}");
    let value = yaml(&folder.read("policy.yaml"));
    assert_eq!(value["exceptions"][0]["id"], "TICKET-1");
    assert_eq!(value["scopes"][0]["name"], "imports");
    assert_eq!(value["limits"]["file_bytes"], 0);
    assert_eq!(value["uninspected"]["body_too_large"], "inspect_prefix");
}

#[test]
fn nothing_is_overwritten_unless_forced() {
    let folder = Folder::new("force");
    fs::write(folder.0.join("policy.yaml"), "mine: 1").expect("a file");
    let before = folder.all();
    let (code, out, err) = run_in(&folder.0, &["init"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.contains("policy.yaml is there already; `--force` overwrites"),
        "{err}"
    );
    assert_eq!(folder.all(), before, "something was written");
    assert_eq!(run_in(&folder.0, &["init", "--force"]).0, 0);
    assert!(folder.read("policy.yaml").contains("version: 1"));
}

#[test]
fn a_policy_that_is_there_is_carried_as_it_is() {
    let folder = Folder::new("policy");
    let policy = "---\n# why\nname: shop\nexceptions:\n  - {id: A, rules: [17], path: /a, expires: 2027-01-01, value: {regex: \"^it's \\\\w+$\"}}\nblock_response:\n  html: |\n    <p>{request_id}</p>\n\n    <p>\"%\"</p>\n";
    fs::write(folder.0.join("p.yaml"), policy).expect("a file");
    for (proxy, file) in [("envoy", "envoy.yaml"), ("istio", "wasmplugin.yaml")] {
        let arguments = [
            "init",
            "--for",
            proxy,
            "--policy",
            "p.yaml",
            "--module",
            "/m \"x\".wasm",
        ];
        assert_eq!(run_in(&folder.0, &arguments).0, 0);
        assert_eq!(carried(&folder, file), yaml(policy), "{file}");
        assert!(folder.read(file).contains("/m \\\"x\\\".wasm"), "{file}");
        assert_eq!(folder.all().len(), if proxy == "envoy" { 2 } else { 3 });
    }
    let policy = format!("{policy}telemetry: {{metadata_on_request: true}}\n");
    fs::write(folder.0.join("p.yaml"), &policy).expect("a file");
    let arguments = ["init", "--for", "envoy", "--policy", "p.yaml", "--force"];
    assert_eq!(run_in(&folder.0, &arguments).0, 0);
    assert_eq!(carried(&folder, "envoy.yaml"), yaml(&policy));
    let shipped = include_str!("../../envoy/metadata_on_request.json");
    let shipped: Value = serde_json::from_str(shipped).expect("JSON");
    let written = yaml(&folder.read("envoy.yaml"));
    assert_eq!(
        written["http_filters"][2]["typed_config"],
        shipped["typed_config"]
    );
    fs::write(folder.0.join("bad.yaml"), "mode: blok").expect("a file");
    let (code, _, err) = run_in(&folder.0, &["init", "--policy", "bad.yaml", "--force"]);
    assert_eq!(code, 2);
    assert!(err.contains("bad.yaml:1:1: $.mode"), "{err}");
    assert_eq!(carried(&folder, "envoy.yaml"), yaml(&policy), "kept");
    let (code, _, err) = run_in(&folder.0, &["init", "--name", "not a name"]);
    assert_eq!(code, 2);
    assert!(err.contains("letters, digits"), "{err}");
}

#[test]
fn what_was_written_is_told_to_whom_asks() {
    let folder = Folder::new("told");
    let (_, out, _) = run_in(&folder.0, &["init", "sub/folder", "--json"]);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let written = json["written"].as_array().expect("a list");
    assert_eq!(written.len(), 3);
    for file in written {
        assert!(
            folder
                .0
                .join(file["path"].as_str().expect("a path"))
                .is_file()
        );
    }
    let (_, out, _) = run_in(&folder.0, &["init", "--color", "always"]);
    assert_eq!(out.lines().count(), 3, "{out}");
}
