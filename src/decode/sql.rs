//! SQL comments and white space: `union/**/select`, `/*!50000union*/ select`, `union--x⏎select` and
//! `union%a0select` all become `union select`.

use super::Outcome;
use super::utf8::well_formed;
use memchr::memmem;

/// Appends `input` to `out` with comments of the form `/* … */` turned into a space, what MySQL runs of
/// `/*! … */` kept, and each run of white space made one space. White space at either end goes. A
/// comment without end stays, for it is the mark of an attack.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    compact(input, Reading::Outermost, out)
}

/// Like [`decode`], but a comment begins at the last `/*` before its end, not at the first: so an
/// opening that is hidden in a string (`'/*' union/**/select`) takes nothing with it, and comments
/// nest, as they do in PostgreSQL.
pub fn decode_innermost(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    compact(input, Reading::Innermost, out)
}

/// Like [`decode`], with comments from `--` or `#` to the end of the line turned into a space too. One
/// that ends the text stays.
pub fn decode_lines(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    compact(input, Reading::Lines, out)
}

/// Whether [`decode_innermost`] may give another text than [`decode`]: a comment opens inside of one.
pub fn nested(input: &[u8]) -> bool {
    let mut open = false;
    for pair in input.windows(2) {
        match pair {
            b"/*" if open => return true,
            b"/*" => open = true,
            b"*/" => open = false,
            _ => (),
        }
    }
    false
}

/// Whether [`decode_lines`] may give another text than [`decode`].
pub fn has_lines(input: &[u8]) -> bool {
    let Some(last) = memchr::memrchr2(b'\n', b'\r', input.trim_ascii_end()) else {
        return false;
    };
    let lines = input.get(..last).unwrap_or_default();
    memchr::memchr(b'#', lines).is_some() || memmem::find(lines, b"--").is_some()
}

/// Whether a character beyond ASCII is white space to some database (SQL Server) or language.
fn is_space(character: &[u8]) -> bool {
    matches!(
        character,
        [0xC2, 0xA0]
            | [0xE1, 0x9A, 0x80]
            | [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF]
            | [0xE2, 0x81, 0x9F]
            | [0xE3, 0x80, 0x80]
            | [0xEF, 0xBB, 0xBF]
    )
}

/// Whether such a character occurs, besides the space that does not break.
pub fn has_wide_space(input: &[u8]) -> bool {
    memchr::memchr3_iter(0xE2, 0xE3, 0xEF, input)
        .any(|at| input.get(at..at + 3).is_some_and(is_space))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Outermost,
    Innermost,
    Lines,
}

