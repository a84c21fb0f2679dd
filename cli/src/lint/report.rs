//! Findings for people and for programs.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Finding, Linted, Severity};
use crate::Failure;
use crate::policy::Document;
use crate::terminal::{Ink, Terminal, print};

/// Prints findings: in the text of the policy where somebody looks, a line each where output is piped.
///
/// # Errors
/// If the output cannot be written to.
pub(super) fn text(all: &[Linted], less: usize, terminal: &Terminal) -> Result<(), Failure> {
    let mut out = String::new();
    for linted in all {
        for finding in &linted.findings {
            if terminal.is_rich() {
                out.push_str(&in_text(&linted.document, finding, terminal));
                out.push_str("\n\n");
            } else {
                let _ = writeln!(out, "{}", line(&linted.document, finding));
            }
        }
        if linted.findings.is_empty() && terminal.is_rich() {
            let fine = terminal.ink(Ink::Good, "nothing to report");
            let _ = writeln!(out, "{}: {fine}", linted.document.name);
        }
    }
    print(&out)?;
    if terminal.is_rich() && less > 0 {
        let notes = if less == 1 { "finding" } else { "findings" };
        terminal.hint(&format!(
            "{less} {notes} below the level; `--level note` shows all"
        ));
    }
    Ok(())
}

/// `file:line:column: severity[id]: message`.
pub(super) fn line(document: &Document, finding: &Finding) -> String {
    let place = document.position(finding.range.start);
    let mut out = format!(
        "{}:{}:{}: {}[{}]: ",
        document.name,
        place.line,
        place.column,
        finding.page.severity.name(),
        finding.page.id
    );
    if !finding.path.is_empty() && finding.path != "$" {
        let _ = write!(out, "{}: ", finding.path);
    }
    out.push_str(&finding.message);
    if let Some(help) = &finding.help {
        let _ = write!(out, "; {help}");
    }
    out
}

/// The look of the compiler's own messages.
fn in_text(document: &Document, finding: &Finding, terminal: &Terminal) -> String {
    let source = String::from_utf8_lossy(&document.text);
    let level = match finding.page.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    // Text that is not UTF-8 has other offsets once it is shown; then the beginning is marked.
    let range = match std::str::from_utf8(&document.text) {
        Ok(_) => finding.range.clone(),
        Err(_) => 0..0,
    };
    let label = if finding.path.is_empty() {
        "here"
    } else {
        finding.path.as_str()
    };
    let mut group = level
        .primary_title(finding.message.as_str())
        .id(finding.page.id.as_str())
        .element(
            Snippet::source(source.as_ref())
                .path(document.name.as_str())
                .annotation(AnnotationKind::Primary.span(range).label(label)),
        );
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let more = format!("`palisade lint --explain {}` tells more", finding.page.id);
    let group = group.element(Level::NOTE.message(more.as_str()));
    let renderer = match terminal.is_coloured() {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    renderer.render(&[group])
}

/// All findings for programs.
pub(super) fn json(all: &[Linted]) -> Value {
    let policies = all.iter().map(|linted| {
        let document = &linted.document;
        let findings = linted.findings.iter().map(|finding| {
            let (start, end) = (
                document.position(finding.range.start),
                document.position(finding.range.end),
            );
            json!({
                "id": finding.page.id,
                "severity": finding.page.severity.name(),
                "path": finding.path,
                "message": finding.message,
                "help": finding.help,
                "line": start.line,
                "column": start.column,
                "end_line": end.line,
                "end_column": end.column,
            })
        });
        json!({ "policy": document.name, "findings": findings.collect::<Vec<_>>() })
    });
    json!({ "policies": policies.collect::<Vec<_>>() })
}
