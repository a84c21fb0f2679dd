//! The piece of a text that a rule matched, for policies that ask for excerpts: short, and with secrets
//! struck out.

use super::compile::Test;
use super::redact::{has_secret, is_secret_name, strike_out};

/// Matches of a request of which there is an excerpt.
pub(super) const MOST: usize = 8;
/// Bytes of an excerpt, and how many of them stand before the match.
const LONGEST: usize = 96;
const BEFORE: usize = 24;
/// Bytes on both sides of an excerpt that are looked at to recognise secrets that reach into it.
const AROUND: usize = 256;
/// Bytes of a text of which another form is shown.
const MOST_PLAIN: usize = 2048;

/// What a test matched in a text of a field of that name. Where the text is another form of `plain`, as it
/// was before it was decoded further or before it was decoded at all, what is secret may not look it
/// any more: then nothing is shown unless `plain` is short and has nothing secret in it. `more` are further
/// words of secret names.
pub(super) fn of(
    test: &Test,
    name: &[u8],
    text: &[u8],
    plain: Option<&[u8]>,
    more: &[String],
) -> Vec<u8> {
    let hides = |plain: &[u8]| plain.len() > MOST_PLAIN || has_secret(plain, more);
    if is_secret_name(name, more) || plain.is_some_and(hides) {
        return b"[redacted]".to_vec();
    }
    let start = begins(test, text).saturating_sub(BEFORE);
    let end = start.saturating_add(LONGEST).min(text.len());
    let from = start.saturating_sub(AROUND);
    let to = end.saturating_add(AROUND).min(text.len());
    let mut region = text.get(from..to).unwrap_or_default().to_vec();
    strike_out(&mut region, more);
    let shown = region.get(start - from..end.saturating_sub(from));
    shown.unwrap_or_default().to_vec()
}

/// Where the first match begins; what has no place of its own concerns the text as a whole.
fn begins(test: &Test, text: &[u8]) -> usize {
    let place = match test {
        Test::Byte(byte) => {
            let (lower, upper) = (byte.to_ascii_lowercase(), byte.to_ascii_uppercase());
            memchr::memchr2(lower, upper, text)
        }
        Test::Texts(automaton) => automaton.find(text).map(|found| found.start()),
        Test::Pattern(pattern) => pattern.begins(text),
        Test::Detector(_) | Test::Anomalies(_) | Test::When => None,
    };
    place.unwrap_or(0)
}
