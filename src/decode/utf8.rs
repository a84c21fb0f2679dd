//! UTF-8 that spells a character with more bytes than it needs (RFC 3629, 3 and 10): lax decoders
//! read `C0 AF` as `/`, past a check that looked for the byte `2F`.

use super::Outcome;
use super::character::push_code_point;
use crate::model::{Anomaly, AnomalySet};

/// Whether there is anything to decode.
pub fn applies(input: &[u8]) -> bool {
    input
        .iter()
        .enumerate()
        .filter(|(_, byte)| matches!(byte, 0xC0 | 0xC1 | 0xE0 | 0xF0 | 0xF8..=0xFD))
        .any(|(at, _)| input.get(at..).and_then(overlong).is_some())
}

/// Appends `input` to `out` with each overlong sequence replaced by the character that it means.
/// Other bytes, invalid ones included, stay as they are.
///
/// The anomaly needs text that is UTF-8 throughout but for its overlong forms: in Latin-1 or in
/// binary data the same bytes stand by chance.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut valid = true;
    let mut rest = input;
    while !rest.is_empty() {
        let ascii = rest
            .iter()
            .position(|byte| !byte.is_ascii())
            .unwrap_or(rest.len());
        let Some((text, tail)) = rest.split_at_checked(ascii) else {
            break;
        };
        out.extend_from_slice(text);
        rest = if let Some((code_point, after)) = overlong(tail) {
            push_code_point(code_point, out);
            outcome.changed = true;
            after
        } else {
            let length = well_formed(tail);
            valid &= length > 0 || tail.is_empty();
            let Some((kept, after)) = tail.split_at_checked(length.max(1)) else {
                break;
            };
            out.extend_from_slice(kept);
            after
        };
    }
    if outcome.changed && valid {
        outcome.anomalies = AnomalySet::of(&[Anomaly::OverlongUtf8]);
    }
    outcome
}

/// The character of an overlong sequence at the beginning of the text, and what follows it.
fn overlong(text: &[u8]) -> Option<(u32, &[u8])> {
    match text {
        [lead @ (0xC0 | 0xC1), next, after @ ..] if continues(*next) => {
            Some((bits(*lead, 1, &[*next]), after))
        }
        // Decoders that do not even check the second byte read these as `.`, `/` and `\`
        // (IIS, CVE-2000-0884). Every other such pair is more likely Latin-1.
        [0xC0, next @ (0x2E | 0x2F), after @ ..] => Some((u32::from(*next), after)),
        [0xC1, 0x1C, after @ ..] => Some((u32::from(b'\\'), after)),
        [0xE0, a @ 0x80..=0x9F, b, after @ ..] if continues(*b) => {
            Some((bits(0, 0, &[*a, *b]), after))
        }
        [0xF0, a @ 0x80..=0x8F, b, c, after @ ..] if continues(*b) && continues(*c) => {
            Some((bits(0, 0, &[*a, *b, *c]), after))
        }
        [0xF8, a @ 0x80..=0x87, b, c, d, after @ ..] if all_continue(&[*b, *c, *d]) => {
            Some((bits(0, 0, &[*a, *b, *c, *d]), after))
        }
        [0xFC, a @ 0x80..=0x83, b, c, d, e, after @ ..] if all_continue(&[*b, *c, *d, *e]) => {
            Some((bits(0, 0, &[*a, *b, *c, *d, *e]), after))
        }
        _ => None,
    }
}

fn continues(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

fn all_continue(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| continues(*byte))
}

/// The code point of a sequence: the lead byte's low bits under `mask`, then six of each that follows.
fn bits(lead: u8, mask: u8, rest: &[u8]) -> u32 {
    rest.iter().fold(u32::from(lead & mask), |bits, byte| {
        bits << 6 | u32::from(byte & 0x3F)
    })
}

/// The length of the well-formed character at the beginning of the text (RFC 3629, 4); 0 if there is none.
pub(super) fn well_formed(text: &[u8]) -> usize {
    match text {
        [0x00..=0x7F, ..] => 1,
        [0xC2..=0xDF, a, ..] if continues(*a) => 2,
        [lead @ 0xE0..=0xEF, a, b, ..]
            if continues(*b)
                && match lead {
                    0xE0 => matches!(a, 0xA0..=0xBF),
                    0xED => matches!(a, 0x80..=0x9F),
                    _ => continues(*a),
                } =>
        {
            3
        }
        [lead @ 0xF0..=0xF4, a, b, c, ..]
            if continues(*b)
                && continues(*c)
                && match lead {
                    0xF0 => matches!(a, 0x90..=0xBF),
                    0xF4 => matches!(a, 0x80..=0x8F),
                    _ => continues(*a),
                } =>
        {
            4
        }
        _ => 0,
    }
}
