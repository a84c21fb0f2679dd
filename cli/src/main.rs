//! The command line: one verb a file, over the same engine that runs inside Envoy.

mod bars;
mod catalogue;
mod check;
mod completions;
mod curl;
mod endpoint;
mod evaluate;
mod explain;
mod init;
mod input;
mod interval;
mod labelled;
mod lint;
mod manual;
mod marks;
mod policy;
mod position;
mod proxied;
mod ranking;
mod records;
mod replay;
mod report;
mod rule;
mod schema;
mod seen;
mod selection;
mod tally;
mod terminal;
mod tune;
mod unit_tests;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use terminal::{Colour, Terminal};

/// A web application and API firewall for Envoy, from the command line: whatever it says is what the
/// module inside Envoy does.
///
/// Exit codes: 0 nothing found, 1 something found, 2 could not run.
#[derive(Parser)]
#[command(
    name = "palisade",
    version,
    max_term_width = 100,
    propagate_version = true
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Colour,
}

#[derive(Subcommand)]
enum Verb {
    Init(init::Arguments),
    Lint(lint::Arguments),
    Check(check::Arguments),
    Test(unit_tests::Arguments),
    Evaluate(evaluate::Arguments),
    Replay(replay::Arguments),
    Tune(tune::Arguments),
    Report(report::Arguments),
    #[command(alias = "rules")]
    Rule(rule::Arguments),
    Schema(schema::Arguments),
    Completions(completions::Arguments),
    #[command(name = "man")]
    Manual(manual::Arguments),
}

/// What a verb came to, where it could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing to report.
    Clean,
    /// Something was found.
    Findings,
}

/// Why a verb could not run: one message, printed as it is.
#[derive(Debug)]
struct Failure(String);

impl<T: std::fmt::Display> From<T> for Failure {
    fn from(error: T) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let terminal = Terminal::new(arguments.color);
    let result = match arguments.verb {
        Verb::Init(arguments) => init::run(&arguments, &terminal),
        Verb::Lint(arguments) => lint::run(&arguments, &terminal),
        Verb::Check(arguments) => check::run(&arguments, &terminal),
        Verb::Test(arguments) => unit_tests::run(&arguments, &terminal),
        Verb::Rule(arguments) => rule::run(&arguments, &terminal),
        Verb::Schema(arguments) => schema::run(&arguments),
        Verb::Report(arguments) => report::run(&arguments, &terminal),
        Verb::Tune(arguments) => tune::run(&arguments, &terminal),
        Verb::Replay(arguments) => replay::run(&arguments, &terminal),
        Verb::Evaluate(arguments) => evaluate::run(&arguments, &terminal),
        Verb::Completions(arguments) => completions::run(&arguments),
        Verb::Manual(arguments) => manual::run(&arguments),
    };
    match result {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        // Whoever reads the output has seen enough, as in `palisade … | head`.
        Err(Failure(message)) if message == terminal::CLOSED => ExitCode::SUCCESS,
        Err(Failure(message)) => {
            terminal.error(&message);
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_declarations_of_all_verbs_fit_together() {
        super::Arguments::command().debug_assert();
    }
}
