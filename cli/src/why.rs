//! Why a request was judged as it was: each rule with the bytes it matched, what exceptions took away, the
//! sums, what nobody saw.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use palisade::config::{CategoryModes, Config, Settings};
use palisade::engine::{Engine, Found, Inspection, Scratch, Seen};
use palisade::model::{
    Action, Category, EndedBy, Exception, Hit, Matcher, Mode, Named, Rule, Verdict,
};
use serde_json::{Value, json};

use crate::Failure;
use crate::explain::{self, octets, shown};
use crate::marks::marked;
use crate::proxied::Proxied;
use crate::seen::Read;
use crate::terminal::{Ink, Terminal};

/// A verdict with all that led to it.
pub(crate) struct Why {
    pub(crate) verdict: Verdict,
    matched: Vec<Matched>,
    excepted: Vec<Excepted>,
    sums: Vec<Sum>,
    /// What was not seen, and what the policy does about that.
    unseen: Vec<(&'static str, &'static str, &'static str)>,
}

/// A rule that matched.
struct Matched {
    hit: Hit,
    name: String,
    what: String,
    /// What the hit added to the sums.
    score: Vec<(Category, u32)>,
    /// The text in which it matched, and where.
    place: Option<(Vec<u8>, Found)>,
    /// What the readers noticed, if the rule acts on that.
    noticed: Vec<&'static str>,
}

/// An exception that took hits away.
struct Excepted {
    label: String,
    reason: Option<String>,
    took: Vec<Matched>,
}

/// What one category came to.
struct Sum {
    category: Category,
    scores: u32,
    recorded: u32,
    threshold: u32,
    mode: Mode,
}

impl Why {
    /// Asks the engine once more for everything that it does not keep while it judges.
    ///
    /// # Errors
    /// None that a policy brings about which has been compiled before.
    pub(crate) fn of(
        engine: &Engine,
        proxied: &Proxied,
        inspection: &Inspection,
        read: &Read,
    ) -> Result<Self, Failure> {
        let verdict = engine.verdict(inspection);
        let settings = engine.settings(inspection);
        let matched = all_matched(engine, inspection, &verdict.hits, read);
        let excepted = verdict
            .exceptions
            .iter()
            .map(|label| took_away(engine.config(), label, proxied))
            .collect::<Result<_, _>>()?;
        let sums = Category::ALL
            .iter()
            .map(|category| Sum {
                category: *category,
                scores: verdict.scores.get(*category),
                recorded: verdict.recorded.get(*category),
                threshold: settings.thresholds.of(*category).threshold(),
                mode: match settings.mode {
                    Mode::Off => Mode::Off,
                    mode => settings.category_modes.of(*category).unwrap_or(mode),
                },
            })
            .filter(|sum| sum.scores > 0 || sum.recorded > 0)
            .collect();
        let unseen = verdict
            .uninspected
            .iter()
            .map(|what| {
                let then = settings.uninspected.of(what);
                (what.name(), what.meaning(), then.name())
            })
            .collect();
        Ok(Self {
            verdict,
            matched,
            excepted,
            sums,
            unseen,
        })
    }

