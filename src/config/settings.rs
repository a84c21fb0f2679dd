//! What a policy chooses for every request, and a scope may choose anew.

use super::block_response::BlockResponse;
use super::exception::read_exceptions;
use super::matching::{Networks, read_rule_match};
use super::node::Node;
use super::problem::Problems;
use super::read::{Object, Read, Word, shown, wrong};
use crate::model::{
    Addresses, Anomaly, Category, Exception, Fallback, Limits, Mode, Named, Preset, RuleMatch,
    Sensitivity, names_of, parse_name,
};

/// What holds for a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What is done with what is found.
    pub mode: Mode,
    /// The same for single categories.
    pub category_modes: CategoryModes,
    /// Which families of rules decide.
    pub preset: Preset,
    /// The sum at which each category acts.
    pub thresholds: Thresholds,
    /// Rules that do something else than the preset says; later entries win.
    pub overrides: Vec<Override>,
    /// Hits that do not count.
    pub exceptions: Vec<Exception>,
    /// Ids of the policy's own rules that are in force.
    pub own_rules: Vec<u32>,
    /// The share of traffic that is blocked rather than monitored.
    pub enforcement: Enforcement,
    /// Clients that are not inspected.
    pub allow_clients: Addresses,
    /// Clients that are refused.
    pub deny_clients: Addresses,
    /// How much is read.
    pub limits: Limits,
    /// What becomes of a request of which something could not be inspected.
    pub uninspected: Uninspected,
    /// What a blocked client is told.
    pub block_response: BlockResponse,
}

/// A change to some rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// The rules it concerns.
    pub rules: RuleMatch,
    /// What they do from now on.
    pub mode: Option<Mode>,
    /// What a hit is worth from now on.
    pub score: Option<Vec<(Category, u32)>>,
    /// Whether they block even where the policy only monitors.
    pub even_in_monitor: bool,
}

/// The share of traffic that is blocked where it would otherwise be monitored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enforcement {
    /// Hundredths of a percent, 0 to 10,000.
    pub share: u32,
    /// The header whose value puts a request into the share; the client's address if there is none.
    pub header: Option<String>,
}

impl Default for Enforcement {
    fn default() -> Self {
        Self {
            share: 10_000,
            header: None,
        }
    }
}

/// Modes of single categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CategoryModes([Option<Mode>; Category::ALL.len()]);

impl CategoryModes {
    /// What the policy says of this category, if anything.
    pub fn of(&self, category: Category) -> Option<Mode> {
        self.0.get(category as usize).copied().flatten()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Block,
            category_modes: CategoryModes::default(),
            preset: Preset::Balanced,
            thresholds: Thresholds::default(),
            overrides: Vec::new(),
            exceptions: Vec::new(),
            own_rules: Vec::new(),
            enforcement: Enforcement::default(),
            allow_clients: Addresses::default(),
            deny_clients: Addresses::default(),
            limits: Limits::default(),
            uninspected: Uninspected::default(),
            block_response: BlockResponse::default(),
        }
    }
}

impl Settings {
    /// Whether anything here goes by the address of the client.
    pub(crate) fn ask_client(&self) -> bool {
        let shares = self.enforcement.share < 10_000 && self.enforcement.header.is_none();
        shares || !self.allow_clients.is_empty() || !self.deny_clients.is_empty()
    }

    /// Reads whatever an object says over what holds so far. Lists of exceptions and overrides grow;
    /// everything else is replaced, entry by entry where it has entries.
    pub(super) fn read_from(&mut self, object: &mut Object<'_>, problems: &mut Problems) {
        if let Some(Word(mode)) = object.optional("mode", problems) {
            self.mode = mode;
        }
        if let Some(Word(preset)) = object.optional("preset", problems) {
            self.preset = preset;
        }
        self.read_entries(object, problems);
        let at = object.path_of("exceptions");
        if let Some(node) = object.node("exceptions") {
            self.exceptions.extend(read_exceptions(node, &at, problems));
        }
        if let Some(overrides) = object.optional::<Vec<Override>>("overrides", problems) {
            self.overrides.extend(overrides);
        }
        if let Some(enforcement) = object.optional("enforce_percent", problems) {
            self.enforcement = enforcement;
        }
        if let Some(Networks(clients)) = object.optional("allow_clients", problems) {
            self.allow_clients = clients;
        }
        if let Some(Networks(clients)) = object.optional("deny_clients", problems) {
            self.deny_clients = clients;
        }
        if let Some(OnError(fallback)) = object.optional("on_error", problems) {
            self.uninspected.set(Anomaly::Unreadable, fallback);
        }
        let at = object.path_of("block_response");
        if let Some(node) = object.node("block_response") {
            self.block_response.read_from(node, &at, problems);
        }
    }

