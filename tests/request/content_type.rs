//! Content types, true, odd and lying.

use palisade::model::Limits;
use palisade::request::{BodyFormat, BodyPlan, Head, read_body};

use crate::{body, body_with, list, odd, post};

fn format(content_type: &str) -> BodyFormat {
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", content_type.as_bytes())];
    BodyPlan::of(&post(headers)).format()
}

#[test]
fn types() {
    for (content_type, expected) in [
        ("application/x-www-form-urlencoded", BodyFormat::Form),
        (
            "Application/X-WWW-Form-URLEncoded ; charset=UTF-8",
            BodyFormat::Form,
        ),
        (" application/json", BodyFormat::Json),
        ("application/json;", BodyFormat::Json),
        ("text/json", BodyFormat::Json),
        ("application/vnd.api+json; version=\"1\"", BodyFormat::Json),
        ("application/graphql-response+json", BodyFormat::Json),
        ("application/x-ndjson", BodyFormat::Ndjson),
        ("application/xml", BodyFormat::Xml),
        ("image/svg+xml", BodyFormat::Xml),
        ("application/soap+xml;action=\"urn:x;y\"", BodyFormat::Xml),
        ("multipart/form-data; boundary=a", BodyFormat::Multipart),
        ("multipart/related; boundary=a", BodyFormat::Multipart),
        ("application/graphql; charset=utf-8", BodyFormat::Graphql),
        ("application/grpc", BodyFormat::Grpc),
        ("application/grpc+proto", BodyFormat::Grpc),
        ("application/connect+json", BodyFormat::Grpc),
        ("application/grpc-web", BodyFormat::GrpcWeb),
        ("application/grpc-web+proto", BodyFormat::GrpcWeb),
        ("application/grpc-web-text+proto", BodyFormat::GrpcWebText),
        ("application/x-protobuf", BodyFormat::Protobuf),
        ("text/plain", BodyFormat::Text),
        ("text/csv", BodyFormat::Text),
        ("application/octet-stream", BodyFormat::Unknown),
        ("json", BodyFormat::Unknown),
        ("*/*", BodyFormat::Unknown),
        ("", BodyFormat::Missing),
        ("  ", BodyFormat::Missing),
    ] {
        assert_eq!(format(content_type), expected, "{content_type}");
    }
}

#[test]
fn whatever_the_type_an_attack_is_seen() {
    // The last field of each holds the attack, decoded, under its own name.
    let form = "a=1&q=%27+or+1";
    let json = r#"{"q":"\u0027 or 1"}"#;
    let xml = "<q>&#39; or 1</q>";
    let multipart = "--B\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n' or 1\r\n--B--\r\n";
    for content_type in [
        "application/x-www-form-urlencoded",
        "application/json",
        "application/xml",
        "text/plain",
        "application/octet-stream",
        "multipart/form-data; boundary=B",
        "application/graphql",
        "application/x-www-form-urlencoded, text/plain",
        "text/plain, application/json",
        "nonsense",
        "",
    ] {
        for text in [form, json, xml, multipart] {
            let found = list(&body(content_type, text.as_bytes()));
            let seen = found.iter().any(|field| field == "request_body|q|' or 1");
            assert!(seen, "{content_type:?} {text:?} {found:?}");
        }
    }
}

