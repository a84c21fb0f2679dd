//! Reads and compiles the policy that a verb works with.

use std::path::Path;

use palisade::config::{Config, Problem};
use palisade::engine::Engine;

use crate::Failure;
use crate::position;

/// The engine of a policy file, or of the default policy.
///
/// # Errors
/// If the file cannot be read, or everything that is wrong with the policy, each with its line.
pub(crate) fn load(path: Option<&Path>) -> Result<Engine, Failure> {
    let (name, text) = match path {
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read(path).map_err(|error| Failure(format!("{name}: {error}")))?;
            (name, text)
        }
        None => ("the default policy".to_owned(), b"{}".to_vec()),
    };
    let yaml = path.is_some_and(is_yaml);
    let json = match yaml {
        true => json_of_yaml(&name, &text)?,
        false => text,
    };
    // Lines are those of the file, so there are none where it was not JSON.
    let lines = (!yaml).then_some(json.as_slice());
    Config::parse(&json)
        .and_then(Engine::compile)
        .map_err(|problems| Failure(listed(&name, lines, &problems)))
}

/// Whether a file says by its ending that it is YAML.
fn is_yaml(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["yaml", "yml"].contains(&ending))
}

/// The same document as JSON. Everything after this is the same for both.
fn json_of_yaml(name: &str, text: &[u8]) -> Result<Vec<u8>, Failure> {
    let text = std::str::from_utf8(text).map_err(|error| Failure(format!("{name}: {error}")))?;
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    // Duplicate keys are an error of this reader, as they are of the other.
    let value: serde_json::Value = serde_saphyr::from_str(text)
        .map_err(|error| Failure(format!("{name}: not YAML: {error}")))?;
    Ok(serde_json::to_vec(&value)?)
}

fn listed(name: &str, text: Option<&[u8]>, problems: &[Problem]) -> String {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let mut out = format!("{name}: {count} in the policy");
    for problem in problems {
        out.push_str(&format!("\n  {name}:"));
        // Text that is no JSON has no paths; its own reader says where it breaks.
        let broken = problem.message.starts_with("not JSON");
        if let Some(text) = text.filter(|_| !broken)
            && let Some(found) = position::of_path(text, &problem.path)
        {
            out.push_str(&format!("{}:{}:", found.line, found.column));
        }
        out.push_str(&format!(" {problem}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_yaml(text: &str) -> Config {
        let json = json_of_yaml("test", text.as_bytes()).expect("YAML");
        Config::parse(&json).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
    }

    #[test]
    fn yaml_and_json_are_the_same_policy() {
        let yaml = "
# A comment.
name: shop
mode: off
hold_request_headers: true
enforce_percent: 12.5
limits: {body_bytes: 65536}
exceptions:
  - id: 7
    rules: [1013, 1000-1399]
    path: {prefix: /notes/}
    expires: 2026-12-31
    value:
      regex: ^it's \\w+$
scopes:
  - name: import
    path:
      - /import
      - /upload
    mode: monitor
";
        let json = r#"{"name": "shop", "mode": "off", "hold_request_headers": true,
            "enforce_percent": 12.5, "limits": {"body_bytes": 65536},
            "exceptions": [{"id": 7, "rules": [1013, "1000-1399"], "path": {"prefix": "/notes/"},
                "expires": "2026-12-31", "value": {"regex": "^it's \\w+$"}}],
            "scopes": [{"name": "import", "path": ["/import", "/upload"], "mode": "monitor"}]}"#;
        let json = Config::parse(json.as_bytes()).expect("a policy");
        assert_eq!(from_yaml(yaml), json);
        // What YAML 1.1 makes of `off`.
        assert_eq!(
            from_yaml("mode: false").settings.mode,
            palisade::model::Mode::Off
        );
        assert_eq!(from_yaml(""), Config::default());
    }

    #[test]
    fn json_is_yaml_too() {
        for case in palisade_harness::cases::load() {
            if let Ok(config) = Config::parse(case.policy.as_bytes()) {
                assert_eq!(from_yaml(&case.policy), config, "{}", case.name);
            }
        }
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        for text in [
            "mode: block\nmode: monitor",
            "a: [",
            "mode: *nobody",
            "\u{0}",
        ] {
            let refused = json_of_yaml("test", text.as_bytes())
                .map(|json| Config::parse(&json).is_err())
                .unwrap_or(true);
            assert!(refused, "{text}");
        }
    }
}
