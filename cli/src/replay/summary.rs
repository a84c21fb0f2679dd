//! What a replay adds up to, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use palisade::engine::Engine;
use palisade::model::{Action, Named};
use serde_json::{Map, Value, json};

use super::{Arguments, Change, Expected, Judged, One};
use crate::explain;
use crate::input::Malformed;
use crate::ranking::Ranking;
use crate::terminal::{Ink, Terminal};

/// Endpoints that are counted.
const ENDPOINTS: usize = 5_000;
/// Rules that are counted; there are not that many.
const RULES: usize = 10_000;
/// Requests that are named as samples.
const SAMPLES: usize = 3;

/// Requests that are named because they are not what they should be.
const UNEXPECTED: usize = 20;

/// The place of a request: the file and its number there.
type Place = (usize, u64);

/// Where a request stands, in words.
pub(super) fn place(files: &[PathBuf], file: usize, number: u64) -> String {
    let name = files
        .get(file)
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    format!("{name}:{number}")
}

/// Requests by what became of them under one policy.
#[derive(Clone, Copy, Debug, Default)]
struct Actions {
    allow: u64,
    monitor: u64,
    block: u64,
    uninspected: u64,
    excepted: u64,
}

impl Actions {
    fn add(&mut self, judged: &Judged) {
        match judged.action {
            Action::Allow => self.allow += 1,
            Action::Monitor => self.monitor += 1,
            Action::Block => self.block += 1,
        }
        self.uninspected += u64::from(judged.uninspected);
        self.excepted += u64::from(judged.excepted);
    }

    fn json(self) -> Value {
        json!({"allow": self.allow, "monitor": self.monitor, "block": self.block,
            "uninspected": self.uninspected, "excepted": self.excepted})
    }
}

/// What is kept beside a count.
#[derive(Clone, Debug, Default)]
struct Beside {
    /// Of them, how many would not have been stopped without this rule.
    needed: u64,
    samples: Vec<Place>,
}

impl Beside {
    fn sample(&mut self, one: &One) {
        if self.samples.len() < SAMPLES {
            self.samples.push((one.file, one.number));
        }
    }
}

/// Requests that were stopped, or of which two policies think differently, by what they have in common.
#[derive(Clone, Debug)]
struct Stopped {
    count: u64,
    categories: BTreeMap<&'static str, u64>,
    rules: Ranking<u32, Beside>,
    endpoints: Ranking<String, Beside>,
}

impl Default for Stopped {
    fn default() -> Self {
        Self {
            count: 0,
            categories: BTreeMap::new(),
            rules: Ranking::new(RULES),
            endpoints: Ranking::new(ENDPOINTS),
        }
    }
}

impl Stopped {
    /// Counts a request by the judgement that stops it.
    fn add(&mut self, one: &One, judged: &Judged) {
        self.count += 1;
        for reason in &judged.reasons {
            *self.categories.entry(reason.name()).or_default() += 1;
        }
        for decider in &judged.deciders {
            let beside = self.rules.add(decider.rule);
            beside.needed += u64::from(decider.needed);
            beside.sample(one);
        }
        self.endpoints.add(one.endpoint.clone()).sample(one);
    }
}

/// Everything that is counted.
pub(super) struct Summary {
    pub(super) requests: u64,
    pub(super) no_requests: u64,
    head_only: u64,
    new: Actions,
    old: Option<Actions>,
    stopped: Stopped,
    endpoints: Ranking<String>,
    changes: BTreeMap<Change, Stopped>,
    expected: Option<Expected>,
    unexpected: (u64, Vec<Place>),
}

impl Summary {
    pub(super) fn new(two: bool, expected: Option<Expected>) -> Self {
        Self {
            requests: 0,
            no_requests: 0,
            head_only: 0,
            new: Actions::default(),
            old: two.then(Actions::default),
            stopped: Stopped::default(),
            endpoints: Ranking::new(ENDPOINTS),
            changes: BTreeMap::new(),
            expected,
            unexpected: (0, Vec::new()),
        }
    }

