//! The documents against the code: what `docs/reading.md` lists is what there is.

#![cfg(not(target_family = "wasm"))]

use std::fs;
use std::path::Path;

use palisade::model::{Anomaly, Fallback, Limits, Named};
use palisade::request::MACHINE_HEADERS;

fn reading() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reading.md");
    fs::read_to_string(path).expect("docs/reading.md")
}

#[test]
fn every_limit_is_listed_with_its_default_and_range() {
    let text = reading();
    for (key, value, range) in Limits::default().entries() {
        let row = format!(
            "| `{key}` | {value} | {} … {} |",
            range.start(),
            range.end()
        );
        assert!(text.contains(&row), "{row}");
    }
}

#[test]
fn what_becomes_of_the_uninspected_is_listed_as_it_is() {
    let text = reading();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let mut seen = 0;
    for cells in rows.map(|row| row.split(" | ").collect::<Vec<_>>()) {
        let [_, _, _, _, name, then] = cells[..] else {
            continue;
        };
        let Some(anomaly) = Anomaly::UNINSPECTED
            .iter()
            .find(|anomaly| name == format!("`{}`", anomaly.name()))
        else {
            continue;
        };
        let default = match anomaly.default_fallback() {
            Fallback::Block => "block",
            Fallback::InspectPrefix => "inspect_prefix",
            Fallback::Pass => "pass",
        };
        assert_eq!(then, format!("`{default}` |"), "{name}");
        seen += 1;
    }
    assert_eq!(seen, 15, "rows of limits that something is recorded for");
}

#[test]
fn every_header_of_machine_syntax_is_listed() {
    let text = reading();
    for (name, _) in MACHINE_HEADERS {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}
