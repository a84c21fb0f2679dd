//! Encodings that make bytes fit for mail: base64 and quoted-printable (RFC 2045, 6).

use crate::decode::percent::hex;

/// Base64 of either alphabet; what is no digit is skipped, and padding ends a group, so that texts
/// encoded one by one and joined decode as well.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                (bits, held) = (0, 0);
                continue;
            }
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    out
}

/// Whether a text is digits of base64, padding and white space alone.
pub(super) fn is_base64(text: &[u8]) -> bool {
    let digit = |byte: &u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/-_=".contains(byte)
    };
    text.iter().all(digit)
}

/// Quoted-printable; a `=` that begins no escape stays.
pub(super) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        let at = memchr::memchr(b'=', rest).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        out.extend_from_slice(plain);
        rest = match tail {
            [b'=', b'\r', b'\n', after @ ..] | [b'=', b'\n', after @ ..] => after,
            [b'=', a, b, after @ ..] if let (Some(high), Some(low)) = (hex(*a), hex(*b)) => {
                out.push(high << 4 | low);
                after
            }
            [first, after @ ..] => {
                out.push(*first);
                after
            }
            [] => return out,
        };
    }
}