    pub(super) fn add(&mut self, one: &One) {
        self.requests += 1;
        self.head_only += u64::from(one.head_only);
        self.new.add(&one.new);
        if let (Some(actions), Some(old)) = (&mut self.old, &one.old) {
            actions.add(old);
        }
        self.endpoints.add(one.endpoint.clone());
        let as_expected = match self.expected {
            None => true,
            Some(Expected::Pass) => one.new.action == Action::Allow,
            Some(Expected::Block) => one.new.action == Action::Block,
        };
        if !as_expected {
            let (count, samples) = &mut self.unexpected;
            *count += 1;
            if samples.len() < UNEXPECTED {
                samples.push((one.file, one.number));
            }
        }
        if one.new.action != Action::Allow {
            self.stopped.add(one, &one.new);
        }
        if let (Some(change), Some(old)) = (one.change, &one.old) {
            let stopping = match change {
                Change::NewlyBlocked | Change::NewlyMonitored => &one.new,
                Change::NewlyLetThrough | Change::NoLongerMonitored => old,
            };
            self.changes.entry(change).or_default().add(one, stopping);
        }
    }

    /// How many requests are not what they should be.
    pub(super) const fn unexpected(&self) -> u64 {
        self.unexpected.0
    }

    /// How many requests changed so.
    pub(super) fn changed(&self, change: Change) -> u64 {
        self.changes.get(&change).map_or(0, |stopped| stopped.count)
    }
}

/// What a summary is printed with.
pub(super) struct Shown<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) terminal: &'a Terminal,
    pub(super) files: &'a [PathBuf],
    pub(super) engine: &'a Engine,
    pub(super) old: Option<&'a Engine>,
    pub(super) malformed: &'a Malformed<'a>,
    pub(super) seconds: f64,
}

