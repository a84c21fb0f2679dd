//! `palisade lint`: what is wrong with a policy, and what is legal but unwise.

mod cover;
mod exceptions;
mod pages;
mod report;
mod rules;
mod sarif;
mod scopes;
mod settings;

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use palisade::config::Config;
use palisade::engine::Engine;
use palisade::model::Day;
use serde_json::Value;

use crate::policy::Document;
use crate::terminal::{Terminal, print};
use crate::{Failure, Outcome};

pub(crate) use pages::{Page, Severity};

/// Say what is wrong with a policy, and what is legal but unwise.
///
/// Errors are what the module inside Envoy would refuse. Warnings are what it accepts and what is probably
/// not meant: exceptions that excuse too much, that never apply or that have expired; rules that cost every
/// request; thresholds that nothing reaches; a mode that blocks nothing. Notes are advice.
///
/// What is meant all the same is said in the policy, in YAML by a comment in the line or above it:
/// `# lint: allow monitor-mode`; or on the command line by `--allow`. `--explain ID` tells all about one
/// finding. Exits with 1 if there is anything of the level.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  palisade lint policy.yaml
  palisade lint --level note --allow exception-without-expiry policies/*.json
  palisade lint --format sarif policy.yaml > palisade.sarif
  palisade lint --explain exception-any-path
  palisade lint --explain")]
pub(crate) struct Arguments {
    /// Policies in JSON or YAML; `-` is standard input.
    #[arg(value_name = "POLICY", required_unless_present_any = ["explain", "markdown"])]
    policies: Vec<PathBuf>,
    /// The least severity that is reported.
    #[arg(long, value_enum, default_value_t = Severity::Warning, value_name = "LEVEL")]
    level: Severity,
    /// Do not report this finding; may be repeated.
    #[arg(long, value_name = "ID", value_parser = known_id)]
    allow: Vec<String>,
    /// Judge as on this day, such as 2026-12-31; today where it is not given.
    #[arg(long, value_name = "DATE", value_parser = crate::check::day)]
    date: Option<Day>,
    /// Explain a finding, or list all of them.
    #[arg(long, value_name = "ID", num_args = 0..=1, value_parser = known_id, conflicts_with = "policies")]
    explain: Option<Option<String>>,
    /// How to print.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Print one JSON object; short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Print the pages of all findings, as they stand in `docs/lint.md`.
    #[arg(long, hide = true, conflicts_with_all = ["policies", "explain"])]
    markdown: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: in the text of the policy on a terminal, a line each where output is piped.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, which services for code review show beside the lines.
    Sarif,
}

fn known_id(text: &str) -> Result<String, String> {
    if pages::page(text).is_some() {
        return Ok(text.to_owned());
    }
    let near = pages::all()
        .map(|page| (strsim::damerau_levenshtein(text, &page.id), &page.id))
        .min()
        .filter(|(distance, _)| *distance <= 8);
    Err(match near {
        Some((_, id)) => format!("there is no such finding; did you mean `{id}`?"),
        None => "there is no such finding; `palisade lint --explain` lists them".to_owned(),
    })
}

/// Something to report.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) page: &'static Page,
    /// JSON path; empty where the text has none.
    pub(crate) path: String,
    pub(crate) message: String,
    /// What would be better.
    pub(crate) help: Option<String>,
    /// Bytes of the document.
    pub(crate) range: Range<usize>,
}

/// A policy with what was found in it.
pub(crate) struct Linted {
    pub(crate) document: Document,
    pub(crate) findings: Vec<Finding>,
}

pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Result<Outcome, Failure> {
    if let Some(wanted) = &arguments.explain {
        return explain(wanted.as_deref(), arguments, terminal);
    }
    if arguments.markdown {
        print(&pages::markdown())?;
        return Ok(Outcome::Clean);
    }
    let today = arguments.date.unwrap_or_else(today);
    let mut all = Vec::with_capacity(arguments.policies.len());
    let mut less = 0;
    for path in &arguments.policies {
        let document = Document::read(Some(path))?;
        let mut findings = findings(&document, today);
        findings.retain(|finding| !arguments.allow.contains(&finding.page.id));
        let before = findings.len();
        findings.retain(|finding| finding.page.severity >= arguments.level);
        less += before - findings.len();
        all.push(Linted { document, findings });
    }
    let format = match arguments.json {
        true => Format::Json,
        false => arguments.format,
    };
    match format {
        Format::Text => report::text(&all, less, terminal)?,
        Format::Json => print(&format!(
            "{}\n",
            serde_json::to_string_pretty(&report::json(&all))?
        ))?,
        Format::Sarif => {
            print(&format!(
                "{}\n",
                serde_json::to_string_pretty(&sarif::log(&all))?
            ))?;
        }
    }
    Ok(match all.iter().all(|linted| linted.findings.is_empty()) {
        true => Outcome::Clean,
        false => Outcome::Findings,
    })
}

fn explain(
    wanted: Option<&str>,
    arguments: &Arguments,
    terminal: &Terminal,
) -> Result<Outcome, Failure> {
    let page = wanted.and_then(pages::page);
    let out = if arguments.json {
        let pages: Vec<_> = pages::all()
            .filter(|other| page.is_none_or(|page| page.id == other.id))
            .collect();
        format!("{}\n", serde_json::to_string_pretty(&pages)?)
    } else {
        match page {
            Some(page) => page.explained(terminal),
            None => pages::list(terminal),
        }
    };
    print(&out)?;
    Ok(Outcome::Clean)
}

/// The day it is, in UTC.
fn today() -> Day {
    let now = std::time::UNIX_EPOCH.elapsed();
    Day::of_seconds(now.map_or(0, |since| since.as_secs()))
}

/// All that is to be said of a policy, in the order of its text.
pub(crate) fn findings(document: &Document, today: Day) -> Vec<Finding> {
    let mut found = match document.compile() {
        Ok(engine) => {
            let value = document.json().ok();
            let value = value.and_then(|json| serde_json::from_slice(&json).ok());
            let mut policy = Policy {
                document,
                config: engine.config(),
                engine: &engine,
                value: value.unwrap_or_default(),
                today,
                found: Vec::new(),
            };
            settings::check(&mut policy);
            scopes::check(&mut policy);
            rules::check(&mut policy);
            exceptions::check(&mut policy);
            policy.found
        }
        Err(wrong) => wrong
            .into_iter()
            .map(|wrong| Finding {
                page: pages::must("refused"),
                path: wrong.path.unwrap_or_default(),
                message: wrong.message,
                help: wrong
                    .suggestion
                    .map(|suggestion| format!("did you mean `{suggestion}`?")),
                range: wrong.range,
            })
            .collect(),
    };
    found.retain(|finding| !is_allowed(document, finding));
    found.sort_by(|a, b| (a.range.start, &a.page.id).cmp(&(b.range.start, &b.page.id)));
    found
}

/// Whether a comment in the line of a finding, or alone in the line above it, allows it.
fn is_allowed(document: &Document, finding: &Finding) -> bool {
    if !document.yaml || finding.page.severity == Severity::Error {
        return false;
    }
    let allows = |line: &str| {
        line.split_once("# lint: allow ").is_some_and(|(_, ids)| {
            // Behind the ids there may stand why.
            ids.split([',', ' '])
                .take_while(|word| word.is_empty() || pages::page(word).is_some())
                .any(|word| word == finding.page.id)
        })
    };
    let line = document.position(finding.range.start).line;
    let above = document.line(line.saturating_sub(1));
    allows(&document.line(line)) || above.trim_start().starts_with('#') && allows(&above)
}

/// A policy that the module accepts, and what was found in it so far.
struct Policy<'a> {
    document: &'a Document,
    config: &'a Config,
    engine: &'a Engine,
    /// The document as it was written, for what reading it leaves out.
    value: Value,
    today: Day,
    found: Vec<Finding>,
}

impl Policy<'_> {
    fn add(&mut self, id: &str, path: &str, message: String) {
        self.add_with_help(id, path, message, None);
    }

    fn add_with_help(&mut self, id: &str, path: &str, message: String, help: Option<String>) {
        self.found.push(Finding {
            page: pages::must(id),
            range: self.document.range(path),
            path: path.to_owned(),
            message,
            help,
        });
    }

    /// What stands at a path of the document, made of keys and indexes.
    fn value_at(&self, path: &str) -> Option<&Value> {
        let pointer = path
            .strip_prefix('$')?
            .replace('[', "/")
            .replace(']', "")
            .replace('.', "/");
        self.value.pointer(&pointer)
    }

    /// The path of the first of some keys that stands in the object at `path`; `path` itself if none does.
    fn at(&self, path: &str, keys: &[&str]) -> String {
        let object = self.value_at(path);
        keys.iter()
            .find(|key| object.is_some_and(|object| object.get(key).is_some()))
            .map_or_else(|| path.to_owned(), |key| format!("{path}.{key}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn document(text: &str, yaml: bool) -> Document {
        Document::new("test", text.as_bytes().to_vec(), yaml)
    }

    fn day() -> Day {
        Day::parse("2026-11-20").expect("a day")
    }

    fn ids(text: &str) -> Vec<&'static str> {
        let found = findings(&document(text, false), day());
        found
            .iter()
            .map(|finding| finding.page.id.as_str())
            .collect()
    }

    #[test]
    fn every_page_shows_a_policy_on_either_side() {
        let mut failed = Vec::new();
        for page in pages::all() {
            let bad = ids(&page.bad);
            let good = ids(&page.good);
            if !bad.contains(&page.id.as_str()) {
                failed.push(format!("{}: bad gives {bad:?}", page.id));
            }
            if good.contains(&page.id.as_str()) || good.contains(&"refused") {
                failed.push(format!("{}: good gives {good:?}", page.id));
            }
            for text in [&page.what, &page.why, &page.instead] {
                if text.trim().is_empty() {
                    failed.push(format!("{}: says nothing", page.id));
                }
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        let all: BTreeSet<&str> = pages::all().map(|page| page.id.as_str()).collect();
        assert_eq!(all.len(), pages::all().count(), "an id stands twice");
    }

    /// Policies that are nobody's mistake.
    #[test]
    fn good_policies_are_left_alone() {
        for text in [
            "{}",
            r#"{"preset": "strict", "sensitivity": {"cross_site_scripting": "low"}}"#,
            r#"{"mode": "block", "scopes": [
                {"name": "a", "host": "*.shop.test", "preset": "strict"},
                {"name": "b", "host": "a.shop.test", "path": {"prefix": "/v2/"}, "sensitivity": "high"}]}"#,
        ] {
            let found = findings(&document(text, false), day());
            let said: Vec<_> = found
                .iter()
                .filter(|finding| finding.page.severity > Severity::Note)
                .map(|finding| format!("{}: {}", finding.page.id, finding.message))
                .collect();
            assert!(said.is_empty(), "{text}: {said:?}");
        }
    }

    #[test]
    fn findings_point_at_what_they_are_about() {
        let text = "name: shop\nexceptions:\n  - id: A\n    reason: names\n    rules: [0]\n    path: /a\n    name: q\n    expires: 2001-01-01\nmode: monitor\n";
        let found = findings(&document(text, true), day());
        let lines: Vec<_> = found
            .iter()
            .map(|finding| report::line(&document(text, true), finding))
            .collect();
        for (line, wanted) in [
            (
                0,
                "test:5:5: warning[exception-every-rule]: $.exceptions[0].rules: excuses hits of every rule",
            ),
            (
                1,
                "test:8:5: warning[exception-expired]: $.exceptions[0].expires: expired on 2001-01-01",
            ),
            (
                2,
                "test:9:1: warning[monitor-mode]: $.mode: nothing is blocked; `block`, once",
            ),
        ] {
            assert!(lines[line].starts_with(wanted), "{lines:#?}");
        }
        assert_eq!(lines.len(), 3, "{lines:#?}");
    }

    #[test]
    fn comments_allow_what_is_meant() {
        for (text, expected) in [
            ("mode: monitor", 1),
            ("mode: monitor # lint: allow monitor-mode", 0),
            ("mode: monitor # lint: allow monitor-mode until May", 0),
            (
                "# lint: allow limit-low, monitor-mode: until May\nmode: monitor",
                1,
            ),
            (
                "# lint: allow limit-low, monitor-mode, until May\nmode: monitor",
                0,
            ),
            ("# lint: allow monitor-mode\nmode: monitor", 0),
            ("# lint: allow limit-low\nmode: monitor", 1),
            (
                "preset: strict # lint: allow monitor-mode\nmode: monitor",
                1,
            ),
            ("mode: blok # lint: allow refused", 1),
        ] {
            let found = findings(&document(&format!("name: a\n{text}\n"), true), day());
            assert_eq!(found.len(), expected, "{text}: {found:?}");
        }
        // In the first line, above which there is none.
        let first = findings(
            &document("mode: monitor # lint: allow monitor-mode", true),
            day(),
        );
        assert!(
            first
                .iter()
                .all(|finding| finding.page.id == "policy-unnamed"),
            "{first:?}"
        );
    }

    #[test]
    fn days_decide_what_has_expired() {
        let policy = r#"{"name": "a", "exceptions": [{"reason": "x", "rules": [11070], "path": "/a", "name": "q", "expires": "2026-11-20"}]}"#;
        let on =
            |day: &str| findings(&document(policy, false), Day::parse(day).expect("a day")).len();
        assert_eq!((on("2026-11-20"), on("2026-11-21")), (0, 1));
    }
}
