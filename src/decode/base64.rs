//! Base64 (RFC 4648, 4 and 5; with or without padding), only where a text plausibly is base64: what
//! it decodes to must be text. A token, a digest, a key or an image decodes to bytes that are not.

use super::Outcome;
use super::signs::{DIGIT, LETTERS, SPACE, Signs, UPPER, WHITE, classes};
use super::utf8::well_formed;

/// Characters that a text must have to be taken for base64 as a whole.
const SHORTEST_WHOLE: usize = 8;
/// Characters that a run inside of other text must have.
const SHORTEST_RUN: usize = 16;

/// Whether a text of that length with these signs may hold base64 that anybody reads as such.
pub(super) const fn may_apply(signs: Signs, length: usize) -> bool {
    length >= SHORTEST_WHOLE
        && signs.any(UPPER)
        && (length >= SHORTEST_RUN || signs.only(LETTERS | DIGIT | WHITE | SPACE | MARKS))
}

/// What stands in base64 beside letters and digits.
const MARKS: u64 = classes(b"+/-_=");

/// Whether there is anything to decode.
pub fn applies(input: &[u8]) -> bool {
    whole(input) || runs(input).next().is_some()
}

/// Appends `input` to `out` with each run that plausibly is base64 replaced by what it decodes to.
/// Bits left over at the end of a run are dropped, as lenient decoders do.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    if whole(input) {
        outcome.changed = true;
        unpack(sextets_of_whole(input), out);
        return outcome;
    }
    let mut copied = 0;
    for run in runs(input) {
        outcome.changed = true;
        out.extend_from_slice(input.get(copied..run.start).unwrap_or_default());
        unpack(
            sextets(input.get(run.start..run.end).unwrap_or_default()),
            out,
        );
        copied = run.behind;
    }
    out.extend_from_slice(input.get(copied..).unwrap_or_default());
    outcome
}

/// The value of a character in the standard or the URL-safe alphabet.
fn sextet(byte: u8) -> Option<u8> {
    let value = SEXTETS.get(usize::from(byte)).copied()?;
    (value < 64).then_some(value)
}

/// By byte, the value in the alphabet; more than any value for other bytes.
const SEXTETS: [u8; 256] = {
    let mut table = [u8::MAX; 256];
    let mut byte = 0;
    let mut rest: &mut [u8] = &mut table;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => u8::MAX,
        };
        byte = byte.wrapping_add(1);
        rest = others;
    }
    table
};

fn sextets(run: &[u8]) -> impl Iterator<Item = u8> {
    run.iter().filter_map(|byte| sextet(*byte))
}

/// A space inside is a `+` that form decoding took (WHATWG URL, 5.1); line breaks carry nothing
/// (RFC 2045, 6.8).
fn sextets_of_whole(text: &[u8]) -> impl Iterator<Item = u8> {
    text.trim_ascii()
        .iter()
        .filter_map(|byte| sextet(if *byte == b' ' { b'+' } else { *byte }))
}

fn unpack(sextets: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    out.extend(Octets::new(sextets));
}

/// Sextets joined to octets.
struct Octets<I> {
    sextets: I,
    bits: u32,
    count: u32,
}

impl<I> Octets<I> {
    fn new(sextets: I) -> Self {
        Self {
            sextets,
            bits: 0,
            count: 0,
        }
    }
}

impl<I: Iterator<Item = u8>> Iterator for Octets<I> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        while self.count < 8 {
            self.bits = self.bits << 6 | u32::from(self.sextets.next()?);
            self.count += 6;
        }
        self.count -= 8;
        Some((self.bits >> self.count) as u8)
    }
}

/// Whether the text as a whole is base64 and decodes to text.
pub fn whole(input: &[u8]) -> bool {
    let text = input.trim_ascii();
    let Some(end) = text.iter().rposition(|byte| *byte != b'=') else {
        return false;
    };
    let Some((body, padding)) = text.split_at_checked(end + 1) else {
        return false;
    };
    // Behind a slash a better reading may begin, which is what runs are tried for.
    let odd = if memchr::memchr(b'/', body).is_some() {
        0
    } else {
        ODD
    };
    if padding.len() > 3 || body.len() < SHORTEST_WHOLE {
        return false;
    }
    let inner = body.trim_ascii_end();
    let blank = body.get(inner.len()..).unwrap_or_default();
    // Prose is no text behind a few bytes, other values hold a foreign byte soon: what comes first ends it.
    let mut foreign = blank.iter().any(|byte| !is_blank(*byte));
    let mut bytes = inner.iter();
    let sextets = std::iter::from_fn(|| {
        loop {
            match *bytes.next()? {
                b' ' => return Some(62),
                byte if is_blank(byte) => {}
                byte => {
                    let known = sextet(byte);
                    foreign |= known.is_none();
                    return known;
                }
            }
        }
    });
    is_text(sextets, body.len() / 4 * 3, odd) && !foreign && mixed(body)
}

/// What may stand between the characters of a text that is base64 as a whole.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\r' | b'\n')
}

/// A word, a number or a digest has one kind of character; base64 of that length hardly ever.
fn mixed(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_uppercase) && !run.iter().all(u8::is_ascii_uppercase)
}

/// A run of base64 inside of other text.
struct Run {
    start: usize,
    end: usize,
    /// Index behind the run and its padding.
    behind: usize,
}

