//! Policy to engine: may fail, and then says everything that is wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::condition::Conditions;
use super::directory::{Directory, Writer};
use super::except::{Exceptions, Gathered};
use super::facts::Requests;
use super::familiar::Memory;
use super::literal::{Budget, LONGEST, Required, required, worth};
use super::need::Need;
use super::pattern::Pattern;
use super::prefilter::{Prefilter, RuleIndex, RuleNumber};
use super::shipped;
use crate::config::{Config, Problem, Settings, pattern, shipped_rules};
use crate::decode::Signs;
use crate::detect;
use crate::model::{
    AnomalySet, Category, Day, Detector, Family, Matcher, Mode, Part, PartSet, Preset,
    RequestMatch, Rule, RuleAction, View, ViewSet, Zone, ZoneSet,
};

/// A policy, ready to inspect requests. Nothing in it is global and nothing in it changes: one
/// process may hold many.
#[derive(Debug)]
pub struct Engine {
    pub(super) config: Config,
    /// The shipped rules, shared by every engine, then the policy's own.
    pub(super) sets: [Arc<RuleSet>; 2],
    /// The default scope.
    pub(super) default_scope: Scope,
    /// The policy's scopes, the most specific first.
    pub(super) scopes: Vec<Scope>,
    pub(super) scope_directory: Directory,
    pub(super) exceptions: Exceptions,
    /// The views that some rule in force looks at.
    pub(super) views: ViewSet,
    /// Asked for every request, found out once.
    needs_time: bool,
    /// Tells it from every other engine of the process, so that nothing remembered is taken for its own.
    pub(super) number: u32,
    /// Which headers need not be looked at twice.
    pub(super) memory: Memory,
    /// Zones of which conditions look at names: those are looked at each time.
    pub(super) names_asked: ZoneSet,
    /// Zones in which some rule could match a short number; see [`SHORT_NUMBER`].
    pub(super) numbers_asked: ZoneSet,
    /// Finds the rules of both sets, and by number behind the rules the leaves of conditions.
    pub(super) prefilter: Arc<Prefilter>,
    /// Whether it is used; off only to prove that it loses nothing.
    pub(super) filtered: bool,
}

/// Rules as one scope sees them: masks and numbers over the rules that all scopes share.
#[derive(Debug)]
pub(super) struct Scope {
    /// `None` for the default.
    pub(super) name: Option<String>,
    pub(super) requests: Requests,
    pub(super) settings: Settings,
    /// What each rule of each set does.
    pub(super) effects: [Vec<Effect>; 2],
    /// Scores that differ from the rule's own.
    pub(super) scores: HashMap<(u8, RuleIndex), Vec<(Category, u32)>>,
    /// A bit for each of the policy's rules with conditions that is in force.
    pub(super) conditions: Box<[u64]>,
}

/// What a rule does under a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Off,
    /// Is recorded and decides nothing.
    Record,
    /// Decides.
    Enforce,
    /// Blocks even where the policy only monitors.
    Always,
}

/// Rules that were compiled together.
#[derive(Debug)]
pub(super) struct RuleSet {
    pub(super) rules: Vec<CompiledRule>,
    /// What says of most rules, and of the leaves of conditions behind them, at a glance that they do not
    /// match; side by side in memory.
    pub(super) gates: Vec<Gate>,
    /// Rules that name a detector.
    pub(super) detectors: Vec<RuleIndex>,
    /// The other rules without literals.
    pub(super) always: Vec<RuleIndex>,
    /// Rules that look at texts as they came. They are few, and such texts hold twice what others hold.
    pub(super) wire: Vec<RuleIndex>,
    /// The literals of rules, and behind them by number of the leaves of conditions.
    keys: Vec<(RuleIndex, Required)>,
    pub(super) conditions: Conditions,
}

/// One compiled rule.
#[derive(Debug)]
pub(super) struct CompiledRule {
    pub(super) rule: Rule,
    pub(super) test: Test,
    /// What a text must hold for the test to match it.
    pub(super) need: Need,
}

/// The places that a rule looks at, and what it asks of a text's bytes first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    every: u64,
    any: [u64; 2],
    zones: ZoneSet,
    parts: PartSet,
}

