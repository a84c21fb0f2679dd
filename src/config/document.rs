//! The policy document as a whole.

use super::node::Node;
use super::problem::{Problem, Problems};
use super::read::{Object, Read, Word, shown, wrong};
use super::rule::read_rules;
use crate::model::{
    Anomaly, Category, Fallback, Hold, Limits, Mode, Named, Preset, Rule, Sensitivity, names_of,
    parse_name,
};

/// A policy that was read and found to be whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the policy calls itself, for every record.
    pub name: Option<String>,
    /// Which state of the policy this is, for every record.
    pub revision: Option<String>,
    /// What is done with what is found.
    pub mode: Mode,
    /// Which families of rules decide.
    pub preset: Preset,
    /// The sum at which each category acts.
    pub thresholds: Thresholds,
    /// Whether request headers wait for the verdict on the body.
    pub hold_request_headers: Hold,
    /// How much is read.
    pub limits: Limits,
    /// What becomes of a request of which something could not be inspected.
    pub uninspected: Uninspected,
    /// What a blocked client is told.
    pub block_response: BlockResponse,
    /// The policy's own rules.
    pub rules: Vec<Rule>,
}

/// What a blocked client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockResponse {
    /// HTTP status, 400 to 599.
    pub status: u16,
}

/// The sum at which each category acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds([Sensitivity; Category::ALL.len()]);

impl Thresholds {
    /// The sensitivity of one category.
    pub fn of(&self, category: Category) -> Sensitivity {
        self.0
            .get(category as usize)
            .copied()
            .unwrap_or(Sensitivity::Medium)
    }

    fn set(&mut self, category: Category, sensitivity: Sensitivity) {
        if let Some(entry) = self.0.get_mut(category as usize) {
            *entry = sensitivity;
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self([Sensitivity::Medium; Category::ALL.len()])
    }
}

/// What becomes of a request of which something could not be inspected, by what that was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uninspected([Fallback; Anomaly::ALL.len()]);

impl Uninspected {
    /// What becomes of a request of which this was not seen.
    pub fn of(&self, anomaly: Anomaly) -> Fallback {
        self.0
            .get(anomaly as usize)
            .copied()
            .unwrap_or(Fallback::Block)
    }
}

impl Uninspected {
    fn set(&mut self, anomaly: Anomaly, fallback: Fallback) {
        if let Some(entry) = self.0.get_mut(anomaly as usize) {
            *entry = fallback;
        }
    }
}

impl Default for Uninspected {
    fn default() -> Self {
        let mut all = [Fallback::InspectPrefix; Anomaly::ALL.len()];
        for (entry, anomaly) in all.iter_mut().zip(Anomaly::ALL) {
            *entry = anomaly.default_fallback();
        }
        Self(all)
    }
}

impl Read for Uninspected {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let Node::Object(_) = node else {
            return wrong(
                node,
                path,
                "an object from what was not inspected to what becomes of it",
                problems,
            );
        };
        let mut object = Object::open(node, path, problems)?;
        let mut read = Self::default();
        for anomaly in Anomaly::UNINSPECTED.iter() {
            if let Some(Word(fallback)) = object.optional(anomaly.name(), problems) {
                read.set(anomaly, fallback);
            }
        }
        object.close(problems);
        Some(read)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: None,
            revision: None,
            mode: Mode::Block,
            preset: Preset::Balanced,
            thresholds: Thresholds::default(),
            hold_request_headers: Hold::Auto,
            limits: Limits::default(),
            uninspected: Uninspected::default(),
            block_response: BlockResponse { status: 403 },
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
        if let Some(Word(mode)) = object.optional("mode", problems) {
            config.mode = mode;
        }
        if let Some(Word(preset)) = object.optional("preset", problems) {
            config.preset = preset;
        }
        if let Some(thresholds) = object.optional("sensitivity", problems) {
            config.thresholds = thresholds;
        }
        if let Some(Word(hold)) = object.optional("hold_request_headers", problems) {
            config.hold_request_headers = hold;
        }
        if let Some(limits) = object.optional("limits", problems) {
            config.limits = limits;
        }
        if let Some(uninspected) = object.optional("uninspected", problems) {
            config.uninspected = uninspected;
        }
        if let Some(Word(fallback)) = object.optional("on_error", problems) {
            if fallback == Fallback::InspectPrefix {
                problems.add(&object.path_of("on_error"), "expected one of block, pass");
            }
            config.uninspected.set(Anomaly::Unreadable, fallback);
        }
        if let Some(response) = object.optional("block_response", problems) {
            config.block_response = response;
        }
        let rules_path = object.path_of("rules");
        if let Some(rules) = object.node("rules") {
            config.rules = read_rules(rules, &rules_path, true, problems).unwrap_or_default();
        }
        object.close(problems);
        Some(config)
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

impl Read for BlockResponse {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut object = Object::open(node, path, problems)?;
        let mut response = Config::default().block_response;
        if let Some(status) = object.optional::<u32>("status", problems) {
            match u16::try_from(status) {
                Ok(status) if (400..=599).contains(&status) => response.status = status,
                _ => problems.add(
                    &object.path_of("status"),
                    "expected a status from 400 to 599",
                ),
            }
        }
        object.close(problems);
        Some(response)
    }
}

impl Read for Thresholds {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut thresholds = Self::default();
        match node {
            Node::Text(_) => {
                let Word(sensitivity) = Word::<Sensitivity>::read(node, path, problems)?;
                thresholds = Self([sensitivity; Category::ALL.len()]);
            }
            Node::Object(entries) => {
                for (name, level) in entries {
                    let at = format!("{path}.{}", shown(name));
                    let level = Word::<Sensitivity>::read(level, &at, problems);
                    match (parse_name::<Category>(name), level) {
                        (Some(category), Some(Word(level))) => thresholds.set(category, level),
                        (None, _) => problems.add_unknown(
                            &at,
                            "not a category".to_owned(),
                            name,
                            names_of::<Category>(),
                        ),
                        _ => {}
                    }
                }
            }
            _ => {
                return wrong(
                    node,
                    path,
                    "a sensitivity, or an object from category to sensitivity",
                    problems,
                );
            }
        }
        Some(thresholds)
    }
}

impl Read for Limits {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut object = Object::open(node, path, problems)?;
        let mut limits = Self::default();
        for (key, value, range) in limits.entries() {
            let Some(number) = object.optional::<u32>(key, problems) else {
                continue;
            };
            let number = number as usize;
            if range.contains(&number) {
                *value = number;
            } else {
                let (least, most) = range.into_inner();
                problems.add(&object.path_of(key), format!("expected {least} to {most}"));
            }
        }
        object.close(problems);
        Some(limits)
    }
}
