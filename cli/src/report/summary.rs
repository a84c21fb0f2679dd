//! What a report says, ready to be printed in any form.

use std::collections::{BTreeMap, HashMap};

use palisade::config::SHIPPED_SAMPLES;
use palisade::engine::Engine;
use palisade::model::{Anomaly, Named, parse_name};
use serde::{Deserialize, Serialize};

use super::gather::{Actions, Gathered};
use super::period::{day, minute};
use crate::explain::shown;
use crate::records::Stream;

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    /// The days from the first to the last, and the first and last record.
    pub(super) period: Period,
    pub(super) policy: Policy,
    pub(super) totals: Row,
    pub(super) trend: Vec<Row>,
    pub(super) categories: Vec<Row>,
    pub(super) rules: Vec<Rule>,
    pub(super) endpoints: Vec<Row>,
    pub(super) clients: Vec<Row>,
    pub(super) exceptions: Exceptions,
    pub(super) uninspected: Vec<Uninspected>,
    pub(super) revisions: Vec<Revision>,
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Period {
    pub(super) first_day: String,
    pub(super) last_day: String,
    pub(super) days: usize,
    pub(super) first_record: String,
    pub(super) last_record: String,
}

/// The policy that the report was made with, if any was given.
#[derive(Debug, Default, Serialize)]
pub(super) struct Policy {
    pub(super) name: Option<String>,
    pub(super) revision: Option<String>,
    pub(super) mode: Option<&'static str>,
    pub(super) given: bool,
}

/// Counts of one thing.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) requests: u64,
    pub(super) allowed: u64,
    pub(super) monitored: u64,
    pub(super) blocked: u64,
    pub(super) uninspected: u64,
    pub(super) excepted: u64,
    pub(super) unjudged: u64,
}

impl Row {
    fn new(name: &str, actions: &Actions) -> Self {
        Self {
            name: shown(name.as_bytes()),
            requests: actions.requests(),
            allowed: actions.allowed,
            monitored: actions.monitored,
            blocked: actions.blocked,
            uninspected: actions.uninspected,
            excepted: actions.excepted,
            unjudged: actions.unjudged,
        }
    }