impl Gate {
    fn of(rule: &CompiledRule) -> Self {
        let (every, any) = rule.need.first();
        Self {
            every,
            any,
            zones: rule.rule.zones,
            parts: rule.rule.parts,
        }
    }

    /// Whether the rule is worth a closer look at this text.
    #[inline]
    pub(super) const fn is_open(&self, signs: Signs, zone: Zone, part: Part) -> bool {
        let [first, second] = self.any;
        signs.every(self.every)
            && signs.any(first)
            && signs.any(second)
            && self.zones.contains(zone)
            && self.parts.contains(part)
    }
}

/// How a compiled rule matches.
#[derive(Debug)]
pub(super) enum Test {
    /// One byte, in one case or both.
    Byte(u8),
    /// One text of several bytes, in any case.
    Text(Box<[u8]>),
    /// Texts, counted where they do not overlap, the longest first.
    Texts(Box<AhoCorasick>),
    Pattern(Pattern),
    Detector(Detector),
    Anomalies(AnomalySet),
    /// A condition on the request as a whole.
    When,
}

impl Engine {
    /// Compiles a policy.
    ///
    /// # Errors
    /// Every problem that reading the policy could not know of, such as a bad pattern.
    pub fn compile(config: Config) -> Result<Self, Vec<Problem>> {
        let shipped = shipped()?;
        let own = Arc::new(RuleSet::compile(&config.rules, "$.rules")?);
        let prefilter = if own.keys.is_empty() {
            shipped.prefilter
        } else {
            let keys = shipped.rules.keys(0).chain(own.keys(1));
            Arc::new(Prefilter::new(keys))
        };
        let sets = [shipped.rules, own];
        let views = sets
            .iter()
            .flat_map(|set| &set.rules)
            .fold(ViewSet::EMPTY, |views, rule| views.union(rule.rule.views));
        let default_scope = Scope::new(None, &RequestMatch::default(), &config.settings, &sets);
        let mut scopes = Vec::with_capacity(config.scopes.len());
        let mut scope_directory = Writer::default();
        let mut exceptions = Gathered::default();
        config
            .settings
            .exceptions
            .iter()
            .for_each(|exception| exceptions.add(exception, None));
        for scope in &config.scopes {
            // The default scope has the index 0.
            let index = u16::try_from(scopes.len().saturating_add(1)).ok();
            scope
                .settings
                .exceptions
                .iter()
                .for_each(|exception| exceptions.add(exception, index));
            scope_directory.add(scopes.len() as u32, &scope.request);
            scopes.push(Scope::new(
                Some(&scope.name),
                &scope.request,
                &scope.settings,
                &sets,
            ));
        }
        let exceptions = exceptions.finish();
        let needs_time = exceptions.expiring().next().is_some();
        let [_, own] = &sets;
        let memory = match own.conditions.headers() {
            Some(names) if !exceptions.ask_heads() => Memory::But(names),
            _ => Memory::Off,
        };
        let names = own.conditions.places().filter_map(|(zones, parts)| {
            let names = parts.contains(Part::Name);
            names.then_some(zones)
        });
        let names_asked = names.fold(ZoneSet::EMPTY, ZoneSet::union);
        let numbers_asked = sets
            .iter()
            .flat_map(|set| set.rules_on_numbers())
            .map(CompiledRule::zones)
            .fold(ZoneSet::EMPTY, ZoneSet::union);
        Ok(Self {
            names_asked,
            numbers_asked,
            number: ENGINES.fetch_add(1, Ordering::Relaxed),
            memory,
            config,
            sets,
            default_scope,
            scopes,
            scope_directory: scope_directory.finish(),
            exceptions,
            views,
            needs_time,
            prefilter,
            filtered: true,
        })
    }

    /// Whether the shipped rules are compiled: the next policy takes that much less.
    pub fn is_warm() -> bool {
        SHIPPED.get().is_some()
    }

