//! `palisade test`: requests, and the verdicts that are expected of a policy.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use palisade::config::Config;
use palisade::engine::{Engine, Scratch};
use palisade::model::{Action, Day, Named as _, Verdict};
use palisade_harness::cases::{self, Case, Driver};
use palisade_harness::outcome::Outcome as Came;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::policy::Document;
use crate::proxied::Proxied;
use crate::seen::Read;
use crate::terminal::{Ink, Terminal, print};
use crate::why::Why;
use crate::{Failure, Outcome};

/// Run the test cases of a policy: requests, and what must come of each.
///
/// A case is a request and the verdict that is expected of it, in TOML; docs/testing.md describes the format,
/// which is the one of Palisade's own suite. Each file may hold many. A case that states a policy is judged
/// by that one, every other by `--policy`.
///
/// Exits with 1 if a case failed, with 2 if one cannot be read.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  palisade test tests/ --policy policy.yaml
  palisade test tests/ -p policy.yaml --junit results.xml
  palisade test tests/search.toml -p policy.yaml --filter apostrophe")]
pub(crate) struct Arguments {
    /// Files of cases, or folders that hold such (`*.toml`, at any depth).
    #[arg(value_name = "DIR|FILE", required = true)]
    paths: Vec<PathBuf>,
    /// The policy of cases that state none, in JSON or YAML; without it, the default policy `{}`.
    #[arg(long, short, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Only cases whose name holds this.
    #[arg(long, short, value_name = "WORD")]
    filter: Option<String>,
    /// Judge as on this day, such as 2026-12-31; today where it is not given.
    #[arg(long, value_name = "DATE", value_parser = crate::check::day)]
    date: Option<Day>,
    /// Write the results as JUnit XML, which systems of continuous integration read.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What became of one case.
struct Judged<'a> {
    case: &'a Case,
    end: End,
    took: Duration,
}

enum End {
    Passed,
    /// What differs, and what led to the verdict.
    Failed(Vec<String>, String),
    /// Why it was not run.
    Skipped(String),
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    let document = Document::read(arguments.policy.as_deref())?;
    let engine = crate::policy::load(arguments.policy.as_deref())?;
    let mut files = BTreeMap::new();
    for path in &arguments.paths {
        collect(path, path.is_file(), &mut files)?;
    }
    let files = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let cases = cases::parse_suite(files).map_err(|problems| Failure(problems.join("\n")))?;
    let word = arguments.filter.as_deref().unwrap_or_default();
    let cases: Vec<&Case> = cases
        .iter()
        .filter(|case| case.name.contains(word))
        .collect();
    if cases.is_empty() {
        return Err(Failure("there is no such case".to_owned()));
    }
    let mut results = Vec::with_capacity(cases.len());
    let plain = Terminal::plain();
    for case in cases {
        let start = Instant::now();
        // The report is for terminals and files alike.
        let shown = if arguments.json { &plain } else { terminal };
        let end = judge(case, &engine, arguments.date, shown);
        results.push(Judged {
            case,
            end,
            took: start.elapsed(),
        });
    }
    if let Some(path) = &arguments.junit {
        let text = junit(&results)?;
        std::fs::write(path, text)
            .map_err(|error| Failure(format!("{}: {error}", path.display())))?;
    }
    let failed = results
        .iter()
        .any(|result| matches!(result.end, End::Failed(..)));
    if arguments.json {
        print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&json_of(&results))?
        ))?;
    } else {
        print(&text(&results, &document.name, terminal))?;
    }
    Ok(match failed {
        true => Outcome::Findings,
        false => Outcome::Clean,
    })
}

/// Reads a file, or every file of cases in a folder, in the order of their names.
fn collect(path: &Path, named: bool, files: &mut BTreeMap<String, String>) -> Result<(), Failure> {
    let shown = path.display().to_string();
    let failure = |error: std::io::Error| Failure(format!("{shown}: {error}"));
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(failure)? {
            collect(&entry.map_err(failure)?.path(), false, files)?;
        }
    } else if named || path.extension().is_some_and(|ending| ending == "toml") || !path.exists() {
        let text = std::fs::read_to_string(path).map_err(failure)?;
        files.insert(shown, text);
    }
    Ok(())
}

