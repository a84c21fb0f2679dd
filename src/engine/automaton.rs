//! Many texts searched for at once, in one pass and without regard to case (Aho and Corasick, "Efficient
//! String Matching: An Aid to Bibliographic Search", 1975), as a table with a row for each state.
//!
//! Made for the prefilter: a text stands for the rules that need it, and only the beginning of a long
//! one is searched for, so that the table stays small; what is found says which rules to try.

use std::collections::BTreeMap;

use super::prefilter::RuleNumber;

/// Searches for all texts of a set.
#[derive(Debug, Default)]
pub(super) struct Automaton {
    /// The column of each byte; those that stand in no text share the first.
    columns: Box<[u8]>,
    /// For each state and column the state that follows. A state is the place of its row.
    next: Box<[u32]>,
    /// States from this one on have something to report.
    reporting: u32,
    columns_used: u32,
    /// For each of those states, where its rules stand.
    reports: Box<[(u32, u32)]>,
    rules: Box<[RuleNumber]>,
}

/// How much of each text is searched for, the most that fits first.
const KEPT_BYTES: [usize; 6] = [12, 8, 6, 4, 3, 2];
/// Entries of the largest table that is built where less of each text would do: 2 MiB.
const MOST_ENTRIES: usize = 512 << 10;

/// A state while the table is built.
#[derive(Clone, Default)]
struct State {
    rules: Vec<RuleNumber>,
}

/// No state.
const NONE: u32 = u32::MAX;

impl Automaton {
    /// Builds the table for texts in lower case, each with the rules that need it. None of the texts is empty.
    pub(super) fn new(texts: &BTreeMap<Vec<u8>, Vec<RuleNumber>>) -> Self {
        let mut columns = vec![0; 256];
        let mut used: usize = 1;
        for byte in texts.keys().flatten() {
            if columns.get(usize::from(*byte)) == Some(&0) {
                for case in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                    if let Some(column) = columns.get_mut(usize::from(case)) {
                        *column = used as u8;
                    }
                }
                // 256 bytes have at most 230 columns: letters stand in both cases.
                used += 1;
            }
        }
        let mut kept = 2;
        for most in KEPT_BYTES {
            kept = most;
            if states(texts, most).saturating_mul(used) <= MOST_ENTRIES {
                break;
            }
        }
        let mut built = Builder {
            used,
            columns,
            next: vec![NONE; used],
            states: vec![State::default()],
        };
        for (text, rules) in texts {
            built.add(text.get(..kept).unwrap_or(text), rules);
        }
        built.finish()
    }

    /// Calls back with the rules of each text that occurs, as often as it occurs.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(&[RuleNumber])) {
        let Some((columns, _)) = self.columns.split_first_chunk::<256>() else {
            return;
        };
        let step = |state: u32, byte: u8| {
            let column = columns.get(usize::from(byte)).copied().unwrap_or(0);
            let place = state.wrapping_add(u32::from(column)) as usize;
            self.next.get(place).copied().unwrap_or(0)
        };
        let mut state = 0u32;
        // By fours: few of them have anything to tell.
        let (fours, rest) = text.as_chunks::<4>();
        for [first, second, third, fourth] in fours {
            let one = step(state, *first);
            let two = step(one, *second);
            let three = step(two, *third);
            state = step(three, *fourth);
            if one.max(two).max(three).max(state) >= self.reporting {
                for state in [one, two, three, state] {
                    if state >= self.reporting {
                        found(self.rules_of(state));
                    }
                }
            }
        }
        for byte in rest {
            state = step(state, *byte);
            if state >= self.reporting {
                found(self.rules_of(state));
            }
        }
    }

    fn rules_of(&self, state: u32) -> &[RuleNumber] {
        let index = state
            .saturating_sub(self.reporting)
            .checked_div(self.columns_used);
        index
            .and_then(|index| self.reports.get(index as usize))
            .and_then(|(start, end)| self.rules.get(*start as usize..*end as usize))
            .unwrap_or_default()
    }
}

/// How many states the beginnings of the texts have at most: those of neighbours are shared.
fn states(texts: &BTreeMap<Vec<u8>, Vec<RuleNumber>>, kept: usize) -> usize {
    let mut last: &[u8] = b"";
    texts.keys().fold(1, |states, text| {
        let text = text.get(..kept).unwrap_or(text);
        let shared = text.iter().zip(last).take_while(|(a, b)| a == b).count();
        last = text;
        states.saturating_add(text.len().saturating_sub(shared))
    })
}

/// The table while it is built: states are numbered in the order in which they are made.
struct Builder {
    used: usize,
    columns: Vec<u8>,
    next: Vec<u32>,
    states: Vec<State>,
}

impl Builder {
    fn column(&self, byte: u8) -> usize {
        self.columns
            .get(usize::from(byte))
            .copied()
            .unwrap_or(0)
            .into()
    }

    fn place(&mut self, state: u32, column: usize) -> Option<&mut u32> {
        self.next.get_mut(
            (state as usize)
                .saturating_mul(self.used)
                .saturating_add(column),
        )
    }

