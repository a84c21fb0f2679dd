//! Compressed bodies: hostile ones end within their limits, honest ones come out whole.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use palisade::model::{Anomaly, Limits};
use palisade::request::{BodyPlan, Fields, Head, read_body};

fn read(coding: &[u8], text: &[u8], limits: &Limits) -> Fields {
    let headers: &[(&[u8], &[u8])] = &[
        (b"content-type", b"text/plain"),
        (b"content-encoding", coding),
    ];
    let head = Head {
        method: b"POST",
        scheme: b"http",
        authority: b"",
        target: b"/",
        protocol: b"HTTP/2",
        headers,
        end_of_stream: false,
    };
    let mut fields = Fields::default();
    read_body(&BodyPlan::of(&head), text, true, limits, &mut fields);
    fields
}

fuzz_target!(|data: &[u8]| {
    let limits = Limits {
        decompressed_bytes: 64 * 1024,
        decompression_ratio: 50,
        ..Limits::default()
    };
    for coding in [&b"gzip"[..], b"deflate", b"br", b"gzip, deflate, br"] {
        let fields = read(coding, data, &limits);
        let most = (64 * 1024).min(data.len() * 50) + data.len();
        assert!(fields.arena().len() <= 4096 + 32 * most);
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).expect("in memory");
    let packed = encoder.finish().expect("in memory");
    let fields = read(
        b"gzip",
        &packed,
        &Limits {
            decompression_ratio: 2000,
            ..Limits::default()
        },
    );
    assert!(!fields.anomalies().contains(Anomaly::InvalidCompression));
    if !data.is_empty()
        && !data.starts_with(b"\xef\xbb\xbf")
        && !data.starts_with(b"\xff\xfe")
        && !data.starts_with(b"\xfe\xff")
        && !data.starts_with(&[0, 0, 0xFE, 0xFF])
    {
        let first = fields.iter().next().map(|field| fields.get(field.value));
        assert_eq!(first, Some(data));
    }
});