    /// Writes it for people, the verdict last.
    pub(crate) fn write(&self, engine: &Engine, terminal: &Terminal, out: &mut String) {
        // What decides stands next to the verdict.
        let (enforced, recorded): (Vec<_>, Vec<_>) = self
            .matched
            .iter()
            .partition(|matched| matched.hit.enforced);
        for matched in recorded.into_iter().chain(enforced) {
            out.push_str("  rule      ");
            matched.write(terminal, out);
        }
        let verdict = &self.verdict;
        if verdict.more_hits > 0 {
            let _ = writeln!(out, "  and       {} more hits", verdict.more_hits);
        }
        if self.matched.is_empty() && self.excepted.is_empty() {
            out.push_str("  no rule matched\n");
        }
        for excepted in &self.excepted {
            excepted.write(terminal, out);
        }
        for label in &verdict.expired {
            let on = engine.expiring().find(|(known, _)| known == label);
            let on = on.map_or(String::new(), |(_, last)| format!(" on {last}"));
            let _ = writeln!(
                out,
                "  expired   {} would have taken hits away, but ended{on}",
                shown(label.as_bytes())
            );
        }
        for (name, meaning, then) in &self.unseen {
            let name = terminal.ink(Ink::Warning, name);
            let _ = writeln!(out, "  not seen  {name}: {meaning} The policy says {then}.");
        }
        for sum in &self.sums {
            sum.write(terminal, out);
        }
        if let Some(scope) = &verdict.scope {
            let _ = writeln!(out, "  scope     {}", shown(scope.as_bytes()));
        }
        if let Some(by) = ended_by(verdict) {
            let _ = writeln!(out, "  ended by  {by}");
        }
        if verdict.sampled_out {
            out.push_str("  share     of the traffic that `enforce_percent` only monitors\n");
        }
        let _ = writeln!(out, "  verdict   {}", explain::judgement(verdict, terminal));
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let verdict = &self.verdict;
        json!({
            "decision": explain::decision(verdict),
            "rules": self.matched.iter().map(Matched::json).collect::<Vec<_>>(),
            "excepted": self.excepted.iter().map(|excepted| json!({
                "exception": excepted.label,
                "reason": excepted.reason,
                "rules": excepted.took.iter().map(Matched::json).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "sums": self.sums.iter().map(|sum| (sum.category.name(), json!({
                "scores": sum.scores,
                "recorded": sum.recorded,
                "threshold": sum.threshold,
                "reached": sum.scores >= sum.threshold,
                "mode": sum.mode.name(),
            }))).collect::<BTreeMap<_, _>>(),
            "uninspected": self.unseen.iter().map(|(name, meaning, then)| json!({
                "what": name, "meaning": meaning, "then": then,
            })).collect::<Vec<_>>(),
            "scope": verdict.scope,
            "ended_by": ended_by(verdict),
        })
    }
}

fn ended_by(verdict: &Verdict) -> Option<String> {
    verdict.ended_by.map(|by| match by {
        EndedBy::Rule(id) => format!("rule {id}"),
        EndedBy::AllowedClient => "allow_clients".to_owned(),
        EndedBy::DeniedClient => "deny_clients".to_owned(),
        EndedBy::Uninspected => "uninspected".to_owned(),
    })
}

/// Each hit with the text in which it was found. Of several fields of one name the first hit is the first.
fn all_matched(
    engine: &Engine,
    inspection: &Inspection,
    hits: &[Hit],
    read: &Read,
) -> Vec<Matched> {
    let same = |one: &Hit, other: &Hit| {
        (one.rule, one.zone, one.part, &one.name)
            == (other.rule, other.zone, other.part, &other.name)
    };
    let mut all = Vec::with_capacity(hits.len());
    for (index, hit) in hits.iter().enumerate() {
        let earlier = hits[..index]
            .iter()
            .filter(|other| same(hit, other))
            .count();
        let rule = engine.rule(hit.rule);
        let score = engine.worth(inspection, hit.rule).iter();
        all.push(Matched {
            hit: hit.clone(),
            name: rule.map_or_else(String::new, |rule| rule.name.clone()),
            what: rule.map_or_else(String::new, crate::rule::what_of),
            score: score
                .map(|(category, points)| (*category, points.saturating_mul(hit.count)))
                .collect(),
            place: place_of(engine, hit, earlier, read),
            noticed: rule.map_or_else(Vec::new, |rule| noticed_by(rule, hit, read)),
        });
    }
    all
}

/// The text that a hit was found in; `earlier` hits were found in texts before.
fn place_of(engine: &Engine, hit: &Hit, earlier: usize, read: &Read) -> Option<(Vec<u8>, Found)> {
    let places = read.fields.iter().filter_map(|field| {
        if field.zone != hit.zone || !field.name.starts_with(&hit.name) {
            return None;
        }
        let texts = field
            .texts()
            .filter(|(part, view, _)| *part == hit.part && *view == hit.view);
        let found = texts.filter_map(|(part, _, text)| {
            let seen = Seen {
                zone: field.zone,
                part,
                name: &field.name,
                text,
            };
            Some((text, engine.explain(hit.rule, &seen)?))
        });
        // Forms of one view are several; the one in which it matches most often counts.
        let (text, found) = found.max_by_key(|(_, found)| found.spans.len())?;
        Some((text.to_vec(), found))
    });
    let mut places: Vec<_> = places.collect();
    (!places.is_empty()).then(|| places.swap_remove(earlier.min(places.len() - 1)))
}

fn noticed_by(rule: &Rule, hit: &Hit, read: &Read) -> Vec<&'static str> {
    let Matcher::Anomalies(anomalies) = &rule.matcher else {
        return Vec::new();
    };
    let mut names: Vec<_> = read
        .noticed
        .iter()
        .filter(|one| {
            anomalies.contains(one.anomaly)
                && one.zone == hit.zone
                && one.name.starts_with(&hit.name)
        })
        .map(|one| one.anomaly.name())
        .collect();
    names.dedup();
    names
}

/// What one exception alone took away: the request once more, without exceptions and with this one only,
/// in a policy that stops at nothing.
fn took_away(config: &Config, label: &str, proxied: &Proxied) -> Result<Excepted, Failure> {
    let judge = |keep: &dyn Fn(&Exception) -> bool| -> Result<_, Failure> {
        let engine = Engine::compile(watching(config, keep)).map_err(|problems| {
            let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
            Failure(problems.join("; "))
        })?;
        let mut scratch = Scratch::default();
        let mut read = Read::default();
        let inspection = proxied.inspect(&engine, &mut scratch, |scratch| read.look(scratch));
        let hits = engine.verdict(&inspection).hits;
        let matched = all_matched(&engine, &inspection, &hits, &read);
        Ok(matched)
    };
    let mut took = judge(&|_| false)?;
    for left in judge(&|exception| exception.label == label)? {
        let hit = &left.hit;
        let same = |other: &Matched| {
            let other = &other.hit;
            (hit.rule, hit.zone, hit.part, &hit.name)
                == (other.rule, other.zone, other.part, &other.name)
        };
        if let Some(index) = took.iter().position(same) {
            took.remove(index);
        }
    }
    let all = std::iter::once(&config.settings).chain(config.scopes.iter().map(|s| &s.settings));
    let exception = all
        .flat_map(|settings| &settings.exceptions)
        .find(|exception| exception.label == label);
    Ok(Excepted {
        label: label.to_owned(),
        reason: exception.and_then(|exception| exception.reason.clone()),
        took,
    })
}

/// The policy with some of its exceptions, such that nothing ends an inspection early.
fn watching(config: &Config, keep: &dyn Fn(&Exception) -> bool) -> Config {
    let mut config = config.clone();
    let watch = |settings: &mut Settings| {
        settings.exceptions.retain(|exception| keep(exception));
        if settings.mode != Mode::Off {
            settings.mode = Mode::Monitor;
        }
        settings.category_modes = CategoryModes::default();
        for change in &mut settings.overrides {
            change.even_in_monitor = false;
        }
    };
    watch(&mut config.settings);
    for scope in &mut config.scopes {
        watch(&mut scope.settings);
    }
    config
}

impl Matched {
    fn write(&self, terminal: &Terminal, out: &mut String) {
        let hit = &self.hit;
        let ink = if hit.enforced {
            Ink::Strong
        } else {
            Ink::Faint
        };
        let id = terminal.ink(ink, &hit.rule.to_string());
        let _ = write!(out, "{id} {}", self.name);
        explain::place(hit, out);
        let scores: Vec<_> = self
            .score
            .iter()
            .map(|(category, score)| format!("{category} +{score}"))
            .collect();
        match hit.count {
            0 => out.push_str(": counts once, and has"),
            _ if scores.is_empty() => {}
            _ => {
                let _ = write!(out, ": {}", scores.join(", "));
            }
        }
        if !hit.enforced {
            out.push_str(" (recorded only)");
        }
        out.push('\n');
        if !self.what.is_empty() && hit.enforced {
            let what = terminal.ink(Ink::Faint, &self.what);
            let _ = writeln!(out, "            {what}");
        }
        if let Some((text, found)) = &self.place {
            let [line, marks] = marked(text, &found.spans, terminal);
            let marks = terminal.ink(Ink::Bad, &marks);
            let by = found.by.as_deref().unwrap_or_default();
            let _ = writeln!(out, "              {line}");
            let _ = writeln!(out, "{}", format!("              {marks} {by}").trim_end());
        }
        if !self.noticed.is_empty() {
            let _ = writeln!(out, "              noticed: {}", self.noticed.join(", "));
        }
    }

    fn json(&self) -> Value {
        let hit = &self.hit;
        let place = self.place.as_ref();
        json!({
            "rule": hit.rule,
            "name": self.name,
            "what": self.what,
            "zone": hit.zone.name(),
            "part": hit.part.name(),
            "view": hit.view.name(),
            "field": octets(&hit.name),
            "count": hit.count,
            "enforced": hit.enforced,
            "score": self.score.iter().map(|(category, points)| (category.name(), *points))
                .collect::<BTreeMap<_, _>>(),
            "text": place.map(|(text, _)| octets(text)),
            "matched": place.map(|(_, found)| found.spans.iter()
                .map(|span| json!({"start": span.start, "end": span.end}))
                .collect::<Vec<_>>()).unwrap_or_default(),
            "by": place.and_then(|(_, found)| found.by.clone()),
            "noticed": self.noticed,
        })
    }
}

impl Excepted {
    fn write(&self, terminal: &Terminal, out: &mut String) {
        let label = terminal.ink(Ink::Good, &shown(self.label.as_bytes()));
        let _ = write!(out, "  excepted  by {label}");
        if let Some(reason) = &self.reason {
            let _ = write!(out, ": {}", shown(reason.as_bytes()));
        }
        out.push('\n');
        for matched in &self.took {
            out.push_str("    removed ");
            matched.write(terminal, out);
        }
    }
}

impl Sum {
    fn write(&self, terminal: &Terminal, out: &mut String) {
        let reached = self.scores >= self.threshold;
        if self.scores > 0 {
            let text = format!("{} {} of {}", self.category, self.scores, self.threshold);
            let then = match (reached, self.mode) {
                (false, _) => "",
                (true, Mode::Off) => ": reached, but the category is off",
                (true, Mode::Monitor) => ": reached, and only monitored",
                (true, Mode::Block) => ": reached",
            };
            let text = match reached {
                true => terminal.ink(Ink::Strong, &text),
                false => text,
            };
            let _ = writeln!(out, "  sum       {text}{then}");
        }
        if self.recorded > 0 {
            let _ = writeln!(
                out,
                "  recorded  {} {} of {}, decides nothing",
                self.category, self.recorded, self.threshold
            );
        }
    }
}

/// Whether a verdict is a finding.
pub(crate) fn is_finding(verdict: &Verdict) -> bool {
    verdict.action != Action::Allow
}
