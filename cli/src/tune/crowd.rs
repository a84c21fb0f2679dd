//! How many clients there were, in little memory however many they are.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Clients that are told apart; of more, their number is estimated.
const TOLD_APART: usize = 32;
/// Registers of the estimate: its standard error is 1.04 / √64, 13 % (Flajolet and others, HyperLogLog, 2007).
const REGISTERS: usize = 64;

/// A client, as a number.
pub(super) fn client(address: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    address.hash(&mut hasher);
    hasher.finish()
}

/// Clients, and how many requests they made.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    /// The first ones, and the requests of each.
    first: Vec<(u64, u32)>,
    /// There were others.
    more: bool,
    registers: Box<[u8; REGISTERS]>,
}

impl Default for Crowd {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            more: false,
            registers: Box::new([0; REGISTERS]),
        }
    }
}

impl Crowd {
    fn add(&mut self, client: u64, requests: u32) {
        // The lowest bits choose the register, the others are the coin that is tossed.
        if let Some(register) = self.registers.get_mut(client as usize % REGISTERS) {
            let tosses = (client >> 6).trailing_zeros().min(57) as u8 + 1;
            *register = tosses.max(*register);
        }
        let room = self.first.len() < TOLD_APART;
        match self.first.iter_mut().find(|(own, _)| *own == client) {
            Some((_, count)) => *count = count.saturating_add(requests),
            None if room => self.first.push((client, requests)),
            None => self.more = true,
        }
    }

    fn merge(&mut self, other: &Self) {
        for (client, requests) in &other.first {
            self.add(*client, *requests);
        }
        self.more |= other.more;
        for (own, other) in self.registers.iter_mut().zip(other.registers.iter()) {
            *own = (*own).max(*other);
        }
    }

    fn estimate(&self) -> u64 {
        if !self.more {
            return self.first.len() as u64;
        }
        let count = REGISTERS as f64;
        let sum: f64 = self
            .registers
            .iter()
            .map(|tosses| (-f64::from(*tosses)).exp2())
            .sum();
        let raw = 0.709 * count * count / sum;
        let empty = self.registers.iter().filter(|tosses| **tosses == 0).count();
        let estimate = match empty > 0 && raw <= 2.5 * count {
            // Few enough that empty registers say more.
            true => count * (count / empty as f64).ln(),
            false => raw,
        };
        (estimate as u64).max(TOLD_APART as u64 + 1)
    }
}

/// Requests that speak for the same thing.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    pub(super) requests: u64,
    crowd: Crowd,
    /// Requests of clients whose address is not known.
    unknown: u64,
    /// Days since 1970-01-01.
    pub(super) days: BTreeSet<u32>,
}

/// Days that are told apart.
const MOST_DAYS: usize = 400;

/// What [`Evidence`] comes to without the clients that are not to be believed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) requests: u64,
    /// `None` where nothing is known of clients.
    pub(super) clients: Option<u64>,
    pub(super) days: usize,
    /// The share of the busiest client, of the requests whose client is known.
    pub(super) busiest: f64,
    /// The share of requests that were left out.
    pub(super) left_out: f64,
}

impl Evidence {
    pub(super) fn add(&mut self, client: Option<u64>, day: Option<u32>) {
        self.requests = self.requests.saturating_add(1);
        match client {
            Some(client) => self.crowd.add(client, 1),
            None => self.unknown = self.unknown.saturating_add(1),
        }
        if let Some(day) = day
            && self.days.len() < MOST_DAYS
        {
            self.days.insert(day);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.crowd.merge(&other.crowd);
        self.unknown = self.unknown.saturating_add(other.unknown);
        let room = MOST_DAYS.saturating_sub(self.days.len());
        self.days.extend(other.days.iter().take(room));
    }

    /// Counts without the clients that `suspect` names. Of clients that are not told apart the same share is
    /// left out as of those that are.
    pub(super) fn counted(&self, suspect: impl Fn(u64) -> bool) -> Counted {
        let known = self.requests.saturating_sub(self.unknown);
        let (mut kept, mut left_out, mut busiest) = ((0_u64, 0_u64), (0_u64, 0_u64), 0_u64);
        for (client, requests) in &self.crowd.first {
            let requests = u64::from(*requests);
            let side = match suspect(*client) {
                true => &mut left_out,
                false => {
                    busiest = busiest.max(requests);
                    &mut kept
                }
            };
            *side = (side.0 + 1, side.1.saturating_add(requests));
        }
        let share = |part: u64, all: u64| match all {
            0 => 0.0,
            all => part as f64 / all as f64,
        };
        let told_apart = kept.1 + left_out.1;
        let left_out_requests = share(left_out.1, told_apart);
        let left_out_clients = share(left_out.0, kept.0 + left_out.0);
        let requests = match self.crowd.more {
            true => (known as f64 * (1.0 - left_out_requests)) as u64,
            false => kept.1,
        };
        let clients = match self.crowd.more {
            true => (self.crowd.estimate() as f64 * (1.0 - left_out_clients)) as u64,
            false => kept.0,
        };
        Counted {
            requests: requests + self.unknown,
            clients: (known > 0).then_some(clients),
            days: self.days.len(),
            busiest: share(busiest, requests),
            left_out: share(self.requests - requests - self.unknown, self.requests),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd_of(clients: u64, each: u32) -> Evidence {
        let mut evidence = Evidence::default();
        for number in 0..clients {
            for _ in 0..each {
                evidence.add(
                    Some(client(&format!("10.0.0.{number}"))),
                    Some(number as u32 % 5),
                );
            }
        }
        evidence
    }

    #[test]
    fn clients_are_counted_whole_and_then_about() {
        for clients in [0, 1, 32, 33, 100, 1_000, 50_000] {
            let counted = crowd_of(clients, 2).counted(|_| false);
            let found = counted.clients.unwrap_or(0);
            let error = (found as f64 - clients as f64).abs() / clients.max(1) as f64;
            assert!(
                error < if clients <= 32 { 1e-9 } else { 0.35 },
                "{clients}: {found}"
            );
            assert_eq!(counted.requests, 2 * clients);
            assert_eq!(counted.days as u64, clients.min(5));
        }
    }

    #[test]
    fn suspects_do_not_count() {
        let suspect = client("10.0.0.1");
        let mut evidence = crowd_of(3, 4);
        let counted = evidence.counted(|one| one == suspect);
        assert_eq!((counted.requests, counted.clients), (8, Some(2)));
        assert!(
            (counted.busiest - 0.5).abs() < 1e-9 && (counted.left_out - 1.0 / 3.0).abs() < 1e-9
        );
        evidence.merge(&crowd_of(5, 1));
        assert_eq!(evidence.counted(|_| false).clients, Some(5));
        evidence.add(None, None);
        assert_eq!(evidence.counted(|one| one == suspect).requests, 13);
    }
}
