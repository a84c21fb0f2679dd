//! `palisade report`: the records of a period as one page, for whoever answers for the firewall.

mod chart;
mod gather;
mod page;
mod period;
mod summary;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::input::{self, Malformed};
use crate::terminal::{Terminal, print};
use crate::{Failure, Outcome, policy, records};
use gather::Gathered;
use period::Wanted;

/// Say what the firewall did in a period, on one page.
///
/// Reads decision records in Envoy's log, or access logs that carry the decision, and writes a page that needs nothing
/// but itself: totals, trend, rules, categories, endpoints, clients, what was monitored and what blocked, exceptions,
/// what was not inspected, revisions of the policy. Without a period, the seven days that end with the newest record.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Logs, `.gz` and `.zst` as they are; `-` is standard input, a folder means its files.
    #[arg(value_name = "RECORDS", required = true)]
    inputs: Vec<PathBuf>,
    /// The policy in force, to name its rules and to tell which of its exceptions nothing uses.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// What to write.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Print one JSON object; short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to a file rather than to standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The first moment of the period: a day, or a time as in RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = period::start)]
    since: Option<i64>,
    /// The last moment of the period: a day, which is part of it, or a time.
    #[arg(long, value_name = "TIME", value_parser = period::end)]
    until: Option<i64>,
    /// Days up to the newest record, where no period is given.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=31), conflicts_with_all = ["since", "until"])]
    days: u32,
    /// Show networks in place of the addresses of clients.
    #[arg(long)]
    mask_clients: bool,
    /// Rows of each table.
    #[arg(long, value_name = "N", default_value_t = 15)]
    top: usize,
    /// Stop at the first line that cannot be read.
    #[arg(long)]
    strict: bool,
    /// Threads; as many as there are processors where it is not given.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page.
    #[default]
    Html,
    /// One JSON object.
    Json,
    /// Text with tables.
    Markdown,
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let engine = policy::load(arguments.policy.as_deref())?;
    let wanted = match (arguments.since, arguments.until) {
        (None, None) => Wanted::Newest(arguments.days),
        (since, until) => Wanted::Between(since.unwrap_or(i64::MIN), until.unwrap_or(i64::MAX)),
    };
    let files = input::files(&arguments.inputs)?;
    let mut malformed = Malformed::new(terminal, &files, arguments.strict);
    let mut gathered = Gathered::new(wanted, arguments.mask_clients);
    let read = records::read(
        &files,
        arguments.threads,
        terminal,
        &mut malformed,
        |entry| {
            gathered.add(&entry);
            Ok(())
        },
    )?;
    if read.requests == 0 {
        return Err(Failure(match malformed.count() {
            0 => "no record and no access log stands there".to_owned(),
            count => format!("no record could be read: {count} malformed"),
        }));
    }
    let known = arguments.policy.as_ref().map(|_| &engine);
    let summary = summary::Summary::new(
        &gathered,
        &engine,
        known,
        &read,
        malformed.count(),
        arguments.top,
    );
    let format = match arguments.json {
        true => Format::Json,
        false => arguments.format,
    };
    let text = match format {
        Format::Html => page::html(&summary)?,
        Format::Markdown => page::markdown(&summary)?,
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&summary)?),
    };
    match &arguments.output {
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure(format!("{}: {error}", path.display())))?,
        None => print(&text)?,
    }
    Ok(Outcome::Clean)
}
