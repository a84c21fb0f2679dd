//! `palisade replay`: recorded traffic through a policy, or through two, before either is rolled out.

mod read;
mod recorded;
mod summary;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use palisade::engine::{Engine, Scratch};
use palisade::model::{Action, Category, Mode, Verdict};
use serde_json::{Value, json};

use crate::input::{self, Malformed, Progress};
use crate::proxied::Proxied;
use crate::tally::{Decider, deciders};
use crate::terminal::{Terminal, print};
use crate::{Failure, Outcome, endpoint, explain, policy};
use read::{Format, Unit};
use summary::Summary;

/// Run recorded traffic through a policy, or through two, and say what becomes of it.
///
/// Reads HAR files, requests as JSON lines (the format of `palisade evaluate`, labels not needed), requests
/// as they go on the wire of HTTP/1.1, and Envoy's access logs in JSON as far as they carry the request.
/// Exits with 1 if, with `--against`, the policy blocks what the other lets through, or if a request is not
/// what `--expect` says.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The policy, in JSON or YAML.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// Recorded traffic, `.gz` and `.zst` as they are; `-` is standard input, a folder means its files.
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// Another policy, such as the one in force: what would `POLICY` newly block or let through?
    #[arg(long, value_name = "POLICY")]
    against: Option<PathBuf>,
    /// Judge as if both policies were in mode `block`: what is only monitored counts as blocked.
    #[arg(long)]
    as_block: bool,
    /// What the inputs look like.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write a line of JSON for each request to a file; `-` is standard output, without the summary.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    jsonl: Option<PathBuf>,
    /// With `--jsonl`, only the requests of which the two policies think differently.
    #[arg(long, requires = "against", requires = "jsonl")]
    changed: bool,
    /// Exit with 1 unless every request passes, or unless every request is blocked.
    #[arg(long, value_enum, value_name = "WHAT")]
    expect: Option<Expected>,
    /// Rows of each table.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// Stop at the first request that cannot be read.
    #[arg(long)]
    strict: bool,
    /// Threads; as many as there are processors where it is not given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// What is to become of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Expected {
    /// None is blocked, nor would be in mode `block`.
    Pass,
    /// Each is blocked.
    Block,
}

/// What one policy makes of one request.
struct Judged {
    action: Action,
    reasons: Vec<Category>,
    /// The rules that decided, where it is not allowed.
    deciders: Vec<Decider>,
    uninspected: bool,
    excepted: bool,
}

/// How the judgements of two policies differ, from the one in force to the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    NewlyBlocked,
    NewlyLetThrough,
    NewlyMonitored,
    NoLongerMonitored,
}

impl Change {
    const ALL: [Self; 4] = [
        Self::NewlyBlocked,
        Self::NewlyLetThrough,
        Self::NewlyMonitored,
        Self::NoLongerMonitored,
    ];

    const fn of(old: Action, new: Action) -> Option<Self> {
        match (old, new) {
            (Action::Block, Action::Block)
            | (Action::Monitor, Action::Monitor)
            | (Action::Allow, Action::Allow) => None,
            (_, Action::Block) => Some(Self::NewlyBlocked),
            (Action::Block, _) => Some(Self::NewlyLetThrough),
            (_, Action::Monitor) => Some(Self::NewlyMonitored),
            (_, Action::Allow) => Some(Self::NoLongerMonitored),
        }
    }

    /// Its name in JSON.
    const fn name(self) -> &'static str {
        match self {
            Self::NewlyBlocked => "newly_blocked",
            Self::NewlyLetThrough => "newly_let_through",
            Self::NewlyMonitored => "newly_monitored",
            Self::NoLongerMonitored => "no_longer_monitored",
        }
    }
}

/// What became of one unit of the input.
enum Replayed {
    /// It never was a request over HTTP.
    NoRequest,
    Malformed(usize, u64, String),
    Judged(Box<One>),
}

/// One request, judged.
struct One {
    file: usize,
    number: u64,
    endpoint: String,
    head_only: bool,
    new: Judged,
    old: Option<Judged>,
    change: Option<Change>,
    line: Option<String>,
}

/// What each thread judges by.
struct Judges<'a> {
    arguments: &'a Arguments,
    files: &'a [PathBuf],
    new: &'a Engine,
    old: Option<&'a Engine>,
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let new = policy::load(Some(&arguments.policy))?;
    let old = match &arguments.against {
        Some(path) => Some(policy::load(Some(path))?),
        None => None,
    };
    for (engine, path) in [
        (Some(&new), Some(&arguments.policy)),
        (old.as_ref(), arguments.against.as_ref()),
    ] {
        if let (Some(engine), Some(path)) = (engine, path)
            && engine.config().settings.mode == Mode::Off
        {
            let name = path.display();
            terminal.warn(&format!("{name}: the mode is `off`: nothing is inspected"));
        }
    }
    let files = input::files(&arguments.inputs)?;
    let judges = Judges {
        arguments,
        files: &files,
        new: &new,
        old: old.as_ref(),
    };
    let mut verdicts = Verdicts::open(arguments)?;
    let mut malformed = Malformed::new(terminal, &files, arguments.strict);
    let mut summary = Summary::new(old.is_some(), arguments.expect);
    let progress = Progress::new();
    let result = input::ordered(
        input::threads(arguments.threads),
        |give| {
            read::units(&files, arguments.format, terminal, &progress, &mut |unit| {
                let bytes = unit.bytes();
                give(unit, bytes)
            })
        },
        || {
            let judges = &judges;
            let mut scratch = Scratch::default();
            move |unit| judges.judge(unit, &mut scratch)
        },
        |replayed| {
            match replayed {
                Replayed::NoRequest => summary.no_requests += 1,
                Replayed::Malformed(file, number, problem) => {
                    malformed.add(file, number, &problem)?;
                }
                Replayed::Judged(one) => {
                    summary.add(&one);
                    verdicts.write(&one)?;
                }
            }
            progress.say(|| format!("{} requests", summary.requests));
            Ok(())
        },
    );
    progress.clear();
    result?;
    verdicts.finish()?;
    if summary.requests == 0 {
        return Err(Failure(match malformed.count() {
            0 => "no request stands there".to_owned(),
            count => format!("no request could be read: {count} malformed"),
        }));
    }
    let shown = summary::Shown {
        arguments,
        terminal,
        files: &files,
        engine: &new,
        old: old.as_ref(),
        malformed: &malformed,
        seconds: started.elapsed().as_secs_f64(),
    };
    if arguments.json {
        let value = shown.json(&summary);
        print(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
    } else if arguments.jsonl.as_deref() != Some("-".as_ref()) {
        print(&shown.text(&summary))?;
    }
    let found = summary.changed(Change::NewlyBlocked) > 0 || summary.unexpected() > 0;
    Ok(if found {
        Outcome::Findings
    } else {
        Outcome::Clean
    })
}

