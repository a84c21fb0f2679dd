//! Real dynamic metadata through the proxy's `header_to_metadata` filter: the decision as a
//! protobuf `google.protobuf.Value`, in base64, in a private header that the filter takes away.

use crate::engine::Item;

/// Writes some entries as a `google.protobuf.Value` that holds a `Struct`.
pub(super) fn write_value(entries: &[(&str, Item<'_>)], out: &mut Vec<u8>) {
    let mut fields = Vec::new();
    write_struct(entries, &mut fields);
    // Value.struct_value is field 5.
    bytes(out, 5, &fields);
}

/// Writes some entries as a `google.protobuf.Struct`.
pub(super) fn write_struct(entries: &[(&str, Item<'_>)], out: &mut Vec<u8>) {
    for (key, item) in entries {
        let mut pair = Vec::new();
        bytes(&mut pair, 1, key.as_bytes());
        bytes(&mut pair, 2, &value(item));
        // Struct.fields is field 1.
        bytes(out, 1, &pair);
    }
}

/// One `Value`. Text that is not UTF-8 would make the whole unreadable.
fn value(item: &Item<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match item {
        Item::Text(text) => bytes(&mut out, 3, String::from_utf8_lossy(text).as_bytes()),
        Item::Number(number) => {
            // Value.number_value is field 2, a double.
            out.push(2 << 3 | 1);
            out.extend_from_slice(&(*number as f64).to_le_bytes());
        }
        // Value.bool_value is field 4.
        Item::True => out.extend_from_slice(&[4 << 3, 1]),
        Item::List(items) => {
            // Value.list_value is field 6, a ListValue whose field 1 are the values.
            let mut list = Vec::new();
            items
                .iter()
                .for_each(|item| bytes(&mut list, 1, &value(item)));
            bytes(&mut out, 6, &list);
        }
        Item::Map(entries) => write_value(entries, &mut out),
    }
    out
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
