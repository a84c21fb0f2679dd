//! Bytes as a case writes them: a string, a table that says how to make them, or a list of both.

use std::io::Write as _;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::Value;

/// Bytes of a body, a header value, a request target.
///
/// In TOML: a string (its UTF-8), `{ hex = "00ff" }`, `{ base64 = "AP8=" }`, `{ crlf = "…" }` (every line
/// feed becomes a carriage return and a line feed), `{ gzip = B }`, `{ deflate = B }` (zlib, RFC 1950),
/// `{ to_base64 = B }`, `{ grpc = B }` (one uncompressed gRPC message), `{ utf16le = "…" }`,
/// `{ utf16be = "…" }`, each with an optional `repeat = n`, or a list of any of these, joined.
/// `B` is bytes again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        bytes_of(&value).map(Self).map_err(D::Error::custom)
    }
}

const FORMS: &str =
    "text, hex, base64, crlf, gzip, deflate, to_base64, grpc, utf16le, utf16be (and repeat)";

fn bytes_of(value: &Value) -> Result<Vec<u8>, String> {
    match value {
        Value::String(text) => Ok(text.clone().into_bytes()),
        Value::Array(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(bytes_of(part)?);
            }
            Ok(all)
        }
        Value::Table(table) => {
            let mut made = None;
            let mut repeat = 1;
            for (key, value) in table {
                if key == "repeat" {
                    repeat = value
                        .as_integer()
                        .and_then(|n| usize::try_from(n).ok())
                        .ok_or("repeat wants a number that is not negative")?;
                } else if made.replace(form(key, value)?).is_some() {
                    return Err(format!("only one of {FORMS} may stand in one table"));
                }
            }
            let made = made.ok_or(format!("a table of bytes wants one of {FORMS}"))?;
            Ok(made.repeat(repeat))
        }
        other => Err(format!(
            "bytes are a string, a table or a list, not {}",
            other.type_str()
        )),
    }
}

fn form(key: &str, value: &Value) -> Result<Vec<u8>, String> {
    let text = || value.as_str().ok_or(format!("{key} wants a string"));
    Ok(match key {
        "text" => text()?.as_bytes().to_vec(),
        "hex" => from_hex(text()?)?,
        "base64" => from_base64(text()?)?,
        "crlf" => text()?.replace('\n', "\r\n").into_bytes(),
        "gzip" => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            out.write_all(&bytes_of(value)?)
                .expect("a vector takes all");
            out.finish().expect("a vector takes all")
        }
        "deflate" => {
            let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
            out.write_all(&bytes_of(value)?)
                .expect("a vector takes all");
            out.finish().expect("a vector takes all")
        }
        "to_base64" => to_base64(&bytes_of(value)?).into_bytes(),
        "grpc" => {
            let message = bytes_of(value)?;
            let length = u32::try_from(message.len()).map_err(|_| "a gRPC message this long")?;
            let mut framed = vec![0];
            framed.extend(length.to_be_bytes());
            framed.extend(message);
            framed
        }
        "utf16le" => text()?.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf16be" => text()?.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        other => {
            return Err(format!(
                "unknown form of bytes `{other}`; there are {FORMS}"
            ));
        }
    })
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| {
            c.to_digit(16)
                .map(|d| d as u8)
                .ok_or(format!("`{c}` is no hexadecimal digit"))
        })
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err("hex wants two digits a byte".into());
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect())
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 with padding (RFC 4648, 4).
pub fn to_base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = [0; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for position in 0..4 {
            if position <= chunk.len() {
                out.push(char::from(
                    BASE64[(word >> (18 - 6 * position)) as usize & 63],
                ));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// What standard base64, with or without padding and white space, stands for.
pub fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let (mut word, mut bits) = (0u32, 0);
    for c in text
        .bytes()
        .filter(|c| !c.is_ascii_whitespace() && *c != b'=')
    {
        let digit = BASE64.iter().position(|b| *b == c);
        let digit = digit.ok_or(format!("`{}` is no base64 digit", char::from(c)))?;
        word = word << 6 | digit as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        b: Bytes,
    }

    fn read(toml: &str) -> Result<Vec<u8>, String> {
        toml::from_str::<Holder>(toml)
            .map(|holder| holder.b.0)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_makes_its_bytes() {
        let cases: &[(&str, &[u8])] = &[
            (r#"b = "é""#, b"\xc3\xa9"),
            (r#"b = { text = "ab", repeat = 2 }"#, b"abab"),
            (r#"b = { text = "ab", repeat = 0 }"#, b""),
            (r#"b = { hex = "00 ff 27" }"#, b"\x00\xff'"),
            (r#"b = { base64 = "AP8n" }"#, b"\x00\xff'"),
            (r#"b = { base64 = "AP8=" }"#, b"\x00\xff"),
            (r#"b = { to_base64 = { hex = "00ff" } }"#, b"AP8="),
            (r#"b = { to_base64 = "abcd" }"#, b"YWJjZA=="),
            ("b = { crlf = '''\na\nb''' }", b"a\r\nb"),
            (r#"b = { grpc = "abc" }"#, b"\0\0\0\0\x03abc"),
            (r#"b = { utf16le = "a<" }"#, b"a\0<\0"),
            (r#"b = { utf16be = "a<" }"#, b"\0a\0<"),
            (
                r#"b = ["a", { hex = "00" }, ["b", { text = "c", repeat = 3 }]]"#,
                b"a\0bccc",
            ),
        ];
        for (toml, expected) in cases {
            assert_eq!(read(toml).as_deref(), Ok(*expected), "{toml}");
        }
    }

    #[test]
    fn compressed_forms_decompress_to_their_text() {
        use std::io::Read as _;
        let mut out = String::new();
        let gzip = read(r#"b = { gzip = ["id=", "1"] }"#).unwrap();
        flate2::read::GzDecoder::new(&gzip[..])
            .read_to_string(&mut out)
            .unwrap();
        let deflate = read(r#"b = { deflate = "&x" }"#).unwrap();
        flate2::read::ZlibDecoder::new(&deflate[..])
            .read_to_string(&mut out)
            .unwrap();
        assert_eq!(out, "id=1&x");
    }

    #[test]
    fn what_makes_no_bytes_is_refused() {
        for (toml, word) in [
            ("b = 7", "integer"),
            ("b = {}", "wants one of"),
            (r#"b = { texd = "a" }"#, "texd"),
            (r#"b = { text = "a", hex = "00" }"#, "only one"),
            (r#"b = { text = "a", repeat = -1 }"#, "repeat"),
            (r#"b = { hex = "0" }"#, "two digits"),
            (r#"b = { hex = "zz" }"#, "hexadecimal"),
            (r#"b = { base64 = "*" }"#, "base64"),
        ] {
            let error = read(toml).unwrap_err();
            assert!(error.contains(word), "{toml}: {error}");
        }
    }
}
