//! Percent-encoding (RFC 3986, 2.1) and, for forms and queries, `+` for a space (WHATWG URL, 5.1).

use super::Outcome;
use crate::model::Anomaly;

/// Whether there is a `%` with two hexadecimal digits to decode.
pub fn applies(input: &[u8]) -> bool {
    memchr::memchr_iter(b'%', input).any(|at| {
        matches!(input.get(at..), Some([_, high, low, ..])
            if hex(*high).is_some() && hex(*low).is_some())
    })
}

/// Appends the decoding of `input` to `out`. A `%` without two hexadecimal digits stays as it is,
/// as servers leave it, and is an anomaly.
pub fn decode(input: &[u8], plus_is_space: bool, out: &mut Vec<u8>) -> Outcome {
    let mut outcome = Outcome::default();
    out.reserve(input.len());
    let mut rest = input;
    loop {
        rest = match rest {
            [b'%', high, low, after @ ..]
                if let (Some(high), Some(low)) = (hex(*high), hex(*low)) =>
            {
                out.push(high << 4 | low);
                outcome.changed = true;
                after
            }
            [b'%', after @ ..] => {
                out.push(b'%');
                outcome.anomalies.insert(Anomaly::InvalidPercent);
                after
            }
            [] => return outcome,
            rest => {
                let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
                let (plain, after) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
                if plus_is_space {
                    // Without a branch in it this is done for many bytes at once.
                    let mut pluses = 0;
                    out.extend(plain.iter().map(|byte| {
                        let plus = *byte == b'+';
                        pluses |= u8::from(plus);
                        if plus { b' ' } else { *byte }
                    }));
                    outcome.changed |= pluses != 0;
                } else {
                    out.extend_from_slice(plain);
                }
                after
            }
        };
    }
}

/// The value of a hexadecimal digit.
pub const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