    /// The same policy with every rule tried on every text. The verdict is the same; a test says so.
    #[must_use]
    pub fn without_prefilter(mut self) -> Self {
        self.filtered = false;
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

    /// What a hit of that rule adds to the sums that decide, in the scope of that name, or where no scope
    /// says otherwise; `None` if it records only, or there is no such rule or scope.
    pub fn counts(&self, scope: Option<&str>, id: u32) -> Option<&[(Category, u32)]> {
        let scope = match scope {
            None => &self.default_scope,
            Some(_) => self
                .scopes
                .iter()
                .find(|own| own.name.as_deref() == scope)?,
        };
        let (set, index, rule) = self.sets.iter().enumerate().find_map(|(set, rules)| {
            let index = rules.rules.iter().position(|own| own.rule.id == id)?;
            Some((set, index, rules.rules.get(index)?))
        })?;
        match scope.effects.get(set)?.get(index)? {
            Effect::Off | Effect::Record => None,
            Effect::Enforce | Effect::Always => {
                let key = (u8::try_from(set).ok()?, RuleIndex::try_from(index).ok()?);
                let own = scope.scores.get(&key);
                Some(own.map_or(&rule.rule.score, |score| score).as_slice())
            }
        }
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
            let rules = set.detectors.iter().chain(&set.always);
            rules
                .filter_map(|rule| set.get(*rule))
                .map(|compiled| &compiled.rule)
        })
    }

    /// The literals of which every match of a rule holds one, by which the prefilter finds it; `None` for a
    /// rule that has none: a detector, an anomaly, a pattern that may match without any, a condition, whose
    /// leaves have keys of their own.
    pub fn keys(rule: &Rule) -> Option<std::collections::BTreeSet<Vec<u8>>> {
        match &rule.matcher {
            Matcher::Literals(texts) => Some(keys_of(texts.iter().map(String::as_bytes))),
            Matcher::Regex(text) => {
                let hir = pattern::parse(text).ok()?;
                rarest(required(&hir), Need::of_pattern(&hir).bytes())
            }
            Matcher::Detector(_) | Matcher::Anomalies(_) | Matcher::When(_) => None,
        }
    }

    /// The sum at which a category acts where no scope says otherwise.
    pub fn threshold(&self, category: Category) -> u32 {
        self.config.settings.thresholds.of(category).threshold()
    }

    /// Whether inspections need to know the time.
    pub const fn needs_time(&self) -> bool {
        self.needs_time
    }

    /// The exceptions in use that expire some day, those of scopes included: what records call them, and
    /// the last day on which they apply. In the order of the policy.
    pub fn expiring(&self) -> impl Iterator<Item = (&str, Day)> {
        self.exceptions.expiring()
    }

    /// Those of them that have expired at a moment, in seconds since 1970-01-01 (UTC).
    pub fn expired(&self, now: u64) -> impl Iterator<Item = (&str, Day)> {
        self.expiring().filter(move |(_, last)| now >= last.end())
    }

    /// The first moment after `now` at which another exception expires, in seconds since 1970-01-01
    /// (UTC); `None` if none does.
    pub fn next_expiry(&self, now: u64) -> Option<u64> {
        self.expiring()
            .map(|(_, last)| last.end())
            .filter(|end| *end > now)
            .min()
    }
}

impl Scope {
    fn new(
        name: Option<&String>,
        request: &RequestMatch,
        settings: &Settings,
        sets: &[Arc<RuleSet>; 2],
    ) -> Self {
        let mut scores = HashMap::new();
        let effects = [0, 1].map(|set: usize| {
            let rules = sets.get(set).map_or(&[][..], |set| set.rules.as_slice());
            let effects = rules.iter().enumerate().map(|(index, rule)| {
                let (effect, score) = effect(settings, &rule.rule);
                if let (Some(score), Ok(index)) = (score, RuleIndex::try_from(index)) {
                    scores.insert((set as u8, index), score.clone());
                }
                effect
            });
            effects.collect()
        });
        let [_, own] = sets;
        let [_, own_effects]: &[Vec<Effect>; 2] = &effects;
        let in_force = |rule: RuleIndex| {
            let effect = own_effects.get(rule as usize);
            effect.is_some_and(|effect| *effect != Effect::Off)
        };
        Self {
            conditions: own.conditions.row(in_force),
            name: name.cloned(),
            requests: Requests::new(request),
            settings: settings.clone(),
            effects,
            scores,
        }
    }

