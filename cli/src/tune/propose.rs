//! From spots to exceptions: which hits deserve one, how narrow it can be, and why others get none.

use std::collections::{BTreeMap, BTreeSet};

use palisade::model::{Named, Part, Zone};
use serde_json::{Value, json};

use super::crowd::{Counted, Evidence};
use super::gather::{Endpoint, Found, Gathered, Spot};
use crate::endpoint;

/// What must be so before anything is proposed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bars {
    pub(super) requests: u64,
    pub(super) clients: u64,
    pub(super) share: f64,
}

/// Clients, days and share of an endpoint that speak against what signatures say: a field in which so many write
/// markup is an editor.
const EVERYBODY: (u64, usize, f64) = (20, 2, 0.1);
/// Paths below one folder from which on the segment they differ in is taken for a value.
const MANY_SIBLINGS: usize = 5;
/// Requests of an endpoint from which on a share says something.
const ENOUGH: u64 = 1_000;
/// The share of one client from which on the others do not count.
const ALMOST_ALL: f64 = 0.8;
/// Bytes of a field's name in a record; a longer one was cut.
const NAME_BYTES: usize = 128;

/// How sure a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// An exception that would be worth having.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) spot: Spot,
    /// Hosts that share it; none for any.
    pub(super) hosts: Vec<String>,
    /// The rules, each with what speaks for it.
    pub(super) rules: Vec<(u32, Counted)>,
    pub(super) evidence: Counted,
    /// Requests of the endpoint, as far as the logs show them.
    pub(super) endpoint_requests: u64,
    /// Requests at the same spot that look like attacks.
    pub(super) attacks: u64,
    pub(super) sample: Option<String>,
    pub(super) request_ids: Vec<String>,
    pub(super) signature: bool,
    /// It is about whatever the endpoint.
    pub(super) everywhere: bool,
    pub(super) confidence: Confidence,
    /// What the trial with samples found.
    pub(super) trial: super::probe::Trial,
}

/// A spot that gets none.
#[derive(Clone, Debug)]
pub(super) struct Rejected {
    pub(super) spot: Spot,
    pub(super) rules: Vec<u32>,
    pub(super) evidence: Counted,
    pub(super) reasons: Vec<String>,
}

/// What came out.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) proposals: Vec<Proposal>,
    pub(super) rejected: Vec<Rejected>,
}

/// Judges everything that was gathered.
pub(super) fn propose(gathered: &Gathered<'_>, bars: Bars) -> Outcome {
    let probing = gathered.probing();
    let judge = Judge {
        bars,
        probing: &probing,
        totals: gathered.endpoints.counts(),
    };
    let mut outcome = Outcome::default();
    let mut few: Vec<(Spot, Found, Rejected)> = Vec::new();
    let mut spots = gathered.spots.list();
    for (proposal, members) in judge.everywhere(&spots) {
        outcome.proposals.push(proposal);
        spots.retain(|(spot, ..)| !members.contains(spot));
    }
    for (spot, _, found) in spots {
        match judge.one(spot, found, judge.total(&spot.endpoint)) {
            Ok(proposal) => outcome.proposals.push(proposal),
            Err(rejected) => few.push((spot.clone(), found.clone(), *rejected)),
        }
    }
    judge.siblings(&mut few, &mut outcome);
    outcome
        .rejected
        .extend(few.into_iter().map(|(_, _, rejected)| rejected));
    merge_hosts(&mut outcome.proposals);
    let by_weight = |a: &Counted, b: &Counted| b.requests.cmp(&a.requests);
    outcome
        .proposals
        .sort_by(|a, b| by_weight(&a.evidence, &b.evidence).then_with(|| a.spot.cmp(&b.spot)));
    outcome
        .rejected
        .sort_by(|a, b| by_weight(&a.evidence, &b.evidence).then_with(|| a.spot.cmp(&b.spot)));
    outcome
}

struct Judge<'a> {
    bars: Bars,
    probing: &'a BTreeSet<u64>,
    totals: BTreeMap<&'a Endpoint, u64>,
}

