//! gRPC frames, protobuf without a schema, and streams of messages.

use palisade::model::Limits;
use palisade::request::{BodyPlan, Fields, FrameSplitter, read_message};

use crate::{body, body_with, list, odd, post};

/// A length-delimited field.
fn field(number: u8, value: &[u8]) -> Vec<u8> {
    assert!(value.len() < 128);
    [&[number << 3 | 2, value.len() as u8], value].concat()
}

fn frame(flags: u8, message: &[u8]) -> Vec<u8> {
    [&[flags], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

#[test]
fn messages() {
    let inner = [field(1, b"' or 1"), vec![0x10, 0x96, 0x01]].concat();
    let rows: &[(&str, Vec<u8>, &[&str], &[&str])] = &[
        (
            "a string",
            field(1, b"' or 1"),
            &["request_body|1|' or 1"],
            &[],
        ),
        (
            "numbers are not told",
            vec![
                0x08, 0x96, 0x01, 0x15, 1, 2, 3, 4, 0x19, 1, 2, 3, 4, 5, 6, 7, 8,
            ],
            &[],
            &[],
        ),
        (
            "a message in a message",
            field(2, &inner),
            &["request_body|2.1|' or 1"],
            &[],
        ),
        (
            "three deep",
            field(3, &field(2, &inner)),
            &["request_body|3.2.1|' or 1"],
            &[],
        ),
        (
            "repeated fields",
            [field(1, b"abc"), field(1, b"<b>")].concat(),
            &["request_body|1|abc", "request_body|1[1]|<b>"],
            &[],
        ),
        (
            "repeated messages",
            [field(4, &inner), field(4, &inner)].concat(),
            &["request_body|4.1|' or 1", "request_body|4[1].1|' or 1"],
            &[],
        ),
        (
            "a text that is a message too: both",
            field(1, b"\x0a!' or 1=1 union select a from t --"),
            &[
                "request_body|1|\n!' or 1=1 union select a from t --",
                "request_body|1.1|' or 1=1 union select a from t --",
            ],
            &[],
        ),
        (
            "text behind a control character",
            field(1, b"\x01' or 1"),
            &["request_body|1|\x01' or 1"],
            &[],
        ),
        (
            "text dressed as fixed-width numbers",
            field(1, b"a' or 1=1%\x7e--x\x08\x01"),
            &["request_body|1|a' or 1=1%~--x\x08\x01"],
            &[],
        ),
        (
            "text with a byte that is no UTF-8",
            field(1, b"\xff' or 1=1"),
            &["request_body|1|\\xff' or 1=1"],
            &[],
        ),
        (
            "bytes",
            field(1, b"\xff\xfe\x01\x02"),
            &["request_body|1|\\xff\\xfe\x01\x02"],
            &[],
        ),
        (
            "a length past the end",
            b"\x0a\x7f' or 1".to_vec(),
            &["raw_body||\n\x7f' or 1"],
            &["invalid_grpc"],
        ),
        (
            "no protobuf at all",
            b"\x07' or 1".to_vec(),
            &["raw_body||\x07' or 1"],
            &["invalid_grpc"],
        ),
        (
            "JSON in the frame (application/grpc+json)",
            br#"{"a":"\u0027"}"#.to_vec(),
            &["request_body|a|'"],
            &[],
        ),
    ];
    for (why, message, fields, anomalies) in rows {
        for content_type in ["application/grpc", "application/grpc-web+proto"] {
            let found = body(content_type, &frame(0, message));
            assert_eq!(
                (list(&found), odd(&found)),
                (
                    fields.iter().map(ToString::to_string).collect(),
                    anomalies.to_vec()
                ),
                "{why}"
            );
        }
    }
    let found = body("application/x-protobuf", &field(1, b"'"));
    assert_eq!(list(&found), ["request_body|1|'"]);
}

#[test]
fn kinds_of_bytes() {
    use palisade::request::Kind;
    let found = body(
        "application/x-protobuf",
        &[field(1, b"\xff\xfe\x01\x02"), field(1, b"a")].concat(),
    );
    let kinds: Vec<_> = found.iter().map(|field| field.kind).collect();
    assert_eq!(kinds, [Kind::Bytes, Kind::Text]);
}

#[test]
fn frames() {
    let one = field(1, b"a'");
    let two = [frame(0, &one), frame(0, &field(1, b"b'"))].concat();
    let found = body("application/grpc", &two);
    assert_eq!(list(&found), ["request_body|1|a'", "request_body|1|b'"]);
    // gRPC-Web: trailers in a frame; the text variant in base64, each frame padded by itself.
    let found = body(
        "application/grpc-web",
        &[frame(0, &one), frame(0x80, b"x: <b>\r\n")].concat(),
    );
    assert_eq!(list(&found), ["request_body|1|a'", "raw_body||x: <b>\r\n"]);
    let found = body(
        "application/grpc-web-text",
        b"AAAAAAQKAmEnAAAAAAMKAWI=AAAAAAMKAWM=",
    );
    assert_eq!(
        list(&found),
        ["request_body|1|a'", "request_body|1|b", "request_body|1|c"]
    );
    // A length that the body does not hold, a piece of a prefix.
    assert_eq!(
        odd(&body("application/grpc", b"\0\0\0\0\x09\x0a\x01a")),
        ["invalid_grpc"]
    );
    assert_eq!(odd(&body("application/grpc", b"\0\0\0")), ["invalid_grpc"]);
    assert_eq!(
        odd(&body("application/grpc", &frame(0x40, &one))),
        ["invalid_grpc"]
    );
    assert_eq!(odd(&body("application/grpc", &frame(0, b""))), [""; 0]);
}

#[test]
fn compressed_messages() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&field(1, b"' or 1")).expect("in memory");
    let packed = frame(1, &encoder.finish().expect("in memory"));
    let headers: &[(&[u8], &[u8])] = &[
        (b"content-type", b"application/grpc"),
        (b"grpc-encoding", b"gzip"),
    ];
    let found = body_with(headers, &packed, true, &Limits::default());
    assert_eq!(
        (list(&found), odd(&found)),
        (vec!["request_body|1|' or 1".into()], vec![])
    );
    // Compressed, says the frame; the head says nothing.
    let found = body_with(&headers[..1], &packed, true, &Limits::default());
    assert_eq!(odd(&found), ["invalid_grpc"]);
    let found = body_with(headers, &frame(1, b"' or 1=1"), true, &Limits::default());
    assert!(list(&found).contains(&"raw_body||' or 1=1".to_owned()));
    assert_eq!(odd(&found), ["invalid_grpc", "invalid_compression"]);
}

