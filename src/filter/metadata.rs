//! Real dynamic metadata through the proxy's `header_to_metadata` filter: the decision as a
//! protobuf `google.protobuf.Value`, in base64, in a private header that the filter takes away.

use crate::model::{Action, Named, Verdict};

/// Writes the decision as a `google.protobuf.Value` that holds a `Struct`.
pub(super) fn write_value(verdict: &Verdict, out: &mut Vec<u8>) {
    let mut fields = Vec::new();
    entry(&mut fields, "action", &text(verdict.action.name()));
    if !verdict.reasons.is_empty() {
        let names = verdict.reasons.iter().map(|category| text(category.name()));
        entry(&mut fields, "reasons", &list(names));
    }
    if verdict.action != Action::Allow || !verdict.hits.is_empty() {
        let mut rules: Vec<u32> = verdict.hits.iter().map(|hit| hit.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        entry(&mut fields, "rules", &list(rules.into_iter().map(number)));
    }
    // Value.struct_value is field 5, Struct.fields is field 1.
    bytes(out, 5, &fields);
}

/// Writes base64 with the standard alphabet and padding (RFC 4648, 4).
pub(super) fn write_base64(input: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in input.chunks(3) {
        let mut group = [0; 4];
        for (to, from) in group.iter_mut().skip(1).zip(chunk) {
            *to = *from;
        }
        let bits = u32::from_be_bytes(group);
        for index in 0..4 {
            let digit = (bits >> (18 - 6 * index)) & 63;
            let letter = ALPHABET.get(digit as usize).copied().unwrap_or(b'=');
            out.push(if index <= chunk.len() { letter } else { b'=' });
        }
    }
}

/// `Value.string_value`, field 3.
fn text(value: &str) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 3, value.as_bytes());
    out
}

/// `Value.number_value`, field 2, a double.
fn number(value: u32) -> Vec<u8> {
    let mut out = vec![2 << 3 | 1];
    out.extend_from_slice(&f64::from(value).to_le_bytes());
    out
}

/// `Value.list_value`, field 6, a `ListValue` whose field 1 are the values.
fn list(values: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut items = Vec::new();
    values.for_each(|value| bytes(&mut items, 1, &value));
    let mut out = Vec::new();
    bytes(&mut out, 6, &items);
    out
}

/// One entry of `Struct.fields`: a map entry of a key and a value.
fn entry(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let mut pair = Vec::new();
    bytes(&mut pair, 1, key.as_bytes());
    bytes(&mut pair, 2, value);
    bytes(out, 1, &pair);
}

/// A length-delimited field.
fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 2);
    let mut length = value.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_the_rfc() {
        // RFC 4648, 10.
        for (input, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = Vec::new();
            write_base64(input.as_bytes(), &mut out);
            assert_eq!(out, expected.as_bytes());
        }
    }
}
