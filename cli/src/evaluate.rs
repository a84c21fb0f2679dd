//! `palisade evaluate`: labelled requests through a policy, and what it blocks of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use palisade::engine::{Engine, Scratch};
use palisade::model::{Action, Mode, Named, Verdict};
use serde::Serialize;

use crate::bars::{self, Bars, Checked};
use crate::input::{self, Malformed, Piece, Progress};
use crate::labelled::{Label, Labelled};
use crate::proxied::Proxied;
use crate::selection::Selection;
use crate::tally::{CountedGroup, Decided, Judged, Share, Tally, deciders};
use crate::terminal::{Ink, Terminal, print};
use crate::{Failure, Outcome, explain, policy};

/// Run labelled requests through a policy and say what it blocks.
///
/// Prints, by source and by category, the share of attacks and of ordinary requests that are blocked,
/// with 95 % Wilson intervals, and the rules that decided. The file holds one JSON object a line; the
/// format is explained in docs/evaluate.md. Exits with 1 if an attack went through or an ordinary
/// request was blocked.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Labelled requests, one JSON object a line, `.gz` and `.zst` as they are; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The policy; without it, the default policy `{}`.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Print the attacks that were not blocked, N of them at most, and why.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "18446744073709551615")]
    misses: Option<u64>,
    /// Print the ordinary requests that were blocked, N of them at most, and why.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "18446744073709551615")]
    false_alarms: Option<u64>,
    /// Print every request and what led to its verdict.
    #[arg(long)]
    all: bool,
    /// Only requests of this source; may be repeated.
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Only requests of this category; may be repeated.
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
    /// Only requests whose payload stands here; may be repeated.
    #[arg(long, value_name = "NAME")]
    placement: Vec<String>,
    /// Only attacks, or only ordinary requests.
    #[arg(long, value_name = "LABEL", value_parser = ["malicious", "benign"])]
    label: Option<String>,
    /// Only requests whose id begins so; may be repeated.
    #[arg(long, value_name = "PREFIX")]
    id: Vec<String>,
    /// Leave out requests whose id begins so; may be repeated.
    #[arg(long, value_name = "PREFIX")]
    not_id: Vec<String>,
    /// Only requests whose `meta` has this value at this key; may be repeated, all must hold.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    meta: Vec<(String, String)>,
    /// Take away what a collection shows of itself: User-Agents of its tools become a browser's
    /// (unless the payload stands there), bodies without a Content-Type get a fitting one.
    #[arg(long, alias = "neutral")]
    neutralize: bool,
    /// Bars that must be reached; then they alone decide the exit code.
    #[arg(long, value_name = "FILE")]
    bars: Option<PathBuf>,
    /// Print every rule that decided, not only the first 25.
    #[arg(long)]
    rules: bool,
    /// Print how many rules the prefilter leaves to be tried.
    #[arg(long)]
    prefilter_stats: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Stop at the first line that cannot be read.
    #[arg(long)]
    strict: bool,
    /// Threads; as many as there are processors where it is not given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Arguments {
    fn selection(&self) -> Selection {
        Selection {
            source: self.source.clone(),
            category: self.category.clone(),
            placement: self.placement.clone(),
            label: self.label.clone(),
            id: self.id.clone(),
            not_id: self.not_id.clone(),
            meta: self.meta.iter().cloned().collect(),
        }
    }

    /// How many requests of this kind are printed at most; `None` if none was asked for.
    fn most(&self, found: Found) -> Option<u64> {
        match found {
            Found::Miss => self.misses,
            Found::FalseAlarm => self.false_alarms,
            Found::Blocked | Found::Passed => None,
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected KEY=VALUE".to_owned())
}

/// Rules that the table lists without `--rules`.
const FIRST_RULES: usize = 25;
/// What became of one line.
enum Line {
    /// It was left out by a filter.
    LeftOut,
    Malformed(usize, u64, String),
    Judged(Box<One>),
}

/// One request and everything that is collected of it.
struct One {
    judged: Judged,
    bars: Vec<usize>,
    survivors: Survivors,
    shown: Option<Shown>,
}

/// What was found out about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Blocked,
    Passed,
    Miss,
    FalseAlarm,
}

