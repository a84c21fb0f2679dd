//! `palisade rule --markdown`: the catalogue of the shipped rules, `rules/README.md`.

use std::fmt::Write as _;

use palisade::engine::Engine;
use palisade::model::{Category, Family, Matcher, Named, Part, Rule, RuleAction, View, Zone};

use crate::rule::Prose;

/// What stands in front of the tables; the rest is made of the rules themselves.
const INTRODUCTION: &str = include_str!("catalogue.md");

/// Which ids a category may give to its signatures.
pub(crate) const RANGES: &[(Category, u32)] = &[
    (Category::SqlInjection, 11_000),
    (Category::CrossSiteScripting, 12_000),
    (Category::RemoteCodeExecution, 13_000),
    (Category::DirectoryTraversal, 14_000),
    (Category::RemoteFileInclusion, 15_000),
    (Category::ServerSideRequestForgery, 16_000),
    (Category::XmlInjection, 17_000),
    (Category::TemplateInjection, 18_000),
    (Category::NosqlInjection, 19_000),
    (Category::LdapInjection, 20_000),
    (Category::XpathInjection, 21_000),
    (Category::ServerSideInclude, 22_000),
    (Category::CrlfInjection, 23_000),
    (Category::MailInjection, 24_000),
    (Category::PhpInjection, 25_000),
    (Category::JavaInjection, 26_000),
    (Category::JavascriptInjection, 27_000),
    (Category::Deserialization, 28_000),
    (Category::FileUpload, 29_000),
    (Category::WebShell, 30_000),
    (Category::Scanner, 31_000),
    (Category::UnwantedAccess, 32_000),
    (Category::OpenRedirect, 33_000),
    (Category::GraphqlAbuse, 34_000),
    (Category::EvadingTricks, 35_000),
];

/// How many ids each of them has.
pub(crate) const RANGE: u32 = 1_000;

/// Literals that are named; of more, the number is.
const LITERALS: usize = 4;

/// The catalogue. `rules` are the shipped ones, each with what it says of itself.
pub(crate) fn page(rules: &[(&Rule, &Prose)]) -> String {
    let mut out = INTRODUCTION.to_owned();
    ranges(&mut out);
    for category in Category::ALL {
        let mut own = rules
            .iter()
            .filter(|(_, prose)| prose.folder == category.name())
            .peekable();
        if own.peek().is_none() {
            continue;
        }
        let _ = write!(
            out,
            "\n## {category}\n\n| id | name | what | score | zones | views | how it is found |\n|---|---|---|---|---|---|---|\n"
        );
        for (rule, prose) in own {
            let _ = writeln!(
                out,
                "| {} | [{}]({category}/{}-{}.toml) | {} | {} | {} | {} | {} |",
                rule.id,
                rule.name,
                rule.id,
                rule.name,
                cell(&prose.what),
                score(rule),
                zones(rule),
                views(rule),
                found(rule, prose),
            );
        }
    }
    out
}

fn ranges(out: &mut String) {
    out.push_str("\n| ids | signatures of |\n|---|---|\n");
    for (category, first) in RANGES {
        let last = first + RANGE - 1;
        let _ = writeln!(out, "| {first}–{last} | {category} |");
    }
}

fn score(rule: &Rule) -> String {
    let confidence = |points: u32| match (rule.family(), points) {
        (Family::Signature, 24..) => " (high)",
        (Family::Signature, 16..24) => " (medium)",
        (Family::Signature, 1..16) => " (low)",
        _ => "",
    };
    let mut all: Vec<String> = rule
        .score
        .iter()
        .map(|(category, points)| format!("{category} {points}{}", confidence(*points)))
        .collect();
    if rule.once {
        all.push("once".to_owned());
    }
    if rule.action == RuleAction::Monitor {
        all.push("records only".to_owned());
    }
    all.join(", ")
}

fn zones(rule: &Rule) -> String {
    // A rule on bodies looks at every body, whether or not a reader could split it.
    let names: Vec<_> = rule
        .zones
        .iter()
        .filter(|zone| *zone != Zone::RawBody || !rule.zones.contains(Zone::RequestBody))
        .map(Named::name)
        .collect();
    let mut text = names.join(", ");
    for (part, only) in [(Part::Name, "names only"), (Part::Value, "values only")] {
        if rule.parts.iter().eq([part]) {
            let _ = write!(text, " ({only})");
        }
    }
    text
}

fn views(rule: &Rule) -> String {
    match rule.matcher {
        Matcher::Anomalies(_) => String::new(),
        _ => rule
            .views
            .iter()
            .map(View::name)
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// How the engine knows that the rule is worth trying.
fn found(rule: &Rule, prose: &Prose) -> String {
    match &rule.matcher {
        Matcher::Anomalies(anomalies) => {
            let names: Vec<_> = anomalies.iter().map(Named::name).collect();
            format!("noticed by the readers: {}", names.join(", "))
        }
        Matcher::Detector(detector) => format!("detector {detector}"),
        Matcher::When(_) => "conditions of the policy".to_owned(),
        Matcher::Literals(_) | Matcher::Regex(_) => match Engine::keys(rule) {
            Some(keys) => {
                let named: Vec<_> = keys.iter().take(LITERALS).map(|key| literal(key)).collect();
                let rest = match keys.len().saturating_sub(LITERALS) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("{}{rest}", named.join(" "))
            }
            None => format!("tried on every text: {}", cell(&prose.unkeyed)),
        },
    }
}

/// A literal as code in a table: two backticks bear one, a bar is escaped even there.
fn literal(key: &[u8]) -> String {
    let text: String = key
        .iter()
        .flat_map(|byte| std::ascii::escape_default(*byte))
        .map(char::from)
        .collect();
    let text = text
        .replace("\\'", "'")
        .replace("\\\"", "\"")
        .replace('|', "\\|");
    if text.contains('`') || text.starts_with(' ') || text.ends_with(' ') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

/// Text that stays within a cell.
fn cell(text: &str) -> String {
    let mut out = String::new();
    // In code, everything but the bar stands for itself.
    for (index, part) in text.split('`').enumerate() {
        if index > 0 {
            out.push('`');
        }
        let part = part.replace('|', "\\|").replace('\n', " ");
        if index % 2 == 0 {
            out.push_str(&part.replace('<', "\\<"));
        } else {
            out.push_str(&part);
        }
    }
    out
}
