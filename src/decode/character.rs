//! Code points and UTF-16 code units to UTF-8.

/// Appends a code point as UTF-8; what is no character (a surrogate, a number past U+10FFFF)
/// becomes U+FFFD.
pub(super) fn push_code_point(code_point: u32, out: &mut Vec<u8>) {
    let character = char::from_u32(code_point).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The code point that two UTF-16 code units spell together, if they are a pair of surrogates.
pub(super) fn utf16_pair(first: u16, second: u16) -> Option<u32> {
    match (first, second) {
        (0xD800..=0xDBFF, 0xDC00..=0xDFFF) => {
            Some(0x1_0000 + (u32::from(first & 0x3FF) << 10 | u32::from(second & 0x3FF)))
        }
        _ => None,
    }
}

/// Appends a UTF-16 code unit, or two that are a pair, as UTF-8.
pub(super) fn push_utf16(first: u16, second: Option<u16>, out: &mut Vec<u8>) {
    let pair = second.and_then(|second| utf16_pair(first, second));
    push_code_point(pair.unwrap_or(u32::from(first)), out);
}
