//! The case suite against the engine, called as a library.

use std::collections::BTreeMap;

use palisade::engine::{Engine, Scratch};
use palisade_harness::cases::{self, Driver};

mod drive;

use drive::{compile, run};

#[test]
fn every_case_against_the_engine() {
    let mut scratch = Scratch::default();
    let mut failed = Vec::new();
    for case in cases::load()
        .iter()
        .filter(|case| case.runs_on(Driver::Engine))
    {
        let engine = compile(&case.policy);
        let outcome = run(case, &engine, &mut scratch);
        let differences = case.expect.differences(&outcome);
        if differences.is_empty() {
            println!("case {} ok", case.name);
        } else {
            failed.push(format!("{}: {}", case.name, differences.join("\n    ")));
        }
    }
    assert!(
        failed.is_empty(),
        "{} cases failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

#[test]
fn the_prefilter_loses_nothing() {
    let mut scratch = Scratch::default();
    for case in cases::load()
        .iter()
        .filter(|case| case.runs_on(Driver::Engine))
    {
        let with = run(case, &compile(&case.policy), &mut scratch);
        let without = run(
            case,
            &compile(&case.policy).without_prefilter(),
            &mut scratch,
        );
        assert_eq!(with, without, "{}", case.name);
    }
}

/// What was clean before is not looked at again, and whatever is told of a request is the same: in the order of
/// the suite, and once more when all of it is familiar.
#[test]
fn what_is_remembered_changes_nothing() {
    let cases = cases::load();
    let mut engines: BTreeMap<&str, Engine> = BTreeMap::new();
    let mut remembering = Scratch::remembering();
    let mut looked_at = [0_usize; 2];
    for (turn, looked_at) in looked_at.iter_mut().enumerate() {
        for case in cases.iter().filter(|case| case.runs_on(Driver::Engine)) {
            let engine = engines
                .entry(case.policy.as_str())
                .or_insert_with(|| compile(&case.policy));
            let fresh = run(case, engine, &mut Scratch::default());
            let familiar = run(case, engine, &mut remembering);
            assert_eq!(fresh, familiar, "{} in turn {turn}", case.name);
            *looked_at += remembering.texts().count();
        }
    }
    assert!(looked_at[1] < looked_at[0], "nothing was remembered");
}
