//! `rules/README.md` is what `palisade rule --markdown` prints, and the ids it documents are those in use.

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;
use palisade::config::shipped_rules;
use palisade::model::Family;

fn printed() -> String {
    let output = Command::cargo_bin("palisade")
        .expect("the binary")
        .args(["rule", "--markdown"])
        .output()
        .expect("it runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_catalogue_is_fresh() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/README.md");
    let stands = std::fs::read_to_string(file).expect("rules/README.md is there");
    let printed = printed();
    let first = printed.lines().zip(stands.lines()).find(|(a, b)| a != b);
    assert!(
        printed == stands,
        "rules/README.md is stale: run `palisade rule --markdown > rules/README.md`; first difference: {first:?}"
    );
}

#[test]
fn every_rule_has_one_row_and_an_id_of_its_range() {
    let page = printed();
    // `| 11000–11999 | sql_injection |`
    let ranges: BTreeMap<&str, (u32, u32)> = page
        .lines()
        .filter_map(|line| {
            let (ids, category) = line
                .strip_prefix("| ")?
                .strip_suffix(" |")?
                .split_once(" | ")?;
            let (first, last) = ids.split_once('–')?;
            Some((category, (first.parse().ok()?, last.parse().ok()?)))
        })
        .collect();
    assert!(ranges.len() >= 25, "{ranges:?}");
    for rule in shipped_rules().expect("the shipped rules are good") {
        let rows: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with(&format!("| {} |", rule.id)))
            .collect();
        let [row] = rows.as_slice() else {
            panic!("rule {} has {} rows", rule.id, rows.len());
        };
        if rule.family() == Family::Signature && !(2_010..2_020).contains(&rule.id) {
            let inside = ranges.iter().any(|(category, (first, last))| {
                (*first..=*last).contains(&rule.id) && row.contains(&format!("]({category}/"))
            });
            assert!(inside, "{} is outside the range of its category", rule.id);
        }
    }
}