impl Judge<'_> {
    fn total(&self, endpoint: &Endpoint) -> u64 {
        self.totals.get(endpoint).copied().unwrap_or(0)
    }

    fn count(&self, evidence: &Evidence) -> Counted {
        evidence.counted(|client| self.probing.contains(&client))
    }

    /// What is to become of one spot.
    fn one(&self, spot: &Spot, found: &Found, total: u64) -> Result<Proposal, Box<Rejected>> {
        let plain = self.count(&found.plain);
        let strong = self.count(&found.strong);
        let mut rules: Vec<(u32, Counted)> = found
            .rules
            .iter()
            .map(|(rule, evidence)| (*rule, self.count(evidence)))
            .filter(|(_, counted)| self.doubts(counted, total).is_empty())
            .collect();
        let mut evidence = plain;
        // So many clients, for so long, at a place that they use so much, are no attack.
        let (clients, days, share) = EVERYBODY;
        let everybody = strong.clients.is_some_and(|own| own >= clients)
            && strong.days >= days
            && share_of(strong.requests, total) >= share;
        if everybody {
            let more = found
                .strong_rules
                .iter()
                .map(|(rule, evidence)| (*rule, self.count(evidence)))
                .filter(|(rule, counted)| {
                    counted.clients.is_some_and(|own| own >= clients)
                        && !rules.iter().any(|(known, _)| known == rule)
                })
                .collect::<Vec<_>>();
            rules.extend(more);
            rules.sort_by_key(|(rule, _)| *rule);
            if strong.requests > plain.requests {
                evidence = strong;
            }
        }
        let mut reasons = Vec::new();
        if rules.is_empty() {
            reasons = self.doubts(&plain, total);
            if plain.requests == 0 {
                reasons.clear();
                if strong.left_out > 0.5 || strong.requests == 0 {
                    reasons.push("all requests are of clients that look for weaknesses".to_owned());
                }
            }
            if found.strong.requests > 0 {
                reasons.extend(found.why.iter().map(ToString::to_string));
            }
            if reasons.is_empty() {
                reasons.push("no single rule hits for enough clients".to_owned());
            }
        }
        if reasons.is_empty() {
            reasons.extend(too_broad(spot));
        }
        let attacks = match everybody {
            true => 0,
            false => found.strong.requests,
        };
        if !reasons.is_empty() {
            let mut all: Vec<u32> = found
                .rules
                .keys()
                .chain(found.strong_rules.keys())
                .copied()
                .collect();
            all.sort_unstable();
            all.dedup();
            let evidence = match plain.requests {
                0 => self.raw(&found.strong),
                _ => plain,
            };
            return Err(Box::new(Rejected {
                spot: spot.clone(),
                rules: all,
                evidence,
                reasons,
            }));
        }
        Ok(Proposal {
            hosts: match spot.endpoint.host.as_str() {
                "" => Vec::new(),
                host => vec![host.to_owned()],
            },
            spot: spot.clone(),
            rules,
            evidence,
            endpoint_requests: total,
            attacks,
            sample: found.sample.clone(),
            request_ids: found.request_ids.clone(),
            signature: everybody,
            everywhere: false,
            confidence: Confidence::Low,
            trial: super::probe::Trial::default(),
        })
    }

    /// Everybody counted, suspects too.
    fn raw(&self, evidence: &Evidence) -> Counted {
        evidence.counted(|_| false)
    }

    /// What speaks against believing some requests.
    fn doubts(&self, counted: &Counted, total: u64) -> Vec<String> {
        let bars = self.bars;
        let mut doubts = Vec::new();
        if counted.left_out > 0.5 {
            doubts.push("most requests are of clients that look for weaknesses".to_owned());
        }
        if counted.requests < bars.requests {
            doubts.push(format!("fewer than {} requests", bars.requests));
        }
        if let Some(clients) = counted.clients {
            if clients < bars.clients {
                doubts.push(match clients {
                    1 => "a single client".to_owned(),
                    _ => format!("fewer than {} clients", bars.clients),
                });
            } else if counted.busiest > ALMOST_ALL {
                doubts.push("almost all requests are of one client".to_owned());
            }
        }
        if total >= ENOUGH && share_of(counted.requests, total) < bars.share {
            doubts.push(format!(
                "less than {} % of the requests of the endpoint",
                100.0 * bars.share
            ));
        }
        doubts
    }

    /// Headers and cookies that come with every request: what hits them at many endpoints needs one exception, which
    /// names no path. Each with the spots that it stands for.
    fn everywhere(&self, spots: &[(&Spot, u64, &Found)]) -> Vec<(Proposal, BTreeSet<Spot>)> {
        let mut groups: BTreeMap<Spot, Vec<(&Spot, &Found)>> = BTreeMap::new();
        for (spot, _, found) in spots {
            if !matches!(spot.zone, Zone::RequestHeader | Zone::Cookies)
                || found.plain.requests == 0
            {
                continue;
            }
            let mut wide = (*spot).clone();
            wide.endpoint.method.clear();
            wide.endpoint.path = "/".to_owned();
            groups.entry(wide).or_default().push((spot, found));
        }
        let mut proposals = Vec::new();
        for (spot, members) in groups {
            if members.len() < MANY_SIBLINGS {
                continue;
            }
            let mut together = Found::default();
            members.iter().for_each(|(_, found)| together.merge(found));
            let host = &spot.endpoint.host;
            let totals = self.totals.iter();
            let total = totals
                .filter(|(endpoint, _)| endpoint.host == *host)
                .map(|(_, count)| count)
                .sum();
            if let Ok(mut proposal) = self.one(&spot, &together, total) {
                proposal.everywhere = true;
                let members = members.into_iter().map(|(spot, _)| spot.clone());
                proposals.push((proposal, members.collect()));
            }
        }
        proposals
    }

    /// Takes paths that differ in one segment together, where alone each has too little to show for it.
    fn siblings(&self, few: &mut Vec<(Spot, Found, Rejected)>, outcome: &mut Outcome) {
        let mut groups: BTreeMap<Spot, Vec<usize>> = BTreeMap::new();
        for (index, (spot, found, _)) in few.iter().enumerate() {
            if found.plain.requests == 0 {
                continue;
            }
            let segments: Vec<&str> = spot.endpoint.path.split('/').collect();
            for (at, segment) in segments.iter().enumerate().skip(2) {
                if segment.is_empty() || segment.starts_with('{') {
                    continue;
                }
                let mut path = segments.clone();
                if let Some(segment) = path.get_mut(at) {
                    *segment = endpoint::ANY;
                }
                let mut wide = spot.clone();
                wide.endpoint.path = path.join("/");
                groups.entry(wide).or_default().push(index);
            }
        }
        let mut groups: Vec<_> = groups
            .into_iter()
            .filter(|(_, members)| members.len() >= MANY_SIBLINGS)
            .collect();
        groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
        let mut taken = BTreeSet::new();
        for (spot, members) in groups {
            let members: Vec<usize> = members
                .into_iter()
                .filter(|member| !taken.contains(member))
                .collect();
            if members.len() < MANY_SIBLINGS {
                continue;
            }
            let mut together = Found::default();
            let mut total = 0;
            for (own, found, _) in members.iter().filter_map(|member| few.get(*member)) {
                total += self.total(&own.endpoint);
                together.plain.merge(&found.plain);
                for (rule, evidence) in &found.rules {
                    together.rules.entry(*rule).or_default().merge(evidence);
                }
                together.strong.merge(&found.strong);
                together.sample = together.sample.take().or_else(|| found.sample.clone());
                together
                    .request_ids
                    .extend(found.request_ids.iter().cloned());
            }
            together.request_ids.truncate(3);
            if let Ok(proposal) = self.one(&spot, &together, total) {
                taken.extend(members);
                outcome.proposals.push(proposal);
            }
        }
        let mut index = 0;
        few.retain(|_| {
            index += 1;
            !taken.contains(&(index - 1))
        });
    }
}

