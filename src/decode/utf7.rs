//! UTF-7 (RFC 2152): `+ADw-script+AD4-`. A browser that takes a page for UTF-7 reads markup where
//! no filter saw a special character.

use super::Outcome;

/// Whether there is anything to decode.
pub fn applies(input: &[u8]) -> bool {
    runs(input).next().is_some()
}

/// Appends `input` to `out` with each run that plausibly is UTF-7 decoded. Characters beyond ASCII
/// become `?`, since none of them matters and the text must not grow.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut copied = 0;
    for (start, letters, behind) in runs(input) {
        outcome.changed = true;
        out.extend_from_slice(input.get(copied..start).unwrap_or_default());
        out.extend(units(letters).map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => byte,
            _ => b'?',
        }));
        copied = behind;
    }
    out.extend_from_slice(input.get(copied..).unwrap_or_default());
    outcome
}

/// How often a row of letters is tried. `+` is itself a letter, so each one in a row may begin a run
/// that goes on to the row's end; to try them all would take quadratic time.
const TRIES: usize = 4;

/// The plausible runs: where each begins, its letters, and the index behind it.
fn runs(input: &[u8]) -> impl Iterator<Item = (usize, &[u8], usize)> {
    let mut at = 0;
    // The end of the row of letters that is being tried, and how often it may be tried yet.
    let mut row = (0, TRIES);
    std::iter::from_fn(move || {
        loop {
            let start = at + memchr::memchr(b'+', input.get(at..)?)?;
            at = start + 1;
            if at > row.0 {
                let rest = input.get(at..)?;
                let length = rest
                    .iter()
                    .position(|byte| letter(*byte).is_none())
                    .unwrap_or(rest.len());
                row = (at + length, TRIES);
            } else if row.1 == 0 {
                at = row.0;
                continue;
            }
            row.1 -= 1;
            let letters = input.get(at..row.0)?;
            let closed = input.get(row.0) == Some(&b'-');
            if plausible(letters, closed) {
                at = row.0 + usize::from(closed);
                return Some((start, letters, at));
            }
        }
    })
}

/// Whether the letters of a run plausibly are UTF-7.
///
/// Their number must encode whole code units with no bits left over, and at least one character must be
/// one that a filter looks for. Without the closing `-` every character must be ASCII, so that `+` in
/// sums, telephone numbers and base64 begins no run.
fn plausible(letters: &[u8], closed: bool) -> bool {
    if letters.len() < 3 || letters.len() * 6 % 16 >= 6 || left_over(letters) {
        return false;
    }
    let mut special = false;
    units(letters).all(|unit| match u8::try_from(unit) {
        Ok(byte @ (b'\t' | b'\n' | b'\r' | 0x20..=0x7E)) => {
            special |= !byte.is_ascii_alphanumeric();
            true
        }
        Ok(0x80..) | Err(_) => closed,
        Ok(_) => false,
    }) && special
}

/// Whether bits that belong to no code unit are set.
fn left_over(letters: &[u8]) -> bool {
    let bits = (letters.len() * 6 % 16) as u32;
    let last = letters.last().and_then(|last| letter(*last)).unwrap_or(0);
    bits > 0 && u32::from(last) & ((1 << bits) - 1) != 0
}

fn letter(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The UTF-16 code units of a run.
fn units(letters: &[u8]) -> impl Iterator<Item = u16> {
    let mut letters = letters.iter().filter_map(|byte| letter(*byte));
    let mut bits: u32 = 0;
    let mut count = 0;
    std::iter::from_fn(move || {
        while count < 16 {
            bits = bits << 6 | u32::from(letters.next()?);
            count += 6;
        }
        count -= 16;
        Some((bits >> count) as u16)
    })
}