impl Shown<'_> {
    pub(super) fn json(&self, summary: &Summary) -> Value {
        let mut value = json!({
            "policy": self.arguments.policy.display().to_string(),
            "requests": summary.requests,
            "malformed": self.malformed.count(),
            "no_requests": summary.no_requests,
            "head_only": summary.head_only,
            "seconds": self.seconds,
            "actions": summary.new.json(),
            "stopped": self.stopped_json(&summary.stopped, summary),
        });
        if let (Value::Object(object), Some(_)) = (&mut value, summary.expected) {
            let (count, places) = &summary.unexpected;
            object.insert(
                "unexpected".to_owned(),
                json!({"requests": count, "samples": self.places(places)}),
            );
        }
        if let (Value::Object(object), Some(old)) = (&mut value, summary.old) {
            let path = self.arguments.against.as_ref();
            object.insert(
                "against".to_owned(),
                json!({"policy": path.map(|path| path.display().to_string()), "actions": old.json()}),
            );
            let nothing = Stopped::default();
            let changes: Map<String, Value> = Change::ALL
                .into_iter()
                .map(|change| {
                    let stopped = summary.changes.get(&change).unwrap_or(&nothing);
                    (
                        change.name().to_owned(),
                        self.stopped_json(stopped, summary),
                    )
                })
                .collect();
            object.insert("changes".to_owned(), changes.into());
        }
        value
    }

    fn stopped_json(&self, stopped: &Stopped, summary: &Summary) -> Value {
        let all: BTreeMap<&String, u64> = summary
            .endpoints
            .list()
            .into_iter()
            .map(|(endpoint, count, ())| (endpoint, count))
            .collect();
        let rules: Vec<_> = stopped
            .rules
            .list()
            .into_iter()
            .map(|(id, count, beside)| {
                json!({"id": id, "name": self.name(*id), "requests": count,
                    "needed": beside.needed, "samples": self.places(&beside.samples)})
            })
            .collect();
        let endpoints: Vec<_> = stopped
            .endpoints
            .list()
            .into_iter()
            .take(1000)
            .map(|(endpoint, count, beside)| {
                json!({"endpoint": endpoint, "requests": count, "of": all.get(endpoint),
                    "samples": self.places(&beside.samples)})
            })
            .collect();
        json!({"requests": stopped.count, "categories": stopped.categories, "rules": rules,
            "endpoints": endpoints})
    }

    fn places(&self, places: &[Place]) -> Vec<String> {
        places
            .iter()
            .map(|(file, number)| place(self.files, *file, *number))
            .collect()
    }

    fn name(&self, id: u32) -> &str {
        let rule = self.engine.rule(id);
        rule.or_else(|| self.old.and_then(|old| old.rule(id)))
            .map_or("", |rule| rule.name.as_str())
    }

    pub(super) fn text(&self, summary: &Summary) -> String {
        let mut out = String::new();
        self.actions(summary, &mut out);
        match &summary.old {
            None => self.stopped("stopped", &summary.stopped, summary, &mut out),
            Some(_) => {
                for change in Change::ALL {
                    if let Some(stopped) = summary.changes.get(&change) {
                        let title = change.name().replace('_', " ");
                        self.stopped(&title, stopped, summary, &mut out);
                    }
                }
                if summary.changes.is_empty() {
                    out.push_str("\nboth policies do the same with every request\n");
                }
            }
        }
        let (count, places) = &summary.unexpected;
        if *count > 0 {
            let head = format!("not as expected: {count} of {}", summary.requests);
            let places = self.places(places).join(" ");
            let head = self.terminal.ink(Ink::Bad, &head);
            let _ = writeln!(out, "\n{head}\n  {}", explain::shown(places.as_bytes()));
        }
        self.remarks(summary, &mut out);
        out
    }

    fn actions(&self, summary: &Summary, out: &mut String) {
        let title = |text: &str| self.terminal.ink(Ink::Faint, text);
        let mut rows = vec![(self.arguments.policy.display().to_string(), summary.new)];
        if let (Some(path), Some(old)) = (&self.arguments.against, summary.old) {
            rows.push((path.display().to_string(), old));
        }
        let width = rows.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or(0).max(12);
        let head = format!(
            "{:<width$}{:>11}{:>11}{:>11}{:>11}{:>13}{:>10}",
            "policy", "requests", "allowed", "monitored", "blocked", "uninspected", "excepted"
        );
        let _ = writeln!(out, "{}", title(&head));
        for (name, actions) in rows {
            let _ = writeln!(
                out,
                "{name:<width$}{:>11}{:>11}{:>11}{:>11}{:>13}{:>10}",
                summary.requests,
                actions.allow,
                actions.monitor,
                actions.block,
                actions.uninspected,
                actions.excepted,
            );
        }
    }

    fn stopped(&self, what: &str, stopped: &Stopped, summary: &Summary, out: &mut String) {
        if stopped.count == 0 {
            return;
        }
        let title = |text: &str| self.terminal.ink(Ink::Faint, text);
        let categories: Vec<_> = stopped
            .categories
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        let head = format!("{what}: {} of {}", stopped.count, summary.requests);
        let _ = write!(out, "\n{}", self.terminal.ink(Ink::Strong, &head));
        if !categories.is_empty() {
            let _ = write!(out, " ({})", categories.join(", "));
        }
        out.push('\n');
        let rules = stopped.rules.list();
        let most = self.arguments.top;
        let head = format!("  {:<44}{:>9}{:>9}  samples", "rule", "requests", "needed");
        let _ = writeln!(out, "{}", title(&head));
        for (id, count, beside) in rules.iter().take(most) {
            let rule = format!("{id} {}", self.name(**id));
            let samples = self.places(&beside.samples).join(" ");
            let _ = writeln!(
                out,
                "  {rule:<44}{count:>9}{:>9}  {}",
                beside.needed,
                explain::shown(samples.as_bytes())
            );
        }
        more(rules.len(), most, out);
        let endpoints = stopped.endpoints.list();
        let all: BTreeMap<&String, u64> = summary
            .endpoints
            .list()
            .into_iter()
            .map(|(endpoint, count, ())| (endpoint, count))
            .collect();
        let head = format!("  {:<44}{:>9}{:>9}  samples", "endpoint", "requests", "of");
        let _ = writeln!(out, "{}", title(&head));
        for (endpoint, count, beside) in endpoints.iter().take(most) {
            let of = all.get(endpoint).copied().unwrap_or(*count);
            let samples = self.places(&beside.samples).join(" ");
            let _ = writeln!(
                out,
                "  {:<44}{count:>9}{of:>9}  {}",
                explain::shown(endpoint.as_bytes()),
                explain::shown(samples.as_bytes())
            );
        }
        more(endpoints.len(), most, out);
        if stopped.endpoints.is_partial() {
            out.push_str("  there are too many endpoints to count the rare ones\n");
        }
    }

    fn remarks(&self, summary: &Summary, out: &mut String) {
        let rate = summary.requests as f64 / self.seconds.max(0.001);
        let _ = write!(
            out,
            "\n{} requests in {:.1} s, {rate:.0} per second",
            summary.requests, self.seconds
        );
        if summary.head_only > 0 {
            let _ = write!(
                out,
                "; of {} the body was not recorded, so their heads alone were judged",
                summary.head_only
            );
        }
        if summary.no_requests > 0 {
            let _ = write!(out, "; {} entries never were requests", summary.no_requests);
        }
        if self.arguments.as_block {
            out.push_str("; judged as if in mode `block`");
        }
        out.push_str(&self.malformed.remark());
        out.push('\n');
    }
}

fn more(count: usize, most: usize, out: &mut String) {
    if count > most {
        let _ = writeln!(out, "  {} more; --top and --json show them", count - most);
    }
}
