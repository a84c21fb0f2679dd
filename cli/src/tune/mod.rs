//! `palisade tune`: from the records of monitor mode to the exceptions that a policy needs, and no more.

mod crowd;
mod gather;
mod probe;
mod propose;
mod shown;
mod write;

use std::io::{BufRead, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use palisade::config::Config;
use palisade::engine::Engine;
use palisade::model::Day;
use serde_json::{Map, Value, json};

use crate::input::{self, Malformed};
use crate::policy::{self, Document};
use crate::terminal::{Terminal, print};
use crate::{Failure, Outcome, records};
use gather::Gathered;
use propose::{Bars, Confidence, Proposal};
use shown::Shown;
use write::Exception;

/// Propose exceptions from the records of monitor mode.
///
/// Reads decision records in Envoy's log, or access logs that carry the decision, and proposes the narrowest exceptions
/// that would let ordinary traffic pass: by endpoint, method, zone and name, for the rules that hit there. What few clients
/// do, what looks like an attack, and what scanners touch is rejected, with the reason. Exits with 1 if there is something
/// to propose that was not written.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  palisade tune envoy.log.gz --policy policy.yaml
  palisade tune access.jsonl -p policy.yaml --write --yes
  kubectl logs deploy/envoy | palisade tune - -p policy.yaml")]
pub(crate) struct Arguments {
    /// Logs, `.gz` and `.zst` as they are; `-` is standard input, a folder means its files.
    #[arg(value_name = "RECORDS", required = true)]
    inputs: Vec<PathBuf>,
    /// The policy that the records were written under; without it, the default policy `{}`.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Add the exceptions to the policy file, one by one on a terminal.
    #[arg(long, requires = "policy")]
    write: bool,
    /// With `--write`, add every exception of enough confidence without asking.
    #[arg(long, requires = "write")]
    yes: bool,
    /// The least confidence of what is proposed.
    #[arg(long, value_enum, value_name = "LEVEL", default_value = "low")]
    confidence: Confidence,
    /// Days until an exception expires; 0 for never.
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    expire_after: u32,
    /// Requests that a rule must have hit at a spot.
    #[arg(long, value_name = "N", default_value_t = 5)]
    min_requests: u64,
    /// Clients that they must have come from.
    #[arg(long, value_name = "N", default_value_t = 3)]
    min_clients: u64,
    /// The share of the requests of an endpoint that they must be, in percent, where it has a thousand or more.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.1)]
    min_share: f64,
    /// Print what was rejected, not only how much.
    #[arg(long)]
    rejected: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: input::Reading,
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let interactive = arguments.write && !arguments.yes;
    if interactive {
        let reads_input = arguments.inputs.iter().any(|path| path == Path::new("-"));
        if reads_input || !std::io::stdin().is_terminal() {
            return Err(Failure(
                "--write asks about each exception, which takes a terminal; --yes does not ask"
                    .to_owned(),
            ));
        }
    }
    if arguments.write && arguments.policy.as_deref() == Some(Path::new("-")) {
        return Err(Failure("--write needs a file to write to".to_owned()));
    }
    let engine = policy::load(arguments.policy.as_deref())?;
    let files = input::files(&arguments.inputs)?;
    let mut malformed = Malformed::new(terminal, &files, arguments.reading.strict);
    let mut gathered = Gathered::new(&engine);
    let read = records::read(
        &files,
        arguments.reading,
        terminal,
        &mut malformed,
        |entry| {
            gathered.add(&entry);
            Ok(())
        },
    )?;
    let bars = Bars {
        requests: arguments.min_requests.max(1),
        clients: arguments.min_clients,
        share: arguments.min_share / 100.0,
    };
    let mut outcome = propose::propose(&gathered, bars);
    let existing = existing_ids(&engine);
    let written = |proposals: &[Proposal]| -> Vec<Exception> {
        let mut number = 0;
        let ids = std::iter::repeat_with(|| {
            number += 1;
            format!("tune-{}-{number}", today())
        });
        let mut ids = ids.filter(|id| !existing.contains(id));
        let expires = expires(arguments.expire_after);
        proposals
            .iter()
            .map(|proposal| {
                let id = ids.next().unwrap_or_default();
                proposal.exception(&id, expires.as_deref())
            })
            .collect()
    };
    let file = File::read(arguments.policy.as_deref())?;
    let with = file.engine_with(&written(&outcome.proposals))?;
    probe::try_out(&mut outcome.proposals, &engine, &with)?;
    outcome.settle(arguments.confidence);

    let exceptions = written(&outcome.proposals);
    let shown = Shown {
        arguments,
        terminal,
        engine: &engine,
        gathered: &gathered,
        read: &read,
        malformed: &malformed,
        outcome: &outcome,
        exceptions: &exceptions,
    };
    if arguments.json {
        let text = serde_json::to_string_pretty(&shown.json())?;
        print(&format!("{text}\n"))?;
    } else {
        print(&shown.text())?;
    }
    if !arguments.write {
        return Ok(match exceptions.is_empty() {
            true => Outcome::Clean,
            false => Outcome::Findings,
        });
    }
    let chosen = match interactive {
        true => ask(&shown)?,
        false => exceptions.clone(),
    };
    if !chosen.is_empty() {
        file.write(&chosen)?;
    }
    let name = &file.document.name;
    if !arguments.json {
        print(&format!(
            "{} of {} exceptions written to {name}\n",
            chosen.len(),
            exceptions.len()
        ))?;
    }
    Ok(match chosen.len() == exceptions.len() {
        true => Outcome::Clean,
        false => Outcome::Findings,
    })
}

/// Asks about each proposal.
fn ask(shown: &Shown<'_>) -> Result<Vec<Exception>, Failure> {
    let mut chosen = Vec::new();
    let mut answers = std::io::stdin().lock();
    let mut every = false;
    for (index, exception) in shown.exceptions.iter().enumerate() {
        if !every {
            print(&shown.one(index))?;
            match answer(&mut answers)? {
                Answer::Yes => {}
                Answer::No => continue,
                Answer::All => every = true,
                Answer::Quit => break,
            }
        }
        chosen.push(exception.clone());
    }
    Ok(chosen)
}

/// What may be answered.
enum Answer {
    Yes,
    No,
    All,
    Quit,
}

/// Asks until there is an answer; the end of the input means no more.
fn answer(answers: &mut impl BufRead) -> Result<Answer, Failure> {
    loop {
        print("write this exception? y(es), n(o), a(ll that follow), q(uit) ")?;
        let mut answer = String::new();
        if answers.read_line(&mut answer)? == 0 {
            return Ok(Answer::Quit);
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => return Ok(Answer::Yes),
            "n" | "no" => return Ok(Answer::No),
            "a" | "all" => return Ok(Answer::All),
            "q" | "quit" => return Ok(Answer::Quit),
            _ => {}
        }
    }
}

/// The ids that exceptions of a policy have already.
fn existing_ids(engine: &Engine) -> Vec<String> {
    let config = engine.config();
    let scopes = config.scopes.iter().map(|scope| &scope.settings);
    std::iter::once(&config.settings)
        .chain(scopes)
        .flat_map(|settings| settings.exceptions.iter().map(|one| one.label.clone()))
        .collect()
}

/// Seconds since 1970.
fn now() -> u64 {
    std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.as_secs())
}

