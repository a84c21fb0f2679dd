//! One page for each finding: what it means, why it matters, what to do, and a policy on either side.

use std::fmt::Write as _;
use std::sync::LazyLock;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::terminal::{Ink, Terminal};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Advice.
    Note,
    /// Legal, and probably not meant.
    Warning,
    /// The module refuses the policy.
    Error,
}

impl Severity {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    pub(crate) const fn ink(self) -> Ink {
        match self {
            Self::Note => Ink::Good,
            Self::Warning => Ink::Warning,
            Self::Error => Ink::Bad,
        }
    }
}

/// What is to be said of one sort of finding.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub(crate) id: String,
    pub(crate) severity: Severity,
    /// In one phrase.
    pub(crate) what: String,
    /// What follows from it.
    pub(crate) why: String,
    /// What to do.
    pub(crate) instead: String,
    /// A policy in which it is found, and one in which it is not.
    pub(crate) bad: String,
    pub(crate) good: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pages {
    lint: Vec<Page>,
}

/// Written by hand and compiled in; a test reads it and holds every policy in it to its page.
static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    toml::from_str::<Pages>(include_str!("pages.toml"))
        .map(|pages| pages.lint)
        .unwrap_or_else(|error| panic!("pages.toml: {error}"))
});

/// Every page, in the order of the document.
pub(crate) fn all() -> impl Iterator<Item = &'static Page> {
    PAGES.iter()
}

/// The page of an id.
pub(crate) fn page(id: &str) -> Option<&'static Page> {
    all().find(|page| page.id == id)
}

/// The page of an id that the code names; a test finds every id in the code.
pub(super) fn must(id: &str) -> &'static Page {
    page(id).unwrap_or_else(|| panic!("no page for {id}"))
}

/// All pages as one document.
pub(super) fn markdown() -> String {
    let mut out = String::from(include_str!("pages.md"));
    out.push_str("\n| finding | severity | |\n|---|---|---|\n");
    for page in all() {
        let _ = writeln!(
            out,
            "| [`{}`](#{}) | {} | {} |",
            page.id,
            page.id,
            page.severity.name(),
            page.what
        );
    }
    for page in all() {
        let _ = write!(
            out,
            "\n## {}\n\n{}: {}.\n\n{}\n\n{}\n\nReported:\n\n```json\n{}\n```\n\nNot reported:\n\n```json\n{}\n```\n",
            page.id,
            capital(page.severity.name()),
            page.what,
            page.why.trim(),
            page.instead.trim(),
            page.bad.trim(),
            page.good.trim()
        );
    }
    out
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Every id with its phrase, a line each.
pub(super) fn list(terminal: &Terminal) -> String {
    let mut out = String::new();
    for page in all() {
        let severity = terminal.ink(page.severity.ink(), &format!("{:<8}", page.severity.name()));
        let _ = writeln!(out, "{severity}{:<26} {}", page.id, page.what);
    }
    out
}

impl Page {
    /// The page for a reader at a terminal.
    pub(super) fn explained(&self, terminal: &Terminal) -> String {
        let head = terminal.ink(Ink::Strong, &self.id);
        let severity = terminal.ink(self.severity.ink(), self.severity.name());
        let indented = |text: &str| -> String {
            let lines = text.trim().lines();
            lines.map(|line| format!("    {line}\n")).collect()
        };
        format!(
            "{head} ({severity}): {}\n\n{}\n\n{}\n\n  reported:\n{}\n  not reported:\n{}",
            self.what,
            self.why.trim(),
            self.instead.trim(),
            indented(&self.bad),
            indented(&self.good)
        )
    }
}
