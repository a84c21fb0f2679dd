//! The engine's tests compiled to Wasm, run by Node under wasm-bindgen-test (`make wasm-test`).
#![cfg(all(target_arch = "wasm32", target_os = "unknown"))]

use palisade::decode::percent;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn the_engine_is_compiled_for_a_machine_of_32_bits() {
    assert_eq!(usize::BITS, 32);
    assert!(
        cfg!(target_feature = "simd128"),
        "the module ships with SIMD, so its tests run with it"
    );
}

#[wasm_bindgen_test]
fn a_decoding_gives_the_same_bytes_as_natively() {
    let mut out = Vec::new();
    percent::decode(b"%27+OR%201=1", true, &mut out);
    assert_eq!(out, b"' OR 1=1");
}
