//! Policy to engine: may fail, and then says everything that is wrong.

use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::literal::{Required, required};
use super::pattern::Pattern;
use super::prefilter::{Prefilter, RuleIndex};
use crate::config::{Config, Problem, pattern, shipped_rules};
use crate::model::{
    AnomalySet, Category, Detector, Family, Matcher, Mode, Preset, Rule, RuleAction, View, ViewSet,
    ZoneSet,
};

/// A policy, ready to inspect requests. Nothing in it is global and nothing in it changes: one
/// process may hold many.
#[derive(Debug)]
pub struct Engine {
    pub(super) config: Config,
    /// The shipped rules, shared by every engine, then the policy's own.
    pub(super) sets: [Arc<RuleSet>; 2],
    /// What each rule of each set does under this policy.
    pub(super) effects: [Vec<Effect>; 2],
    /// The views that some rule in force looks at.
    pub(super) views: ViewSet,
    /// Whether prefilters are used; off only to prove that they lose nothing.
    pub(super) prefilter: bool,
}

/// What a rule does under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Off,
    Record,
    Enforce,
}

/// Rules that were compiled together.
#[derive(Debug)]
pub(super) struct RuleSet {
    pub(super) rules: Vec<CompiledRule>,
    pub(super) prefilter: Prefilter,
}

/// One compiled rule.
#[derive(Debug)]
pub(super) struct CompiledRule {
    pub(super) rule: Rule,
    pub(super) test: Test,
}

/// How a compiled rule matches.
#[derive(Debug)]
pub(super) enum Test {
    /// One byte, in one case or both.
    Byte(u8),
    /// Texts, counted where they do not overlap, the longest first.
    Texts(Box<AhoCorasick>),
    Pattern(Pattern),
    Detector(Detector),
    Anomalies(AnomalySet),
}

impl Engine {
    /// Compiles a policy.
    ///
    /// # Errors
    /// Every problem that reading the policy could not know of, such as a bad pattern.
    pub fn compile(config: Config) -> Result<Self, Vec<Problem>> {
        let shipped = shipped()?;
        let own = Arc::new(RuleSet::compile(&config.rules, "$.rules")?);
        let sets = [shipped, own];
        let effects = [0, 1].map(|index: usize| {
            sets.get(index)
                .map(|set| {
                    set.rules
                        .iter()
                        .map(|rule| effect(&config, &rule.rule))
                        .collect()
                })
                .unwrap_or_default()
        });
        let views = sets
            .iter()
            .flat_map(|set| &set.rules)
            .fold(ViewSet::EMPTY, |views, rule| views.union(rule.rule.views));
        Ok(Self {
            config,
            sets,
            effects,
            views,
            prefilter: true,
        })
    }

    /// The same policy with every rule tried on every text. The verdict is the same; a test says so.
    #[must_use]
    pub fn without_prefilter(mut self) -> Self {
        self.prefilter = false;
        self
    }

    /// The policy this engine was compiled from.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The rule of that id, shipped or custom.
    pub fn rule(&self, id: u32) -> Option<&Rule> {
        self.sets
            .iter()
            .flat_map(|set| &set.rules)
            .map(|rule| &rule.rule)
            .find(|rule| rule.id == id)
    }

    /// Every rule in force or not, in the order of ids, the policy's own behind the shipped ones.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.sets
            .iter()
            .flat_map(|set| &set.rules)
            .map(|rule| &rule.rule)
    }

    /// Rules that the prefilter cannot key on any literal: they are tried on every text they look at.
    pub fn unkeyed(&self) -> impl Iterator<Item = &Rule> {
        self.sets.iter().flat_map(|set| {
            let always = set.prefilter.always().iter();
            always
                .filter_map(|rule| set.get(*rule))
                .map(|compiled| &compiled.rule)
        })
    }

    pub(super) fn effect(&self, set: usize, rule: RuleIndex) -> Effect {
        self.effects
            .get(set)
            .and_then(|effects| effects.get(rule as usize))
            .copied()
            .unwrap_or(Effect::Off)
    }

    /// The sum at which a category acts under this policy.
    pub fn threshold(&self, category: Category) -> u32 {
        self.config.thresholds.of(category).threshold()
    }
}

