//! The decoders and their expansion into views: total, never longer than what they read, truthful about
//! what they change, and the same with used buffers as with new ones.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade::decode::{
    Expander, Outcome, base64, css, entity, expand, fold, javascript, null, path, percent, scheme,
    shell, sql, unicode_percent, utf7, utf8,
};
use palisade::model::ViewSet;

type Decode = fn(&[u8], &mut Vec<u8>) -> Outcome;

const DECODERS: [Decode; 17] = [
    |input, out| percent::decode(input, false, out),
    |input, out| percent::decode(input, true, out),
    unicode_percent::decode,
    utf8::decode,
    null::decode,
    utf7::decode,
    entity::decode,
    fold::decode,
    scheme::decode,
    javascript::decode,
    base64::decode,
    css::decode,
    sql::decode,
    sql::decode_innermost,
    sql::decode_lines,
    shell::decode,
    path::decode,
];

fuzz_target!(|input: &[u8]| {
    let mut out = Vec::new();
    for decode in DECODERS {
        out.clear();
        let outcome = decode(input, &mut out);
        assert!(out.len() <= input.len());
        assert_eq!(outcome.changed, out != input);
    }
    let mut used = Expander::default();
    let mut first = Vec::new();
    let mut total = 0;
    let anomalies = used.expand(input, 5, ViewSet::all(), true, &mut |view, text| {
        total += text.len();
        first.push((view, text.to_vec()));
    });
    assert!(total <= expand::MAX_GROWTH * input.len());
    let mut again = first.iter();
    let repeated = used.expand(input, 5, ViewSet::all(), true, &mut |view, text| {
        let (expected, form) = again.next().expect("as many views");
        assert!(view == *expected && text == form);
    });
    assert_eq!(repeated, anomalies);
});
