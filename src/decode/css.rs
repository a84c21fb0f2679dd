//! Escapes and comments of CSS (CSS Syntax 3, 4.3.2 and 4.3.7): `\75rl(`, `e\xpression(`,
//! `expr/**/ession(`.

use super::Outcome;
use super::character::push_code_point;
use super::javascript::number;
use memchr::memmem;

/// Whether the text has a form in which CSS can be: a property, a function or a rule, with an escape or a
/// comment in it.
pub fn plausible(input: &[u8]) -> bool {
    memchr::memchr3(b':', b'(', b'@', input).is_some()
        && (memchr::memchr(b'\\', input).is_some() || memmem::find(input, b"/*").is_some())
}

/// Appends the decoding of `input` to `out`: up to six hexadecimal digits behind a backslash, with the
/// white space that ends them, are a character; any other character behind one is itself; a
/// comment is nothing at all. A null is dropped, as old browsers did.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = input;
    let mut comments = true;
    while let Some((plain, tail)) =
        memchr::memchr2(b'\\', b'/', rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(plain);
        rest = match tail {
            [b'/', b'*', inside @ ..] if comments => {
                if let Some(end) = memmem::find(inside, b"*/") {
                    outcome.changed = true;
                    inside.get(end + 2..).unwrap_or_default()
                } else {
                    // None of the comments behind has an end either.
                    comments = false;
                    out.extend_from_slice(b"/*");
                    inside
                }
            }
            [b'\\', b'\r', b'\n', after @ ..] | [b'\\', b'\r' | b'\n' | 0x0C, after @ ..] => {
                outcome.changed = true;
                after
            }
            [b'\\', escaped @ ..] => {
                if let Some((code_point, after)) = number(escaped, 6) {
                    outcome.changed = true;
                    if code_point != 0 {
                        push_code_point(code_point, out);
                    }
                    match after {
                        [b'\r', b'\n', after @ ..]
                        | [b' ' | b'\t' | b'\r' | b'\n' | 0x0C, after @ ..] => after,
                        _ => after,
                    }
                } else if let [character, after @ ..] = escaped {
                    outcome.changed = true;
                    out.push(*character);
                    after
                } else {
                    out.push(b'\\');
                    escaped
                }
            }
            [first, after @ ..] => {
                out.push(*first);
                after
            }
            [] => return outcome,
        };
    }
    out.extend_from_slice(rest);
    outcome
}
