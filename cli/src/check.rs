//! `palisade check`: one request through a policy, and everything that led to the verdict.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use palisade::engine::Scratch;
use palisade::model::{Action, Day, Mode};
use serde_json::Value;

use crate::curl::Flags;
use crate::proxied::Proxied;
use crate::seen::Read;
use crate::terminal::{Terminal, print};
use crate::why::{self, Why};
use crate::{Failure, Outcome, explain, policy};

/// Run one request through a policy and say why it is blocked or not.
///
/// The request is written as for curl, or read from a file as it goes on the wire. Prints the fields
/// that were read, the forms that decoding added, each rule that matched with the bytes that matched, what
/// exceptions took away, the sums, what was not seen, and the verdict. Values are shown as they are.
///
/// Exits with 1 if the request would be blocked.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  palisade check '/search?q=1%27%20OR%201=1'
  palisade check -p policy.yaml https://api.example.com/notes -d \"text=it's fine\"
  palisade check -p policy.yaml curl 'https://api.example.com/' -H 'accept: */*' --compressed
  palisade check -p policy.yaml --raw request.http
  kubectl logs … | extract-request | palisade check -p policy.yaml -")]
pub(crate) struct Arguments {
    #[command(flatten)]
    request: Flags,
    /// The policy, in JSON or YAML; without it, the default policy `{}`.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// The address of the client, for lists of clients and shares of traffic.
    #[arg(long, value_name = "ADDRESS")]
    client: Option<IpAddr>,
    /// Judge as on this day, such as 2026-12-31; today where it is not given.
    #[arg(long, value_name = "DATE", value_parser = day)]
    date: Option<Day>,
    /// Print the verdict and what led to it, without the fields.
    #[arg(long)]
    brief: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// A day as an argument.
pub(crate) fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "expected a date such as 2026-12-31".to_owned())
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let engine = policy::load(arguments.policy.as_deref())?;
    if engine.config().settings.mode == Mode::Off {
        terminal.warn("the policy's mode is `off`: nothing is inspected outside of its scopes");
    }
    let mut proxied = Proxied::of(arguments.request.request()?);
    proxied.client = arguments.client;
    if let Some(day) = arguments.date {
        // The last second of it.
        proxied.now = Some(day.end().saturating_sub(1));
    }
    let mut scratch = Scratch::default();
    let mut read = Read::default();
    let inspection = proxied.inspect(&engine, &mut scratch, |scratch| read.look(scratch));
    let why = Why::of(&engine, &proxied, &inspection, &read)?;
    let stopped =
        why.verdict.action == Action::Block && !proxied.body.is_empty() && !read.beyond_head();
    if arguments.json {
        let mut value = why.json();
        if let Value::Object(members) = &mut value {
            members.insert("fields".to_owned(), read.fields_json().into());
            members.insert("findings".to_owned(), read.noticed_json().into());
            members.insert("body_skipped".to_owned(), stopped.into());
        }
        print(&format!("{}\n", serde_json::to_string_pretty(&value)?))?;
    } else {
        let mut out = String::new();
        if !arguments.brief {
            explain::request(&proxied, &mut out);
            read.write(terminal, &mut out);
        }
        if stopped {
            out.push_str("  the body was not looked at: the head alone decided\n");
        }
        why.write(&engine, terminal, &mut out);
        print(&out)?;
    }
    Ok(match why::is_finding(&why.verdict) {
        true => Outcome::Findings,
        false => Outcome::Clean,
    })
}
