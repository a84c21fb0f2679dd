//! Which rules could match a text, found in one pass over it.
//!
//! A rule is keyed by literals of which every match of it holds one. Literals of one byte are
//! known from the classes of bytes that the text holds; longer ones are found by one automaton.
//! Rules without literals are candidates everywhere, and not found here. There is no false negative: the verdict with the
//! prefilter equals the verdict without it, and a test holds that.

use std::collections::BTreeMap;

use super::automaton::Automaton;
use super::literal::Required;
use crate::decode::Signs;
use crate::decode::signs;
use crate::model::{Zone, ZoneSet};

/// The index of a rule within its compiled set.
pub(super) type RuleIndex = u16;

/// A rule of one of several sets, as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleNumber(u32);

impl RuleNumber {
    pub(super) const fn new(set: usize, rule: RuleIndex) -> Self {
        Self((set as u32) << RuleIndex::BITS | rule as u32)
    }

    /// The index of the set.
    pub(super) const fn set(self) -> usize {
        (self.0 >> RuleIndex::BITS) as usize
    }

    /// The index of the rule within it.
    pub(super) const fn rule(self) -> RuleIndex {
        self.0 as RuleIndex
    }
}

/// The literals of the rules of a policy, the shipped ones and its own: to go over a text a second time for
/// the few of its own would cost as much as the first time.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// Classes of bytes that are all of some rule's literal.
    classes: u64,
    /// For each class the rules that need one of its bytes, those that look at the same zones together.
    by_class: Vec<Vec<(ZoneSet, Vec<RuleNumber>)>>,
    /// Finds longer literals.
    automaton: Automaton,
}

impl Prefilter {
    /// Builds the prefilter from the zones and the literals of the rules that have some.
    pub(super) fn new<'a>(
        rules: impl Iterator<Item = (RuleNumber, ZoneSet, &'a Required)>,
    ) -> Self {
        let mut by_class: Vec<Vec<(ZoneSet, Vec<RuleNumber>)>> = vec![Vec::new(); 64];
        let mut classes = 0;
        let mut literals: BTreeMap<Vec<u8>, Vec<RuleNumber>> = BTreeMap::new();
        for (rule, zones, required) in rules {
            for literal in required {
                let [byte] = literal.as_slice() else {
                    literals.entry(literal.clone()).or_default().push(rule);
                    continue;
                };
                let class = signs::class(*byte);
                classes |= class;
                let Some(groups) = by_class.get_mut(class.trailing_zeros() as usize) else {
                    continue;
                };
                match groups.iter_mut().find(|(known, _)| *known == zones) {
                    Some((_, rules)) if rules.last() == Some(&rule) => {}
                    Some((_, rules)) => rules.push(rule),
                    None => groups.push((zones, vec![rule])),
                }
            }
        }
        Self {
            classes,
            by_class,
            automaton: Automaton::new(&literals),
        }
    }

    /// Calls back with rules that could match a text of a zone, some of them more than once.
    #[inline]
    pub(super) fn candidates(
        &self,
        (text, zone): (&[u8], Zone),
        signs: Signs,
        mut found: impl FnMut(&[RuleNumber]),
    ) {
        let mut classes = signs.seen() & self.classes;
        while classes != 0 {
            let groups = self.by_class.get(classes.trailing_zeros() as usize);
            groups
                .into_iter()
                .flatten()
                .filter(|(zones, _)| zones.contains(zone))
                .for_each(|(_, rules)| found(rules));
            classes &= classes.wrapping_sub(1);
        }
        self.automaton.scan(text, found);
    }
}