/// A part of a whole, of which nothing may be known.
pub(super) fn share_of(part: u64, total: u64) -> f64 {
    part as f64 / total.max(part).max(1) as f64
}

/// Why no exception can name this spot and nothing else.
fn too_broad(spot: &Spot) -> Option<String> {
    if endpoint::is_pattern(&spot.endpoint.path) && endpoint::regex(&spot.endpoint.path).is_none() {
        return Some("the path has no part that stays the same".to_owned());
    }
    if spot.endpoint.method == "OTHER" {
        return Some("the method is none".to_owned());
    }
    let name = &spot.name;
    if name.len() >= NAME_BYTES || name.chars().any(|c| c.is_control() || c == '\u{fffd}') {
        return Some("the name of the field was cut or is not text".to_owned());
    }
    if is_redacted(name) {
        return Some(
            "the name of the field looks like a secret and is not in the records".to_owned(),
        );
    }
    None
}

/// Whether a part of a name was struck out.
fn is_redacted(name: &str) -> bool {
    ["[card]", "[email]", "[jwt]", "[secret]", "[redacted]"]
        .iter()
        .any(|label| name.contains(label))
}

/// Makes one of proposals that differ in the host alone.
fn merge_hosts(proposals: &mut Vec<Proposal>) {
    let mut merged: Vec<Proposal> = Vec::with_capacity(proposals.len());
    for proposal in proposals.drain(..) {
        let ids = |proposal: &Proposal| -> Vec<u32> {
            proposal.rules.iter().map(|(rule, _)| *rule).collect()
        };
        let same = merged.iter_mut().find(|own| {
            let (a, b) = (&own.spot, &proposal.spot);
            (
                &a.endpoint.method,
                &a.endpoint.path,
                a.zone,
                a.part,
                &a.name,
            ) == (
                &b.endpoint.method,
                &b.endpoint.path,
                b.zone,
                b.part,
                &b.name,
            ) && ids(own) == ids(&proposal)
                && own.hosts.is_empty() == proposal.hosts.is_empty()
        });
        match same {
            None => merged.push(proposal),
            Some(own) => {
                own.hosts.extend(proposal.hosts);
                own.hosts.sort();
                own.endpoint_requests += proposal.endpoint_requests;
                own.attacks += proposal.attacks;
                let (a, b) = (own.evidence, proposal.evidence);
                own.evidence = Counted {
                    requests: a.requests + b.requests,
                    clients: a.clients.max(b.clients),
                    days: a.days.max(b.days),
                    ..a
                };
            }
        }
    }
    *proposals = merged;
}

