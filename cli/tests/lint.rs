//! `palisade lint` as a command: what it prints where, and how it ends.

use serde_json::Value;

mod running;

use running::{Scrap, root, run_in};

fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    run_in(&root(), arguments, input.as_bytes())
}

/// A policy with a finding of each severity.
const POLICY: &str = "name: shop
# é
mode: monitor
exceptions:
  - {id: A, reason: names, rules: [11070], path: /a, name: q}
";

#[test]
fn the_pages_are_fresh() {
    let stands =
        std::fs::read_to_string(root().join("docs/lint.md")).expect("docs/lint.md is there");
    let (_, printed, _) = run(&["lint", "--markdown"], "");
    let first = printed.lines().zip(stands.lines()).find(|(a, b)| a != b);
    assert!(
        printed == stands,
        "docs/lint.md is stale: run `palisade lint --markdown > docs/lint.md`; first difference: {first:?}"
    );
}

#[test]
fn piped_output_is_one_line_each() {
    let file = Scrap::new("lines.yaml", POLICY);
    let (code, out, err) = run(&["lint", file.path()], "");
    assert_eq!((code, err.as_str()), (1, ""));
    let wanted = format!(
        "{}:3:1: warning[monitor-mode]: $.mode: nothing is blocked; `block`, once the records of ordinary traffic are quiet\n",
        file.path()
    );
    assert_eq!(out, wanted);
    let (code, out, _) = run(&["lint", "--level", "note", file.path()], "");
    assert_eq!((code, out.lines().count()), (1, 2), "{out}");
    let quiet = run(&["lint", "--allow", "monitor-mode", file.path()], "");
    assert_eq!(quiet, (0, String::new(), String::new()));
}

#[test]
fn a_reader_is_shown_the_text() {
    let file = Scrap::new("rich.yaml", POLICY);
    let (_, out, err) = run(&["lint", "--color", "always", file.path()], "");
    // Without the colours.
    let plain: String = out
        .split('\x1b')
        .enumerate()
        .map(|(index, piece)| match index {
            0 => piece,
            _ => piece.split_once('m').map_or("", |(_, rest)| rest),
        })
        .collect();
    for wanted in [
        "warning[monitor-mode]: nothing is blocked",
        "3 | mode: monitor",
        "^^^^^^^^^^^^^ $.mode",
        "help: `block`, once",
        "`palisade lint --explain monitor-mode` tells more",
    ] {
        assert!(plain.contains(wanted), "{wanted}: {plain}");
    }
    assert!(err.contains("--level note"), "{err}");
}

#[test]
fn what_the_module_refuses_is_an_error_with_its_place() {
    let json = Scrap::new(
        "refused.json",
        "{\n  \"mode\": \"blok\",\n  \"limits\": {\"body\": 1}\n}",
    );
    let (code, out, _) = run(&["lint", json.path()], "");
    assert_eq!(code, 1);
    for wanted in [
        "refused.json:2:3: error[refused]: $.mode: `blok` is not a mode; expected one of off, monitor, block; did you mean `block`?",
        "refused.json:3:14: error[refused]: $.limits.body: ",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    let (code, out, _) = run(&["lint", "-"], "mode: [block");
    assert_eq!(code, 1);
    assert!(
        out.starts_with("-:1:7: error[refused]: not YAML: "),
        "{out}"
    );
    let (code, out, _) = run(&["lint", "-"], "{\"mode\": \"block\",}");
    assert_eq!(code, 1);
    assert!(
        out.starts_with("-:1:18: error[refused]: not JSON: "),
        "{out}"
    );
    let (code, out, err) = run(&["lint", "/no/such/policy.json"], "");
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("/no/such/policy.json"), "{err}");
}

#[test]
fn programs_get_json() {
    let file = Scrap::new("json.yaml", POLICY);
    let other = Scrap::new("other.json", "{\"name\": \"a\"}");
    let (code, out, _) = run(
        &[
            "lint",
            "--json",
            "--level",
            "note",
            file.path(),
            other.path(),
        ],
        "",
    );
    assert_eq!(code, 1);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let policies = json["policies"].as_array().expect("a list");
    assert_eq!(policies.len(), 2);
    let first = &policies[0]["findings"][0];
    assert_eq!(first["id"], "monitor-mode");
    assert_eq!(first["severity"], "warning");
    assert_eq!(first["path"], "$.mode");
    assert_eq!((&first["line"], &first["column"]), (&3.into(), &1.into()));
    assert_eq!(first["end_column"], 14);
    assert_eq!(policies[1]["findings"], serde_json::json!([]));
}