fn today() -> String {
    Day::of_seconds(now()).to_string()
}

/// The last day of an exception that is written today; `None` for one that stays.
fn expires(after: u32) -> Option<String> {
    let seconds = now().saturating_add(u64::from(after) * 86_400);
    (after > 0).then(|| Day::of_seconds(seconds).to_string())
}

/// The file of a policy.
struct File {
    path: PathBuf,
    document: Document,
    text: String,
}

impl File {
    fn read(path: Option<&Path>) -> Result<Self, Failure> {
        let document = Document::read(path)?;
        let text = std::str::from_utf8(&document.text)
            .map_err(|error| Failure(format!("{}: {error}", document.name)))?;
        Ok(Self {
            path: path.map(Path::to_owned).unwrap_or_default(),
            text: text.to_owned(),
            document,
        })
    }

    fn value(&self, text: &str) -> Result<Value, Failure> {
        let document = Document::new(
            &self.document.name,
            text.as_bytes().to_vec(),
            self.document.yaml,
        );
        let json = document
            .json()
            .map_err(|wrong| Failure(format!("{}: {}", document.name, wrong.message)))?;
        Ok(match json.trim_ascii() {
            b"" => json!({}),
            json => serde_json::from_slice(json)?,
        })
    }

    /// The document as it should read with exceptions added.
    fn value_with(&self, exceptions: &[Exception]) -> Result<Value, Failure> {
        let mut value = self.value(&self.text)?;
        let list = value
            .as_object_mut()
            .map(|object| object.entry("exceptions").or_insert(Value::Null));
        if let Some(list) = list {
            if list.is_null() {
                *list = json!([]);
            }
            let new = exceptions.iter().map(|exception| {
                let pairs = exception.iter();
                let pairs = pairs.map(|(key, value)| ((*key).to_owned(), value.clone()));
                Value::Object(pairs.collect::<Map<_, _>>())
            });
            if let Some(list) = list.as_array_mut() {
                list.extend(new);
            }
        }
        Ok(value)
    }