impl Found {
    const fn of(label: Label, blocked: bool) -> Self {
        match (label, blocked) {
            (Label::Attack, true) => Self::Blocked,
            (Label::Attack, false) => Self::Miss,
            (Label::Benign, true) => Self::FalseAlarm,
            (Label::Benign, false) => Self::Passed,
        }
    }
}

/// A request as it is printed.
struct Shown {
    found: Found,
    text: String,
}

/// What the prefilter left of the rules for one request.
#[derive(Clone, Copy, Default)]
struct Survivors {
    /// Distinct rules.
    rules: u32,
    /// Rules times texts.
    tries: u32,
    /// Texts that were looked at.
    texts: u32,
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let engine = policy::load(arguments.policy.as_deref())?;
    if engine.config().settings.mode == Mode::Off {
        terminal.warn("the policy's mode is `off`: nothing is inspected");
    }
    let bars = match &arguments.bars {
        Some(path) => Bars::load(path)?,
        None => Bars::default(),
    };
    let mut report = Report::new(arguments, terminal, bars.clone());
    work(arguments, &engine, terminal, &bars, &mut report)?;
    if report.judged == 0 {
        return Err(Failure(match report.malformed.count() {
            0 => "no request stands there, or none passes the filters".to_owned(),
            1 => "no request could be read: 1 malformed line".to_owned(),
            count => format!("no request could be read: {count} malformed lines"),
        }));
    }
    let found = if arguments.bars.is_some() {
        report.bars.check().iter().any(|one| !one.met)
    } else {
        let all = report.tally.all.counted();
        all.attacks.requests.blocked < all.attacks.requests.total || all.benign.requests.blocked > 0
    };
    report.finish(&engine, started)?;
    Ok(if found {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

/// Reads, judges and collects.
fn work(
    arguments: &Arguments,
    engine: &Engine,
    terminal: &Terminal,
    bars: &Bars,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let progress = Progress::new();
    let judge = Judge {
        arguments,
        selection: &arguments.selection(),
        bars,
        engine,
        terminal,
    };
    let result = input::ordered(
        input::threads(arguments.threads),
        |give| {
            input::lines(&arguments.files, terminal, &progress, &mut |piece| {
                let bytes = piece.bytes();
                give(piece, bytes)
            })
        },
        || {
            let mut scratch = Scratch::default();
            let judge = &judge;
            move |piece| judge.line(piece, &mut scratch)
        },
        |line| {
            report.add(line)?;
            progress.say(|| report.progress());
            Ok(())
        },
    );
    progress.clear();
    result
}

/// What a thread that judges works with.
struct Judge<'a> {
    arguments: &'a Arguments,
    selection: &'a Selection,
    bars: &'a Bars,
    engine: &'a Engine,
    terminal: &'a Terminal,
}

impl Judge<'_> {
    fn line(&self, piece: Piece, scratch: &mut Scratch) -> Line {
        let Piece { file, number, text } = piece;
        let mut labelled = match text.and_then(|line| Labelled::parse(&line, number)) {
            Ok(labelled) => labelled,
            Err(problem) => return Line::Malformed(file, number, problem),
        };
        if !self.selection.admits(&labelled) {
            return Line::LeftOut;
        }
        if self.arguments.neutralize {
            labelled.neutralise();
        }
        let bars = self.bars.of(&labelled);
        let payload = payload_hash(&labelled);
        let proxied = Proxied::of(std::mem::take(&mut labelled.request));
        let mut survivors = Survivors::default();
        let mut rules = Vec::new();
        let stats = self.arguments.prefilter_stats;
        let seen = proxied.inspect(self.engine, scratch, |scratch| {
            if stats {
                survivors.texts += scratch.texts().count() as u32;
                let before = rules.len();
                rules.extend(scratch.survivors());
                survivors.tries += (rules.len() - before) as u32;
            }
        });
        rules.sort_unstable();
        rules.dedup();
        survivors.rules = rules.len() as u32;
        let verdict = self.engine.verdict(&seen);
        let blocked = verdict.action != Action::Allow;
        let deciders = if blocked {
            deciders(self.engine, &verdict)
        } else {
            Vec::new()
        };
        let found = Found::of(labelled.label, blocked);
        let show = self.arguments.all || self.arguments.most(found).is_some();
        let shown = show.then(|| Shown {
            found,
            text: if self.arguments.json {
                as_json(&labelled, &proxied, &verdict)
            } else {
                self.as_text(&labelled, found, &proxied, &verdict)
            },
        });
        let judged = Judged {
            label: labelled.label,
            source: labelled.source,
            category: labelled.category,
            payload,
            blocked,
            deciders,
        };
        Line::Judged(Box::new(One {
            judged,
            bars,
            survivors,
            shown,
        }))
    }

    fn as_text(
        &self,
        labelled: &Labelled,
        found: Found,
        proxied: &Proxied,
        verdict: &Verdict,
    ) -> String {
        let mut out = String::new();
        let what = match found {
            Found::Blocked => self.terminal.ink(Ink::Good, "BLOCKED"),
            Found::Passed => self.terminal.ink(Ink::Good, "PASSED"),
            Found::Miss => self.terminal.ink(Ink::Bad, "MISS"),
            Found::FalseAlarm => self.terminal.ink(Ink::Bad, "FALSE ALARM"),
        };
        let _ = writeln!(
            out,
            "{what} {} ({} {}, {})",
            explain::shown(labelled.id.as_bytes()),
            explain::shown(labelled.source.as_bytes()),
            explain::shown(labelled.category.as_bytes()),
            explain::shown(labelled.placement.as_bytes()),
        );
        explain::request(proxied, &mut out);
        if let Some(payload) = labelled.payload() {
            let _ = writeln!(out, "  payload   {}", explain::shown(payload.as_bytes()));
        }
        explain::verdict(self.engine, verdict, self.terminal, &mut out);
        out.push('\n');
        out
    }
}

/// A request as `--json` prints it: octets as U+0000 to U+00FF, as in the input.
fn as_json(labelled: &Labelled, proxied: &Proxied, verdict: &Verdict) -> String {
    let text = explain::octets;
    let headers: Vec<_> = proxied
        .headers
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    serde_json::json!({
        "id": labelled.id,
        "source": labelled.source,
        "category": labelled.category,
        "placement": labelled.placement,
        "label": labelled.label.name(),
        "payload": labelled.payload(),
        "method": text(&proxied.method),
        "authority": text(&proxied.authority),
        "target": text(&proxied.target),
        "headers": headers,
        "body": text(&proxied.body),
        "decision": explain::decision(verdict),
    })
    .to_string()
}

fn payload_hash(labelled: &Labelled) -> u64 {
    let mut hasher = DefaultHasher::new();
    match labelled.payload() {
        Some(payload) => payload.hash(&mut hasher),
        None => {
            let request = &labelled.request;
            (
                &request.method,
                &request.target,
                &request.headers,
                &request.body,
            )
                .hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// What is collected and printed.
struct Report<'a> {
    arguments: &'a Arguments,
    terminal: &'a Terminal,
    tally: Tally,
    bars: Bars,
    judged: u64,
    malformed: Malformed<'a>,
    left_out: u64,
    shown: BTreeMap<Found, u64>,
    printed: u64,
    survivors: BTreeMap<Label, Vec<Survivors>>,
}

impl<'a> Report<'a> {
    fn new(arguments: &'a Arguments, terminal: &'a Terminal, bars: Bars) -> Self {
        Self {
            arguments,
            terminal,
            tally: Tally::default(),
            bars,
            judged: 0,
            malformed: Malformed::new(terminal, &arguments.files, arguments.strict),
            left_out: 0,
            shown: BTreeMap::new(),
            printed: 0,
            survivors: BTreeMap::new(),
        }
    }

    fn add(&mut self, line: Line) -> Result<(), Failure> {
        match line {
            Line::LeftOut => self.left_out += 1,
            Line::Malformed(file, number, problem) => {
                return self.malformed.add(file, number, &problem);
            }
            Line::Judged(one) => {
                self.judged += 1;
                self.tally.add(&one.judged);
                self.bars.add(&one.bars, &one.judged);
                if self.arguments.prefilter_stats {
                    let list = self.survivors.entry(one.judged.label).or_default();
                    list.push(one.survivors);
                }
                if let Some(shown) = &one.shown {
                    self.show(shown)?;
                }
            }
        }
        Ok(())
    }

    fn show(&mut self, shown: &Shown) -> Result<(), Failure> {
        let count = self.shown.entry(shown.found).or_default();
        *count += 1;
        let most = self.arguments.most(shown.found).unwrap_or(0);
        if !self.arguments.all && *count > most {
            return Ok(());
        }
        self.printed += 1;
        if self.arguments.json {
            let start = if self.printed == 1 {
                "{\"shown\":["
            } else {
                ","
            };
            print(&format!("{start}\n{}", shown.text))
        } else {
            print(&shown.text)
        }
    }

    fn progress(&self) -> String {
        format!("{} requests", self.judged)
    }

    fn finish(&self, engine: &Engine, started: Instant) -> Result<(), Failure> {
        if self.arguments.json {
            let summary = serde_json::to_string_pretty(&self.summary(engine, started))?;
            let start = match self.printed {
                0 => "{",
                _ => "],",
            };
            let rest = summary.strip_prefix('{').unwrap_or(&summary);
            return print(&format!("{start}{rest}\n"));
        }
        let mut out = String::new();
        self.tables(&mut out);
        self.rules(engine, &mut out);
        self.prefilter(&mut out);
        if !self.bars.is_empty() {
            bars::write(&self.bars.check(), self.terminal, &mut out);
        }
        self.remarks(engine, started, &mut out);
        print(&out)
    }

    fn summary<'b>(&'b self, engine: &'b Engine, started: Instant) -> Summary<'b> {
        Summary {
            policy: self
                .arguments
                .policy
                .as_ref()
                .map(|path| path.display().to_string()),
            preset: engine.config().settings.preset.name(),
            mode: engine.config().settings.mode.name(),
            neutralized: self.arguments.neutralize,
            malformed: self.malformed.count(),
            left_out: self.left_out,
            seconds: started.elapsed().as_secs_f64(),
            all: self.tally.all.counted(),
            sources: self
                .tally
                .sources
                .iter()
                .map(|(name, source)| {
                    let categories = source
                        .categories
                        .iter()
                        .map(|(name, group)| (name.as_str(), group.counted()))
                        .collect();
                    let summary = SourceSummary {
                        whole: source.whole.counted(),
                        categories,
                    };
                    (name.as_str(), summary)
                })
                .collect(),
            rules: self
                .ranked()
                .into_iter()
                .map(|(id, tally)| RuleSummary {
                    id,
                    name: engine.rule(id).map_or("", |rule| rule.name.as_str()),
                    attacks: tally.attacks,
                    benign: tally.benign,
                })
                .collect(),
            bars: self.bars.check(),
            prefilter: self
                .survivors
                .iter()
                .map(|(label, list)| (label.name(), Spread::of_each(list)))
                .collect(),
        }
    }

    /// The rules that decided, those that were needed most often first.
    fn ranked(&self) -> Vec<(u32, crate::tally::RuleTally)> {
        let mut rules: Vec<_> = self
            .tally
            .rules
            .iter()
            .map(|(id, tally)| (*id, *tally))
            .collect();
        rules.sort_by_key(|(id, tally)| {
            let key = |decided: Decided| (decided.needed, decided.alone, decided.hit);
            (
                std::cmp::Reverse((key(tally.attacks), key(tally.benign))),
                *id,
            )
        });
        rules
    }

    fn tables(&self, out: &mut String) {
        let mut rows: Vec<(String, CountedGroup, bool)> = Vec::new();
        for (name, source) in &self.tally.sources {
            rows.push((
                explain::shown(name.as_bytes()),
                source.whole.counted(),
                true,
            ));
            if source.categories.len() > 1 || source.categories.keys().any(|name| name != "-") {
                for (name, group) in &source.categories {
                    let name = format!("  {}", explain::shown(name.as_bytes()));
                    rows.push((name, group.counted(), false));
                }
            }
        }
        if self.tally.sources.len() > 1 {
            rows.push(("all".to_owned(), self.tally.all.counted(), true));
        }
        let width = rows
            .iter()
            .map(|(name, ..)| name.chars().count())
            .max()
            .unwrap_or(0)
            .max(12);
        let title = |out: &mut String, title: &str, columns: &str| {
            let line = format!("{title:<width$}{columns}");
            let _ = writeln!(out, "{}", self.terminal.ink(Ink::Faint, &line));
        };
        title(
            out,
            "requests",
            "  attacks  blocked           95 %    benign  blocked           95 %",
        );
        for (name, group, strong) in &rows {
            let line = format!(
                "{}{}{}",
                self.name(name, width, *strong),
                share(group.attacks.requests),
                share(group.benign.requests)
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out.push('\n');
        title(
            out,
            "payloads",
            "  attacks  blocked everywhere  95 %       mean  anywhere   benign  blocked anywhere    95 %",
        );
        for (name, group, strong) in &rows {
            let attacks = &group.attacks;
            let more = if attacks.payloads_anywhere.total == 0 {
                " ".repeat(18)
            } else {
                format!(
                    "{:>7.1} %{:>7.1} %",
                    shown_percent(attacks.payloads_mean),
                    shown_percent(attacks.payloads_anywhere.ratio())
                )
            };
            let line = format!(
                "{}{}{more}{}",
                self.name(name, width, *strong),
                share(attacks.payloads_everywhere),
                share(group.benign.payloads_anywhere)
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        let _ = writeln!(
            out,
            "everywhere: in each request that carries the payload; mean: each payload counts once, by \
             the share of its requests; anywhere: in one request at least"
        );
    }

    fn name(&self, name: &str, width: usize, strong: bool) -> String {
        let padded = format!("{name:<width$}");
        if strong {
            self.terminal.ink(Ink::Strong, &padded)
        } else {
            padded
        }
    }

    fn rules(&self, engine: &Engine, out: &mut String) {
        let rules = self.ranked();
        if rules.is_empty() {
            return;
        }
        let most = if self.arguments.rules {
            rules.len()
        } else {
            FIRST_RULES
        };
        let head = format!(
            "\n{:<46}{:>8}{:>8}{:>8}{:>12}{:>8}{:>8}",
            "rules that decided   of blocked attacks:",
            "hit",
            "needed",
            "alone",
            "benign: hit",
            "needed",
            "alone"
        );
        let _ = writeln!(out, "{}", self.terminal.ink(Ink::Faint, &head));
        for (id, tally) in rules.iter().take(most) {
            let name = engine.rule(*id).map_or("", |rule| rule.name.as_str());
            let (attacks, benign) = (tally.attacks, tally.benign);
            let _ = writeln!(
                out,
                "{:<46}{:>8}{:>8}{:>8}{:>12}{:>8}{:>8}",
                format!("{id} {name}"),
                attacks.hit,
                attacks.needed,
                attacks.alone,
                benign.hit,
                benign.needed,
                benign.alone,
            );
        }
        if rules.len() > most {
            let _ = writeln!(out, "{} more; --rules lists them all", rules.len() - most);
        }
        let _ = writeln!(
            out,
            "hit: in how many blocked requests; needed: how many would go through without the rule; \
             alone: how many it would block by itself"
        );
    }

    fn prefilter(&self, out: &mut String) {
        if self.survivors.is_empty() {
            return;
        }
        let head = format!(
            "\n{:<28}{:>8}{:>8}{:>8}{:>8}{:>8}",
            "prefilter, per request", "mean", "median", "90 %", "99 %", "most"
        );
        let _ = writeln!(out, "{}", self.terminal.ink(Ink::Faint, &head));
        for (label, list) in &self.survivors {
            for (what, spread) in Spread::of_each(list) {
                let _ = writeln!(
                    out,
                    "{:<28}{:>8.1}{:>8}{:>8}{:>8}{:>8}",
                    format!("{} {what}", label.name()),
                    spread.mean,
                    spread.median,
                    spread.p90,
                    spread.p99,
                    spread.most
                );
            }
        }
    }

    fn remarks(&self, engine: &Engine, started: Instant, out: &mut String) {
        let requests = self.judged;
        let seconds = started.elapsed().as_secs_f64();
        let _ = write!(out, "\n{requests} requests in {seconds:.1} s");
        if engine.config().settings.mode == Mode::Monitor {
            out.push_str("; mode `monitor`: what would be blocked counts as blocked");
        }
        if self.arguments.neutralize {
            out.push_str("; neutralised");
        }
        if self.left_out > 0 {
            let _ = write!(out, "; {} left out by filters", self.left_out);
        }
        out.push_str(&self.malformed.remark());
        out.push('\n');
    }
}

/// A share with its interval, in columns; blanks where there is nothing to share.
fn share(share: Share) -> String {
    if share.total == 0 {
        return " ".repeat(40);
    }
    let (low, high) = crate::interval::wilson(share.blocked, share.total);
    format!(
        "{:>9}{:>9} {:>6.1} %  {:>5.1}–{:<5.1}",
        share.total,
        share.blocked,
        shown_percent(share.ratio()),
        100.0 * low,
        100.0 * high
    )
}

/// A ratio in percent, never rounded to all or to nothing where it is neither.
fn shown_percent(ratio: f64) -> f64 {
    let percent = 100.0 * ratio;
    if ratio < 1.0 && percent > 99.9 {
        99.9
    } else if ratio > 0.0 && percent < 0.1 {
        0.1
    } else {
        percent
    }
}

#[derive(Serialize)]
struct Summary<'a> {
    policy: Option<String>,
    preset: &'static str,
    mode: &'static str,
    neutralized: bool,
    malformed: u64,
    left_out: u64,
    seconds: f64,
    all: CountedGroup,
    sources: BTreeMap<&'a str, SourceSummary<'a>>,
    rules: Vec<RuleSummary<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    bars: Vec<Checked>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    prefilter: BTreeMap<&'static str, BTreeMap<&'static str, Spread>>,
}

#[derive(Serialize)]
struct SourceSummary<'a> {
    #[serde(flatten)]
    whole: CountedGroup,
    categories: BTreeMap<&'a str, CountedGroup>,
}

#[derive(Serialize)]
struct RuleSummary<'a> {
    id: u32,
    name: &'a str,
    attacks: Decided,
    benign: Decided,
}

/// How numbers are spread.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Spread {
    mean: f64,
    median: u32,
    p90: u32,
    p99: u32,
    most: u32,
}

impl Spread {
    fn of(mut list: Vec<u32>) -> Self {
        list.sort_unstable();
        let at = |share: f64| {
            let index = ((list.len().saturating_sub(1)) as f64 * share).round() as usize;
            list.get(index).copied().unwrap_or(0)
        };
        let sum: u64 = list.iter().map(|value| u64::from(*value)).sum();
        Self {
            mean: sum as f64 / list.len().max(1) as f64,
            median: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            most: at(1.0),
        }
    }

    fn of_each(list: &[Survivors]) -> BTreeMap<&'static str, Self> {
        let pick = |value: fn(&Survivors) -> u32| Self::of(list.iter().map(value).collect());
        BTreeMap::from([
            ("rules", pick(|one| one.rules)),
            ("rule tries", pick(|one| one.tries)),
            ("texts", pick(|one| one.texts)),
        ])
    }
}
