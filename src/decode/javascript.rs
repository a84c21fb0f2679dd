//! Escapes of JavaScript (ECMA-262, 12.9.4) and of JSON (RFC 8259, 7), whose escapes are among them:
//! `\u003c`, `\u{3c}`, `\x3c`, `\74`, `\n`, `\"`, a backslash before the end of a line; besides
//! the `\U0000003c` of Python and C.

use super::Outcome;
use super::character::{push_code_point, push_utf16, utf16_pair};
use super::percent::hex;

/// Whether there is anything to decode.
pub fn applies(input: &[u8]) -> bool {
    memchr::memchr_iter(b'\\', input).any(|at| input.get(at..).and_then(escape).is_some())
}

/// Appends the decoding of `input` to `out`. A backslash that escapes nothing stays, for it may
/// separate the parts of a path.
///
/// `\xHH` gives that byte, as in C and in shells; up to `\x7f` this is what JavaScript reads. Two or
/// more backslashes give one: texts are often escaped more than once, and drawings are made of them.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = input;
    while let Some((plain, tail)) =
        memchr::memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(plain);
        let Some((meaning, after)) = escape(tail) else {
            out.push(b'\\');
            rest = tail.get(1..).unwrap_or_default();
            continue;
        };
        outcome.changed = true;
        rest = after;
        match meaning {
            Meaning::Nothing => (),
            Meaning::Byte(byte) => out.push(byte),
            Meaning::CodePoint(code_point) => push_code_point(code_point, out),
            Meaning::Unit(first) => match escape(after) {
                Some((Meaning::Unit(second), behind)) if utf16_pair(first, second).is_some() => {
                    push_utf16(first, Some(second), out);
                    rest = behind;
                }
                _ => push_utf16(first, None, out),
            },
        }
    }
    out.extend_from_slice(rest);
    outcome
}

/// What an escape stands for.
enum Meaning {
    Nothing,
    Byte(u8),
    CodePoint(u32),
    Unit(u16),
}

/// The escape at the beginning of the text, and what follows it.
fn escape(text: &[u8]) -> Option<(Meaning, &[u8])> {
    let [b'\\', rest @ ..] = text else {
        return None;
    };
    let byte = |byte, after| Some((Meaning::Byte(byte), after));
    match rest {
        [b'u', b'{', digits @ ..] => {
            let (code_point, after) = number(digits, usize::MAX)?;
            let [b'}', after @ ..] = after else {
                return None;
            };
            Some((Meaning::CodePoint(code_point), after))
        }
        [b'u', digits @ ..] => {
            let (unit, after) = exactly(digits, 4)?;
            Some((Meaning::Unit(unit as u16), after))
        }
        [b'U', digits @ ..] => {
            let (code_point, after) = exactly(digits, 8)?;
            Some((Meaning::CodePoint(code_point), after))
        }
        [b'x', digits @ ..] => {
            let (value, after) = exactly(digits, 2)?;
            byte(value as u8, after)
        }
        [b'n', after @ ..] => byte(b'\n', after),
        [b't', after @ ..] => byte(b'\t', after),
        [b'r', after @ ..] => byte(b'\r', after),
        [b'b', after @ ..] => byte(0x08, after),
        [b'f', after @ ..] => byte(0x0C, after),
        [b'v', after @ ..] => byte(0x0B, after),
        [quote @ (b'"' | b'\'' | b'`' | b'/'), after @ ..] => byte(*quote, after),
        [b'\r', b'\n', after @ ..] | [b'\r' | b'\n', after @ ..] => Some((Meaning::Nothing, after)),
        [b'\\', after @ ..] => {
            let more = after
                .iter()
                .position(|byte| *byte != b'\\')
                .unwrap_or(after.len());
            byte(b'\\', after.get(more..)?)
        }
        [b'0'..=b'7', ..] => octal(rest),
        _ => None,
    }
}

/// Two or three octal digits that give a visible character. Shorter ones are references of regular
/// expressions, others are years and numbers in the paths of Windows.
fn octal(text: &[u8]) -> Option<(Meaning, &[u8])> {
    let digit = |byte: u8| matches!(byte, b'0'..=b'7').then(|| byte - b'0');
    let (value, after) = match text {
        [a @ b'0'..=b'3', b, c, after @ ..] if digit(*b).is_some() && digit(*c).is_some() => {
            (digit(*a)? << 6 | digit(*b)? << 3 | digit(*c)?, after)
        }
        [a, b, after @ ..] => (digit(*a)? << 3 | digit(*b)?, after),
        _ => return None,
    };
    matches!(value, 0x20..=0x7E).then_some((Meaning::Byte(value), after))
}

/// The number that exactly so many hexadecimal digits spell.
fn exactly(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (value, after) = number(text, digits)?;
    (text.len() - after.len() == digits).then_some((value, after))
}

/// The number that the hexadecimal digits at the beginning spell, at least one and at most `most`;
/// numbers that do not fit become the greatest that does.
pub(super) fn number(text: &[u8], most: usize) -> Option<(u32, &[u8])> {
    let digits = text
        .iter()
        .take(most)
        .take_while(|byte| hex(**byte).is_some())
        .count();
    let (spelled, after) = text.split_at_checked(digits)?;
    let value = spelled
        .iter()
        .filter_map(|byte| hex(*byte))
        .fold(0_u32, |value, digit| {
            value.saturating_mul(16).saturating_add(u32::from(digit))
        });
    (digits > 0).then_some((value, after))
}