fn compact(input: &[u8], reading: Reading, out: &mut Vec<u8>) -> Outcome {
    let mut compact = Compact {
        start: out.len(),
        out,
        plus_is_space: plus_is_space(input),
    };
    let mut open = 0_usize;
    let mut executed = 0_usize;
    let mut ended = true;
    let mut rest = input;
    while !rest.is_empty() {
        rest = match rest {
            [b'/', b'*', b'!', after @ ..] if runs(after) => {
                executed += 1;
                compact.space();
                version(after)
            }
            [b'/', b'*', b'M' | b'm', b'!', after @ ..] if runs(after) => {
                executed += 1;
                compact.space();
                version(after)
            }
            [b'/', b'*', inside @ ..] if reading == Reading::Innermost => {
                open += 1;
                compact.out.extend_from_slice(b"/*");
                inside
            }
            [b'/', b'*', inside @ ..] if ended => {
                if let Some(end) = memmem::find(inside, b"*/") {
                    compact.space();
                    inside.get(end + 2..).unwrap_or_default()
                } else {
                    // None of the comments behind has an end either.
                    ended = false;
                    compact.out.extend_from_slice(b"/*");
                    inside
                }
            }
            [b'*', b'/', after @ ..] if open > 0 => {
                open -= 1;
                compact.close();
                after
            }
            [b'*', b'/', after @ ..] if executed > 0 => {
                executed -= 1;
                compact.space();
                after
            }
            [b'#', after @ ..] | [b'-', b'-', after @ ..] if reading == Reading::Lines => {
                match memchr::memchr2(b'\n', b'\r', after).and_then(|end| after.get(end..)) {
                    Some(next) => {
                        compact.space();
                        next
                    }
                    None => {
                        compact.out.extend_from_slice(rest);
                        &[]
                    }
                }
            }
            [0x80..=0xFF, ..] if well_formed(rest) > 0 => {
                let (character, after) = rest
                    .split_at_checked(well_formed(rest))
                    .unwrap_or((rest, &[]));
                if is_space(character) {
                    compact.space();
                } else {
                    compact.out.extend_from_slice(character);
                }
                after
            }
            // Alone this is the same space in Latin-1.
            [0x01..=0x20 | 0xA0, after @ ..] => {
                compact.space();
                after
            }
            [b'+', after @ ..] if compact.plus_is_space => {
                compact.space();
                after
            }
            [_, after @ ..] => {
                let plain = after
                    .iter()
                    .position(|byte| !byte.is_ascii_alphanumeric())
                    .unwrap_or(after.len());
                let (plain, after) = rest.split_at_checked(plain + 1).unwrap_or((rest, &[]));
                compact.out.extend_from_slice(plain);
                after
            }
            [] => break,
        };
    }
    compact.end();
    let Compact { out, start, .. } = compact;
    Outcome {
        changed: out.get(start..) != Some(input),
        ..Outcome::default()
    }
}

/// Whether `+` may stand for a space: a text with no white space at all may have had it written so
/// and been decoded by nobody who knew; cookies and paths are where this happens. One alone is that
/// of a media type, a telephone number or a sum.
pub fn plus_is_space(input: &[u8]) -> bool {
    memchr::memchr_iter(b'+', input).nth(1).is_some() && !input.iter().any(|byte| *byte <= b' ')
}

/// The compact text while it is written.
struct Compact<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    plus_is_space: bool,
}

impl Compact<'_> {
    /// Appends a space unless there is one or nothing stands before it.
    fn space(&mut self) {
        if self.out.len() > self.start && self.out.last() != Some(&b' ') {
            self.out.push(b' ');
        }
    }

    /// Takes the comment away that was opened last. What is searched is what goes, so that all
    /// comments together cost one pass.
    fn close(&mut self) {
        let written = self.out.get(self.start..).unwrap_or_default();
        if let Some(open) = memmem::rfind(written, b"/*") {
            self.out.truncate(self.start + open);
            self.space();
        }
    }

    fn end(&mut self) {
        while self.out.len() > self.start && self.out.last() == Some(&b' ') {
            self.out.pop();
        }
    }
}

/// Whether a server that exists runs what follows `/*!`: no version, or one below 9.9.99 of MySQL
/// (five digits, or six with a leading zero) or 20 of MariaDB (six digits).
fn runs(text: &[u8]) -> bool {
    let (version, digits) = number(text);
    match digits {
        5.. => version != 99_999 && version < 200_000,
        _ => true,
    }
}

/// What follows the version behind `/*!`.
fn version(text: &[u8]) -> &[u8] {
    match number(text).1 {
        digits @ 5.. => text.get(digits..).unwrap_or_default(),
        _ => text,
    }
}

/// The version at the beginning of the text, and its number of digits: five, or six where the first says
/// so (MySQL 8.0.34 may be 080034, MariaDB 10.5 is 100500).
fn number(text: &[u8]) -> (u32, usize) {
    let most = if matches!(text, [b'0'..=b'2', ..]) {
        6
    } else {
        5
    };
    let digits = text
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let version = text
        .iter()
        .take(digits)
        .fold(0, |version, byte| version * 10 + u32::from(byte - b'0'));
    (version, digits)
}