impl Judges<'_> {
    fn judge(&self, unit: Unit, scratch: &mut Scratch) -> Replayed {
        let (file, number) = unit.place();
        let recorded = match unit.into_request() {
            Ok(Some(recorded)) => recorded,
            Ok(None) => return Replayed::NoRequest,
            Err(problem) => return Replayed::Malformed(file, number, problem),
        };
        let mut proxied = Proxied::of(recorded.request);
        proxied.client = recorded.client;
        if recorded.head_only {
            proxied = proxied.head_only();
        }
        let mut by = |engine: &Engine| {
            let seen = proxied.inspect(engine, scratch, |_| {});
            let mut verdict = engine.verdict(&seen);
            if self.arguments.as_block && verdict.action == Action::Monitor {
                verdict.action = Action::Block;
            }
            verdict
        };
        let new = by(self.new);
        let old = self.old.map(by);
        let change = old
            .as_ref()
            .and_then(|old| Change::of(old.action, new.action));
        let wanted =
            self.arguments.jsonl.is_some() && (change.is_some() || !self.arguments.changed);
        let endpoint = format!(
            "{} {}",
            endpoint::method(&proxied.method),
            endpoint::template(&proxied.target)
        );
        let line = wanted.then(|| {
            let place = summary::place(self.files, file, number);
            let id = recorded.id.as_deref();
            line(&place, id, &proxied, &new, old.as_ref(), change)
        });
        Replayed::Judged(Box::new(One {
            file,
            number,
            endpoint,
            head_only: recorded.head_only,
            new: Judged::of(self.new, &new),
            old: self
                .old
                .zip(old.as_ref())
                .map(|(engine, verdict)| Judged::of(engine, verdict)),
            change,
            line,
        }))
    }
}

impl Judged {
    fn of(engine: &Engine, verdict: &Verdict) -> Self {
        Self {
            action: verdict.action,
            reasons: verdict.reasons.clone(),
            deciders: match verdict.action {
                Action::Allow => Vec::new(),
                _ => deciders(engine, verdict),
            },
            uninspected: !verdict.uninspected.is_empty(),
            excepted: !verdict.exceptions.is_empty(),
        }
    }
}

/// One request as `--jsonl` writes it. Its path without the query; values stay where they are.
fn line(
    place: &str,
    id: Option<&str>,
    proxied: &Proxied,
    new: &Verdict,
    old: Option<&Verdict>,
    change: Option<Change>,
) -> String {
    let path = proxied.target.split(|byte| matches!(byte, b'?' | b'#'));
    let path = path.into_iter().next().unwrap_or_default();
    let mut value = json!({
        "request": place,
        "method": explain::octets(&proxied.method),
        "host": explain::octets(&proxied.authority),
        "path": explain::octets(path),
        "decision": explain::decision(new),
    });
    if let Value::Object(object) = &mut value {
        if let Some(id) = id {
            object.insert("id".to_owned(), id.into());
        }
        if let Some(old) = old {
            object.insert("against".to_owned(), explain::decision(old));
            let change = change.map_or(Value::Null, |change| change.name().into());
            object.insert("change".to_owned(), change);
        }
    }
    value.to_string()
}

/// Where the lines of `--jsonl` go.
struct Verdicts(Option<Box<dyn Write>>);

impl Verdicts {
    fn open(arguments: &Arguments) -> Result<Self, Failure> {
        Ok(Self(match &arguments.jsonl {
            None => None,
            Some(path) if path.as_os_str() == "-" => {
                Some(Box::new(std::io::BufWriter::new(std::io::stdout().lock())))
            }
            Some(path) => {
                let file = std::fs::File::create(path)
                    .map_err(|error| Failure(format!("{}: {error}", path.display())))?;
                Some(Box::new(std::io::BufWriter::new(file)))
            }
        }))
    }

    fn write(&mut self, one: &One) -> Result<(), Failure> {
        match (&mut self.0, &one.line) {
            (Some(out), Some(line)) => writeln!(out, "{line}").map_err(failed),
            _ => Ok(()),
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self.0 {
            Some(mut out) => out.flush().map_err(failed),
            None => Ok(()),
        }
    }
}

fn failed(error: std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => Failure(crate::terminal::CLOSED.to_owned()),
        _ => Failure(format!("--jsonl: {error}")),
    }
}