    pub(super) fn effect(&self, set: usize, rule: RuleIndex) -> Effect {
        self.effects
            .get(set)
            .and_then(|effects| effects.get(rule as usize))
            .copied()
            .unwrap_or(Effect::Off)
    }
}

/// What a rule does under a policy, and what a hit is worth where that was changed: a rule that only
/// monitors records; the preset says whether the core rules decide; overrides have the last word.
fn effect<'a>(settings: &'a Settings, rule: &Rule) -> (Effect, Option<&'a Vec<(Category, u32)>>) {
    let own = rule.family() == Family::Custom;
    if settings.mode == Mode::Off || own && !settings.own_rules.contains(&rule.id) {
        return (Effect::Off, None);
    }
    let mut effect = match (rule.action, rule.family(), settings.preset) {
        (RuleAction::Monitor, Family::Structural, Preset::Strict) => Effect::Enforce,
        (RuleAction::Monitor, _, _) | (_, Family::Core, Preset::Balanced) => Effect::Record,
        _ => Effect::Enforce,
    };
    let mut score = None;
    for change in settings
        .overrides
        .iter()
        .filter(|change| change.rules.contains(rule))
    {
        effect = match change.mode {
            Some(Mode::Off) => Effect::Off,
            Some(Mode::Monitor) => Effect::Record,
            Some(Mode::Block) if change.even_in_monitor => Effect::Always,
            Some(Mode::Block) => Effect::Enforce,
            None => effect,
        };
        score = change.score.as_ref().or(score);
    }
    (effect, score)
}

/// Engines that were compiled so far. That the count begins anew some day does no harm: by then the first
/// ones are long forgotten.
static ENGINES: AtomicU32 = AtomicU32::new(1);

static SHIPPED: OnceLock<Result<Shipped, Vec<Problem>>> = OnceLock::new();

/// The shipped rules, compiled once for the process (inside Envoy: once for each VM) and shared by
/// every policy.
pub(super) fn shipped() -> Result<Shipped, Vec<Problem>> {
    SHIPPED
        .get_or_init(|| {
            let rules = shipped_rules()?;
            let rules = Arc::new(RuleSet::compile(&rules, "$")?);
            let prefilter = Arc::new(Prefilter::new(rules.keys(0)));
            Ok(Shipped { rules, prefilter })
        })
        .clone()
}

