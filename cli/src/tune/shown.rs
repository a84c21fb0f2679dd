//! What `palisade tune` prints: proposals with what speaks for them and against, and what was rejected.

use std::fmt::Write as _;

use palisade::engine::Engine;
use palisade::model::{Day, Named};
use serde_json::{Map, Value, json};

use super::Arguments;
use super::crowd::Counted;
use super::gather::{Gathered, Spot};
use super::propose::{self, Outcome, Proposal, place, share_of};
use super::write::Exception;
use crate::explain;
use crate::input::Malformed;
use crate::records::Stream;
use crate::terminal::{Ink, Terminal};

/// Everything that is printed.
pub(super) struct Shown<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) terminal: &'a Terminal,
    pub(super) engine: &'a Engine,
    pub(super) gathered: &'a Gathered<'a>,
    pub(super) read: &'a Stream,
    pub(super) malformed: &'a Malformed<'a>,
    pub(super) outcome: &'a Outcome,
    pub(super) exceptions: &'a [Exception],
}

impl Shown<'_> {
    pub(super) fn json(&self) -> Value {
        let gathered = self.gathered;
        let proposals: Vec<_> = self
            .outcome
            .proposals
            .iter()
            .zip(self.exceptions)
            .map(|(proposal, exception)| {
                let pairs = exception.iter();
                let pairs = pairs.map(|(key, value)| ((*key).to_owned(), value.clone()));
                json!({
                    "exception": Value::Object(pairs.collect::<Map<_, _>>()),
                    "confidence": proposal.confidence.name(),
                    "evidence": counted(&proposal.evidence),
                    "rules": proposal.rules.iter().map(|(rule, own)| {
                        json!({"id": rule, "name": self.name(*rule), "evidence": counted(own)})
                    }).collect::<Vec<_>>(),
                    "endpoint_requests": proposal.endpoint_requests,
                    "share": share_of(proposal.evidence.requests, proposal.endpoint_requests),
                    "like_attacks": proposal.attacks,
                    "sample": proposal.sample,
                    "request_ids": proposal.request_ids,
                    "attacks_blocked": proposal.trial.blocked,
                    "attacks_let_through": proposal.trial.passing,
                    "attack_samples": proposal.trial.samples.iter().map(|(rule, text)| {
                        json!({"rule": rule, "text": text})
                    }).collect::<Vec<_>>(),
                })
            })
            .collect();
        let rejected: Vec<_> = self
            .outcome
            .rejected
            .iter()
            .map(|one| {
                json!({"spot": spot(&one.spot), "rules": one.rules, "evidence": counted(&one.evidence),
                    "reasons": one.reasons})
            })
            .collect();
        json!({
            "requests": self.read.requests,
            "stopped": gathered.stopped,
            "first_day": gathered.first_day.map(day),
            "last_day": gathered.last_day.map(day),
            "malformed": self.malformed.count(),
            "other_lines": self.read.others,
            "dropped": self.read.dropped,
            "unjudged": gathered.unjudged,
            "without_match": gathered.without_match,
            "not_explained_by_the_policy": gathered.unexplained,
            "proposals": proposals,
            "rejected": rejected,
        })
    }

    fn name(&self, id: u32) -> &str {
        self.engine.rule(id).map_or("", |rule| rule.name.as_str())
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.head(&mut out);
        if !self.arguments.write || self.arguments.yes {
            for index in 0..self.outcome.proposals.len() {
                out.push_str(&self.one(index));
            }
        }
        if self.outcome.proposals.is_empty() {
            out.push_str("\nno exception is proposed\n");
        }
        self.rejected(&mut out);
        self.remarks(&mut out);
        out
    }

    fn head(&self, out: &mut String) {
        let gathered = self.gathered;
        let period = match (gathered.first_day, gathered.last_day) {
            (Some(first), Some(last)) if first != last => {
                format!(", {} to {}", day(first), day(last))
            }
            (Some(first), _) => format!(", {}", day(first)),
            _ => String::new(),
        };
        let _ = writeln!(
            out,
            "{} requests{period}; {} stopped, or would have been",
            self.read.requests, gathered.stopped
        );
    }

    /// One proposal.
    pub(super) fn one(&self, index: usize) -> String {
        let mut out = String::new();
        let (Some(proposal), Some(exception)) = (
            self.outcome.proposals.get(index),
            self.exceptions.get(index),
        ) else {
            return out;
        };
        let title = explain::shown(place(&proposal.spot).as_bytes());
        let ink = match proposal.confidence {
            propose::Confidence::High => Ink::Good,
            propose::Confidence::Medium => Ink::Warning,
            propose::Confidence::Low => Ink::Bad,
        };
        let confidence = format!("{} confidence", proposal.confidence.name());
        let _ = writeln!(
            out,
            "\n{}  {}",
            self.terminal.ink(Ink::Strong, &title),
            self.terminal.ink(ink, &confidence)
        );
        self.evidence(proposal, &mut out);
        for (index, (key, value)) in exception.iter().enumerate() {
            let mark = if index == 0 { "- " } else { "  " };
            let line = explain::shown(format!("{key}: {value}").as_bytes());
            let _ = writeln!(out, "    {mark}{line}");
        }
        out
    }

    fn evidence(&self, proposal: &Proposal, out: &mut String) {
        let mut row = |key: &str, value: String| {
            let _ = writeln!(out, "  {key:<10}{}", explain::shown(value.as_bytes()));
        };
        let share = 100.0 * share_of(proposal.evidence.requests, proposal.endpoint_requests);
        row(
            "seen",
            format!(
                "{}, {share:.1} % of the endpoint's {}",
                words(&proposal.evidence),
                proposal.endpoint_requests
            ),
        );
        for (rule, own) in &proposal.rules {
            row(
                "rule",
                format!("{rule} {}: {}", self.name(*rule), words(own)),
            );
        }
        if let Some(sample) = &proposal.sample {
            row("sample", sample.clone());
        }
        if proposal.attacks > 0 {
            row(
                "beside",
                format!(
                    "{} requests there look like attacks and do not count",
                    proposal.attacks
                ),
            );
        }
        let trial = &proposal.trial;
        row(
            "attacks",
            match (trial.blocked, trial.passing) {
                (0, _) => "none of the samples could be tried there".to_owned(),
                (blocked, 0) => {
                    format!("all {blocked} samples that are blocked there stay blocked")
                }
                (blocked, passing) => {
                    format!("{passing} of the {blocked} samples that are blocked there would pass")
                }
            },
        );
        for (rule, text) in &trial.samples {
            row("", format!("{rule} {}: {text}", self.name(*rule)));
        }
    }

    fn rejected(&self, out: &mut String) {
        let rejected = &self.outcome.rejected;
        if rejected.is_empty() {
            return;
        }
        let head = format!("rejected: {}", rejected.len());
        let _ = writeln!(out, "\n{}", self.terminal.ink(Ink::Strong, &head));
        let most = match self.arguments.rejected {
            true => rejected.len(),
            false => 5,
        };
        for one in rejected.iter().take(most) {
            let _ = writeln!(
                out,
                "  {}: {}\n    {}",
                explain::shown(place(&one.spot).as_bytes()),
                words(&one.evidence),
                one.reasons.join("; ")
            );
        }
        if rejected.len() > most {
            let _ = writeln!(
                out,
                "  {} more; --rejected shows them",
                rejected.len() - most
            );
        }
    }

    fn remarks(&self, out: &mut String) {
        let (gathered, read) = (self.gathered, self.read);
        let mut remark = |count: u64, what: &str| {
            if count > 0 {
                let _ = writeln!(out, "{count} {what}");
            }
        };
        out_line(&mut remark, gathered, read);
        if gathered.unexplained > 0 {
            out.push_str("  the records were written under another policy; --policy says which\n");
        }
        let own = self.engine.config();
        let written = gathered.revisions.iter().any(|(_, revision)| {
            !revision.is_empty() && own.revision.as_deref().is_some_and(|own| own != revision)
        });
        if written {
            out.push_str("some records were written under another revision of the policy\n");
        }
        let malformed = self.malformed.remark();
        if !malformed.is_empty() {
            let _ = writeln!(out, "{}", malformed.trim_start_matches("; "));
        }
    }
}

