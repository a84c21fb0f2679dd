//! The decoders against second implementations, on generated input, and what must hold for any input.
#![cfg(not(target_family = "wasm"))]

use std::time::{Duration, Instant};

use ::base64::Engine;
use ::base64::alphabet;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use palisade::decode::{
    Expander, Outcome, base64, css, entity, expand, fold, javascript, null, path, percent, scheme,
    shell, sql, unicode_percent, utf7, utf8,
};
use palisade::model::{Anomaly, View, ViewSet};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

type Decode = fn(&[u8], &mut Vec<u8>) -> Outcome;
type Applies = fn(&[u8]) -> bool;

/// Every decoder, with what it says of a text before it decodes, where it says so.
const DECODERS: &[(&str, Decode, Option<Applies>)] = &[
    (
        "percent",
        |input, out| percent::decode(input, false, out),
        Some(percent::applies),
    ),
    ("form", |input, out| percent::decode(input, true, out), None),
    (
        "unicode_percent",
        unicode_percent::decode,
        Some(unicode_percent::applies),
    ),
    ("utf8", utf8::decode, Some(utf8::applies)),
    ("null", null::decode, Some(null::applies)),
    ("utf7", utf7::decode, Some(utf7::applies)),
    ("entity", entity::decode, Some(entity::applies)),
    ("fold", fold::decode, Some(fold::applies)),
    ("scheme", scheme::decode, Some(scheme::applies)),
    ("javascript", javascript::decode, Some(javascript::applies)),
    ("base64", base64::decode, Some(base64::applies)),
    ("css", css::decode, None),
    ("sql", sql::decode, None),
    ("sql innermost", sql::decode_innermost, None),
    ("sql lines", sql::decode_lines, None),
    ("shell", shell::decode, None),
    ("path", path::decode, None),
];

fn decoded(decode: Decode, input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    decode(input, &mut out);
    out
}

/// Pieces out of which hostile texts are made: the beginnings, middles and ends of every encoding.
const PIECES: &[&[u8]] = &[
    b"%",
    b"%25",
    b"%27",
    b"%u",
    b"%u0027",
    b"%ud83d",
    b"%ude00",
    b"%00",
    b"%c0%ae",
    b"27",
    b"3c",
    b"41",
    b"&",
    b"#",
    b"x",
    b"&#",
    b"&#x",
    b"&lt",
    b"&amp;",
    b"&colon;",
    b";",
    b"lt",
    b"gt;",
    b"0000",
    b"\\",
    b"\\\\",
    b"\\u",
    b"\\u003c",
    b"\\u{",
    b"}",
    b"\\x",
    b"\\x3c",
    b"\\74",
    b"\\n",
    b"\\\n",
    b"\\ud800",
    b"/*",
    b"*/",
    b"/*!",
    b"50000",
    b"/*M!100500",
    b"--",
    b"\n",
    b"\r",
    b"\t",
    b" ",
    b"  ",
    b"\xa0",
    b"\xc2\xa0",
    b"+",
    b"+ADw-",
    b"+AD4",
    b"-",
    b"AA",
    b"'",
    b"\"",
    b"`",
    b"''",
    b"^",
    b"$",
    b"${",
    b"$IFS",
    b"$@",
    b"$1",
    b"$'",
    b"{a,b}",
    b"[a]",
    b"\0",
    b"\xc0\xaf",
    b"\xe0\x80",
    b"\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8",
    b"\xff",
    b"\xef\xbc\x9c",
    b"\xc4\xb1",
    b"\xe2\x80\xa5",
    b"\xe3\x80\x82",
    b"<",
    b"java",
    b"script",
    b":",
    b"PHNjcmlwdD4x",
    b"QUJDREVGR0hJ",
    b"=",
    b"==",
    b"/",
    b"/..",
    b"/.",
    b"..;x",
    b"cat",
    b"a",
    b"1",
];

