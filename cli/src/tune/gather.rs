//! What the records say, gathered by the spot where rules hit, in bounded memory.

use std::collections::{BTreeMap, BTreeSet};

use palisade::engine::Engine;
use palisade::model::{Category, Family, Part, RuleAction, Zone};

use super::crowd::{Evidence, client};
use crate::endpoint;
use crate::ranking::Ranking;
use crate::records::Entry;

/// Endpoints that are counted.
const ENDPOINTS: usize = 20_000;
/// Spots that are kept.
const SPOTS: usize = 2_048;
/// Rules of one spot.
const RULES: usize = 16;
/// Clients that are watched.
const CLIENTS: usize = 50_000;

/// Categories that one request of an ordinary client does not reach together.
const MANY_CATEGORIES: usize = 3;
/// Rules that one request of an ordinary client does not hit together.
const MANY_RULES: usize = 12;
/// Places in which an ordinary client does not stumble.
const MANY_PLACES: usize = 8;
/// Categories that an ordinary client does not reach, however many requests it makes.
const MANY_KINDS: usize = 4;

/// A method and a path of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) method: String,
    /// With kinds of values in place of values.
    pub(super) path: String,
}

/// Where rules hit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Spot {
    pub(super) endpoint: Endpoint,
    pub(super) zone: Zone,
    pub(super) part: Part,
    /// The name of the field, with `[*]` for indexes of lists.
    pub(super) name: String,
}

/// What is known of a spot.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Requests that look like those of ordinary clients, by the rules that hit.
    pub(super) rules: BTreeMap<u32, Evidence>,
    /// All of them.
    pub(super) plain: Evidence,
    /// Requests that look like attacks, the same.
    pub(super) strong_rules: BTreeMap<u32, Evidence>,
    pub(super) strong: Evidence,
    /// Why they do.
    pub(super) why: BTreeSet<Strong>,
    /// A piece of what matched, masked.
    pub(super) sample: Option<String>,
    /// Ids of requests, to look them up.
    pub(super) request_ids: Vec<String>,
    /// Whether the requests fell in one scope, by its name.
    pub(super) scope: Option<String>,
}

/// Why one request looks like an attack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strong {
    /// A signature hit that blocks by itself.
    Signature(u32),
    Categories,
    Rules,
}

impl std::fmt::Display for Strong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signature(id) => write!(f, "rule {id} is a signature that blocks by itself"),
            Self::Categories => write!(
                f,
                "single requests reach {MANY_CATEGORIES} categories or more"
            ),
            Self::Rules => write!(f, "single requests hit {MANY_RULES} rules or more"),
        }
    }
}

/// What one client did.
#[derive(Clone, Debug, Default)]
struct Client {
    /// Hashes of the spots where it was stopped; no more than are needed to judge it.
    places: Vec<u64>,
    categories: BTreeSet<Category>,
}

/// Everything that was gathered.
pub(super) struct Gathered<'a> {
    engine: &'a Engine,
    /// Whether hits of a rule count, by scope and rule.
    counts: BTreeMap<(Option<String>, u32), Option<Kind>>,
    pub(super) endpoints: Ranking<Endpoint>,
    pub(super) spots: Ranking<Spot, Found>,
    clients: Ranking<u64, Client>,
    pub(super) stopped: u64,
    /// Stopped requests of which no hit counts under the policy.
    pub(super) unexplained: u64,
    /// Stopped requests that have no match: a limit, or a list of clients.
    pub(super) without_match: u64,
    /// Requests that never came to the firewall.
    pub(super) unjudged: u64,
    pub(super) revisions: BTreeSet<(String, String)>,
    pub(super) first_day: Option<u32>,
    pub(super) last_day: Option<u32>,
}