fn runs(input: &[u8]) -> impl Iterator<Item = Run> {
    let mut from = 0;
    std::iter::from_fn(move || {
        while let Some((start, end)) = next_run(input, from) {
            from = end;
            let plausible = plausible_part(input, start, end);
            if let Some(start) = plausible {
                let padding = input
                    .get(end..)
                    .unwrap_or_default()
                    .iter()
                    .take(3)
                    .take_while(|byte| **byte == b'=')
                    .count();
                return Some(Run {
                    start,
                    end,
                    behind: end + padding,
                });
            }
        }
        None
    })
}

/// The next run of at least [`SHORTEST_RUN`] characters of the alphabet at or behind `from`. Of so
/// many neighbours one stands at every multiple, so most of the text is never looked at.
fn next_run(input: &[u8], from: usize) -> Option<(usize, usize)> {
    let in_alphabet = |byte: &&u8| sextet(**byte).is_some();
    let mut at = from + SHORTEST_RUN - 1;
    let mut least = from;
    while let Some(byte) = input.get(at) {
        if in_alphabet(&byte) {
            let before = input.get(least..at).unwrap_or_default().iter().rev();
            let start = at - before.take_while(in_alphabet).count();
            let behind = input.get(at..).unwrap_or_default().iter();
            let end = at + behind.take_while(in_alphabet).count();
            if end - start >= SHORTEST_RUN {
                return Some((start, end));
            }
            least = end;
            at = end + SHORTEST_RUN;
        } else {
            least = at + 1;
            at += SHORTEST_RUN;
        }
    }
    None
}

/// Where base64 that is text begins in a run: at its start, or behind a slash that separates the segments
/// of a path. A place from which all is text goes before one from which nearly all is.
fn plausible_part(input: &[u8], start: usize, end: usize) -> Option<usize> {
    // Where the whole run is of one kind, so is every part of it.
    if !mixed(input.get(start..end)?) {
        return None;
    }
    [0, ODD].into_iter().find_map(|odd| {
        let mut from = start;
        // More slashes than these are a path; each try reads on until it is refuted, so their
        // number is bounded.
        for _ in 0..4 {
            let part = input.get(from..end)?;
            if part.len() < SHORTEST_RUN {
                return None;
            }
            if mixed(part) && is_text(sextets(part), part.len() / 4 * 3, odd) {
                return Some(from);
            }
            from += memchr::memchr(b'/', part)? + 1;
        }
        None
    })
}

/// One octet in so many may be odd in a text: somebody may have put it there to make it look like none.
const ODD: usize = 8;

/// Whether octets are text: ASCII or UTF-8, or UTF-16, which has a null byte at every second place.
/// `expected` is their number, and one in `tolerance` of them may be something else (none if that is 0, or
/// if the text is short).
fn is_text(sextets: impl Iterator<Item = u8>, expected: usize, tolerance: usize) -> bool {
    let permitted = if expected < 16 {
        0
    } else {
        expected.checked_div(tolerance).unwrap_or(0)
    };
    let mut odd = 0;
    let mut nulls = 0;
    let mut total = 0;
    let mut character = Character::default();
    for octet in Octets::new(sextets) {
        total += 1;
        match octet {
            0 => nulls += 1,
            b'\t' | b'\n' | b'\r' | 0x20..=0x7E => odd += character.end(),
            0x80.. => odd += character.push(octet),
            _ => odd += 1,
        }
        if odd > permitted {
            return false;
        }
    }
    odd += character.end();
    let utf16 = nulls * 5 >= total * 2 && nulls * 5 <= total * 3;
    total > 0 && (odd + nulls <= permitted || odd <= permitted && utf16)
}

/// Counts the octets beyond ASCII that make no character.
#[derive(Default)]
struct Character {
    bytes: [u8; 4],
    length: usize,
}

impl Character {
    /// Takes one octet, and gives the number of octets that turn out to be in no character.
    fn push(&mut self, octet: u8) -> usize {
        let mut odd = 0;
        if octet & 0xC0 != 0x80 {
            odd += self.end();
        }
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = octet;
            self.length += 1;
        } else {
            odd += self.end() + 1;
        }
        if well_formed(self.bytes.get(..self.length).unwrap_or_default()) == self.length {
            self.length = 0;
        }
        odd
    }

    /// What was begun does not go on: its octets are in no character.
    fn end(&mut self) -> usize {
        std::mem::take(&mut self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same as [`whole`], one question after the other.
    fn whole_by_definition(input: &[u8]) -> bool {
        let text = input.trim_ascii();
        let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
        let body = text.get(..text.len() - padding).unwrap_or_default();
        let odd = if body.contains(&b'/') { 0 } else { ODD };
        padding <= 3
            && body.len() >= SHORTEST_WHOLE
            && body
                .iter()
                .all(|byte| sextet(*byte).is_some() || b" \r\n".contains(byte))
            && body.iter().any(u8::is_ascii_uppercase)
            && !body.iter().all(u8::is_ascii_uppercase)
            && is_text(sextets_of_whole(body), body.len() / 4 * 3, odd)
    }

    #[test]
    fn whole_is_what_its_definition_says() {
        let pieces = [
            "Zm9v", "IGJhcg", "ABCD", "abcd", " ", "\n", "\t", "=", "/", ".", "+-_A",
        ];
        let mut yes = 0;
        for number in 0..pieces.len().pow(4) {
            let digit = |place| number / pieces.len().pow(place) % pieces.len();
            let chosen = (0..4).filter_map(|place| pieces.get(digit(place)));
            let text: String = chosen.copied().collect();
            for text in [text.clone(), text.repeat(3)] {
                let expected = whole_by_definition(text.as_bytes());
                assert_eq!(whole(text.as_bytes()), expected, "{text:?}");
                yes += usize::from(expected);
            }
        }
        assert!(yes > 100, "{yes}");
    }
}
