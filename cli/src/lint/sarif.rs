//! Findings as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format), which services for code
//! review show beside the lines they are about.

use serde_json::{Value, json};

use super::pages::{self, Page, Severity};
use super::{Finding, Linted};
use crate::policy::Document;

/// One log with one run.
pub(super) fn log(all: &[Linted]) -> Value {
    let results: Vec<Value> = all
        .iter()
        .flat_map(|linted| {
            let document = &linted.document;
            linted
                .findings
                .iter()
                .map(|finding| result(document, finding))
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "palisade",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": pages::all().map(rule).collect::<Vec<_>>(),
                },
            },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

const fn level(severity: Severity) -> &'static str {
    // The words are the same; a fourth one, `none`, is of no use here.
    severity.name()
}

fn rule(page: &Page) -> Value {
    json!({
        "id": page.id,
        "shortDescription": { "text": page.what },
        "fullDescription": { "text": page.why.trim() },
        "help": { "text": format!("{}\n\n{}", page.why.trim(), page.instead.trim()) },
        "defaultConfiguration": { "level": level(page.severity) },
        "properties": { "tags": ["security"] },
    })
}

fn result(document: &Document, finding: &Finding) -> Value {
    let (start, end) = (
        document.position(finding.range.start),
        document.position(finding.range.end),
    );
    let index = pages::all().position(|page| page.id == finding.page.id);
    let text = match &finding.help {
        Some(help) => format!("{}; {help}", finding.message),
        None => finding.message.clone(),
    };
    let mut place = json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&document.name) },
            "region": {
                "startLine": start.line,
                "startColumn": start.column,
                "endLine": end.line,
                "endColumn": end.column,
            },
        },
    });
    if !finding.path.is_empty() {
        place["logicalLocations"] =
            json!([{ "fullyQualifiedName": finding.path, "kind": "member" }]);
    }
    json!({
        "ruleId": finding.page.id,
        "ruleIndex": index,
        "level": level(finding.page.severity),
        "message": { "text": text },
        "locations": [place],
        // The same finding is known again though the lines above it change.
        "partialFingerprints": { "palisade/v1": fingerprint(finding) },
    })
}

/// A number for a finding that no version of this program computes otherwise (FNV-1a).
fn fingerprint(finding: &Finding) -> String {
    let parts = [&finding.page.id, &finding.path, &finding.message];
    let hash = parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
    format!("{hash:016x}")
}

/// A path as a URI reference (RFC 3986): relative where the path is.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::new();
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
