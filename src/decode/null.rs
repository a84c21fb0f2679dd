//! Null bytes: readers written in C stop at them, many filters do not see past them, and text in
//! UTF-16 has one at every second place. Without them the text reads as its author meant it (CWE-158).

use super::Outcome;
use crate::model::Anomaly;

/// Whether there is anything to remove.
pub fn applies(input: &[u8]) -> bool {
    memchr::memchr(0, input).is_some()
}

/// Appends `input` without its null bytes to `out`.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = input;
    while let Some((text, tail)) = memchr::memchr(0, rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(text);
        rest = tail.get(1..).unwrap_or_default();
        outcome.changed = true;
        outcome.anomalies.insert(Anomaly::NullByte);
    }
    out.extend_from_slice(rest);
    outcome
}