    /// The policy with exceptions added.
    fn engine_with(&self, exceptions: &[Exception]) -> Result<Engine, Failure> {
        let text = serde_json::to_vec(&self.value_with(exceptions)?)?;
        Config::parse(&text)
            .and_then(Engine::compile)
            .map_err(|problems| {
                let first = problems.first().map(ToString::to_string);
                let first = first.unwrap_or_default();
                Failure(format!(
                    "{}: with the exceptions: {first}",
                    self.document.name
                ))
            })
    }

    /// Writes them into the file: the text is checked first, and takes the place of the old one at once.
    fn write(&self, exceptions: &[Exception]) -> Result<(), Failure> {
        let failed = |error: String| Failure(format!("{}: {error}", self.document.name));
        let text = write::added(&self.text, self.document.yaml, exceptions).map_err(failed)?;
        if self.value(&text)? != self.value_with(exceptions)? {
            return Err(failed(
                "no place was found for the exceptions that leaves the rest as it is; add them by hand".to_owned(),
            ));
        }
        self.engine_with(exceptions)?;
        let mut temporary = self.path.clone().into_os_string();
        temporary.push(".new");
        let moved = std::fs::write(&temporary, &text).and_then(|()| {
            // Whoever may read the policy today may tomorrow.
            if let Ok(about) = std::fs::metadata(&self.path) {
                std::fs::set_permissions(&temporary, about.permissions())?;
            }
            std::fs::rename(&temporary, &self.path)
        });
        moved.map_err(|error| {
            let _ = std::fs::remove_file(&temporary);
            failed(error.to_string())
        })
    }
}

impl propose::Outcome {
    /// Rates the proposals after their trial, and rejects those that are not sure enough or needless.
    fn settle(&mut self, least: Confidence) {
        let mut kept = Vec::with_capacity(self.proposals.len());
        for mut proposal in std::mem::take(&mut self.proposals) {
            proposal.rate();
            let mut reasons = Vec::new();
            if let Some(label) = &proposal.trial.covered_by {
                reasons.push(format!("the policy has the exception `{label}` for it"));
            }
            if proposal.confidence < least {
                reasons.push(format!("the confidence is {}", proposal.confidence.name()));
            }
            if reasons.is_empty() {
                kept.push(proposal);
                continue;
            }
            self.rejected.push(propose::Rejected {
                spot: proposal.spot,
                rules: proposal.rules.iter().map(|(rule, _)| *rule).collect(),
                evidence: proposal.evidence,
                reasons,
            });
        }
        self.proposals = kept;
    }
}