impl Proposal {
    /// How sure it is, now that the trial is over.
    pub(super) fn rate(&mut self) {
        let counted = &self.evidence;
        let clients = counted.clients.unwrap_or(0);
        let share = share_of(counted.requests, self.endpoint_requests);
        let passes = self.trial.share();
        self.confidence = if self.signature || counted.clients.is_none() || passes > 0.5 {
            Confidence::Low
        } else if clients >= 10
            && counted.days >= 3
            && counted.requests >= 20
            && share >= 0.01
            && passes <= 0.25
        {
            Confidence::High
        } else if clients >= 5 && counted.days >= 2 {
            Confidence::Medium
        } else {
            Confidence::Low
        };
    }

    /// The exception, as key and value in the order in which they are written.
    pub(super) fn exception(&self, id: &str, expires: Option<&str>) -> Vec<(&'static str, Value)> {
        let counted = &self.evidence;
        let clients = match counted.clients {
            Some(1) => " of 1 client".to_owned(),
            Some(clients) => format!(" of {clients} clients"),
            None => String::new(),
        };
        let days = match counted.days {
            0 => String::new(),
            1 => " on 1 day".to_owned(),
            days => format!(" on {days} days"),
        };
        let share = 100.0 * share_of(counted.requests, self.endpoint_requests);
        let reason = format!(
            "palisade tune: {} requests{clients}{days}, {share:.1} % of the endpoint, {} confidence",
            counted.requests,
            self.confidence.name()
        );
        let mut keys = vec![("id", json!(id)), ("reason", json!(reason))];
        let rules: Vec<u32> = self.rules.iter().map(|(rule, _)| *rule).collect();
        keys.push(("rules", json!(rules)));
        match self.hosts.as_slice() {
            [] => {}
            [one] => keys.push(("host", json!(one))),
            many => keys.push(("host", json!(many))),
        }
        let path = &self.spot.endpoint.path;
        if !self.everywhere {
            keys.push(path_of(path));
            keys.push(("method", json!(self.spot.endpoint.method)));
        }
        keys.push(("zones", json!(self.spot.zone.name())));
        if !self.spot.name.is_empty() && has_names(self.spot.zone) {
            keys.push(("name", name_of(&self.spot.name)));
        }
        keys.push(("part", json!(self.spot.part.name())));
        if let Some(day) = expires {
            keys.push(("expires", json!(day)));
        }
        keys
    }
}

/// The paths of a template, as an exception says them.
fn path_of(template: &str) -> (&'static str, Value) {
    match endpoint::regex(template) {
        Some(regex) if endpoint::is_pattern(template) => ("path", json!({"regex": regex})),
        _ => ("path", json!(template)),
    }
}

/// Whether fields of a zone have names that an exception can ask for.
fn has_names(zone: Zone) -> bool {
    !matches!(zone, Zone::Path | Zone::RawBody)
}

/// The name of a field as an exception says it; where indexes are any, as a pattern.
fn name_of(name: &str) -> Value {
    if !name.contains("[*]") {
        return json!(name);
    }
    let mut regex = "^".to_owned();
    for (index, piece) in name.split("[*]").enumerate() {
        if index > 0 {
            regex.push_str(r"\[[0-9]+\]");
        }
        endpoint::escape(piece, &mut regex);
    }
    regex.push('$');
    json!({"regex": regex})
}

/// A spot in words.
pub(super) fn place(spot: &Spot) -> String {
    let part = match spot.part {
        Part::Name => ", its name",
        Part::Value => "",
    };
    let name = match spot.name.as_str() {
        "" => String::new(),
        name => format!(" `{name}`"),
    };
    let Endpoint { host, method, path } = &spot.endpoint;
    if method.is_empty() {
        return format!("{host}, every path, {}{name}{part}", spot.zone);
    }
    format!("{method} {host}{path}, {}{name}{part}", spot.zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_indexes_become_patterns() {
        assert_eq!(name_of("a.b"), json!("a.b"));
        assert_eq!(
            name_of("items[*].c"),
            json!({"regex": r"^items\[[0-9]+\]\.c$"})
        );
    }
}
