//! Real dynamic metadata through the proxy's `header_to_metadata` filter: the decision as a
//! protobuf `google.protobuf.Value`, in base64, in a private header that the filter takes away.

use crate::engine::Item;

/// Writes some entries as a `google.protobuf.Value` that holds a `Struct`.
pub(super) fn write_value(entries: &[(&str, Item<'_>)], out: &mut Vec<u8>) {
    // Value.struct_value is field 5.
    nested(out, 5, |out| write_struct(entries, out));
}

/// Writes some entries as a `google.protobuf.Struct`.
pub(super) fn write_struct(entries: &[(&str, Item<'_>)], out: &mut Vec<u8>) {
    for (key, item) in entries {
        // Struct.fields is field 1, a map of a key (1) and a value (2).
        nested(out, 1, |out| {
            bytes(out, 1, key.as_bytes());
            nested(out, 2, |out| write_item(item, out));
        });
    }
}

/// Writes what stands in one `Value`. Text that is not UTF-8 would make the whole unreadable.
fn write_item(item: &Item<'_>, out: &mut Vec<u8>) {
    match item {
        Item::Text(text) => bytes(out, 3, String::from_utf8_lossy(text).as_bytes()),
        Item::Number(number) => {
            // Value.number_value is field 2, a double.
            out.push(2 << 3 | 1);
            out.extend_from_slice(&(*number as f64).to_le_bytes());
        }
        // Value.bool_value is field 4.
        Item::True => out.extend_from_slice(&[4 << 3, 1]),
        // Value.list_value is field 6, a ListValue whose field 1 are the values.
        Item::List(items) => nested(out, 6, |out| {
            for item in items {
                nested(out, 1, |out| write_item(item, out));
            }
        }),
        Item::Map(entries) => write_value(entries, out),
    }
}

/// The argument of Envoy's foreign function `declare_property` for a key that holds a `Struct`:
/// `DeclarePropertyArguments` with a name (field 1), the type Protobuf (field 3), and its URL (field 4).
#[cfg(any(target_os = "wasi", palisade_abi, test))]
pub(super) fn struct_declaration(key: &str) -> Vec<u8> {
    let mut out = Vec::new();
    bytes(&mut out, 1, key.as_bytes());
    out.extend_from_slice(&[3 << 3, 3]);
    bytes(&mut out, 4, b"type.googleapis.com/google.protobuf.Struct");
    out
}

/// Writes base64 with the standard alphabet and padding (RFC 4648, 4).
pub(super) fn write_base64(input: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| ALPHABET.get((bits & 63) as usize).copied().unwrap_or(b'=');
    out.reserve(input.len().div_ceil(3).saturating_mul(4));
    let (groups, rest) = input.as_chunks::<3>();
    for [a, b, c] in groups {
        let bits = u32::from_be_bytes([0, *a, *b, *c]);
        out.extend_from_slice(&[
            letter(bits >> 18),
            letter(bits >> 12),
            letter(bits >> 6),
            letter(bits),
        ]);
    }
    match rest {
        [a] => {
            let bits = u32::from(*a) << 16;
            out.extend_from_slice(&[letter(bits >> 18), letter(bits >> 12), b'=', b'=']);
        }
        [a, b] => {
            let bits = u32::from_be_bytes([0, *a, *b, 0]);
            let last = letter(bits >> 6);
            out.extend_from_slice(&[letter(bits >> 18), letter(bits >> 12), last, b'=']);
        }
        _ => {}
    }
}

/// A length-delimited field.
fn bytes(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field << 3 | 2);
    if value.len() < 0x80 {
        out.push(value.len() as u8);
    } else {
        out.extend(varint(value.len()));
    }
    out.extend_from_slice(value);
}

/// The same for what is still to be written. Most is short: its length has the one byte that is kept free.
fn nested(out: &mut Vec<u8>, field: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(field << 3 | 2);
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len().saturating_sub(at).saturating_sub(1);
    match out.get_mut(at) {
        Some(byte) if length < 0x80 => *byte = length as u8,
        _ => {
            out.splice(at..at.saturating_add(1), varint(length));
        }
    }
}

/// A number in groups of seven bits, the lowest first.
fn varint(number: usize) -> impl Iterator<Item = u8> {
    let mut rest = Some(number);
    std::iter::from_fn(move || {
        let number = rest?;
        let more = number >> 7;
        rest = (more > 0).then_some(more);
        Some((number & 0x7F) as u8 | if more > 0 { 0x80 } else { 0 })
    })
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

    #[test]
    fn lengths_of_any_size() {
        for (length, expected) in [
            (0, &[0x00][..]),
            (127, &[0x7F]),
            (128, &[0x80, 0x01]),
            (16_384, &[0x80, 0x80, 0x01]),
        ] {
            let value = vec![b'x'; length];
            let mut flat = Vec::new();
            bytes(&mut flat, 1, &value);
            assert_eq!(flat, [&[0x0A], expected, &value[..]].concat());
            let mut inside = Vec::new();
            nested(&mut inside, 1, |out| out.extend_from_slice(&value));
            assert_eq!(flat, inside);
        }
    }
}
