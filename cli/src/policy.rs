//! Reads and compiles the policy that a verb works with, and says where in its text something is wrong.

use std::io::Read as _;
use std::ops::Range;
use std::path::Path;

use palisade::config::{Config, Problem};
use palisade::engine::Engine;

use crate::Failure;
use crate::position::{Places, Position};

/// A policy as it was written.
pub(crate) struct Document {
    /// What messages call it.
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
    pub(crate) yaml: bool,
    places: Places,
}

/// Something that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// The JSON path, where there is one.
    pub(crate) path: Option<String>,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
    /// The bytes it is about.
    pub(crate) range: Range<usize>,
}

/// The engine of a policy file, or of the default policy.
///
/// # Errors
/// If the file cannot be read, or everything that is wrong with the policy, each with its line.
pub(crate) fn load(path: Option<&Path>) -> Result<Engine, Failure> {
    let document = Document::read(path)?;
    document.compile().map_err(|wrong| document.failure(&wrong))
}

impl Document {
    /// A policy of that text.
    pub(crate) fn new(name: &str, text: Vec<u8>, yaml: bool) -> Self {
        Self {
            name: name.to_owned(),
            text,
            yaml,
            places: Places::default(),
        }
    }

    /// Reads a file, standard input for `-`, or takes the default policy.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self::new("the default policy", b"{}".to_vec(), false));
        };
        let name = path.display().to_string();
        let mut text = Vec::new();
        let piped = path == Path::new("-");
        let read = if piped {
            std::io::stdin().read_to_end(&mut text)
        } else {
            std::fs::File::open(path).and_then(|mut file| file.read_to_end(&mut text))
        };
        read.map_err(|error| Failure(format!("{name}: {error}")))?;
        // What comes through a pipe has no ending: JSON begins with a brace.
        let yaml = match piped {
            true => !matches!(text.trim_ascii_start().first(), None | Some(b'{')),
            false => is_yaml(path),
        };
        Ok(Self::new(&name, text, yaml))
    }

    /// The same document as JSON. Everything after this is the same for both.
    ///
    /// # Errors
    /// If it is no YAML.
    pub(crate) fn json(&self) -> Result<Vec<u8>, Wrong> {
        if !self.yaml {
            return Ok(self.text.clone());
        }
        let text = std::str::from_utf8(&self.text).map_err(|error| {
            let at = error.valid_up_to();
            self.wrong_at(at, format!("not UTF-8: {error}"))
        })?;
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        // Duplicate keys are an error of this reader, as they are of the other.
        let value: serde_json::Value = serde_saphyr::from_str(text).map_err(|error| {
            let bare = error.without_snippet();
            let at = bare.location().map_or(0, |found| {
                let (line, column) = (found.line() as usize, found.column() as usize);
                self.offset(line, column)
            });
            let message = bare.to_string();
            // The position stands in front, as it does for every other message.
            let message = message
                .split_once(" at line ")
                .map_or(message.as_str(), |(before, _)| before);
            self.wrong_at(at, format!("not YAML: {message}"))
        })?;
        serde_json::to_vec(&value).map_err(|error| self.wrong_at(0, error.to_string()))
    }

    /// Reads and compiles it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn compile(&self) -> Result<Engine, Vec<Wrong>> {
        let json = self.json().map_err(|wrong| vec![wrong])?;
        Config::parse(&json)
            .and_then(Engine::compile)
            .map_err(|problems| {
                let wrong = problems.into_iter();
                wrong.map(|problem| self.wrong(problem)).collect()
            })
    }

    fn wrong(&self, problem: Problem) -> Wrong {
        // Text that is no JSON has no paths; its own reader says where it breaks.
        if let Some(message) = problem.message.strip_prefix("not JSON: ")
            && let Some((what, place)) = message.rsplit_once(" at line ")
            && let Some((line, column)) = place.split_once(" column ")
        {
            let (line, column) = (line.parse().unwrap_or(1), column.parse().unwrap_or(1));
            return self.wrong_at(self.offset(line, column), format!("not JSON: {what}"));
        }
        Wrong {
            range: self.range(&problem.path),
            path: Some(problem.path),
            message: problem.message,
            suggestion: problem.suggestion,
        }
    }

    fn wrong_at(&self, at: usize, message: String) -> Wrong {
        let line = self.text.get(at..).unwrap_or_default();
        let character = line.utf8_chunks().next().map_or(1, |chunk| {
            chunk.valid().chars().next().map_or(1, char::len_utf8)
        });
        Wrong {
            path: None,
            message,
            suggestion: None,
            range: at..(at + character).min(self.text.len()),
        }
    }

    /// The byte at a line and a column, both from 1.
    fn offset(&self, line: usize, column: usize) -> usize {
        let mut start = 0;
        for _ in 1..line {
            let rest = self.text.get(start..).unwrap_or_default();
            match rest.iter().position(|byte| *byte == b'\n') {
                Some(end) => start += end + 1,
                None => break,
            }
        }
        let rest = String::from_utf8_lossy(self.text.get(start..).unwrap_or_default());
        let columns = rest.chars().take(column.saturating_sub(1));
        (start + columns.map(char::len_utf8).sum::<usize>()).min(self.text.len())
    }

    /// The bytes that a JSON path leads to.
    pub(crate) fn range(&self, path: &str) -> Range<usize> {
        self.places
            .range_of(&self.text, self.yaml, path)
            .unwrap_or(0..0)
    }

    /// Line and column of a byte.
    pub(crate) fn position(&self, at: usize) -> Position {
        self.places.position(&self.text, at)
    }

    /// A line, from 1, without its end.
    pub(crate) fn line(&self, line: usize) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.places.line(&self.text, line))
    }

    /// All that is wrong, one line each.
    fn failure(&self, all: &[Wrong]) -> Failure {
        let name = &self.name;
        let count = match all.len() {
            1 => "1 problem".to_owned(),
            count => format!("{count} problems"),
        };
        let mut out = format!("{name}: {count} in the policy");
        for wrong in all {
            let Position { line, column } = self.position(wrong.range.start);
            out.push_str(&format!("\n  {name}:{line}:{column}: {}", wrong.said()));
        }
        Failure(out)
    }
}

