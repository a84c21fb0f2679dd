//! Every limit of the readers, at its value and one past it.

use palisade::model::{Limits, Zone};
use palisade::request::{Fields, read_trailers};

use crate::{body_with, list, odd};

fn read(content_type: &str, body: &str, limits: &Limits) -> (Vec<String>, Vec<&'static str>) {
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", content_type.as_bytes())];
    let fields = body_with(headers, body.as_bytes(), true, limits);
    (list(&fields), odd(&fields))
}

const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn body_bytes() {
    let limits = Limits {
        body_bytes: 10,
        ..Limits::default()
    };
    assert_eq!(
        read(FORM, "a=12345678", &limits),
        (vec!["request_body|a|12345678".into()], vec![])
    );
    assert_eq!(
        read(FORM, "a=123456789", &limits),
        (
            vec!["request_body|a|12345678".into()],
            vec!["body_too_large"]
        )
    );
    assert_eq!(read("text/plain", "0123456789", &limits).1, [""; 0]);
    assert_eq!(
        read("text/plain", "0123456789x", &limits),
        (vec!["raw_body||0123456789".into()], vec!["body_too_large"])
    );
}

#[test]
fn fields() {
    let limits = Limits {
        fields: 3,
        ..Limits::default()
    };
    assert_eq!(read(FORM, "a&b&c", &limits).1, [""; 0]);
    let (fields, anomalies) = read(FORM, "a&b&c&d", &limits);
    assert_eq!((fields.len(), anomalies), (3, vec!["too_many_fields"]));
    assert_eq!(read("application/json", "[1,2,3]", &limits).1, [""; 0]);
    assert_eq!(
        read("application/json", "[1,2,3,4]", &limits).1,
        ["too_many_fields"]
    );
}

#[test]
fn name_and_value_bytes() {
    let limits = Limits {
        name_bytes: 4,
        value_bytes: 5,
        ..Limits::default()
    };
    assert_eq!(
        read(FORM, "abcd=12345", &limits),
        (vec!["request_body|abcd|12345".into()], vec![])
    );
    assert_eq!(
        read(FORM, "abcde=12345", &limits),
        (
            vec!["request_body|abcd|12345".into()],
            vec!["name_too_long"]
        )
    );
    assert_eq!(
        read(FORM, "abcd=123456", &limits),
        (
            vec!["request_body|abcd|12345".into()],
            vec!["value_too_long"]
        )
    );
    // Decoded bytes count.
    assert_eq!(read(FORM, "%61bcd=%31%32%33%34%35", &limits).1, [""; 0]);
    // A raw body has the limit of bodies.
    assert_eq!(
        read("text/plain", "1234567", &limits),
        (vec!["raw_body||1234567".into()], vec![])
    );
}

#[test]
fn json_depth() {
    let limits = Limits {
        json_depth: 3,
        ..Limits::default()
    };
    assert_eq!(
        read("application/json", "[{\"a\":[\"'\"]}]", &limits),
        (vec!["request_body|[0].a[0]|'".into()], vec![])
    );
    let (fields, anomalies) = read("application/json", "[{\"a\":[[\"'\"]]}]", &limits);
    assert_eq!(fields, ["request_body|[0].a[0]|", "raw_body||[\"'\"]]}]"]);
    assert_eq!(anomalies, ["json_too_deep"]);
    let deep = |depth: usize| {
        read(
            "application/json",
            &("[".repeat(depth) + &"]".repeat(depth)),
            &Limits::default(),
        )
        .1
    };
    assert_eq!(deep(64), [""; 0]);
    assert_eq!(deep(65), ["json_too_deep"]);
    assert_eq!(deep(60_000), ["json_too_deep"]);
}

#[test]
fn xml_depth() {
    let limits = Limits {
        xml_depth: 2,
        ..Limits::default()
    };
    assert_eq!(
        read("text/xml", "<a><b>'</b></a>", &limits),
        (vec!["request_body|a.b|'".into()], vec![])
    );
    let (fields, anomalies) = read("text/xml", "<a><b><c>'</c></b></a>", &limits);
    assert_eq!(
        (fields, anomalies),
        (
            vec![
                "raw_body||<c>'</c></b></a>".into(),
                "request_body|a.b|".into()
            ],
            vec!["xml_too_deep"]
        )
    );
    let deep = |depth: usize| {
        read(
            "text/xml",
            &("<a>".repeat(depth) + &"</a>".repeat(depth)),
            &Limits::default(),
        )
        .1
    };
    assert_eq!(deep(64), [""; 0]);
    assert_eq!(deep(65), ["xml_too_deep"]);
}