    fn read_entries(&mut self, object: &mut Object<'_>, problems: &mut Problems) {
        let at = object.path_of("sensitivity");
        match object.node("sensitivity") {
            None => {}
            Some(node @ Node::Text(_)) => {
                if let Some(Word(level)) = Word::<Sensitivity>::read(node, &at, problems) {
                    self.thresholds = Thresholds([level; Category::ALL.len()]);
                }
            }
            Some(node @ Node::Object(_)) => {
                read_categories::<Sensitivity>(node, &at, problems, |category, level| {
                    self.thresholds.set(category, level);
                });
            }
            Some(node) => {
                let expected = "a sensitivity, or an object from category to sensitivity";
                wrong::<()>(node, &at, expected, problems);
            }
        }
        let at = object.path_of("category_modes");
        if let Some(node) = object.node("category_modes") {
            read_categories::<Mode>(node, &at, problems, |category, mode| {
                if let Some(entry) = self.category_modes.0.get_mut(category as usize) {
                    *entry = Some(mode);
                }
            });
        }
        let at = object.path_of("limits");
        if let Some(node) = object.node("limits") {
            read_limits(&mut self.limits, node, &at, problems);
        }
        let at = object.path_of("uninspected");
        if let Some(node) = object.node("uninspected") {
            self.uninspected.read_from(node, &at, problems);
        }
    }
}

/// What becomes of a request that the proxy would not show: there is no prefix to inspect.
struct OnError(Fallback);

impl Read for OnError {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::Text(word) if word == Fallback::Block.name() => Some(Self(Fallback::Block)),
            Node::Text(word) if word == Fallback::Pass.name() => Some(Self(Fallback::Pass)),
            _ => {
                problems.add(path, "expected one of block, pass");
                None
            }
        }
    }
}

/// Reads an object from category to a word.
fn read_categories<T: Named>(
    node: &Node,
    path: &str,
    problems: &mut Problems,
    mut set: impl FnMut(Category, T),
) {
    let Node::Object(entries) = node else {
        let expected = format!("an object from category to {}", T::WHAT);
        wrong::<()>(node, path, &expected, problems);
        return;
    };
    for (name, value) in entries {
        let at = format!("{path}.{}", shown(name));
        let value = Word::<T>::read(value, &at, problems);
        match (parse_name::<Category>(name), value) {
            (Some(category), Some(Word(value))) => set(category, value),
            (None, _) => {
                let message = "not a category".to_owned();
                problems.add_unknown(&at, message, name, names_of::<Category>());
            }
            _ => {}
        }
    }
}

fn read_limits(limits: &mut Limits, node: &Node, path: &str, problems: &mut Problems) {
    let Some(mut object) = Object::open(node, path, problems) else {
        return;
    };
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
}

impl Read for Override {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut object = Object::open(node, path, problems)?;
        let before = problems.count();
        let rules = read_rule_match(&mut object, problems);
        let unnamed = rules == RuleMatch::default() && problems.count() == before;
        let mode = object
            .optional::<Word<Mode>>("mode", problems)
            .map(|word| word.0);
        let even_in_monitor = object
            .optional::<bool>("even_in_monitor", problems)
            .unwrap_or(false);
        if even_in_monitor && mode != Some(Mode::Block) {
            problems.add(
                &object.path_of("even_in_monitor"),
                "only rules in mode block can block",
            );
        }
        let score = if object.has("score") {
            super::rule::read_score(&mut object, problems)
        } else {
            object.node("score");
            None
        };
        let unchanged = ["mode", "score"].into_iter().all(|key| !object.has(key));
        object.close(problems);
        if unnamed {
            problems.add(path, "no rule is named; give rules, categories or tags");
        }
        if unchanged {
            problems.add(path, "nothing is changed; give mode or score");
        }
        Some(Self {
            rules,
            mode,
            score,
            even_in_monitor,
        })
    }
}

/// A percentage, or `{"percent", "header"}`.
impl Read for Enforcement {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::Integer(_) | Node::Fraction(_) => {
                Percent::read(node, path, problems).map(|percent| Self {
                    share: percent.0,
                    header: None,
                })
            }
            Node::Object(_) => {
                let mut object = Object::open(node, path, problems)?;
                let percent = object.required::<Percent>("percent", problems);
                let header = object.optional::<String>("header", problems);
                if let Some(name) = &header {
                    let token = !name.is_empty()
                        && name.bytes().all(|b| {
                            b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b)
                        });
                    if !token {
                        problems.add(
                            &object.path_of("header"),
                            "expected the name of a header in lower case",
                        );
                    }
                }
                object.close(problems);
                Some(Self {
                    share: percent?.0,
                    header,
                })
            }
            _ => {
                let expected = "a number from 0 to 100, or an object with percent and header";
                wrong(node, path, expected, problems)
            }
        }
    }
}

/// Hundredths of a percent.
struct Percent(u32);

impl Read for Percent {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let percent = match node {
            Node::Integer(number) => *number as f64,
            Node::Fraction(number) => *number,
            _ => return wrong(node, path, "a number from 0 to 100", problems),
        };
        if (0.0..=100.0).contains(&percent) {
            Some(Self((percent * 100.0).round() as u32))
        } else {
            problems.add(path, "expected 0 to 100");
            None
        }
    }
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

impl Uninspected {
    fn read_from(&mut self, node: &Node, path: &str, problems: &mut Problems) {
        let Some(mut object) = Object::open(node, path, problems) else {
            return;
        };
        for anomaly in Anomaly::UNINSPECTED.iter() {
            if let Some(Word(fallback)) = object.optional(anomaly.name(), problems) {
                self.set(anomaly, fallback);
            }
        }
        object.close(problems);
    }
}