#[test]
fn ambiguous_types_are_read_every_way() {
    for (why, content_type, input, field, anomalies) in [
        (
            "joined by a comma",
            "application/x-www-form-urlencoded, text/plain",
            "a=%27",
            "request_body|a|'",
            ["ambiguous_content_type"].as_slice(),
        ),
        (
            "the second counts for some",
            "text/plain, application/json",
            "{\"a\":\"'\"}",
            "request_body|a|'",
            &["ambiguous_content_type"],
        ),
        (
            "two charsets",
            "application/json; charset=utf-8; charset=utf-7",
            "{\"a\":\"+ACc-\"}",
            "request_body|a|'",
            &["ambiguous_content_type"],
        ),
        (
            "a comma in a boundary ends it for PHP",
            "multipart/form-data; boundary=a,b",
            "--a\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--a--",
            "request_body|q|'",
            &["ambiguous_content_type"],
        ),
        (
            "a space in a boundary",
            "multipart/form-data; boundary=a b",
            "--a b\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--a b--",
            "request_body|q|'",
            &["ambiguous_content_type", "ambiguous_multipart"],
        ),
        (
            "the second boundary",
            "multipart/form-data; boundary=a; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--b--",
            "request_body|q|'",
            &["ambiguous_content_type"],
        ),
        (
            "a space before = (RFC 9110, 5.6.6)",
            "multipart/form-data; boundary =a",
            "--a\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--a--",
            "request_body|q|'",
            &["ambiguous_content_type"],
        ),
        (
            "a continued boundary (RFC 2231, 3)",
            "multipart/form-data; boundary*0=a; boundary*1=b",
            "--ab\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--ab--",
            "request_body|q|'",
            &["ambiguous_content_type"],
        ),
        (
            "an extended boundary",
            "multipart/form-data; boundary*=utf-8''%61",
            "--a\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--a--",
            "request_body|q|'",
            &["ambiguous_content_type", "bad_boundary"],
        ),
        (
            "an escape in a boundary",
            "multipart/form-data; boundary=\"a\\\"b\"",
            "--a\"b\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--a\"b--",
            "request_body|q|'",
            &["ambiguous_content_type", "bad_boundary"],
        ),
        (
            "single quotes are part of a boundary",
            "multipart/form-data; boundary='a'",
            "--'a'\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--'a'--",
            "request_body|q|'",
            &["ambiguous_content_type"],
        ),
        (
            "a boundary of 71 characters (RFC 2046, 5.1.1)",
            "multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa--",
            "request_body|q|'",
            &["bad_boundary"],
        ),
        (
            "an empty boundary",
            "multipart/form-data; boundary=",
            "--\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n----",
            "raw_body||--\r\nContent-Disposition: form-data; name=q\r\n\r\n'\r\n----",
            &["bad_boundary"],
        ),
    ] {
        let found = body(content_type, input.as_bytes());
        assert!(
            list(&found).iter().any(|known| known == field),
            "{why}: {:?}",
            list(&found)
        );
        assert_eq!(odd(&found), anomalies, "{why}");
    }
    let headers: &[(&[u8], &[u8])] = &[
        (b"content-type", b"text/plain"),
        (b"Content-Type", b"application/x-www-form-urlencoded"),
    ];
    let found = body_with(headers, b"%61=%27", true, &Limits::default());
    assert_eq!(list(&found), ["raw_body||%61=%27", "request_body|a|'"]);
    assert_eq!(odd(&found), ["ambiguous_content_type"]);
}

#[test]
fn what_stands_for_no_body_or_no_type() {
    let read = |method: &[u8], content_type: &[u8], text: &[u8]| {
        let headers: &[(&[u8], &[u8])] = &[(b"content-type", content_type)];
        let mut fields = palisade::request::Fields::default();
        let plan = BodyPlan::of(&Head {
            method,
            ..post(headers)
        });
        read_body(&plan, text, true, &Limits::default(), &mut fields);
        (list(&fields), odd(&fields))
    };
    for method in [&b"POST"[..], b"PUT", b"PATCH"] {
        assert_eq!(read(method, b"", b"").1, ["missing_body"]);
    }
    for method in [&b"GET"[..], b"DELETE", b"OPTIONS"] {
        assert_eq!(read(method, b"", b"").1, [""; 0]);
        // A body of GET is read like any other.
        assert_eq!(
            read(method, b"", b"a=%27"),
            (
                vec!["raw_body||a=%27".into(), "request_body|a|'".into()],
                vec!["missing_content_type"]
            )
        );
    }
    assert_eq!(
        read(b"POST", b"x/y", b"'"),
        (vec!["raw_body||'".into()], vec!["unknown_content_type"])
    );
    assert_eq!(read(b"POST", b"text/plain", b"'").1, [""; 0]);
}
