//! Which rules could match a text, found in one pass over it.
//!
//! A rule is keyed by literals of which every match of it holds one. Literals of one byte are
//! known from the classes of bytes that the text holds; longer ones are found by one automaton.
//! Rules without literals are candidates everywhere. There is no false negative: the verdict with the
//! prefilter equals the verdict without it, and a test holds that.

use std::collections::BTreeMap;

use super::automaton::Automaton;
use super::literal::Required;
use crate::decode::Signs;
use crate::decode::signs;

/// The index of a rule within its compiled set.
pub(super) type RuleIndex = u16;

/// The literals of one compiled set of rules.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// Classes of bytes that are all of some rule's literal.
    classes: u64,
    /// For each class the rules that need one of its bytes.
    by_class: Vec<Vec<RuleIndex>>,
    /// Finds longer literals.
    automaton: Automaton,
    /// Rules without literals.
    always: Vec<RuleIndex>,
}

impl Prefilter {
    /// Builds the prefilter from each rule's literals; `None` where a rule has none.
    pub(super) fn new<'a>(rules: impl Iterator<Item = (RuleIndex, Option<&'a Required>)>) -> Self {
        let mut by_class = vec![Vec::new(); 64];
        let mut classes = 0;
        let mut always = Vec::new();
        let mut literals: BTreeMap<Vec<u8>, Vec<RuleIndex>> = BTreeMap::new();
        for (rule, required) in rules {
            let Some(required) = required else {
                always.push(rule);
                continue;
            };
            for literal in required {
                let [byte] = literal.as_slice() else {
                    literals.entry(literal.clone()).or_default().push(rule);
                    continue;
                };
                let class = signs::class(*byte);
                classes |= class;
                if let Some(rules) = by_class.get_mut(class.trailing_zeros() as usize)
                    && rules.last() != Some(&rule)
                {
                    rules.push(rule);
                }
            }
        }
        Self {
            classes,
            by_class,
            automaton: Automaton::new(&literals),
            always,
        }
    }

    /// Calls back with rules that could match a text, some of them more than once.
    #[inline]
    pub(super) fn candidates(
        &self,
        text: &[u8],
        signs: Signs,
        mut found: impl FnMut(&[RuleIndex]),
    ) {
        let mut classes = signs.seen() & self.classes;
        while classes != 0 {
            if let Some(rules) = self.by_class.get(classes.trailing_zeros() as usize) {
                found(rules);
            }
            classes &= classes.wrapping_sub(1);
        }
        self.automaton.scan(text, found);
    }

    /// Rules that are candidates for every text.
    pub(super) fn always(&self) -> &[RuleIndex] {
        &self.always
    }
}