/// The shipped rules, and what finds them where a policy has none of its own.
#[derive(Clone, Debug)]
pub(super) struct Shipped {
    pub(super) rules: Arc<RuleSet>,
    prefilter: Arc<Prefilter>,
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
        let mut conditions = Conditions::default();
        let mut budget = Budget::of(LITERALS_OF_PATTERNS);
        let mut leaves = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let mut need = Need::default();
            let (test, keyed) = match &rule.matcher {
                Matcher::Literals(texts) => match literal_test(texts) {
                    Ok(test) => {
                        let texts = texts.iter().map(String::as_bytes);
                        need = Need::one_of(texts.clone().map(Need::of_text));
                        (test, Keyed::By(keys_of(texts)))
                    }
                    Err(message) => {
                        problem(index, "literals", message);
                        continue;
                    }
                },
                Matcher::Regex(text) => match keys_of_pattern(rule, text) {
                    Ok((literals, found)) => {
                        need = found;
                        let literals = literals.and_then(|it| budget.afford(it));
                        let keyed = rarest(literals, need.bytes());
                        let keyed = keyed.map_or(Keyed::Always, Keyed::By);
                        (Test::Pattern(Pattern::new(text)), keyed)
                    }
                    Err(message) => {
                        problem(index, "regex", message);
                        continue;
                    }
                },
                Matcher::Detector(detector) => (Test::Detector(*detector), Keyed::Always),
                Matcher::Anomalies(anomalies) => (Test::Anomalies(*anomalies), Keyed::Never),
                Matcher::When(condition) => {
                    let number = RuleIndex::try_from(index).unwrap_or(RuleIndex::MAX);
                    if let Err(message) = conditions.add(number, condition, &mut leaves) {
                        problem(index, "when", message);
                        continue;
                    }
                    (Test::When, Keyed::Never)
                }
            };
            compiled.push(CompiledRule {
                rule: rule.clone(),
                test,
                need,
            });
            literals.push(keyed);
        }
        if rules.len().saturating_add(leaves.len()) > RuleIndex::MAX as usize {
            let more = "too many rules and conditions".to_owned();
            problem(rules.len().saturating_sub(1), "when", more);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        conditions.finish();
        literals.extend(
            leaves
                .into_iter()
                .map(|leaf| leaf.map_or(Keyed::Never, Keyed::By)),
        );
        let places = conditions.places();
        let gates = compiled
            .iter()
            .map(Gate::of)
            .chain(places.map(|(zones, parts)| Gate {
                every: 0,
                any: [u64::MAX; 2],
                zones,
                parts,
            }))
            .collect();
        let (mut keys, mut detectors, mut always) = (Vec::new(), Vec::new(), Vec::new());
        for (index, keyed) in literals.into_iter().enumerate() {
            let test = compiled.get(index).map(|rule| &rule.test);
            let index = index as RuleIndex;
            match keyed {
                Keyed::Never => {}
                Keyed::Always if matches!(test, Some(Test::Detector(_))) => detectors.push(index),
                Keyed::Always => always.push(index),
                Keyed::By(texts) => keys.push((index, texts)),
            }
        }
        let wire = compiled
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.looks_in(View::Wire))
            .map(|(index, _)| index as RuleIndex)
            .collect();
        Ok(Self {
            rules: compiled,
            wire,
            gates,
            detectors,
            always,
            keys,
            conditions,
        })
    }

    /// The zones and the literals of its rules, where the set has that number.
    fn keys(&self, set: usize) -> impl Iterator<Item = (RuleNumber, ZoneSet, &Required)> {
        self.keys.iter().map(move |(rule, texts)| {
            let gate = self.gates.get(*rule as usize);
            let zones = gate.map_or(ZoneSet::all(), |gate| gate.zones);
            (RuleNumber::new(set, *rule), zones, texts)
        })
    }

    /// The rules that could match a value of digits alone, of [`SHORT_NUMBER`] at most, by all that is known of
    /// them without a look at one. There are none among the shipped ones.
    fn rules_on_numbers(&self) -> impl Iterator<Item = &CompiledRule> {
        let digits = Signs::of(b"00");
        let is_number =
            |text: &Vec<u8>| text.len() <= SHORT_NUMBER && text.iter().all(u8::is_ascii_digit);
        let keyed = self.keys.iter();
        let keyed = keyed.filter(move |(_, texts)| texts.iter().any(is_number));
        let others = self.always.iter().copied();
        let detectors = self.detectors.iter().copied();
        keyed
            .map(|(rule, _)| *rule)
            .chain(others)
            .chain(detectors.filter(move |_| detect::may_find(digits)))
            .filter_map(|rule| self.get(rule))
            .filter(move |rule| rule.need.is_met(digits) && rule.rule.parts.contains(Part::Value))
    }

    pub(super) fn get(&self, rule: RuleIndex) -> Option<&CompiledRule> {
        self.rules.get(rule as usize)
    }

    /// The leaf of a condition that has this number behind those of the rules.
    pub(super) fn leaf(&self, number: RuleIndex) -> Option<u16> {
        (number as usize)
            .checked_sub(self.rules.len())
            .map(|leaf| leaf as u16)
    }

    /// How many numbers there are: those of the rules, and behind them those of the leaves.
    pub(super) fn numbers(&self) -> usize {
        self.rules.len().saturating_add(self.conditions.leaves())
    }

    /// The number of a leaf behind those of the rules.
    pub(super) fn number_of(&self, leaf: u16) -> RuleIndex {
        (self.rules.len() as RuleIndex).saturating_add(leaf)
    }
}

/// Digits of a number that is an attack to no shipped rule: counts, pages, ids and the like. The addresses of metadata
/// services and of loopback, written as one number, have more. Where no rule says otherwise, nothing looks at them.
pub(super) const SHORT_NUMBER: usize = 9;

/// Bytes of literals that are taken from the patterns of one set of rules.
const LITERALS_OF_PATTERNS: usize = 128 << 10;

/// The literals of a rule's pattern, and what its matches need.
fn keys_of_pattern(rule: &Rule, text: &str) -> Result<(Option<Required>, Need), String> {
    if rule.family() != Family::Custom
        && let Some(keys) = shipped::keys(rule.id)
    {
        return Ok(keys);
    }
    let hir = pattern::parse(text)?;
    Ok((required(&hir), Need::of_pattern(&hir)))
}

