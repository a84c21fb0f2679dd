//! The case suite against the engine, called as a library.

use palisade::engine::Scratch;
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
