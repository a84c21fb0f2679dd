//! The policy document as a whole.

use super::node::Node;
use super::problem::{Problem, Problems};
use super::read::{Object, Read, Word};
use super::rule::read_rules;
use super::scope::{Scope, read_scopes};
use super::settings::Settings;
use crate::model::{Family, Hold, Rule};

/// A policy that was read and found to be whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the policy calls itself, for every record.
    pub name: Option<String>,
    /// Which state of the policy this is, for every record.
    pub revision: Option<String>,
    /// Whether request headers wait for the verdict on the body.
    pub hold_request_headers: Hold,
    /// What holds for every request that no scope concerns.
    pub settings: Settings,
    /// Requests for which something else holds, the most specific first.
    pub scopes: Vec<Scope>,
    /// The policy's own rules, those of scopes included.
    pub rules: Vec<Rule>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: None,
            revision: None,
            hold_request_headers: Hold::Auto,
            settings: Settings::default(),
            scopes: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// The version of the policy language that this build reads.
const VERSION: u32 = 1;

impl Config {
    /// Reads a policy. An empty document means `{}`, the recommended default.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<Problem>> {
        if json.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let mut problems = Problems::default();
        let config = match serde_json::from_slice::<Node>(json) {
            Ok(node) => Self::read(&node, "$", &mut problems),
            Err(error) => {
                problems.add("$", format!("not JSON: {error}"));
                None
            }
        };
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(problems.into_list()),
        }
    }
}

impl Read for Config {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut object = Object::open(node, path, problems)?;
        let mut config = Self::default();
        if let Some(version) = object.optional::<u32>("version", problems)
            && version != VERSION
        {
            problems.add(
                &object.path_of("version"),
                format!("this build reads version {VERSION} of the policy language"),
            );
        }
        config.name = label(&mut object, "name", problems);
        config.revision = label(&mut object, "revision", problems);
        if let Some(Word(hold)) = object.optional("hold_request_headers", problems) {
            config.hold_request_headers = hold;
        }
        config.settings.read_from(&mut object, problems);
        let rules_path = object.path_of("rules");
        if let Some(rules) = object.node("rules") {
            config.rules = read_rules(rules, &rules_path, Some(&[]), problems).unwrap_or_default();
            let every = config.rules.iter().map(|rule| rule.id);
            config.settings.own_rules = every.collect();
        }
        let scopes_path = object.path_of("scopes");
        if let Some(scopes) = object.node("scopes") {
            config.scopes = read_scopes(
                scopes,
                &scopes_path,
                &config.settings,
                &mut config.rules,
                problems,
            );
        }
        object.close(problems);
        check_references(&config, problems);
        Some(config)
    }
}

/// Notes ids of rules that nothing in the policy nor in the product has.
fn check_references(config: &Config, problems: &mut Problems) {
    let Ok(shipped) = super::rule::shipped_ids() else {
        return;
    };
    let known = |first: u32, last: u32| {
        let own = || {
            config
                .rules
                .iter()
                .any(|rule| (first..=last).contains(&rule.id))
        };
        let at = shipped.partition_point(|id| *id < first);
        shipped.get(at).is_some_and(|id| *id <= last) || own()
    };
    let every = std::iter::once((&config.settings, "$".to_owned())).chain(
        config
            .scopes
            .iter()
            .map(|scope| (&scope.settings, scope.path.clone())),
    );
    let mut told = std::collections::HashSet::new();
    for (settings, path) in every {
        let exceptions = settings
            .exceptions
            .iter()
            .map(|exception| (&exception.rules, "exceptions", exception.label.as_str()));
        let overrides = settings
            .overrides
            .iter()
            .map(|entry| (&entry.rules, "overrides", ""));
        for (rules, key, label) in exceptions.chain(overrides) {
            for (first, last) in &rules.ids {
                if !known(*first, *last) && told.insert((*first, *last, key, label.to_owned())) {
                    let what = if first == last {
                        format!("there is no rule {first}")
                    } else {
                        format!("there is no rule from {first} to {last}")
                    };
                    let custom = if Family::of(*first) == Family::Custom {
                        ": it would be one of this policy's own `rules`"
                    } else {
                        ""
                    };
                    let at = if label.is_empty() {
                        format!("{path}.{key}")
                    } else {
                        format!("{path}.{key} ({label})")
                    };
                    problems.add(&at, what + custom);
                }
            }
        }
    }
}

/// A name or revision: it stands in every record, so it is short and printable.
fn label(object: &mut Object<'_>, key: &'static str, problems: &mut Problems) -> Option<String> {
    let text = object.optional::<String>(key, problems)?;
    let fits = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-+@/".contains(&b));
    if !fits {
        problems.add(
            &object.path_of(key),
            "expected 1 to 64 characters out of letters, digits and . _ - + @ /",
        );
    }
    Some(text)
}
