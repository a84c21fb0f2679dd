//! Which rules could match which texts, found in one pass over all texts laid end to end.
//!
//! A rule is keyed by literals of which every match of it holds one. Literals of one byte are
//! looked up in a table while the bytes of each text are classed; longer ones are found by one
//! automaton. Rules without literals are candidates everywhere. There is no false negative: the
//! verdict with the prefilter equals the verdict without it, and a test holds that.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::literal::Required;

/// The index of a rule within its compiled set.
pub(super) type RuleIndex = u16;

/// Single bytes that have a bit of their own; rules that need more are candidates everywhere.
const MOST_BYTES: usize = 64;

/// Bytes of literals up to which the automaton is the fast one.
const MOST_FAST: usize = 32 << 10;

/// The literals of one compiled set of rules.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// For every byte, its bit, or nothing.
    bits: [u64; 256],
    /// Rules that need one of some single bytes.
    by_byte: Vec<(u64, RuleIndex)>,
    /// Finds longer literals.
    automaton: Option<AhoCorasick>,
    /// For every literal of the automaton, the rules that need it.
    by_literal: Vec<Vec<RuleIndex>>,
    /// Rules without literals.
    always: Vec<RuleIndex>,
}

impl Prefilter {
    /// Builds the prefilter from each rule's literals; `None` where a rule has none.
    pub(super) fn new<'a>(
        rules: impl Iterator<Item = (RuleIndex, Option<&'a Required>)>,
    ) -> Result<Self, String> {
        let mut built = Self {
            bits: [0; 256],
            by_byte: Vec::new(),
            automaton: None,
            by_literal: Vec::new(),
            always: Vec::new(),
        };
        let mut known = 0;
        let mut literals: std::collections::BTreeMap<&[u8], Vec<RuleIndex>> = Default::default();
        for (rule, required) in rules {
            let Some(required) = required else {
                built.always.push(rule);
                continue;
            };
            let mut mask = 0;
            for literal in required {
                let [byte] = literal.as_slice() else {
                    literals.entry(literal).or_default().push(rule);
                    continue;
                };
                let bit = match built.bits.get(*byte as usize) {
                    Some(0) | None if known < MOST_BYTES => {
                        known += 1;
                        1 << (known - 1)
                    }
                    Some(0) | None => 0,
                    Some(bit) => *bit,
                };
                mask |= bit;
                if bit == 0 {
                    // No bit is left: the rule is a candidate everywhere.
                    built.always.push(rule);
                }
                for case in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                    if let Some(entry) = built.bits.get_mut(case as usize) {
                        *entry |= bit;
                    }
                }
            }
            if mask != 0 {
                built.by_byte.push((mask, rule));
            }
        }
        if !literals.is_empty() {
            let bytes: usize = literals.keys().map(|literal| literal.len()).sum();
            // The fast automaton takes up to a kilobyte for each byte of literals.
            let kind = if bytes <= MOST_FAST {
                AhoCorasickKind::DFA
            } else {
                AhoCorasickKind::ContiguousNFA
            };
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .match_kind(MatchKind::Standard)
                .kind(Some(kind))
                .build(literals.keys())
                .map_err(|error| error.to_string())?;
            built.automaton = Some(automaton);
            built.by_literal = literals.into_values().collect();
        }
        built.always.dedup();
        Ok(built)
    }

    /// The classes of bytes that a text holds: what [`Prefilter::of_bytes`] asks for.
    pub(super) fn bytes(&self, text: &[u8]) -> u64 {
        text.iter().fold(0, |seen, byte| {
            seen | self.bits.get(*byte as usize).copied().unwrap_or(0)
        })
    }

    /// The rules that one of the single bytes of a text makes candidates.
    pub(super) fn of_bytes(&self, seen: u64) -> impl Iterator<Item = RuleIndex> {
        let rules = if seen == 0 {
            &[]
        } else {
            self.by_byte.as_slice()
        };
        rules
            .iter()
            .filter(move |(mask, _)| mask & seen != 0)
            .map(|(_, rule)| *rule)
    }

    /// Rules that are candidates for every text.
    pub(super) fn always(&self) -> &[RuleIndex] {
        &self.always
    }

    /// Calls back with the end of every literal in the arena and the rules that need it.
    pub(super) fn literals(&self, arena: &[u8], mut found: impl FnMut(usize, &[RuleIndex])) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        for hit in automaton.find_overlapping_iter(arena) {
            if let Some(rules) = self.by_literal.get(hit.pattern().as_usize()) {
                found(hit.end(), rules);
            }
        }
    }
}