/// Bytes of any sort: at random, and built out of the pieces.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        vec(select(PIECES), 0..40).prop_map(|pieces| pieces.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn every_decoder_is_total_truthful_and_never_grows(input in hostile()) {
        for (name, decode, applies) in DECODERS {
            let mut out = b"kept".to_vec();
            let outcome = decode(&input, &mut out);
            let out = out.strip_prefix(b"kept").expect("appends");
            prop_assert!(out.len() <= input.len(), "{name} grows");
            prop_assert_eq!(outcome.changed, out != input, "{} says changed", name);
            if let Some(applies) = applies {
                prop_assert_eq!(applies(&input), outcome.changed, "{} says that it applies", name);
            }
        }
    }

    #[test]
    fn the_fixed_point_is_one(input in hostile(), is_path in any::<bool>()) {
        let mut expander = Expander::default();
        let mut last = None;
        let mut total = 0;
        let anomalies = expander.expand(&input, 5, ViewSet::all(), is_path, &mut |view, text| {
            total += text.len();
            if view == View::Decoded {
                last.get_or_insert_with(Vec::new).push(text.to_vec());
            }
        });
        prop_assert!(total <= expand::MAX_GROWTH * input.len());
        if anomalies.contains(Anomaly::DecodeLimit) {
            return Ok(());
        }
        // Some view is one on which no decoding that is repeated has anything left to do.
        let fixed = last.unwrap_or_default().into_iter().chain([input]).any(|text| {
            DECODERS
                .iter()
                .filter(|(name, ..)| *name != "base64")
                .all(|(_, _, applies)| applies.is_none_or(|applies| !applies(&text)))
        });
        prop_assert!(fixed);
    }

    #[test]
    fn views_do_not_depend_on_what_was_expanded_before(
        first in hostile(),
        second in hostile(),
        passes in 0_usize..6,
    ) {
        let run = |expander: &mut Expander, text: &[u8]| {
            let mut views = Vec::new();
            let anomalies = expander.expand(text, passes, ViewSet::all(), true, &mut |view, form| {
                views.push((view, form.to_vec()));
            });
            (views, anomalies)
        };
        let mut used = Expander::default();
        run(&mut used, &first);
        prop_assert_eq!(run(&mut used, &second), run(&mut Expander::default(), &second));
    }

    #[test]
    fn more_passes_decode_no_less(input in hostile()) {
        let mut expander = Expander::default();
        let limit = |passes, expander: &mut Expander| {
            expander
                .expand(&input, passes, ViewSet::all(), false, &mut |_, _| ())
                .contains(Anomaly::DecodeLimit)
        };
        prop_assert!(limit(5, &mut expander) || !limit(50, &mut expander));
    }

    #[test]
    fn percent_as_the_url_standard_has_it(input in hostile()) {
        let expected: Vec<u8> = percent_encoding::percent_decode(&input).collect();
        prop_assert_eq!(decoded(|input, out| percent::decode(input, false, out), &input), expected);
    }

    /// Only references that we know or nobody does: which those are, the complete list below says.
    #[test]
    fn entities_as_the_html_standard_has_them(pieces in vec(select(&[
        "&", "#", "x", "X", ";", "0", "00000000", "39", "3c", "3C", "128", "9f", "d800", "10ffff", "110000", "99999999999",
        "lt", "gt", "amp", "quot", "colon", "NewLine", "lpar", "nbsp", "ltdot", "gtcc", "LT", "z", " ", "é", "=",
    ][..]), 0..30)) {
        let input = pieces.concat();
        prop_assert_eq!(
            String::from_utf8(decoded(entity::decode, input.as_bytes())).expect("UTF-8 stays UTF-8"),
            htmlize::unescape(input.as_str())
        );
    }

    #[test]
    fn base64_as_the_rfc_has_it(text in "[ -~]{12,60}", url_safe in any::<bool>(), padded in any::<bool>()) {
        let alphabet = if url_safe { alphabet::URL_SAFE } else { alphabet::STANDARD };
        let config = GeneralPurposeConfig::new()
            .with_encode_padding(padded)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let engine = GeneralPurpose::new(&alphabet, config);
        let encoded = engine.encode(&text);
        // Text with one kind of letter alone is taken for a word or a number.
        prop_assume!(encoded.bytes().any(|byte| byte.is_ascii_uppercase()));
        prop_assume!(!encoded.bytes().all(|byte| byte.is_ascii_uppercase()));
        prop_assert_eq!(decoded(base64::decode, encoded.as_bytes()), text.as_bytes());
        // Cut anywhere, what is whole of it is still read.
        let cut = encoded.get(..encoded.len() - 3).unwrap_or_default().trim_end_matches('=');
        let whole = cut.get(..cut.len() / 4 * 4).unwrap_or_default();
        let expected = engine.decode(whole).expect("whole groups");
        if decoded(base64::decode, cut.as_bytes()) != cut.as_bytes() {
            prop_assert!(decoded(base64::decode, cut.as_bytes()).starts_with(&expected));
        }
    }

    /// Two or more backslashes in a row are one here, so none are generated side by side.
    #[test]
    fn json_escapes_as_the_rfc_has_them(pieces in vec(select(&[
        "\\n", "\\t", "\\r", "\\b", "\\f", "\\\"", "\\/", "\\u003c", "\\u0027", "\\u00e9", "\\u20AC", "\\ud83d\\ude00", "a", "é", " ", "u003c", "0",
    ][..]), 0..20)) {
        let input = pieces.concat();
        let expected: String = serde_json::from_str(&format!("\"{input}\"")).expect("valid escapes");
        prop_assert_eq!(decoded(javascript::decode, input.as_bytes()), expected.as_bytes());
    }

    #[test]
    fn what_anybody_encodes_is_decoded(text in "[ -~]{1,40}") {
        let units = |prefix: &str, digits: usize, suffix: &str| -> Vec<u8> {
            text.bytes().flat_map(|byte| format!("{prefix}{byte:0digits$x}{suffix}").into_bytes()).collect()
        };
        let forms: [(Decode, Vec<u8>); 8] = [
            (|input, out| percent::decode(input, false, out), units("%", 2, "")),
            (unicode_percent::decode, units("%u", 4, "")),
            (entity::decode, units("&#x", 2, ";")),
            (entity::decode, units("&#X", 9, ";")),
            (javascript::decode, units("\\u", 4, "")),
            (javascript::decode, units("\\x", 2, "")),
            (javascript::decode, units("\\u{", 3, "}")),
            (css::decode, units("\\", 2, " ")),
        ];
        for (decode, form) in forms {
            prop_assert_eq!(decoded(decode, &form), text.as_bytes());
        }
        let overlong: Vec<u8> = text.bytes().flat_map(|byte| [0xC0 | byte >> 6, 0x80 | byte & 0x3F]).collect();
        prop_assert_eq!(decoded(utf8::decode, &overlong), text.as_bytes());
        let wide: String = text.chars().map(|c| match c { ' ' => ' ', c => char::from_u32(c as u32 + 0xFEE0).expect("full-width") }).collect();
        let folded = decoded(fold::decode, wide.as_bytes());
        prop_assert!(folded == text.as_bytes() || folded == wide.as_bytes() && !text.contains(['<', '\'', '"', 'a']));
    }

    #[test]
    fn utf7_as_the_rfc_has_it(text in "[ -~]{1,20}", closed in any::<bool>()) {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let run = ::base64::engine::general_purpose::STANDARD_NO_PAD.encode(units);
        let encoded = format!("+{run}{}", if closed { "-" } else { "" });
        let hides = text.bytes().any(|byte| !byte.is_ascii_alphanumeric());
        let expected = if hides { text } else { encoded.clone() };
        prop_assert_eq!(decoded(utf7::decode, encoded.as_bytes()), expected.as_bytes());
    }
}