fn out_line(remark: &mut impl FnMut(u64, &str), gathered: &Gathered<'_>, read: &Stream) {
    remark(
        gathered.without_match,
        "stopped requests have no match: a limit or a list of clients, which no exception changes",
    );
    remark(
        gathered.unexplained,
        "stopped requests have no match that counts under the policy",
    );
    remark(gathered.unjudged, "requests never came to the firewall");
    remark(
        read.dropped,
        "records were left out by `log_rate`; counts are too low by so many",
    );
    remark(
        read.repeated,
        "lines told of requests that other lines had told of",
    );
}

/// A count in words.
fn words(own: &Counted) -> String {
    let plural = |count: u64, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    let mut out = plural(own.requests, "request");
    if let Some(clients) = own.clients {
        let _ = write!(out, ", {}", plural(clients, "client"));
    }
    if own.days > 0 {
        let _ = write!(out, ", {}", plural(own.days as u64, "day"));
    }
    out
}

fn counted(own: &Counted) -> Value {
    json!({"requests": own.requests, "clients": own.clients, "days": own.days})
}

fn spot(spot: &Spot) -> Value {
    json!({"host": spot.endpoint.host, "method": spot.endpoint.method, "path": spot.endpoint.path,
        "zone": spot.zone.name(), "part": spot.part.name(), "name": spot.name})
}

fn day(day: u32) -> String {
    Day::of_seconds(u64::from(day) * 86_400).to_string()
}