    fn add(&mut self, text: &[u8], rules: &[RuleNumber]) {
        let mut state = 0;
        for byte in text {
            let (column, new) = (self.column(*byte), self.states.len() as u32);
            let Some(next) = self.place(state, column) else {
                return;
            };
            if *next == NONE {
                *next = new;
                self.states.push(State::default());
                self.next
                    .resize(self.next.len().saturating_add(self.used), NONE);
                state = new;
            } else {
                state = *next;
            }
        }
        if let Some(state) = self.states.get_mut(state as usize) {
            add_all(&mut state.rules, rules);
        }
    }

    /// Follows the states breadth first. Where a text does not go on, the longest end of what was read
    /// that begins another one does; whoever was before has its row complete already.
    fn finish(mut self) -> Automaton {
        let mut fallback = vec![0u32; self.states.len()];
        let mut queue = std::collections::VecDeque::from([0u32]);
        while let Some(state) = queue.pop_front() {
            let back = fallback.get(state as usize).copied().unwrap_or(0);
            if state != 0 {
                let inherited = self.states.get(back as usize).cloned().unwrap_or_default();
                if let Some(own) = self.states.get_mut(state as usize) {
                    add_all(&mut own.rules, &inherited.rules);
                }
            }
            for column in 0..self.used {
                let instead = match state {
                    0 => 0,
                    _ => self.place(back, column).map_or(0, |next| *next),
                };
                let Some(next) = self.place(state, column) else {
                    continue;
                };
                if *next == NONE {
                    *next = instead;
                } else {
                    let next = *next;
                    queue.push_back(next);
                    if let Some(fallback) = fallback.get_mut(next as usize) {
                        *fallback = instead;
                    }
                }
            }
        }
        self.arrange()
    }

    /// Puts the states that report behind the others, so that one comparison tells them apart.
    fn arrange(self) -> Automaton {
        let (silent, telling): (Vec<usize>, Vec<usize>) =
            (0..self.states.len()).partition(|state| {
                let state = self.states.get(*state);
                state.is_none_or(|state| state.rules.is_empty())
            });
        let mut row = vec![0u32; self.states.len()];
        let order = || silent.iter().chain(&telling);
        for (index, state) in order().enumerate() {
            if let Some(row) = row.get_mut(*state) {
                *row = index.saturating_mul(self.used) as u32;
            }
        }
        let mut next = Vec::with_capacity(self.next.len());
        for state in order() {
            let start = state.saturating_mul(self.used);
            let targets = self.next.get(start..start.saturating_add(self.used));
            next.extend(
                targets
                    .unwrap_or_default()
                    .iter()
                    .map(|target| row.get(*target as usize).copied().unwrap_or(0)),
            );
        }
        let mut rules = Vec::new();
        let mut reports = Vec::with_capacity(telling.len());
        for state in telling.iter().filter_map(|state| self.states.get(*state)) {
            let start = rules.len() as u32;
            rules.extend_from_slice(&state.rules);
            reports.push((start, rules.len() as u32));
        }
        Automaton {
            columns: self.columns.into(),
            next: next.into(),
            reporting: silent.len().saturating_mul(self.used) as u32,
            columns_used: self.used as u32,
            reports: reports.into(),
            rules: rules.into(),
        }
    }
}

fn add_all(rules: &mut Vec<RuleNumber>, more: &[RuleNumber]) {
    for rule in more {
        if !rules.contains(rule) {
            rules.push(*rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[&str], within: &str) -> Vec<u16> {
        let mut map: BTreeMap<Vec<u8>, Vec<RuleNumber>> = BTreeMap::new();
        for (index, text) in texts.iter().enumerate() {
            map.entry(text.as_bytes().to_vec())
                .or_default()
                .push(RuleNumber::new(1, index as u16));
        }
        let mut all = Vec::new();
        Automaton::new(&map).scan(within.as_bytes(), |rules| {
            all.extend(
                rules
                    .iter()
                    .map(|number| (number.set() == 1).then(|| number.rule())),
            );
        });
        let mut all: Vec<u16> = all.into_iter().flatten().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    #[test]
    fn every_text_is_found_wherever_it_stands() {
        let texts = ["he", "she", "his", "hers", "s", "%2e", "\u{e9}"];
        for (within, expected) in [
            ("", &[][..]),
            ("uSHERs", &[0, 1, 3, 4]),
            ("this", &[2, 4]),
            ("hhe", &[0]),
            ("x%2Ey", &[5]),
            ("caf\u{e9}", &[6]),
            ("nothng", &[]),
        ] {
            assert_eq!(found(&texts, within), expected, "{within}");
        }
    }

    #[test]
    fn the_same_as_looking_for_each() {
        // Every text over two letters up to four, in every text up to eight.
        let words = |most: u32| {
            (1..=most).flat_map(|length| {
                (0..1u32 << length).map(move |bits| {
                    (0..length)
                        .map(|bit| if bits >> bit & 1 == 0 { 'a' } else { 'b' })
                        .collect::<String>()
                })
            })
        };
        let texts: Vec<String> = words(4).step_by(3).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        for within in words(8) {
            let expected: Vec<u16> = (0..)
                .zip(&texts)
                .filter(|(_, text)| within.contains(**text))
                .map(|(index, _)| index)
                .collect();
            assert_eq!(found(&texts, &within), expected, "{within}");
        }
    }

    #[test]
    fn long_sets_keep_the_beginnings_of_their_texts() {
        let texts: Vec<String> = (0..40_000)
            .map(|n| format!("{n:05}-{n}-and-more"))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert!(found(&texts, "an order 01234-1234-and-more").contains(&1234));
    }
}