#[test]
fn nesting_has_an_end() {
    let mut message = field(1, b"'");
    while message.len() < 120 {
        message = field(1, &message);
    }
    let found = body("application/grpc", &frame(0, &message));
    // Past sixteen levels the rest is read as text.
    assert!(
        list(&found).iter().any(|field| field.ends_with('\'')),
        "{:?}",
        list(&found)
    );
}

#[test]
fn a_stream_is_cut_into_the_same_frames_however_it_comes() {
    let stream = [
        frame(0, b"first"),
        frame(1, b""),
        frame(0, b"third one"),
        frame(0x80, b"end"),
    ]
    .concat();
    let expected = [
        (0, b"first".to_vec(), true),
        (1, vec![], true),
        (0, b"third one".to_vec(), true),
        (0x80, b"end".to_vec(), true),
    ];
    for size in 1..=stream.len() {
        let mut splitter = FrameSplitter::new(1024);
        let mut frames = Vec::new();
        for mut chunk in stream.chunks(size) {
            while let Some(frame) = splitter.next_frame(&mut chunk) {
                frames.push((frame.flags, frame.message.to_vec(), frame.complete));
            }
            assert!(chunk.is_empty());
        }
        assert_eq!(frames, expected, "chunks of {size}");
        assert!(!splitter.is_inside_frame());
    }
}

#[test]
fn a_splitter_holds_no_more_than_its_limit() {
    for (limit, complete) in [(9, true), (8, false)] {
        let stream = [frame(0, b"third one"), frame(0, b"next")].concat();
        for size in 1..=stream.len() {
            let mut splitter = FrameSplitter::new(limit);
            let mut frames = Vec::new();
            for mut chunk in stream.chunks(size) {
                while let Some(frame) = splitter.next_frame(&mut chunk) {
                    frames.push((frame.message.to_vec(), frame.complete));
                }
            }
            assert_eq!(
                frames,
                [
                    (b"third one"[..limit].to_vec(), complete),
                    (b"next".to_vec(), true)
                ]
            );
        }
    }
    let mut splitter = FrameSplitter::new(1024);
    assert_eq!(splitter.next_frame(&mut &b"\0\0\0\0\x09' or"[..]), None);
    assert!(splitter.is_inside_frame());
    assert_eq!(splitter.unfinished(), b"' or");
}

#[test]
fn one_message_is_read_like_a_body_of_one() {
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", b"application/grpc")];
    let plan = BodyPlan::of(&post(headers));
    assert!(plan.is_message_stream());
    let stream = frame(0, &field(1, b"'"));
    let mut chunk = stream.as_slice();
    let mut splitter = FrameSplitter::new(1024);
    let mut fields = Fields::default();
    while let Some(frame) = splitter.next_frame(&mut chunk) {
        read_message(&plan, &frame, &Limits::default(), &mut fields);
    }
    assert_eq!(list(&fields), ["request_body|1|'"]);
    let mut splitter = FrameSplitter::new(2);
    let mut cut = Fields::default();
    let frame = splitter
        .next_frame(&mut stream.as_slice())
        .expect("a prefix");
    read_message(&plan, &frame, &Limits::default(), &mut cut);
    assert_eq!(
        (list(&cut), odd(&cut)),
        (vec!["raw_body||\n\u{1}".into()], vec!["body_too_large"])
    );
    let json: &[(&[u8], &[u8])] = &[(b"content-type", b"application/json")];
    assert!(!BodyPlan::of(&post(json)).is_message_stream());
}