/// Runs one case.
fn judge(case: &Case, standard: &Engine, date: Option<Day>, terminal: &Terminal) -> End {
    if !case.runs_on(Driver::Engine) {
        return End::Skipped(case.skip_reason.clone().unwrap_or_default());
    }
    let own;
    let engine = if case.states_policy {
        match Config::parse(case.policy.as_bytes()).and_then(Engine::compile) {
            Ok(engine) => {
                own = engine;
                &own
            }
            Err(problems) => {
                let problems = problems
                    .iter()
                    .map(|problem| format!("the policy: {problem}"));
                return End::Failed(problems.collect(), String::new());
            }
        }
    } else {
        standard
    };
    let mut proxied = Proxied::of_case(&case.request);
    if let Some(day) = date {
        proxied.now = Some(day.end().saturating_sub(1));
    }
    let mut read = Read::default();
    let mut scratch = Scratch::default();
    let mut findings = Vec::new();
    let inspection = proxied.inspect(engine, &mut scratch, |scratch| {
        let anomalies = scratch.fields().anomalies();
        findings.extend(anomalies.iter().map(|anomaly| anomaly.name().to_owned()));
        read.look(scratch);
    });
    let verdict = engine.verdict(&inspection);
    let status = engine.settings(&inspection).block_response.status;
    let came = match came_of(case, &verdict, status, findings) {
        Ok(came) => came,
        Err(message) => return End::Failed(vec![message], String::new()),
    };
    let mut differences = case.expect.differences(&came);
    // The last line repeats all of it for those who look for mistakes in the product.
    differences.retain(|line| !line.starts_with("outcome: "));
    if differences.is_empty() {
        return End::Passed;
    }
    let mut why = String::new();
    if let Ok(all) = Why::of(engine, &proxied, &inspection, &read) {
        all.write(engine, terminal, &mut why);
    }
    End::Failed(differences, why)
}

/// What a case compares itself with.
fn came_of(
    case: &Case,
    verdict: &Verdict,
    status: u16,
    findings: Vec<String>,
) -> Result<Came, String> {
    let text = crate::explain::decision(verdict).to_string();
    // A call of gRPC is refused with the status of HTTP that says nothing (200), as its protocol asks.
    let grpc = case.request.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type") && value.starts_with(b"application/grpc")
    });
    let status = match verdict.action {
        Action::Block if grpc => None,
        Action::Block => Some(status),
        Action::Allow | Action::Monitor => Some(200),
    };
    let stated = status.filter(|_| case.expect.states_status);
    let mut came = Came::from_decision(&text, stated)?;
    came.findings = Some(findings);
    Ok(came)
}

/// Failures, then how many of what. Where somebody looks, what passed is listed too.
fn text(results: &[Judged<'_>], policy: &str, terminal: &Terminal) -> String {
    let mut out = String::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for result in results {
        let case = result.case;
        let name = &case.name;
        match &result.end {
            End::Passed => {
                passed += 1;
                if terminal.is_rich() {
                    let _ = writeln!(out, "{} {name}", terminal.ink(Ink::Good, "ok  "));
                }
            }
            End::Skipped(why) => {
                skipped += 1;
                if terminal.is_rich() {
                    let _ = writeln!(out, "{} {name}: {why}", terminal.ink(Ink::Faint, "skip"));
                }
            }
            End::Failed(differences, why) => {
                failed += 1;
                let word = terminal.ink(Ink::Bad, "FAIL");
                let _ = writeln!(out, "{word} {name} ({}:{})", case.file, case.line);
                if let Some(reason) = &case.why {
                    let _ = writeln!(out, "  because   {reason}");
                }
                for difference in differences {
                    let _ = writeln!(out, "  wrong     {}", terminal.ink(Ink::Strong, difference));
                }
                out.push_str(why);
                out.push('\n');
            }
        }
    }
    let by = match results.iter().all(|result| result.case.states_policy) {
        true => "their own policies".to_owned(),
        false => policy.to_owned(),
    };
    let _ = writeln!(
        out,
        "{passed} passed, {failed} failed, {skipped} skipped under {by}"
    );
    out
}

fn json_of(results: &[Judged<'_>]) -> Value {
    let count = |wanted: fn(&End) -> bool| results.iter().filter(|r| wanted(&r.end)).count();
    let cases = results.iter().map(|result| {
        let (end, differences, why) = match &result.end {
            End::Passed => ("passed", Vec::new(), None),
            End::Failed(differences, why) => ("failed", differences.clone(), Some(why)),
            End::Skipped(why) => ("skipped", Vec::new(), Some(why)),
        };
        json!({
            "file": result.case.file,
            "line": result.case.line,
            "name": result.case.name,
            "end": end,
            "differences": differences,
            "why": why,
        })
    });
    json!({
        "passed": count(|end| matches!(end, End::Passed)),
        "failed": count(|end| matches!(end, End::Failed(..))),
        "skipped": count(|end| matches!(end, End::Skipped(_))),
        "cases": cases.collect::<Vec<_>>(),
    })
}

/// One suite for each file.
fn junit(results: &[Judged<'_>]) -> Result<String, Failure> {
    let mut report = Report::new("palisade test");
    for group in results.chunk_by(|a, b| a.case.file == b.case.file) {
        let file = group.first().map_or("", |result| result.case.file.as_str());
        let mut suite = TestSuite::new(file);
        for result in group {
            let status = match &result.end {
                End::Passed => TestCaseStatus::success(),
                End::Skipped(why) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(why.as_str());
                    status
                }
                End::Failed(differences, why) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(differences.join("; "));
                    status.set_description(format!("{}\n{why}", differences.join("\n")));
                    status
                }
            };
            let mut case = TestCase::new(result.case.name.as_str(), status);
            case.set_classname(file);
            case.set_time(result.took);
            case.extra
                .insert("file".into(), result.case.file.as_str().into());
            case.extra
                .insert("line".into(), result.case.line.to_string().into());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    Ok(report.to_string()?)
}