/// What the hit of a rule that counts means.
#[derive(Clone, Debug)]
struct Kind {
    /// A signature that blocks by itself.
    strong: bool,
    blocks: bool,
    categories: Vec<Category>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(engine: &'a Engine) -> Self {
        Self {
            engine,
            counts: BTreeMap::new(),
            endpoints: Ranking::new(ENDPOINTS),
            spots: Ranking::new(SPOTS),
            clients: Ranking::new(CLIENTS),
            stopped: 0,
            unexplained: 0,
            without_match: 0,
            unjudged: 0,
            revisions: BTreeSet::new(),
            first_day: None,
            last_day: None,
        }
    }

    /// Counts one request.
    pub(super) fn add(&mut self, entry: &Entry) {
        let endpoint = Endpoint {
            host: endpoint::host(&entry.host),
            method: endpoint::method(entry.method.as_bytes()),
            path: endpoint::template(entry.path.as_bytes()),
        };
        self.endpoints.add(endpoint.clone());
        let day = entry
            .time
            .and_then(|time| u32::try_from(time.div_euclid(86_400)).ok());
        self.first_day = self.first_day.into_iter().chain(day).min();
        self.last_day = self.last_day.into_iter().chain(day).max();
        if entry.action.is_none() {
            self.unjudged += 1;
        }
        if (!entry.policy.is_empty() || !entry.revision.is_empty()) && self.revisions.len() < 64 {
            self.revisions
                .insert((entry.policy.clone(), entry.revision.clone()));
        }
        if !entry.is_stopped() {
            return;
        }
        self.stopped += 1;
        if entry.matches.is_empty() {
            self.without_match += 1;
            return;
        }
        let client = (!entry.client.is_empty()).then(|| client(&entry.client));
        self.add_stopped(entry, &endpoint, client, day);
    }

    fn add_stopped(
        &mut self,
        entry: &Entry,
        endpoint: &Endpoint,
        client: Option<u64>,
        day: Option<u32>,
    ) {
        let mut spots: BTreeMap<Spot, BTreeSet<u32>> = BTreeMap::new();
        let mut samples: BTreeMap<Spot, String> = BTreeMap::new();
        let mut rules = BTreeSet::new();
        let mut why = BTreeSet::new();
        for one in &entry.matches {
            let Some(kind) = self.kind(entry.scope.as_ref(), one.rule) else {
                continue;
            };
            let counts = kind.blocks
                || entry.reasons.is_empty()
                || kind
                    .categories
                    .iter()
                    .any(|category| entry.reasons.contains(category));
            if !counts {
                continue;
            }
            if kind.strong {
                why.insert(Strong::Signature(one.rule));
            }
            rules.insert(one.rule);
            let spot = Spot {
                endpoint: endpoint.clone(),
                zone: one.zone,
                part: one.part,
                name: without_indexes(&one.name),
            };
            if let Some(excerpt) = &one.excerpt {
                samples.insert(spot.clone(), masked(excerpt));
            }
            spots.entry(spot).or_default().insert(one.rule);
        }
        if spots.is_empty() {
            self.unexplained += 1;
            return;
        }
        if entry.reasons.len() >= MANY_CATEGORIES {
            why.insert(Strong::Categories);
        }
        if rules.len() >= MANY_RULES || entry.more > 0 {
            why.insert(Strong::Rules);
        }
        if let Some(client) = client {
            let watched = self.clients.add(client);
            watched.categories.extend(&entry.reasons);
            for spot in spots.keys() {
                // What every request carries says nothing of where a client has been.
                let everywhere = matches!(spot.zone, Zone::RequestHeader | Zone::Cookies);
                let place = super::crowd::client(&format!(
                    "{} {} {} {}",
                    spot.endpoint.method, spot.endpoint.path, spot.zone, spot.name
                ));
                if !everywhere
                    && watched.places.len() < MANY_PLACES
                    && !watched.places.contains(&place)
                {
                    watched.places.push(place);
                }
            }
        }
        for (spot, hit) in spots {
            let sample = samples.remove(&spot);
            let found = self.spots.add(spot);
            let (rules, all) = match why.is_empty() {
                true => (&mut found.rules, &mut found.plain),
                false => (&mut found.strong_rules, &mut found.strong),
            };
            all.add(client, day);
            for rule in hit {
                if rules.len() < RULES || rules.contains_key(&rule) {
                    rules.entry(rule).or_default().add(client, day);
                }
            }
            if why.is_empty() {
                found.sample = found.sample.take().or(sample);
                if found.request_ids.len() < 3 && !entry.request_id.is_empty() {
                    found.request_ids.push(entry.request_id.clone());
                }
                found.scope.clone_from(&entry.scope);
            } else if found.why.len() < 8 {
                found.why.extend(why.iter().cloned());
            }
        }
    }