    /// Requests that were stopped, or would have been.
    pub(super) const fn stopped(&self) -> u64 {
        self.monitored + self.blocked
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Rule {
    pub(super) id: u32,
    pub(super) what: String,
    #[serde(flatten)]
    pub(super) row: Row,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Exceptions {
    pub(super) used: Vec<Exception>,
    /// Those of the policy that removed nothing.
    pub(super) unused: Vec<Exception>,
    /// Those that would have removed hits, had they not expired.
    pub(super) expired: Vec<Exception>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Exception {
    pub(super) id: String,
    pub(super) requests: u64,
    pub(super) reason: Option<String>,
    pub(super) expires: Option<String>,
    /// Whether the given policy has it; `null` where none was given.
    pub(super) in_policy: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(super) struct Uninspected {
    pub(super) name: String,
    pub(super) meaning: String,
    pub(super) requests: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Revision {
    pub(super) policy: String,
    pub(super) revision: String,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) requests: u64,
}

impl Summary {
    /// `known` is the policy, if one was given; `engine` knows the shipped rules in any case.
    pub(super) fn new(
        gathered: &Gathered,
        engine: &Engine,
        known: Option<&Engine>,
        read: &Stream,
        malformed: u64,
        top: usize,
    ) -> Self {
        let all = gathered.all();
        let days = gathered.days();
        let name_of_day =
            |at: Option<&(i64, Actions)>| at.map(|(own, _)| day(*own)).unwrap_or_default();
        let (first, last) = all.span.0.unzip();
        let rows = |list: Vec<(&String, u64, &Actions)>| -> Vec<Row> {
            let mut rows: Vec<Row> = list
                .into_iter()
                .map(|(name, _, actions)| Row::new(name, actions))
                .filter(|row| row.stopped() > 0)
                .collect();
            rows.sort_by_key(|row| std::cmp::Reverse(row.stopped()));
            rows.truncate(top);
            rows
        };
        let mut categories: Vec<Row> = all
            .categories
            .iter()
            .map(|(name, actions)| Row::new(name, actions))
            .collect();
        categories.sort_by_key(|row| std::cmp::Reverse(row.stopped()));
        let prose = prose();
        let rules = all
            .rules
            .list()
            .into_iter()
            .take(top)
            .map(|(id, _, actions)| {
                let rule = engine.rule(*id);
                Rule {
                    id: *id,
                    what: rule
                        .map(|rule| rule.what.clone())
                        .filter(|what| !what.is_empty())
                        .or_else(|| prose.get(id).cloned())
                        .unwrap_or_default(),
                    row: Row::new(rule.map_or("", |rule| rule.name.as_str()), actions),
                }
            })
            .collect();
        let config = known.map(|engine| engine.config());
        Self {
            period: Period {
                first_day: name_of_day(days.first()),
                last_day: name_of_day(days.last()),
                days: days.len(),
                first_record: first.map(minute).unwrap_or_default(),
                last_record: last.map(minute).unwrap_or_default(),
            },
            policy: config.map_or_else(Policy::default, |config| Policy {
                name: config.name.clone(),
                revision: config.revision.clone(),
                mode: Some(config.settings.mode.name()),
                given: true,
            }),
            totals: Row::new("", &all.actions),
            trend: days
                .iter()
                .map(|(own, actions)| Row::new(&day(*own), actions))
                .collect(),
            categories,
            rules,
            endpoints: rows(all.endpoints.list()),
            clients: rows(all.clients.list()),
            exceptions: exceptions(&all.exceptions.list(), &all.expired.list(), known),
            uninspected: all
                .uninspected
                .list()
                .into_iter()
                .map(|(name, requests, ())| Uninspected {
                    name: shown(name.as_bytes()),
                    meaning: parse_name::<Anomaly>(name)
                        .map_or("", Named::meaning)
                        .to_owned(),
                    requests,
                })
                .collect(),
            revisions: revisions(&all.revisions.list()),
            notes: notes(gathered, read, malformed, all.is_partial()),
        }
    }
}

/// What the shipped rules say of themselves, by id; they are embedded without it.
fn prose() -> HashMap<u32, String> {
    #[derive(Deserialize)]
    struct Prose {
        id: u32,
        #[serde(default)]
        what: String,
    }
    let list: Vec<Prose> = serde_json::from_str(SHIPPED_SAMPLES).unwrap_or_default();
    list.into_iter().map(|one| (one.id, one.what)).collect()
}

fn exceptions(
    used: &[(&String, u64, &())],
    expired: &[(&String, u64, &())],
    known: Option<&Engine>,
) -> Exceptions {
    let config = known.map(|engine| engine.config());
    let mut own: BTreeMap<&str, Exception> = BTreeMap::new();
    let settings = config.into_iter().flat_map(|config| {
        let scopes = config.scopes.iter().map(|scope| &scope.settings);
        std::iter::once(&config.settings).chain(scopes)
    });
    for exception in settings.flat_map(|settings| &settings.exceptions) {
        own.insert(
            &exception.label,
            Exception {
                id: shown(exception.label.as_bytes()),
                requests: 0,
                reason: exception.reason.as_ref().map(|text| shown(text.as_bytes())),
                expires: exception.expires.map(|day| day.to_string()),
                in_policy: Some(true),
            },
        );
    }
    let listed = |list: &[(&String, u64, &())]| -> Vec<Exception> {
        list.iter()
            .map(|(label, requests, ())| match own.get(label.as_str()) {
                Some(known) => Exception {
                    requests: *requests,
                    ..known.clone()
                },
                None => Exception {
                    id: shown(label.as_bytes()),
                    requests: *requests,
                    reason: None,
                    expires: None,
                    in_policy: config.map(|_| false),
                },
            })
            .collect()
    };
    let (used, expired) = (listed(used), listed(expired));
    let unused = own
        .values()
        .filter(|one| !used.iter().chain(&expired).any(|seen| seen.id == one.id))
        .cloned()
        .collect();
    Exceptions {
        used,
        unused,
        expired,
    }
}

fn revisions(list: &[(&(String, String), u64, &super::gather::Span)]) -> Vec<Revision> {
    let mut list: Vec<_> = list.iter().collect();
    list.sort_by_key(|(_, _, span)| span.0);
    let time = |second: Option<i64>| second.map(minute).unwrap_or_default();
    list.into_iter()
        .map(|((policy, revision), requests, span)| Revision {
            policy: shown(policy.as_bytes()),
            revision: shown(revision.as_bytes()),
            first: time(span.0.map(|(first, _)| first)),
            last: time(span.0.map(|(_, last)| last)),
            requests: *requests,
        })
        .collect()
}

/// What a reader must know to read the numbers right.
fn notes(gathered: &Gathered, read: &Stream, malformed: u64, partial: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |count: u64, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    };
    note(
        gathered.outside,
        "records lie outside the period and are not counted.",
    );
    note(
        gathered.future,
        "records are of a time that has not come yet and are not counted.",
    );
    note(
        gathered.untimed,
        "records say no time; they are counted, but not in the trend.",
    );
    note(
        read.dropped,
        "records were left out by the module because they came too fast (log_rate); the counts are too low by so many.",
    );
    note(
        read.repeated,
        "lines told of requests that other lines had told of and are not counted.",
    );
    note(malformed, "lines could not be read.");
    if partial {
        notes.push(
            "There were more endpoints or clients than are counted; the rare ones are missing."
                .to_owned(),
        );
    }
    notes
}
