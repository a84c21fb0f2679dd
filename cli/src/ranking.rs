//! Counts of things of which there may be more than memory holds.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

/// Counts by key, with something kept beside each. Once there are twice as many keys as are wanted, the
/// rarer half is forgotten: what is left are the frequent ones, whose counts may be a little too low.
#[derive(Clone, Debug)]
pub(crate) struct Ranking<K, V = ()> {
    most: usize,
    entries: HashMap<K, (u64, V)>,
    forgotten: bool,
}

impl<K: Clone + Eq + Hash + Ord, V: Default> Ranking<K, V> {
    /// Of nothing yet; `most` keys are kept at least.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            entries: HashMap::new(),
            forgotten: false,
        }
    }

    /// Counts one, and gives what is kept beside it.
    pub(crate) fn add(&mut self, key: K) -> &mut V {
        self.add_many(key, 1)
    }

    /// Counts several.
    pub(crate) fn add_many(&mut self, key: K, count: u64) -> &mut V {
        if self.entries.len() >= 2 * self.most && !self.entries.contains_key(&key) {
            self.forget();
        }
        let (own, kept) = self.entries.entry(key).or_default();
        *own = own.saturating_add(count);
        kept
    }

    /// Adds the counts of another, and what it keeps beside them.
    pub(crate) fn merge(&mut self, other: &Self, merge: impl Fn(&mut V, &V)) {
        for (key, (count, kept)) in &other.entries {
            merge(self.add_many(key.clone(), *count), kept);
        }
        self.forgotten |= other.forgotten;
    }

    fn forget(&mut self) {
        self.forgotten = true;
        let mut counts: Vec<(Reverse<u64>, K)> = self
            .entries
            .iter()
            .map(|(key, (count, _))| (Reverse(*count), key.clone()))
            .collect();
        counts.sort_unstable();
        for (_, key) in counts.drain(self.most..) {
            self.entries.remove(&key);
        }
    }

    /// The most frequent first.
    pub(crate) fn list(&self) -> Vec<(&K, u64, &V)> {
        let mut list: Vec<_> = self
            .entries
            .iter()
            .map(|(key, (count, kept))| (key, *count, kept))
            .collect();
        list.sort_unstable_by(|a, b| (Reverse(a.1), a.0).cmp(&(Reverse(b.1), b.0)));
        list
    }

    /// Whether rare ones were forgotten.
    pub(crate) const fn is_partial(&self) -> bool {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequent_ones_stay() {
        let mut ranking: Ranking<u32> = Ranking::new(10);
        for number in 0..10_000 {
            ranking.add(number);
            ranking.add(number % 3);
        }
        assert!(ranking.is_partial() && ranking.list().len() <= 20);
        let first: Vec<u32> = ranking
            .list()
            .iter()
            .take(3)
            .map(|(key, ..)| **key)
            .collect();
        assert_eq!(first, [0, 1, 2]);
    }
}