    /// What the hit of a rule means in a scope; `None` if it records only.
    fn kind(&mut self, scope: Option<&String>, rule: u32) -> Option<Kind> {
        let key = (scope.cloned(), rule);
        if let Some(known) = self.counts.get(&key) {
            return known.clone();
        }
        let engine = self.engine;
        let scope = scope.map(String::as_str);
        // A policy that has changed since may have lost the scope.
        let score = engine.counts(scope, rule).or_else(|| {
            let gone = scope.is_some_and(|name| {
                let mut scopes = engine.config().scopes.iter();
                !scopes.any(|scope| scope.name == name)
            });
            gone.then(|| engine.counts(None, rule)).flatten()
        });
        let kind = score.and_then(|score| {
            let own = engine.rule(rule)?;
            let alone = score
                .iter()
                .any(|(category, points)| *points >= engine.threshold(*category));
            Some(Kind {
                strong: own.family() == Family::Signature
                    && (alone || own.action == RuleAction::Block),
                blocks: own.action == RuleAction::Block,
                categories: score.iter().map(|(category, _)| *category).collect(),
            })
        });
        // No more than there are rules, times scopes.
        if self.counts.len() < 100_000 {
            self.counts.insert(key, kind.clone());
        }
        kind
    }

    /// The clients that look for weaknesses, as numbers.
    pub(super) fn probing(&self) -> BTreeSet<u64> {
        let list = self.clients.list().into_iter();
        list.filter(|(_, _, client)| {
            client.places.len() >= MANY_PLACES
                || client.categories.len() >= MANY_KINDS
                || client.categories.contains(&Category::Scanner)
        })
        .map(|(client, ..)| *client)
        .collect()
    }
}

/// A name in which every index of a list is any.
fn without_indexes(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find('[') {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let digits = behind
            .bytes()
            .skip(1)
            .take_while(u8::is_ascii_digit)
            .count();
        let index = behind.get(..digits + 2).filter(|_| digits > 0);
        match index.filter(|index| index.ends_with(']')) {
            Some(index) => {
                out.push_str("[*]");
                rest = behind.get(index.len()..).unwrap_or_default();
            }
            None => {
                out.push('[');
                rest = behind.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// A text in which letters and digits say only that they are such.
pub(super) fn masked(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(80)
        .map(|c| match c {
            c if c.is_ascii_digit() => '9',
            c if c.is_alphabetic() => 'a',
            c if c.is_control() => '?',
            c => c,
        })
        .collect();
    if text.chars().nth(80).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_indexes() {
        for (name, expected) in [
            ("items[0].comment", "items[*].comment"),
            ("a[12][3]", "a[*][*]"),
            ("filter[name]", "filter[name]"),
            ("a[", "a["),
            ("a[1", "a[1"),
            ("a[]", "a[]"),
        ] {
            assert_eq!(without_indexes(name), expected);
        }
    }

    #[test]
    fn samples_show_shapes() {
        assert_eq!(masked("O'Brien, 42 é\n"), "a'aaaaa, 99 a?");
        assert_eq!(masked(&"x".repeat(90)).chars().count(), 81);
    }
}