/// What a rule does under a policy: a rule that only monitors always records; the preset says
/// whether the core rules decide.
fn effect(config: &Config, rule: &Rule) -> Effect {
    if config.mode == Mode::Off {
        return Effect::Off;
    }
    match (rule.action, rule.family(), config.preset) {
        (RuleAction::Monitor, _, _) | (_, Family::Core, Preset::Balanced) => Effect::Record,
        _ => Effect::Enforce,
    }
}

/// The shipped rules, compiled once for the process (inside Envoy: once for each VM) and shared by
/// every policy.
pub(super) fn shipped() -> Result<Arc<RuleSet>, Vec<Problem>> {
    static SHIPPED: OnceLock<Result<Arc<RuleSet>, Vec<Problem>>> = OnceLock::new();
    SHIPPED
        .get_or_init(|| {
            let rules = shipped_rules()?;
            RuleSet::compile(&rules, "$").map(Arc::new)
        })
        .clone()
}

impl RuleSet {
    fn compile(rules: &[Rule], path: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut problem = |index: usize, key: &str, message: String| {
            problems.push(Problem {
                path: format!("{path}[{index}].{key}"),
                message,
                suggestion: None,
            });
        };
        if rules.len() > RuleIndex::MAX as usize {
            problem(RuleIndex::MAX as usize, "id", "too many rules".to_owned());
        }
        let mut compiled = Vec::with_capacity(rules.len());
        let mut literals: Vec<Keyed> = Vec::with_capacity(rules.len());
        for (index, rule) in rules.iter().enumerate() {
            let (test, keyed) = match &rule.matcher {
                Matcher::Literals(texts) => match literal_test(texts) {
                    Ok(test) => {
                        let keys = texts
                            .iter()
                            .map(|text| text.to_ascii_lowercase().into_bytes());
                        (test, Keyed::By(keys.collect()))
                    }
                    Err(message) => {
                        problem(index, "literals", message);
                        continue;
                    }
                },
                Matcher::Regex(text) => match pattern::parse(text) {
                    Ok(hir) => {
                        let keyed = required(&hir).map_or(Keyed::Always, Keyed::By);
                        (Test::Pattern(Pattern::new(text)), keyed)
                    }
                    Err(message) => {
                        problem(index, "regex", message);
                        continue;
                    }
                },
                Matcher::Detector(detector) => (Test::Detector(*detector), Keyed::Always),
                Matcher::Anomalies(anomalies) => (Test::Anomalies(*anomalies), Keyed::Never),
            };
            compiled.push(CompiledRule {
                rule: rule.clone(),
                test,
            });
            literals.push(keyed);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let keys = literals.iter().enumerate().filter_map(|(index, keyed)| {
            let index = RuleIndex::try_from(index).ok()?;
            match keyed {
                Keyed::Never => None,
                Keyed::Always => Some((index, None)),
                Keyed::By(texts) => Some((index, Some(texts))),
            }
        });
        let prefilter = Prefilter::new(keys).map_err(|message| {
            vec![Problem {
                path: path.to_owned(),
                message,
                suggestion: None,
            }]
        })?;
        Ok(Self {
            rules: compiled,
            prefilter,
        })
    }

    pub(super) fn get(&self, rule: RuleIndex) -> Option<&CompiledRule> {
        self.rules.get(rule as usize)
    }
}

/// How the prefilter finds a rule.
enum Keyed {
    Never,
    Always,
    By(Required),
}

fn literal_test(texts: &[String]) -> Result<Test, String> {
    if let [text] = texts
        && let [byte] = text.as_bytes()
    {
        return Ok(Test::Byte(*byte));
    }
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(texts)
        .map(|automaton| Test::Texts(Box::new(automaton)))
        .map_err(|error| error.to_string())
}

impl CompiledRule {
    /// Whether the rule looks at this place at all.
    pub(super) const fn looks_at(
        &self,
        zone: crate::model::Zone,
        part: crate::model::Part,
    ) -> bool {
        self.rule.zones.contains(zone) && self.rule.parts.contains(part)
    }

    /// Whether the rule looks at this view.
    pub(super) const fn looks_in(&self, view: View) -> bool {
        self.rule.views.contains(view)
    }

    /// The zones it looks at.
    pub(super) const fn zones(&self) -> ZoneSet {
        self.rule.zones
    }
}
