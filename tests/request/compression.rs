//! Compressed bodies.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use palisade::model::Limits;

use crate::{body_with, list, odd};

const JSON: &[u8] = br#"{"q":"' or 1"}"#;
const FIELD: &str = "request_body|q|' or 1";

pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

pub(crate) fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

pub(crate) fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).expect("in memory");
    encoder.finish().expect("in memory")
}

/// A gzip member with every optional part of its header (RFC 1952, 2.3).
fn gzip_with_everything() -> Vec<u8> {
    let plain = gzip(JSON);
    let mut out = vec![0x1F, 0x8B, 8, 4 | 8 | 16 | 2];
    out.extend_from_slice(&plain[4..10]);
    out.extend_from_slice(&[3, 0, b'a', b'b', b'c']);
    out.extend_from_slice(b"name\0comment\0\x12\x34");
    out.extend_from_slice(&plain[10..]);
    out
}

fn read(
    codings: &[&str],
    text: &[u8],
    complete: bool,
    limits: &Limits,
) -> (Vec<String>, Vec<&'static str>) {
    let mut headers: Vec<(&[u8], &[u8])> = vec![(b"content-type", b"application/json")];
    headers.extend(
        codings
            .iter()
            .map(|coding| (&b"Content-Encoding"[..], coding.as_bytes())),
    );
    let fields = body_with(&headers, text, complete, limits);
    (list(&fields), odd(&fields))
}

#[test]
fn codings() {
    // Made with Google's encoder.
    let br: &[u8] = BR;
    let twice = gzip(&zlib(JSON));
    for (why, codings, text) in [
        ("RFC 1952", &["gzip"][..], gzip(JSON)),
        ("the old name, upper case", &["X-GZIP"], gzip(JSON)),
        (
            "a header with all its options",
            &["gzip"],
            gzip_with_everything(),
        ),
        (
            "members one after the other (RFC 1952, 2.2)",
            &["gzip"],
            [gzip(&JSON[..5]), gzip(&JSON[5..])].concat(),
        ),
        (
            "padding behind the last member",
            &["gzip"],
            [gzip(JSON), vec![0; 9]].concat(),
        ),
        (
            "deflate is zlib (RFC 9110, 8.4.1.2)",
            &["deflate"],
            zlib(JSON),
        ),
        (
            "deflate as some clients understood it",
            &["deflate"],
            deflate(JSON),
        ),
        ("RFC 7932", &["br"], br.to_vec()),
        (
            "several in one header, in the order in which they were applied",
            &["deflate, gzip"],
            twice.clone(),
        ),
        ("several headers", &["deflate", "gzip"], twice),
        ("identity is none", &["identity"], JSON.to_vec()),
        ("nothing is none", &[""], JSON.to_vec()),
    ] {
        assert_eq!(
            read(codings, &text, true, &Limits::default()),
            (vec![FIELD.to_owned()], vec![]),
            "{why}"
        );
    }
}

#[test]
fn bodies_that_are_not_in_their_coding() {
    // A server that ignores the header reads the body as it stands.
    for coding in ["gzip", "deflate", "br"] {
        let (fields, anomalies) = read(&[coding], JSON, true, &Limits::default());
        assert!(fields.contains(&FIELD.to_owned()), "{coding} {fields:?}");
        assert_eq!(anomalies, ["invalid_compression"], "{coding}");
    }
    let (fields, anomalies) = read(&["zstd"], JSON, true, &Limits::default());
    assert!(fields.contains(&FIELD.to_owned()));
    assert_eq!(anomalies, ["unknown_compression"]);
    // Past four codings nobody unpacks.
    let many = ["identity, identity, gzip, gzip, gzip, gzip, gzip"];
    assert!(
        read(&many, JSON, true, &Limits::default())
            .1
            .contains(&"unknown_compression")
    );
    // Text behind the end of the stream.
    let (_, anomalies) = read(
        &["gzip"],
        &[gzip(JSON), b"' or 1".to_vec()].concat(),
        true,
        &Limits::default(),
    );
    assert_eq!(anomalies, ["invalid_compression"]);
    // Cut short, and said to be whole.
    let packed = gzip(JSON);
    let (_, anomalies) = read(
        &["gzip"],
        &packed[..packed.len() - 9],
        true,
        &Limits::default(),
    );
    assert_eq!(anomalies, ["invalid_compression"]);
}

#[test]
fn a_cut_body_is_not_invalid() {
    for (coding, packed) in [
        ("gzip", gzip_with_everything()),
        ("deflate", zlib(JSON)),
        ("br", BR.to_vec()),
    ] {
        for length in 0..packed.len() {
            let (_, anomalies) = read(&[coding], &packed[..length], false, &Limits::default());
            assert_eq!(anomalies, ["body_too_large"], "{coding} {length}");
        }
    }
}

#[test]
fn growth_has_limits() {
    // 1000 letters in few bytes, in every coding.
    let text = [b"\"".to_vec(), vec![b'a'; 998], b"\"".to_vec()].concat();
    for (coding, packed) in [
        ("gzip", gzip(&text)),
        ("deflate", zlib(&text)),
        ("deflate", deflate(&text)),
        ("br", BR_1000.to_vec()),
    ] {
        let size = |decompressed_bytes, decompression_ratio| {
            let limits = Limits {
                decompressed_bytes,
                decompression_ratio,
                ..Limits::default()
            };
            let (fields, anomalies) = read(&[coding], &packed, true, &limits);
            let longest = fields.iter().map(String::len).max().unwrap_or(0);
            (longest - "request_body||".len(), anomalies)
        };
        assert_eq!(size(1000, 1000), (998, vec![]), "{coding}");
        let under = size(999, 1000);
        assert_eq!(under, (998, vec!["decompression_limit"]), "{coding}");
        assert_eq!(size(500, 1000).0, 499, "{coding}");
        // The least ratio that holds all of it, and one less.
        let ratio = 1000_usize.div_ceil(packed.len());
        assert_eq!(size(10_000, ratio).1, [""; 0], "{coding}");
        assert_eq!(
            size(10_000, ratio - 1).1,
            ["decompression_limit"],
            "{coding}"
        );
    }
}

#[test]
fn a_heap_of_members_has_an_end() {
    let members = gzip(b"").repeat(65);
    assert_eq!(
        read(&["gzip"], &members, true, &Limits::default()).1.last(),
        Some(&"decompression_limit")
    );
}

/// [`JSON`] in brotli.
const BR: &[u8] = &[
    0x8b, 0x06, 0x80, 0x7b, 0x22, 0x71, 0x22, 0x3a, 0x22, 0x27, 0x20, 0x6f, 0x72, 0x20, 0x31, 0x22,
    0x7d, 0x03,
];

/// A JSON string of 998 letters in brotli.
const BR_1000: &[u8] = &[
    0x1b, 0xe7, 0x03, 0xf8, 0xa5, 0x44, 0xc2, 0x4a, 0x91, 0xca, 0x02, 0x81, 0x9f, 0x05,
];