/// Of the complete list of names, those count that give ASCII or a space, and no other changes a text.
#[test]
fn every_named_reference_is_known_or_harmless() {
    let mut known = 0;
    for name in entities::ENTITIES.iter().map(|entity| entity.entity) {
        for behind in ["", " ", "x", "="] {
            let input = format!("{name}{behind}");
            let expected = htmlize::unescape(input.as_str());
            let ours = decoded(entity::decode, input.as_bytes());
            let meaning = htmlize::unescape(name);
            if meaning.bytes().any(|byte| byte.is_ascii()) || meaning == "\u{A0}" {
                assert_eq!(String::from_utf8_lossy(&ours), expected, "{input}");
                known += 1;
            } else if ours != input.as_bytes() {
                assert_eq!(String::from_utf8_lossy(&ours), expected, "{input}");
            }
        }
    }
    assert_eq!(entities::ENTITIES.len(), 2231);
    assert_eq!(known, 4 * 60, "57 names of ASCII, three of the space");
}

/// Quadratic work on a quarter of a megabyte takes minutes, linear work milliseconds: the bound is
/// wide enough for the slowest machine.
#[test]
fn hostile_input_takes_linear_time() {
    const SIZE: usize = 256 * 1024;
    let mut expander = Expander::default();
    let rows: [&[u8]; 12] = [
        b"", b"'", b"A", b"+", b" ", b"0", b"\\", b"/", b"a:", b"\t", b"\xc0", b"<",
    ];
    for piece in PIECES {
        for row in rows {
            let text = [*piece, row]
                .concat()
                .repeat(SIZE / (piece.len() + row.len()));
            let start = Instant::now();
            expander.expand(&text, 5, ViewSet::all(), true, &mut |_, _| ());
            let took = start.elapsed();
            assert!(
                took < Duration::from_secs(2),
                "{} + {}: {took:?}",
                piece.escape_ascii(),
                row.escape_ascii()
            );
        }
        // As many openings as ends.
        let text = [piece.repeat(SIZE / 8), b"*/}'\";:".repeat(SIZE / 8)].concat();
        let start = Instant::now();
        expander.expand(&text, 5, ViewSet::all(), true, &mut |_, _| ());
        let took = start.elapsed();
        assert!(
            took < Duration::from_secs(2),
            "{}, then ends: {took:?}",
            piece.escape_ascii()
        );
        // One opening, then nothing but what might belong to it.
        for row in rows.into_iter().filter(|row| !row.is_empty()) {
            let text = [piece.to_vec(), row.repeat(SIZE)].concat();
            let start = Instant::now();
            expander.expand(&text, 5, ViewSet::all(), true, &mut |_, _| ());
            let took = start.elapsed();
            assert!(
                took < Duration::from_secs(2),
                "{} then {}: {took:?}",
                piece.escape_ascii(),
                row.escape_ascii()
            );
        }
    }
    // Rows of letters each part of which is UTF-7 but for their end.
    let text = [b"AGEAYgA+".repeat(SIZE / 8), b"////////".to_vec()].concat();
    let start = Instant::now();
    expander.expand(&text, 5, ViewSet::all(), true, &mut |_, _| ());
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "UTF-7: {took:?}");
}
