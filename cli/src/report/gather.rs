//! The records of a period, counted in bounded memory.

use std::collections::BTreeMap;
use std::net::IpAddr;

use palisade::model::{Action, Named};

use super::period::{Wanted, day_of};
use crate::endpoint;
use crate::ranking::Ranking;
use crate::records::Entry;

/// Days of which the trend is kept.
const DAYS: usize = 400;
/// What is counted of each thing that requests name themselves, for a day.
const ENDPOINTS: usize = 2_000;
const CLIENTS: usize = 4_000;
/// What only policies name.
const NAMES: usize = 1_000;

/// Requests by what became of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Actions {
    pub(super) allowed: u64,
    pub(super) monitored: u64,
    pub(super) blocked: u64,
    /// They never came to the firewall.
    pub(super) unjudged: u64,
    /// Something of them was not inspected.
    pub(super) uninspected: u64,
    /// An exception removed a hit.
    pub(super) excepted: u64,
}

impl Actions {
    fn add(&mut self, entry: &Entry) {
        match entry.action {
            Some(Action::Allow) => self.allowed += 1,
            Some(Action::Monitor) => self.monitored += 1,
            Some(Action::Block) => self.blocked += 1,
            None => self.unjudged += 1,
        }
        self.uninspected += u64::from(!entry.uninspected.is_empty());
        self.excepted += u64::from(!entry.exceptions.is_empty());
    }

    fn merge(&mut self, other: &Self) {
        self.allowed += other.allowed;
        self.monitored += other.monitored;
        self.blocked += other.blocked;
        self.unjudged += other.unjudged;
        self.uninspected += other.uninspected;
        self.excepted += other.excepted;
    }

    /// All of them.
    pub(super) const fn requests(&self) -> u64 {
        self.allowed + self.monitored + self.blocked + self.unjudged
    }
}

/// The first and the last second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span(pub(super) Option<(i64, i64)>);

impl Span {
    fn add(&mut self, second: i64) {
        self.0 = Some(match self.0 {
            None => (second, second),
            Some((first, last)) => (first.min(second), last.max(second)),
        });
    }

    fn merge(&mut self, other: &Self) {
        if let Some((first, last)) = other.0 {
            self.add(first);
            self.add(last);
        }
    }
}

/// The counts of one day, or of a whole period.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    pub(super) actions: Actions,
    pub(super) span: Span,
    pub(super) categories: BTreeMap<&'static str, Actions>,
    pub(super) rules: Ranking<u32, Actions>,
    pub(super) endpoints: Ranking<String, Actions>,
    /// Clients that were stopped.
    pub(super) clients: Ranking<String, Actions>,
    pub(super) exceptions: Ranking<String>,
    pub(super) expired: Ranking<String>,
    pub(super) uninspected: Ranking<String>,
    pub(super) revisions: Ranking<(String, String), Span>,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            actions: Actions::default(),
            span: Span::default(),
            categories: BTreeMap::new(),
            rules: Ranking::new(NAMES),
            endpoints: Ranking::new(ENDPOINTS),
            clients: Ranking::new(CLIENTS),
            exceptions: Ranking::new(NAMES),
            expired: Ranking::new(NAMES),
            uninspected: Ranking::new(64),
            revisions: Ranking::new(NAMES),
        }
    }
}

