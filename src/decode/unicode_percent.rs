//! `%uXXXX`, the percent-encoding of UTF-16 that ECMAScript's `escape` writes (ECMA-262, B.2.1.1)
//! and that IIS and several scripting runtimes read in URLs.

use super::Outcome;
use super::character::{push_utf16, utf16_pair};
use super::percent::hex;

/// Whether there is anything to decode.
pub fn applies(input: &[u8]) -> bool {
    memchr::memchr_iter(b'%', input).any(|at| input.get(at..).and_then(unit).is_some())
}

/// Appends the decoding of `input` to `out`, as UTF-8. A surrogate without its partner becomes
/// U+FFFD. Everything else stays as it is.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = input;
    while let Some((plain, tail)) =
        memchr::memchr(b'%', rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(plain);
        rest = match (unit(tail), tail) {
            (Some((first, after)), _) => {
                outcome.changed = true;
                match unit(after) {
                    Some((second, behind)) if utf16_pair(first, second).is_some() => {
                        push_utf16(first, Some(second), out);
                        behind
                    }
                    _ => {
                        push_utf16(first, None, out);
                        after
                    }
                }
            }
            (None, [first, after @ ..]) => {
                out.push(*first);
                after
            }
            (None, []) => return outcome,
        };
    }
    out.extend_from_slice(rest);
    outcome
}

/// The code unit of a `%uXXXX` at the beginning of the text, and what follows it.
fn unit(text: &[u8]) -> Option<(u16, &[u8])> {
    match text {
        [b'%', b'u' | b'U', a, b, c, d, after @ ..] => {
            let digits = [hex(*a)?, hex(*b)?, hex(*c)?, hex(*d)?];
            let unit = digits
                .iter()
                .fold(0, |unit: u16, digit| unit << 4 | u16::from(*digit));
            Some((unit, after))
        }
        _ => None,
    }
}
