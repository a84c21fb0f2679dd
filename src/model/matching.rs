//! How a policy points at things: texts, requests, rules. Data only; the engine does the matching.

use super::{Category, Day, PartSet, ZoneSet};

/// What a text must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextMatch {
    /// Exactly this.
    Exact(String),
    /// It begins with this.
    Prefix(String),
    /// It ends with this.
    Suffix(String),
    /// This stands in it.
    Contains(String),
    /// A glob: `*` stands for any run of bytes, `?` for any one byte, all else for itself.
    Glob(String),
    /// A regular expression over bytes that matches somewhere in it.
    Regex(String),
}

/// Which requests something concerns. All that is given must hold; of a list, one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RequestMatch {
    /// Hosts, without port, compared without case; empty for any.
    pub hosts: Vec<TextMatch>,
    /// Paths, resolved (dot segments, repeated slashes, percent-encoding); empty for any.
    pub paths: Vec<TextMatch>,
    /// Methods; empty for any.
    pub methods: Vec<String>,
}

impl RequestMatch {
    /// Whether nothing is asked for.
    pub fn is_any(&self) -> bool {
        self.hosts.is_empty() && self.paths.is_empty() && self.methods.is_empty()
    }
}

/// Which rules something concerns: those that any entry names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleMatch {
    /// Every rule there is.
    pub all: bool,
    /// First and last id of a range, both included.
    pub ids: Vec<(u32, u32)>,
    /// Rules that score in one of these.
    pub categories: Vec<Category>,
    /// Rules with one of these tags.
    pub tags: Vec<String>,
}

impl RuleMatch {
    /// Whether this rule is among them.
    pub fn contains(&self, rule: &super::Rule) -> bool {
        self.all
            || self
                .ids
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&rule.id))
            || rule
                .score
                .iter()
                .any(|(category, _)| self.categories.contains(category))
            || rule.tags.iter().any(|tag| self.tags.contains(tag))
    }
}

/// A place in a request: fields of some zones, some of their names, a half, what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// In one of these zones.
    pub zones: ZoneSet,
    /// In one of these halves.
    pub parts: PartSet,
    /// The field is called so; header names are compared without case.
    pub name: Option<TextMatch>,
    /// The half that is meant reads so.
    pub text: Option<TextMatch>,
}

/// Hits that do not count. All conditions hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// What records call it: its `id`, or its place in the policy.
    pub label: String,
    /// The rules it concerns.
    pub rules: RuleMatch,
    /// The requests it concerns.
    pub request: RequestMatch,
    /// The hit must be in one of these places, and the request must have all of them. Empty for any.
    pub places: Vec<Place>,
    /// Why it was made.
    pub reason: Option<String>,
    /// The last day on which it applies.
    pub expires: Option<Day>,
    /// Whether it applies at all.
    pub active: bool,
}

impl Exception {
    /// Places that one exception may ask for.
    pub const MOST_PLACES: usize = 32;
}

/// A range of addresses: 128 bits, IPv4 mapped into IPv6 (RFC 4291, 2.5.5.2), both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    /// The lowest address.
    pub first: u128,
    /// The highest address.
    pub last: u128,
}

/// Addresses of clients, as sorted ranges that do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Addresses(Vec<AddressRange>);

impl Addresses {
    /// Of ranges in any order.
    pub fn new(mut ranges: Vec<AddressRange>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<AddressRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.first <= last.last => last.last = last.last.max(range.last),
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the address is among them.
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        let number = number_of(address);
        let behind = self.0.partition_point(|range| range.first <= number);
        behind
            .checked_sub(1)
            .and_then(|index| self.0.get(index))
            .is_some_and(|range| number <= range.last)
    }
}

/// An address as 128 bits.
pub fn number_of(address: std::net::IpAddr) -> u128 {
    match address {
        std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        std::net::IpAddr::V6(v6) => v6.to_bits(),
    }
}