/// The literals by which a pattern is found best: those that stand in its matches, or the bytes of which
/// one does.
fn rarest(literals: Option<Required>, bytes: Option<Required>) -> Option<Required> {
    [literals, bytes].into_iter().flatten().max_by_key(worth)
}

/// How the prefilter finds a rule.
enum Keyed {
    Never,
    Always,
    By(Required),
}

pub(super) fn keys_of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Required {
    texts.map(<[u8]>::to_ascii_lowercase).collect()
}

pub(super) fn literal_test(texts: &[String]) -> Result<Test, String> {
    if let [text] = texts
        && let [byte] = text.as_bytes()
    {
        return Ok(Test::Byte(*byte));
    }
    if let [text] = texts
        && (2..=LONGEST).contains(&text.len())
    {
        // An automaton of its own takes thousands of bytes.
        return Ok(Test::Text(text.as_bytes().into()));
    }
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostLongest)
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .build(texts)
        .map(|automaton| Test::Texts(Box::new(automaton)))
        .map_err(|error| error.to_string())
}

/// How often a test matches a text.
pub(super) fn count_in(test: &Test, zone: Zone, text: &[u8]) -> u32 {
    match test {
        Test::Byte(byte) => {
            let (lower, upper) = (byte.to_ascii_lowercase(), byte.to_ascii_uppercase());
            memchr::memchr2_iter(lower, upper, text).count() as u32
        }
        Test::Text(wanted) => occurrences(wanted, text).count() as u32,
        Test::Texts(automaton) => automaton.find_iter(text).count() as u32,
        Test::Pattern(pattern) => u32::from(pattern.is_match(text)),
        Test::Detector(detector) => {
            // A path is a list of values: what a tokeniser makes of the slashes between them
            // says nothing.
            let found = if zone == Zone::Path {
                text.split(|byte| *byte == b'/')
                    .any(|part| detector.may_match(part, Signs::of(part)) && detector.matches(part))
            } else {
                detector.matches(text)
            };
            u32::from(found)
        }
        Test::Anomalies(_) | Test::When => 0,
    }
}

/// Where a text stands in another one, in any case and without overlaps.
pub(super) fn occurrences<'a>(
    wanted: &'a [u8],
    text: &'a [u8],
) -> impl Iterator<Item = std::ops::Range<usize>> + 'a {
    let first = wanted.first().copied().unwrap_or_default();
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let mut from = 0usize;
    std::iter::from_fn(move || {
        while let Some(at) = memchr::memchr2(lower, upper, text.get(from..)?) {
            let start = from.saturating_add(at);
            let end = start.saturating_add(wanted.len().max(1));
            if text.get(start..end)?.eq_ignore_ascii_case(wanted) {
                from = end;
                return Some(start..end);
            }
            from = start.saturating_add(1);
        }
        None
    })
}

impl CompiledRule {
    /// Whether the rule looks at this place at all.
    pub(super) const fn looks_at(&self, zone: Zone, part: Part) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_asked_for_only_by_rules_that_could_match_one() {
        let asked = |policy: &str| {
            let config = Config::parse(policy.as_bytes()).expect("a policy");
            Engine::compile(config).expect("it compiles").numbers_asked
        };
        assert_eq!(asked("{}"), ZoneSet::EMPTY);
        let rule = |matcher: &str| {
            format!(
                r#"{{"rules": [{{"id": 100001, "zones": ["query_string"], {matcher}, "score": {{"sql_injection": 8}}}}]}}"#
            )
        };
        let query = ZoneSet::of(&[Zone::QueryString]);
        for (matcher, zones) in [
            (r#""literals": ["31337"]"#, query),
            (r#""regex": "^\\d{4}$""#, query),
            (r#""regex": "^.{3}""#, query),
            (r#""literals": ["1234567890", "a1"]"#, ZoneSet::EMPTY),
            (r#""regex": "1+=1""#, ZoneSet::EMPTY),
        ] {
            assert_eq!(asked(&rule(matcher)), zones, "{matcher}");
        }
    }
}