impl Counts {
    fn add(&mut self, entry: &Entry, mask: bool) {
        self.actions.add(entry);
        if let Some(second) = entry.time {
            self.span.add(second);
        }
        for reason in &entry.reasons {
            self.categories.entry(reason.name()).or_default().add(entry);
        }
        for rule in &entry.rules {
            self.rules.add(*rule).add(entry);
        }
        let path = endpoint::template(entry.path.as_bytes());
        let method = endpoint::method(entry.method.as_bytes());
        let endpoint = format!("{method} {}{path}", endpoint::host(&entry.host));
        self.endpoints.add(endpoint).add(entry);
        if entry.is_stopped() && !entry.client.is_empty() {
            let client = match mask {
                true => masked(&entry.client),
                false => entry.client.clone(),
            };
            self.clients.add(client).add(entry);
        }
        for (list, ranking) in [
            (&entry.exceptions, &mut self.exceptions),
            (&entry.expired, &mut self.expired),
            (&entry.uninspected, &mut self.uninspected),
        ] {
            for name in list {
                ranking.add(name.chars().take(128).collect());
            }
        }
        if !entry.policy.is_empty() || !entry.revision.is_empty() {
            let key = (entry.policy.clone(), entry.revision.clone());
            let span = self.revisions.add(key);
            if let Some(second) = entry.time {
                span.add(second);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.actions.merge(&other.actions);
        self.span.merge(&other.span);
        for (category, actions) in &other.categories {
            self.categories.entry(category).or_default().merge(actions);
        }
        self.rules.merge(&other.rules, Actions::merge);
        self.endpoints.merge(&other.endpoints, Actions::merge);
        self.clients.merge(&other.clients, Actions::merge);
        self.exceptions.merge(&other.exceptions, |(), ()| {});
        self.expired.merge(&other.expired, |(), ()| {});
        self.uninspected.merge(&other.uninspected, |(), ()| {});
        self.revisions.merge(&other.revisions, Span::merge);
    }

    /// Whether rare things were forgotten.
    pub(super) const fn is_partial(&self) -> bool {
        self.endpoints.is_partial() || self.clients.is_partial()
    }
}

/// Everything that was gathered.
pub(super) struct Gathered {
    wanted: Wanted,
    mask: bool,
    /// By day where the period is not known before its end; else all in one.
    counts: BTreeMap<i64, Counts>,
    trend: BTreeMap<i64, Actions>,
    /// Records outside the period.
    pub(super) outside: u64,
    /// Records that say no time; they count all the same.
    pub(super) untimed: u64,
    /// Records of a time that has not come yet.
    pub(super) future: u64,
    tomorrow: i64,
}

impl Gathered {
    pub(super) fn new(wanted: Wanted, mask: bool) -> Self {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .map_or(0, |since| since.as_secs());
        Self {
            wanted,
            mask,
            counts: BTreeMap::new(),
            trend: BTreeMap::new(),
            outside: 0,
            untimed: 0,
            future: 0,
            tomorrow: day_of(i64::try_from(now).unwrap_or(i64::MAX)).saturating_add(1),
        }
    }

    pub(super) fn add(&mut self, entry: &Entry) {
        let Some(second) = entry.time else {
            self.untimed += 1;
            // A day of its own, older than all others and never dropped.
            self.counts
                .entry(i64::MIN)
                .or_default()
                .add(entry, self.mask);
            return;
        };
        let day = day_of(second);
        let slot = match self.wanted {
            Wanted::Between(first, last) => {
                if !(first..=last).contains(&second) {
                    self.outside += 1;
                    return;
                }
                0
            }
            Wanted::Newest(days) => {
                // One line with a wrong time must not push all others out.
                if day > self.tomorrow {
                    self.future += 1;
                    return;
                }
                let newest = self
                    .trend
                    .keys()
                    .next_back()
                    .copied()
                    .unwrap_or(day)
                    .max(day);
                let oldest = newest.saturating_sub(i64::from(days) - 1);
                if day < oldest {
                    self.outside += 1;
                    return;
                }
                self.drop_before(oldest);
                day
            }
        };
        if self.trend.len() < DAYS || self.trend.contains_key(&day) {
            self.trend.entry(day).or_default().add(entry);
        }
        self.counts.entry(slot).or_default().add(entry, self.mask);
    }

    fn drop_before(&mut self, oldest: i64) {
        while let Some(entry) = self.trend.first_entry()
            && *entry.key() < oldest
        {
            let (day, actions) = entry.remove_entry();
            self.outside += actions.requests();
            self.counts.remove(&day);
        }
    }

    /// The whole period.
    pub(super) fn all(&self) -> Counts {
        let mut all = Counts::default();
        for counts in self.counts.values() {
            all.merge(counts);
        }
        all
    }

    /// The days of the period from the first to the last, those without a record too.
    pub(super) fn days(&self) -> Vec<(i64, Actions)> {
        let (Some(first), Some(last)) = (self.trend.keys().next(), self.trend.keys().next_back())
        else {
            return Vec::new();
        };
        let first = match self.wanted {
            Wanted::Newest(days) => last.saturating_sub(i64::from(days) - 1),
            Wanted::Between(..) => (*first).max(last.saturating_sub(DAYS as i64)),
        };
        (first..=*last)
            .map(|day| (day, self.trend.get(&day).copied().unwrap_or_default()))
            .collect()
    }
}

/// The network of an address: 24 bits of IPv4, 48 of IPv6.
fn masked(client: &str) -> String {
    match client.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(day: i64) -> Entry {
        Entry {
            time: Some(day * 86_400 + 5),
            action: Some(Action::Block),
            client: "192.0.2.7".to_owned(),
            ..Entry::default()
        }
    }

    #[test]
    fn the_newest_record_decides_the_period() {
        let mut gathered = Gathered::new(Wanted::Newest(7), true);
        for day in [100, 105, 101, 108, 100, 102] {
            gathered.add(&entry(day));
        }
        gathered.add(&entry(1_000_000_000));
        gathered.add(&Entry::default());
        let all = gathered.all();
        // Day 100 and 101 are out, the second 100 too; 102 is the first of seven.
        assert_eq!(
            (gathered.outside, gathered.future, gathered.untimed),
            (3, 1, 1)
        );
        assert_eq!(all.actions.blocked, 3);
        assert_eq!(all.clients.list()[0].0, "192.0.2.0/24");
        let days = gathered.days();
        assert_eq!((days.len(), days[0].0, days[0].1.blocked), (7, 102, 1));
    }

    #[test]
    fn a_given_period_is_exact() {
        let mut gathered = Gathered::new(Wanted::Between(864_000, 950_399), false);
        for (day, counted) in [(9, 0), (10, 1), (10, 2), (11, 2)] {
            gathered.add(&entry(day));
            assert_eq!(gathered.all().actions.blocked, counted);
        }
        assert_eq!(gathered.outside, 2);
    }

    #[test]
    fn networks_stand_for_addresses() {
        for (client, expected) in [
            ("192.0.2.7", "192.0.2.0/24"),
            ("2001:db8:1:2::3", "2001:db8:1::/48"),
            ("x", "unknown"),
        ] {
            assert_eq!(masked(client), expected);
        }
    }
}