impl Wrong {
    /// The whole message in one line, without its place in the text.
    pub(crate) fn said(&self) -> String {
        let path = self.path.as_ref().map(|path| format!("{path}: "));
        let meant = self.suggestion.as_ref();
        let meant = meant.map(|word| format!("; did you mean `{word}`?"));
        format!(
            "{}{}{}",
            path.unwrap_or_default(),
            self.message,
            meant.unwrap_or_default()
        )
    }
}

/// Whether a file says by its ending that it is YAML.
fn is_yaml(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ["yaml", "yml"].contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yaml(text: &str) -> Document {
        Document::new("test", text.as_bytes().to_vec(), true)
    }

    fn from_yaml(text: &str) -> Config {
        let json = yaml(text).json().expect("YAML");
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

    /// A value as people write YAML: a line for each key and each item, and strings without quotes where
    /// they are plain words.
    fn block(value: &serde_json::Value, indent: usize, out: &mut String) {
        use serde_json::Value;
        let pad = " ".repeat(indent);
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    *out += &format!("\n{pad}{}:", Value::from(key.as_str()));
                    block(value, indent + 2, out);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    *out += &format!("\n{pad}-");
                    block(item, indent + 2, out);
                }
            }
            Value::String(text)
                if text.starts_with(|c: char| c.is_ascii_alphabetic())
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                    && !["true", "false", "null"].contains(&text.as_str()) =>
            {
                *out += &format!(" {text}");
            }
            other => *out += &format!(" {other}"),
        }
    }

    /// The same with every whole number as a double: a proxy that keeps its configuration as protobuf hands it
    /// on so.
    fn doubles(value: &mut serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::Object(entries) => entries.values_mut().for_each(doubles),
            Value::Array(items) => items.iter_mut().for_each(doubles),
            Value::Number(number) => {
                if let Some(double) = number.as_f64() {
                    *value = double.into();
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_policy_is_the_same_in_whatever_way_it_is_written() {
        let large = palisade_harness::policies::large(40, 40, 40);
        let policies = palisade_harness::cases::load()
            .into_iter()
            .map(|case| case.policy)
            .chain([large]);
        let mut compared = 0;
        for policy in policies {
            let Ok(config) = Config::parse(policy.as_bytes()) else {
                continue;
            };
            let Ok(mut value) = serde_json::from_str(&policy) else {
                continue;
            };
            let mut text = String::new();
            block(&value, 0, &mut text);
            assert_eq!(from_yaml(&text), config, "{text}");
            doubles(&mut value);
            let text = value.to_string();
            assert_eq!(
                Config::parse(text.as_bytes()).as_ref(),
                Ok(&config),
                "{text}"
            );
            compared += 1;
        }
        assert!(compared > 100, "{compared}");
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        for text in [
            "mode: block\nmode: monitor",
            "a: [",
            "mode: *nobody",
            "\u{0}",
        ] {
            let refused = yaml(text)
                .json()
                .map(|json| Config::parse(&json).is_err())
                .unwrap_or(true);
            assert!(refused, "{text}");
        }
    }

    #[test]
    fn problems_point_into_the_text() {
        let json = |text: &str| Document::new("test", text.as_bytes().to_vec(), false);
        for (document, place, said) in [
            (
                yaml("name: shop\nmode: blok\n"),
                (2, 1),
                "$.mode: `blok` is not a mode",
            ),
            (
                json("{\n  \"mode\": \"blok\"}"),
                (2, 3),
                "did you mean `block`?",
            ),
            (json("{\n  \"mode\" 1}"), (2, 10), "not JSON: expected `:`"),
            (yaml("name: shop\nlimits: [1,\n"), (2, 9), "not YAML: "),
            (
                yaml("mode: block\nmode: off\n"),
                (2, 1),
                "not YAML: duplicate",
            ),
            (yaml("é: 1\n"), (1, 1), "unknown key"),
        ] {
            let wrong = document.compile().expect_err(said);
            let position = document.position(wrong[0].range.start);
            assert!(wrong[0].said().contains(said), "{:?}", wrong[0]);
            assert_eq!((position.line, position.column), place, "{:?}", wrong[0]);
        }
    }
}
