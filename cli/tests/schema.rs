//! `palisade schema` against the reader of policies, and against a validator that somebody else wrote.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use palisade::config::Config;
use serde_json::Value;

fn schema() -> Value {
    let output = Command::cargo_bin("palisade")
        .expect("the binary")
        .arg("schema")
        .output()
        .expect("it runs");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("the schema is JSON")
}

/// Each object of the schema, by the pointer to it, with a policy in which `@` stands for an entry of it.
const OBJECTS: [(&str, &str); 27] = [
    ("", "{@}"),
    ("/properties/telemetry", r#"{"telemetry": {@}}"#),
    ("/properties/limits", r#"{"limits": {@}}"#),
    ("/properties/uninspected", r#"{"uninspected": {@}}"#),
    (
        "/properties/enforce_percent/oneOf/1",
        r#"{"enforce_percent": {@}}"#,
    ),
    ("/properties/block_response", r#"{"block_response": {@}}"#),
    (
        "/$defs/text/oneOf/1",
        r#"{"exceptions": [{"rules": [0], "value": {@}}]}"#,
    ),
    ("/$defs/scope", r#"{"scopes": [{@}]}"#),
    (
        "/$defs/scope/properties/limits",
        r#"{"scopes": [{"limits": {@}}]}"#,
    ),
    (
        "/$defs/scope/properties/uninspected",
        r#"{"scopes": [{"uninspected": {@}}]}"#,
    ),
    (
        "/$defs/scope/properties/enforce_percent/oneOf/1",
        r#"{"scopes": [{"enforce_percent": {@}}]}"#,
    ),
    (
        "/$defs/scope/properties/block_response",
        r#"{"scopes": [{"block_response": {@}}]}"#,
    ),
    ("/$defs/override", r#"{"overrides": [{@}]}"#),
    ("/$defs/rule", r#"{"rules": [{@}]}"#),
    (
        "/$defs/condition_all",
        r#"{"rules": [{"when": {"all": [], @}}]}"#,
    ),
    (
        "/$defs/condition_any",
        r#"{"rules": [{"when": {"any": [], @}}]}"#,
    ),
    (
        "/$defs/condition_not",
        r#"{"rules": [{"when": {"not": {}, @}}]}"#,
    ),
    (
        "/$defs/condition_request",
        r#"{"rules": [{"when": {"method": "GET", @}}]}"#,
    ),
    (
        "/$defs/condition_field",
        r#"{"rules": [{"when": {"field": "a", @}}]}"#,
    ),
    (
        "/$defs/condition_header",
        r#"{"rules": [{"when": {"header": "a", @}}]}"#,
    ),
    ("/$defs/place", r#"{"rules": [{"when": {"field": {@}}}]}"#),
    (
        "/$defs/bounds",
        r#"{"rules": [{"when": {"field": "a", "length": {@}}}]}"#,
    ),
    (
        "/$defs/comparisons",
        r#"{"rules": [{"when": {"field": "a", "number": {@}}}]}"#,
    ),
    ("/$defs/exception_own", r#"{"exceptions": [{@}]}"#),
    (
        "/$defs/exception_zone",
        r#"{"exceptions": [{"match_zone": "path", @}]}"#,
    ),
    (
        "/$defs/exception_zones",
        r#"{"exceptions": [{"match_zones": [], @}]}"#,
    ),
    (
        "/$defs/exception_conditions",
        r#"{"exceptions": [{"conditions": [], @}]}"#,
    ),
];
/// The same for objects within those, whose pointers are long.
const INNER: [(&str, &str); 2] = [
    (
        "/$defs/exception_zones/properties/match_zones/items",
        r#"{"exceptions": [{"match_zones": [{@}]}]}"#,
    ),
    (
        "/$defs/exception_conditions/properties/conditions/items",
        r#"{"exceptions": [{"conditions": [{@}]}]}"#,
    ),
];

/// The keys that the reader says it expects where it finds one that it does not know.
fn keys_of_the_reader(template: &str) -> BTreeSet<String> {
    let policy = template.replace('@', r#""no such key": 1"#);
    let problems = Config::parse(policy.as_bytes()).expect_err(&policy);
    let told = problems
        .iter()
        .find_map(|problem| problem.message.strip_prefix("unknown key; expected "))
        .unwrap_or_else(|| panic!("{policy}: {problems:?}"));
    told.split(", ").map(str::to_owned).collect()
}

fn objects_below(value: &Value, pointer: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            if entries.contains_key("properties") && entries.contains_key("type") {
                found.insert(pointer.to_owned());
            }
            for (key, value) in entries {
                objects_below(value, &format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects_below(item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn each_object_has_the_keys_that_the_reader_knows() {
    let schema = schema();
    let mut listed = BTreeSet::new();
    for (pointer, template) in OBJECTS.iter().chain(&INNER) {
        let object = schema.pointer(pointer).expect(pointer);
        let keys: BTreeSet<String> = object["properties"]
            .as_object()
            .expect(pointer)
            .keys()
            .cloned()
            .collect();
        assert_eq!(keys, keys_of_the_reader(template), "{pointer}");
        assert_eq!(object["additionalProperties"], false, "{pointer}");
        listed.insert((*pointer).to_owned());
    }
    let mut all = BTreeSet::new();
    objects_below(&schema, "", &mut all);
    assert_eq!(all, listed, "every object of the schema is compared above");
}

/// Policies of the examples, and of the case suite as far as they are good.
fn good_policies() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("cli is a member");
    let mut policies = Vec::new();
    for entry in fs::read_dir(root.join("examples"))
        .expect("examples")
        .flatten()
    {
        let path = entry.path().join("policy.json");
        if let Ok(text) = fs::read_to_string(&path) {
            assert!(Config::parse(text.as_bytes()).is_ok(), "{}", path.display());
            policies.push((path.display().to_string(), text));
        }
    }
    assert!(policies.len() >= 3, "the examples are there");
    for name in [
        "policy",
        "exceptions",
        "scopes",
        "telemetry",
        "lint",
        "replay",
    ] {
        let text = fs::read_to_string(root.join(format!("docs/{name}.md"))).expect(name);
        let blocks = text.split("```json\n").skip(1);
        for block in blocks.filter_map(|rest| rest.split("\n```").next()) {
            if Config::parse(block.as_bytes()).is_ok() {
                policies.push((name.to_owned(), block.to_owned()));
            }
        }
    }
    policies.push((
        "large".to_owned(),
        palisade_harness::policies::large(50, 50, 50),
    ));
    for case in palisade_harness::cases::load() {
        if Config::parse(case.policy.as_bytes()).is_ok() {
            policies.push((case.name, case.policy));
        }
    }
    policies
}

#[test]
fn good_policies_validate() {
    let schema = schema();
    jsonschema::meta::validate(&schema).expect("it is a schema");
    let validator = jsonschema::draft202012::new(&schema).expect("it compiles");
    for (name, policy) in good_policies() {
        let policy: Value = serde_json::from_str(&policy).expect(&name);
        let wrong: Vec<String> = validator
            .iter_errors(&policy)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("\n"));
    }
}

/// Problems that only the reader sees: they are between two places of the document, or between it and the product,
/// or in a text that is a language of its own.
const BEYOND_A_SCHEMA: [&str; 13] = [
    "stands twice",
    "concerns the same requests",
    "there is no rule",
    "no rule has this tag",
    "never holds",
    "at byte ",
    "compiles to ",
    "compile to ",
    "stands for nothing",
    "would not be JSON",
    "decoded and resolved",
    // A range the wrong way round, a day that its month does not have.
    "or a range such as",
    "expected a date",
];

/// Every policy that the tests of the reader know to be refused is refused by the schema too, unless all that is
/// wrong with it is beyond a schema.
#[test]
fn what_the_reader_refuses_the_schema_refuses() {
    let validator = jsonschema::draft202012::new(&schema()).expect("it compiles");
    let table = include_str!("../../tests/refused_policies.rs");
    let (mut refused, mut accepted) = (0, Vec::new());
    for text in table.split("r#\"").skip(1) {
        let policy = text.split("\"#").next().unwrap_or_default();
        let (Ok(value), Err(problems)) = (
            serde_json::from_str::<Value>(policy),
            Config::parse(policy.as_bytes()),
        ) else {
            continue;
        };
        if !validator.is_valid(&value) {
            refused += 1;
            continue;
        }
        let seen = problems.iter().find(|problem| {
            let message = &problem.message;
            !BEYOND_A_SCHEMA.iter().any(|known| message.contains(known))
        });
        if let Some(problem) = seen {
            accepted.push(format!("{policy}\n    {problem}"));
        }
    }
    println!("{refused} policies are refused by the schema");
    assert!(refused > 100, "{refused}");
    assert!(
        accepted.is_empty(),
        "the schema takes {}:\n{}",
        accepted.len(),
        accepted.join("\n")
    );
}

#[test]
fn broken_policies_do_not() {
    let validator = jsonschema::draft202012::new(&schema()).expect("it compiles");
    for policy in [
        "[]",
        r#"{"mod": "block"}"#,
        r#"{"mode": "blocks"}"#,
        r#"{"version": 2}"#,
        r#"{"name": "a b"}"#,
        r#"{"preset": "balancd"}"#,
        r#"{"sensitivity": 8}"#,
        r#"{"sensitivity": {"sql": "high"}}"#,
        r#"{"category_modes": {"sql_injection": "of"}}"#,
        r#"{"overrides": [{"mode": "off"}]}"#,
        r#"{"overrides": [{"rules": [17]}]}"#,
        r#"{"enforce_percent": 101}"#,
        r#"{"enforce_percent": {"header": "x-a"}}"#,
        r#"{"allow_clients": ["example.com"]}"#,
        r#"{"limits": {"json_depth": 0}}"#,
        r#"{"limits": {"body_byte": 1}}"#,
        r#"{"uninspected": {"null_byte": "block"}}"#,
        r#"{"on_error": "inspect_prefix"}"#,
        r#"{"block_response": {"status": 200}}"#,
        r#"{"block_response": {"headers": {"X-A": "b"}}}"#,
        r#"{"exceptions": [{}]}"#,
        r#"{"exceptions": [{"rule_id": 1013}]}"#,
        r#"{"exceptions": [{"rule_id": 1013, "match_zone": "querystring"}]}"#,
        r#"{"exceptions": [{"rule_id": 1013, "match_zones": []}]}"#,
        r#"{"exceptions": [{"rule_id": 1013, "match_zones": [{"zone": "conditional_path"}]}]}"#,
        r#"{"exceptions": [{"rule_id": 1013, "conditions": [{"match": "any"}]}]}"#,
        r#"{"exceptions": [{"rules": [1013], "path": {"exact": "/a", "prefix": "/b"}}]}"#,
        r#"{"exceptions": [{"rules": [1013], "zones": []}]}"#,
        r#"{"exceptions": [{"rules": [1013], "expires": "31.12.2026"}]}"#,
        r#"{"exceptions": [{"rules": [1013], "match_zone": "path", "rule_id": 1}]}"#,
        r#"{"scopes": [{"mode": "monitor"}]}"#,
        r#"{"scopes": [{"host": "a", "version": 1}]}"#,
        r#"{"rules": [{"id": 1013, "literals": ["x"], "score": {"scanner": 4}}]}"#,
        r#"{"rules": [{"id": 100001, "score": {"scanner": 4}}]}"#,
        r#"{"rules": [{"id": 100001, "literals": ["x"], "regex": "x", "score": {"scanner": 4}}]}"#,
        r#"{"rules": [{"id": 100001, "literals": ["x"], "score": {}}]}"#,
        r#"{"rules": [{"id": 100001, "literals": ["x"], "score": {"scanner": 4}, "once": 1}]}"#,
        r#"{"rules": [{"id": 100001, "literals": ["x"], "action": "block"}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"path": "/a"}, "zones": ["path"]}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"path": "/a"}, "regex": "a"}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"all": []}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"any": [{"not": {"path": 1}}]}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"path": "/a", "field": "a", "equals": "b"}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"client_address": "example.com"}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"field": "a"}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"field": "a", "prefix": ""}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"field": "a", "regex": "b", "ignore_case": true}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"field": {"zone": ["path"]}, "equals": "b"}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"field": "a", "equals": "b", "exact": "b"}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"header": "a", "length": {}}}]}"#,
        r#"{"rules": [{"id": 100001, "action": "allow", "when": {"header": "a", "number": {"gt": "1"}}}]}"#,
    ] {
        assert!(
            Config::parse(policy.as_bytes()).is_err(),
            "the reader takes {policy}"
        );
        let policy: Value = serde_json::from_str(policy).expect(policy);
        assert!(!validator.is_valid(&policy), "the schema takes {policy}");
    }
}
