//! The policy document as a whole.

use super::node::Node;
use super::problem::{Problem, Problems, Target};
use super::read::{Object, Read, Word};
use super::rule::read_rules;
use super::scope::{Scope, read_scopes};
use super::settings::Settings;
use super::telemetry::Telemetry;
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
    /// What is told about decisions.
    pub telemetry: Telemetry,
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
            telemetry: Telemetry::default(),
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
        if let Some(telemetry) = object.optional("telemetry", problems) {
            config.telemetry = telemetry;
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
        check_product(&config, problems);
        check_references(&config, problems);
        Some(config)
    }
}

/// Rules of a policy, and what each scope has to know of each rule and each override, in sum.
const MOST_RULES: usize = 10_000;
const MOST_RULES_OF_SCOPES: usize = 2_000_000;
const MOST_OVERRIDES_OF_SCOPES: usize = 100_000;

/// Notes where rules, overrides and scopes would take more memory together than their text lets expect.
fn check_product(config: &Config, problems: &mut Problems) {
    let scopes = || config.scopes.iter().map(|scope| &scope.settings);
    let overrides: usize = scopes().map(|settings| settings.overrides.len()).sum();
    let rules = config.rules.len();
    if rules > MOST_RULES {
        problems.add("$.rules", format!("{rules} rules; at most {MOST_RULES}"));
    }
    if rules.saturating_mul(config.scopes.len()) > MOST_RULES_OF_SCOPES {
        problems.add(
            "$.scopes",
            format!("rules times scopes are at most {MOST_RULES_OF_SCOPES}"),
        );
    }
    if overrides > MOST_OVERRIDES_OF_SCOPES {
        problems.add(
            "$.scopes",
            format!("overrides, counted in each scope, are at most {MOST_OVERRIDES_OF_SCOPES}"),
        );
    }
}

/// Notes ids and tags that no rule has, of the policy or of the product.
fn check_references(config: &Config, problems: &mut Problems) {
    let Some(shipped) = super::rule::shipped_names() else {
        return;
    };
    let mut own: Vec<u32> = config.rules.iter().map(|rule| rule.id).collect();
    own.sort_unstable();
    let any_from = |ids: &[u32], first: u32, last: u32| {
        let at = ids.partition_point(|id| *id < first);
        ids.get(at).is_some_and(|id| *id <= last)
    };
    for reference in std::mem::take(&mut problems.references) {
        match &reference.to {
            Target::Ids(first, last) => {
                if any_from(&shipped.ids, *first, *last) || any_from(&own, *first, *last) {
                    continue;
                }
                let what = if first == last {
                    format!("there is no rule {first}")
                } else {
                    format!("there is no rule from {first} to {last}")
                };
                let custom = match Family::of(*first) {
                    Family::Custom => ": it would be one of this policy's own `rules`",
                    _ => "",
                };
                problems.add(&reference.path, what + custom);
            }
            Target::Tag(tag) => {
                let tags = || {
                    let own = config.rules.iter().flat_map(|rule| &rule.tags);
                    own.chain(&shipped.tags).map(String::as_str)
                };
                if !tags().any(|known| known == tag) {
                    let message = "no rule has this tag".to_owned();
                    problems.add_unknown(&reference.path, message, tag, tags());
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