/// What GitHub asks of a log (its "SARIF support for code scanning") and what the format itself requires.
#[test]
fn sarif_has_what_its_readers_need() {
    let file = Scrap::new("a b.yaml", POLICY);
    let (code, out, _) = run(
        &["lint", "--format", "sarif", "--level", "note", file.path()],
        "",
    );
    assert_eq!(code, 1);
    let log: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().expect("a URI").contains("sarif"));
    let runs = log["runs"].as_array().expect("a list");
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "palisade");
    assert!(driver["semanticVersion"].is_string());
    let rules = driver["rules"].as_array().expect("a list");
    assert!(rules.len() > 40);
    for rule in rules {
        assert!(rule["id"].is_string());
        for key in ["shortDescription", "fullDescription", "help"] {
            let text = rule[key]["text"].as_str().expect(key);
            assert!(
                !text.is_empty() && text.len() < 1024,
                "{key} {}",
                rule["id"]
            );
        }
        let level = rule["defaultConfiguration"]["level"].as_str();
        assert!(matches!(level, Some("note" | "warning" | "error")));
    }
    let results = runs[0]["results"].as_array().expect("a list");
    assert_eq!(results.len(), 2);
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("a number") as usize;
        assert_eq!(result["ruleId"], rules[index]["id"]);
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        let locations = result["locations"].as_array().expect("a list");
        let place = &locations[0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
        assert!(
            uri.starts_with("file:///") && uri.ends_with("a%20b.yaml"),
            "{uri}"
        );
        let at = |key: &str| place["region"][key].as_u64().expect(key);
        assert!(at("startLine") >= 1 && at("startColumn") >= 1);
        assert!((at("endLine"), at("endColumn")) >= (at("startLine"), at("startColumn")));
        let fingerprints = result["partialFingerprints"]
            .as_object()
            .expect("an object");
        assert!(fingerprints.values().all(Value::is_string) && !fingerprints.is_empty());
    }
    // A relative path stays one: that is how GitHub finds the file in the repository.
    let here = format!("./{}", file.name());
    let (_, out, _) = run_in(file.folder(), &["lint", "--format", "sarif", &here], b"");
    let log: Value = serde_json::from_str(&out).expect("JSON");
    let uri = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        ["uri"];
    assert!(uri.as_str().is_some_and(|uri| uri == "a%20b.yaml"), "{uri}");
}

#[test]
fn every_finding_explains_itself() {
    let (code, list, _) = run(&["lint", "--explain"], "");
    assert_eq!(code, 0);
    let (_, json, _) = run(&["lint", "--explain", "--json"], "");
    let pages: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let pages_of_docs =
        std::fs::read_to_string(root().join("docs/lint.md")).expect("docs/lint.md is there");
    assert_eq!(list.lines().count(), pages.len());
    for page in &pages {
        let id = page["id"].as_str().expect("an id");
        assert!(
            list.contains(id) && pages_of_docs.contains(&format!("\n## {id}\n")),
            "{id}"
        );
    }
    let (code, out, _) = run(&["lint", "--explain", "exception-any-path"], "");
    assert_eq!(code, 0);
    for wanted in ["(warning)", "Say `path`", "reported:", "not reported:"] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    let (code, _, err) = run(&["lint", "--explain", "exception-any-pat"], "");
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `exception-any-path`?"), "{err}");
}

/// The policies that ship as examples are no bad ones.
#[test]
fn shipped_policies_have_no_findings() {
    for (file, allowed) in [
        ("examples/strict/policy.json", &[][..]),
        ("examples/custom-rule/policy.json", &[]),
        ("examples/monitor/policy.json", &["monitor-mode"]),
    ] {
        let file = root().join(file);
        let mut arguments = vec!["lint", file.to_str().expect("UTF-8")];
        for id in allowed {
            arguments.extend(["--allow", id]);
        }
        let (code, out, _) = run(&arguments, "");
        assert_eq!((code, out.as_str()), (0, ""));
    }
}
