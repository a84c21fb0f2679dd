//! Counts of what was blocked: by source and by category, of requests and of distinct payloads; and
//! the rules that decided.

use std::collections::{BTreeMap, HashMap};

use palisade::engine::Engine;
use palisade::model::{Category, RuleAction, Sums, Verdict};
use serde::{Serialize, Serializer};

use crate::interval::wilson;
use crate::labelled::Label;

/// What was found for one request.
pub(crate) struct Judged {
    pub(crate) label: Label,
    pub(crate) source: String,
    pub(crate) category: String,
    /// A hash of the payload.
    pub(crate) payload: u64,
    /// Blocked, or in mode `monitor`: would be.
    pub(crate) blocked: bool,
    pub(crate) deciders: Vec<Decider>,
}

/// An enforced rule that hit in a request that is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decider {
    pub(crate) rule: u32,
    /// Without it the request would go through.
    pub(crate) needed: bool,
    /// It alone would block the request.
    pub(crate) alone: bool,
}

/// A count out of a total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) blocked: u64,
    pub(crate) total: u64,
}

impl Share {
    fn add(&mut self, blocked: bool) {
        self.blocked += u64::from(blocked);
        self.total += 1;
    }

    /// Between 0 and 1; 0 of nothing.
    pub(crate) fn ratio(self) -> f64 {
        if self.total == 0 {
            0.0
        } else {
            self.blocked as f64 / self.total as f64
        }
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let (low, high) = wilson(self.blocked, self.total);
        let mut out = serializer.serialize_struct("Share", 5)?;
        out.serialize_field("total", &self.total)?;
        out.serialize_field("blocked", &self.blocked)?;
        out.serialize_field("share", &self.ratio())?;
        out.serialize_field("low", &low)?;
        out.serialize_field("high", &high)?;
        out.end()
    }
}

/// Requests of one label in one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count {
    requests: Share,
    /// For each payload, in how many requests it stands and how many of them were blocked.
    payloads: HashMap<u64, (u32, u32)>,
}

/// What a [`Count`] comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Counted {
    pub(crate) requests: Share,
    /// Payloads that are blocked wherever they stand.
    pub(crate) payloads_everywhere: Share,
    /// Payloads that are blocked in one place at least.
    pub(crate) payloads_anywhere: Share,
    /// The mean of each payload's own share: every payload counts once, in however many places it
    /// stands.
    pub(crate) payloads_mean: f64,
}

impl Count {
    fn add(&mut self, judged: &Judged) {
        self.requests.add(judged.blocked);
        let (total, blocked) = self.payloads.entry(judged.payload).or_default();
        *total = total.saturating_add(1);
        *blocked = blocked.saturating_add(u32::from(judged.blocked));
    }

    pub(crate) fn counted(&self) -> Counted {
        let mut counted = Counted {
            requests: self.requests,
            ..Counted::default()
        };
        // Whole numbers first: the order of a hash map must not show in the last digit.
        let mut shares: Vec<(u32, u32)> = self.payloads.values().copied().collect();
        shares.sort_unstable();
        let mut sum = 0.0;
        for (total, blocked) in &shares {
            counted.payloads_everywhere.add(total == blocked);
            counted.payloads_anywhere.add(*blocked > 0);
            sum += f64::from(*blocked) / f64::from(*total);
        }
        if !shares.is_empty() {
            counted.payloads_mean = sum / shares.len() as f64;
        }
        counted
    }
}

/// Attacks and ordinary requests of one group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    attacks: Count,
    benign: Count,
}

impl Group {
    fn add(&mut self, judged: &Judged) {
        match judged.label {
            Label::Attack => self.attacks.add(judged),
            Label::Benign => self.benign.add(judged),
        }
    }

    pub(crate) fn counted(&self) -> CountedGroup {
        CountedGroup {
            attacks: self.attacks.counted(),
            benign: self.benign.counted(),
        }
    }
}

/// What a [`Group`] comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct CountedGroup {
    pub(crate) attacks: Counted,
    pub(crate) benign: Counted,
}

/// One source of requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) whole: Group,
    pub(crate) categories: BTreeMap<String, Group>,
}

impl Source {
    pub(crate) fn add(&mut self, judged: &Judged) {
        self.whole.add(judged);
        match self.categories.get_mut(&judged.category) {
            Some(group) => group.add(judged),
            None => self
                .categories
                .entry(judged.category.clone())
                .or_default()
                .add(judged),
        }
    }
}

/// How often a rule decided over requests of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Decided {
    /// Blocked requests in which it hit.
    pub(crate) hit: u64,
    /// Of them, those that would go through without it.
    pub(crate) needed: u64,
    /// Of them, those that it would block alone.
    pub(crate) alone: u64,
}

/// How often a rule decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleTally {
    pub(crate) attacks: Decided,
    pub(crate) benign: Decided,
}

/// Everything that is counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) all: Group,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) rules: BTreeMap<u32, RuleTally>,
}

impl Tally {
    pub(crate) fn add(&mut self, judged: &Judged) {
        self.all.add(judged);
        match self.sources.get_mut(&judged.source) {
            Some(source) => source.add(judged),
            None => self
                .sources
                .entry(judged.source.clone())
                .or_default()
                .add(judged),
        }
        for decider in &judged.deciders {
            let tally = self.rules.entry(decider.rule).or_default();
            let decided = match judged.label {
                Label::Attack => &mut tally.attacks,
                Label::Benign => &mut tally.benign,
            };
            decided.hit += 1;
            decided.needed += u64::from(decider.needed);
            decided.alone += u64::from(decider.alone);
        }
    }
}

/// The rules that decided over a request that is blocked, in the order of their ids. Reckoned from the
/// hits that a verdict keeps: where there are more, a rule may be needed less than it seems.
pub(crate) fn deciders(engine: &Engine, verdict: &Verdict) -> Vec<Decider> {
    let mut by_rule: BTreeMap<u32, (Sums, bool)> = BTreeMap::new();
    for hit in verdict.hits.iter().filter(|hit| hit.enforced) {
        let Some(rule) = engine.rule(hit.rule) else {
            continue;
        };
        let (sums, blocks) = by_rule.entry(hit.rule).or_default();
        *blocks |= rule.action == RuleAction::Block;
        for (category, score) in &rule.score {
            sums.add(*category, score.saturating_mul(hit.count));
        }
    }
    let reaches = |category: Category, sum: u32| sum > 0 && sum >= engine.threshold(category);
    // A reason that no sum gives: a rule that blocks by itself, or a limit.
    let forced = verdict
        .reasons
        .iter()
        .any(|category| !reaches(*category, verdict.scores.get(*category)));
    let blocking = by_rule.values().filter(|(_, blocks)| *blocks).count();
    let by_limit = forced && blocking == 0;
    by_rule
        .iter()
        .map(|(rule, (own, blocks))| {
            let others_block = by_limit
                || blocking > usize::from(*blocks)
                || verdict.scores.iter().any(|(category, sum)| {
                    reaches(category, sum.saturating_sub(own.get(category)))
                });
            Decider {
                rule: *rule,
                needed: !others_block,
                alone: *blocks || own.iter().any(|(category, sum)| reaches(category, sum)),
            }
        })
        .collect()
}