#[test]
fn graphql_depth_and_aliases() {
    let deep = |depth: usize| {
        read(
            "application/graphql",
            &("{a".repeat(depth) + &"}".repeat(depth)),
            &Limits::default(),
        )
    };
    assert_eq!(deep(32).1, [""; 0]);
    assert_eq!(deep(33).1, ["graphql_too_deep"]);
    // Values nest too, and count with the selections around them.
    let values = |depth: usize| {
        read(
            "application/graphql",
            &format!("{{a(b:{}'1'{})}}", "[".repeat(depth), "]".repeat(depth)).replace('\'', "\""),
            &Limits::default(),
        )
        .1
    };
    assert_eq!(values(31), [""; 0]);
    assert_eq!(values(32), ["graphql_too_deep"]);
    // Past what the stack may bear, whatever the policy says.
    let limits = Limits {
        graphql_depth: 1_000_000,
        ..Limits::default()
    };
    assert_eq!(
        read("application/graphql", &"{a".repeat(50_000), &limits).1,
        ["graphql_too_deep"]
    );
    let aliases = |count: usize| {
        read(
            "application/graphql",
            &format!("{{{}}}", "x: a ".repeat(count)),
            &Limits::default(),
        )
        .1
    };
    assert_eq!(aliases(64), [""; 0]);
    assert_eq!(aliases(65), ["graphql_too_many_aliases"]);
    // In JSON and over GET it is the same document.
    let (_, anomalies) = read(
        "application/json",
        &format!("{{\"query\":\"{{{}}}\"}}", "x: a ".repeat(65)),
        &Limits::default(),
    );
    assert_eq!(anomalies, ["graphql_too_many_aliases"]);
}

#[test]
fn multipart_parts() {
    let parts = |count: usize| {
        let part = "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n";
        read(
            "multipart/form-data; boundary=B",
            &(part.repeat(count) + "--B--"),
            &Limits::default(),
        )
    };
    assert_eq!(parts(256).1, [""; 0]);
    let (fields, anomalies) = parts(257);
    assert_eq!(anomalies, ["too_many_parts"]);
    assert!(
        fields
            .last()
            .is_some_and(|last| last.starts_with("raw_body||Content-Disposition"))
    );
}

#[test]
fn headers_and_their_bytes() {
    let read = |headers: &[(&[u8], &[u8])], limits: &Limits| {
        let mut fields = Fields::default();
        read_trailers(headers, limits, &mut fields);
        (fields.list().len(), odd(&fields))
    };
    let limits = Limits {
        headers: 3,
        ..Limits::default()
    };
    let headers: &[(&[u8], &[u8])] = &[
        (b"x-a", b"1"),
        (b"x-b", b"2"),
        (b"x-c", b"3"),
        (b"x-d", b"4"),
    ];
    assert_eq!(read(&headers[..3], &limits), (3, vec![]));
    assert_eq!(read(headers, &limits), (3, vec!["too_many_headers"]));
    let limits = Limits {
        header_bytes: 12,
        ..Limits::default()
    };
    assert_eq!(read(&headers[..3], &limits), (3, vec![]));
    assert_eq!(read(headers, &limits), (3, vec!["too_many_headers"]));
}

#[test]
fn file_bytes() {
    let part = "--B\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\n12345\r\n--B--";
    for (file_bytes, seen) in [
        (0, None),
        (4, Some("1234")),
        (5, Some("12345")),
        (6, Some("12345")),
    ] {
        let limits = Limits {
            file_bytes,
            ..Limits::default()
        };
        let headers: &[(&[u8], &[u8])] = &[(b"content-type", b"multipart/form-data; boundary=B")];
        let fields = body_with(headers, part.as_bytes(), true, &limits);
        let contents = fields.iter().find(|field| field.zone == Zone::FileContent);
        let contents = contents.map(|field| fields.get(field.value));
        assert_eq!(contents, seen.map(str::as_bytes));
    }
}

#[test]
fn the_arena_has_an_end() {
    // Names of 1 KiB that all begin alike, for as many values as the policy permits.
    let limits = Limits {
        fields: usize::MAX,
        body_bytes: 1 << 20,
        ..Limits::default()
    };
    let text = format!("{{\"{}\":[{}1]}}", "a".repeat(1000), "1,".repeat(100_000));
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", b"application/json")];
    let fields = body_with(headers, text.as_bytes(), true, &limits);
    assert_eq!(odd(&fields), ["too_many_fields"]);
    assert!(fields.arena().len() < (8 << 20) + 2048);
}
