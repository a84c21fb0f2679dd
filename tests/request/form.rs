//! `application/x-www-form-urlencoded`.

use palisade::model::Limits;

use crate::{Row, body, body_with, check, list, odd};

#[test]
fn forms() {
    let rows: &[Row<'_>] = &[
        (
            "WHATWG URL, 5.1",
            b"a=O%27Brien+x&b=%3Cb%3E",
            &["request_body|a|O'Brien x", "request_body|b|<b>"],
            &[],
        ),
        (
            "a line end that curl leaves behind the last pair",
            b"a=1\r\n",
            &["request_body|a|1"],
            &[],
        ),
        (
            "broken pairs",
            b"a=1&&b=2&",
            &["request_body|a|1", "request_body|b|2"],
            &["malformed_form"],
        ),
        (
            "broken escapes",
            b"a=%g1",
            &["request_body|a|%g1"],
            &["invalid_percent"],
        ),
        (
            "double encoding is decoded once here",
            b"a=%2527",
            &["request_body|a|%27"],
            &[],
        ),
        (
            "names",
            b"%27=1&b",
            &["request_body|'|1", "request_body|b|"],
            &[],
        ),
        (
            "nested names of PHP",
            b"user[name]=a",
            &["request_body|user[name]|a"],
            &[],
        ),
        (
            "null bytes",
            b"a=%00",
            &["request_body|a|\0"],
            &["null_byte"],
        ),
        (
            "UTF-8 byte order mark",
            b"\xef\xbb\xbfa=1",
            &["request_body|a|1"],
            &[],
        ),
        (
            "JSON under the type that curl sends by default",
            br#"{"a":"\u0027 or 1"}"#,
            &[
                "request_body|{\"a\":\"\\u0027 or 1\"}|",
                "request_body|a|' or 1",
            ],
            &[],
        ),
        (
            "JSON cut by = and &",
            br#"{"a":"b=c&d"}"#,
            &[
                "request_body|{\"a\":\"b|c",
                "request_body|d\"}|",
                "request_body|a|b=c&d",
            ],
            &[],
        ),
        (
            "XML under the type of a form",
            b"<a>'</a>",
            &["request_body|<a>'</a>|", "request_body|a|'"],
            &[],
        ),
        (
            "pollution",
            b"q=select+1&q=2",
            &[
                "request_body|q|select 1",
                "request_body|q|2",
                "request_body|q|select 1,2",
            ],
            &[],
        ),
    ];
    check(rows, |text| body("application/x-www-form-urlencoded", text));
}

#[test]
fn charsets_of_forms() {
    // What IIS, ASP.NET and servlet containers decode when the type asks for it
    // ("Request encoding to bypass web application firewalls", S. Dalili, 2017).
    let rows: &[(&str, &str, &[u8], &[&str], &[&str])] = &[
        (
            "names and values in EBCDIC, separators in ASCII",
            "ibm037",
            b"%89%84=%7d%40%96%99%40%f1",
            &["request_body|id|' or 1"],
            &[],
        ),
        (
            "the whole body in UTF-16",
            "utf-16le",
            b"a\0=\0'\0",
            &["request_body|a|'"],
            &[],
        ),
        (
            "UTF-16 behind percent-encoding",
            "utf-16",
            b"a%00=%27%00",
            &["request_body|a|'"],
            &[],
        ),
        (
            "UTF-16, most significant byte first",
            "utf-16be",
            b"%00a=%00%27",
            &["request_body|a|'"],
            &[],
        ),
        (
            "UTF-32",
            "utf-32",
            b"a%00%00%00=%27%00%00%00",
            &["request_body|a|'"],
            &[],
        ),
        (
            "UTF-7 (RFC 2152)",
            "UTF-7",
            b"a=%2BADw-script%2BAD4-",
            &["request_body|a|<script>"],
            &[],
        ),
        (
            "Latin-1",
            "iso-8859-1",
            b"a=%e4",
            &["request_body|a|ä"],
            &[],
        ),
        (
            "a charset that nobody knows",
            "x-user-defined",
            b"a=1",
            &["request_body|a|1"],
            &["unknown_charset"],
        ),
        (
            "ISO-2022 hides letters behind escapes",
            "iso-2022-jp",
            b"a=1",
            &["request_body|a|1"],
            &["unknown_charset"],
        ),
    ];
    for (why, charset, input, fields, anomalies) in rows {
        let found = body(
            &format!("application/x-www-form-urlencoded; charset={charset}"),
            input,
        );
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

#[test]
fn a_cut_form_is_not_malformed() {
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", b"application/x-www-form-urlencoded")];
    for (input, fields) in [
        (
            &b"a=1&b=%2"[..],
            ["request_body|a|1", "request_body|b|%2"].as_slice(),
        ),
        (b"a=1&", &["request_body|a|1"]),
    ] {
        let found = body_with(headers, input, false, &Limits::default());
        assert_eq!(list(&found), fields);
        assert_eq!(odd(&found), ["body_too_large"]);
    }
}
