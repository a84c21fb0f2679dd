//! The engine's tests compiled to Wasm, run by Node under wasm-bindgen-test (`make wasm-test`): the
//! case suite, embedded, must come out as it does natively.
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]

use palisade::engine::Scratch;
use palisade_harness::cases::{self, Driver};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

mod drive;

#[wasm_bindgen_test]
fn the_engine_is_compiled_for_a_machine_of_32_bits() {
    assert_eq!(usize::BITS, 32);
    assert!(
        cfg!(target_feature = "simd128"),
        "the module ships with SIMD, so its tests run with it"
    );
}

#[wasm_bindgen_test]
fn every_case_against_the_engine_in_wasm() {
    let mut scratch = Scratch::default();
    let mut failed = Vec::new();
    for case in cases::embedded()
        .iter()
        .filter(|case| case.runs_on(Driver::Engine))
    {
        let outcome = drive::run(case, &drive::compile(&case.policy), &mut scratch);
        let differences = case.expect.differences(&outcome);
        if differences.is_empty() {
            console_log!("case {} ok", case.name);
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
