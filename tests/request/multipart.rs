//! `multipart/form-data` and the ways in which its parsers disagree.

use palisade::model::Limits;

use crate::{body, body_with, list, odd};

const TYPE: &str = "multipart/form-data; boundary=B";

/// A body of one part with these header lines.
fn part(headers: &str, value: &str) -> String {
    format!("--B\r\n{headers}\r\n\r\n{value}\r\n--B--\r\n")
}

fn cases(rows: &[(&str, &str, String, &[&str], &[&str])]) {
    let mut failures = String::new();
    for (why, content_type, input, fields, anomalies) in rows {
        let found = body(content_type, input.as_bytes());
        if list(&found) != *fields || odd(&found) != *anomalies {
            failures += &format!(
                "\n{why}\n  fields   {:?}\n  expected {fields:?}\n  odd      {:?}\n  expected {anomalies:?}\n",
                list(&found),
                odd(&found)
            );
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn bodies_as_browsers_write_them() {
    let field = "Content-Disposition: form-data; name=\"a\"";
    cases(&[
        ("RFC 7578, 4.2", TYPE, part(field, "' or 1"), &["request_body|a|' or 1"], &[]),
        ("values are not percent-decoded", TYPE, part(field, "a%27+b"), &["request_body|a|a%27+b"], &[]),
        ("an empty value", TYPE, part(field, ""), &["request_body|a|"], &[]),
        ("line ends within a value", TYPE, part(field, "x\r\ny\n"), &["request_body|a|x\r\ny\n"], &[]),
        ("two fields", TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=b\r\n\r\n2\r\n--B--".into(), &["request_body|a|1", "request_body|b|2"], &[]),
        ("a file: name, not contents", TYPE, part("Content-Disposition: form-data; name=\"f\"; filename=\"a.php\"\r\nContent-Type: image/png", "<?php"), &["file_name|f|a.php"], &[]),
        ("no file chosen", TYPE, part("Content-Disposition: form-data; name=\"f\"; filename=\"\"\r\nContent-Type: application/octet-stream", ""), &["file_name|f|", "request_body|f|"], &[]),
        ("a file without a name is a field to PHP", TYPE, part("Content-Disposition: form-data; name=\"f\"; filename=\"\"", "' or 1"), &["file_name|f|", "request_body|f|' or 1"], &[]),
        ("FormData sends JSON as a file named blob", TYPE, part("Content-Disposition: form-data; name=\"m\"; filename=\"blob\"\r\nContent-Type: application/json", "{\"a\":\"\\u0027\"}"), &["file_name|m|blob", "request_body|m.a|'"], &[]),
        ("a part in JSON", TYPE, part("Content-Disposition: form-data; name=\"m\"\r\nContent-Type: application/json", "{\"a\":\"\\u0027\"}"), &["request_body|m.a|'"], &[]),
        ("a part in XML", TYPE, part("Content-Disposition: form-data; name=\"m\"\r\nContent-Type: text/xml; charset=utf-8", "<x y='&#39;'/>"), &["request_body|m.x@y|'"], &[]),
        ("a part that names its charset", TYPE, part("Content-Disposition: form-data; name=\"m\"\r\nContent-Type: text/plain; charset=utf-7", "+ACc-"), &["request_body|m|'"], &["unusual_part_charset"]),
        ("upper case, no space, a token", TYPE, part("CONTENT-DISPOSITION:FORM-DATA;NAME=a", "1"), &["request_body|a|1"], &[]),
        ("Windows paths of old browsers", TYPE, part("Content-Disposition: form-data; name=\"f\"; filename=\"C:\\dir\\a.asp\"", "x"), &["file_name|f|C:\\dir\\a.asp"], &[]),
        ("quotes as browsers encode them", TYPE, part("Content-Disposition: form-data; name=\"a%22b\"", "1"), &["request_body|a%22b|1"], &[]),
        ("other headers of a part are text", TYPE, part("Content-Disposition: form-data; name=\"a\"\r\nX-A: <b>", "1"), &["request_body|x-a|<b>", "request_body|a|1"], &[]),
        ("a quoted boundary with a space (RFC 2046, 5.1.1)", "multipart/form-data; boundary=\"a b\"", "--a b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--a b--\r\n".into(), &["request_body|a|1"], &[]),
        ("repeated fields are joined as ASP joins them", TYPE, "--B\r\nContent-Disposition: form-data; name=a\r\n\r\nselect 1\r\n--B\r\nContent-Disposition: form-data; name=a\r\n\r\n2\r\n--B--".into(), &["request_body|a|select 1", "request_body|a|2", "request_body|a|select 1,2"], &[]),
        ("no parts", TYPE, "--B--\r\n".into(), &[], &[]),
        ("multipart/mixed needs no names", "multipart/mixed; boundary=B", part("Content-Type: text/plain", "'"), &["request_body||'"], &[]),
        ("multipart/related with a JSON part", "multipart/related; boundary=B", part("Content-Type: application/json", "{\"a\":\"'\"}"), &["request_body|a|'"], &[]),
    ]);
}

#[test]
fn bodies_that_parsers_read_differently() {
    let field = "Content-Disposition: form-data; name=\"a\"";
    cases(&[
        (
            "two names: PHP takes the last, others the first",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"a\"; name=\"b\"",
                "'",
            ),
            &["request_body|a|'", "request_body|b|'"],
            &["ambiguous_multipart"],
        ),
        (
            "two file names",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"; filename=\"a.php\"",
                "x",
            ),
            &["file_name|f|a.txt", "file_name|f|a.php"],
            &["ambiguous_multipart"],
        ),
        (
            "filename* (RFC 5987) is a file to some and a field to PHP",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"f\"; filename*=UTF-8''a%2Ephp",
                "'",
            ),
            &["file_name|f|a.php", "request_body|f|'"],
            &["ambiguous_multipart"],
        ),
        (
            "filename and filename*",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"f\"; filename=\"a.txt\"; filename*=utf-8''a.php",
                "x",
            ),
            &["file_name|f|a.txt", "file_name|f|a.php", "request_body|f|x"],
            &["ambiguous_multipart"],
        ),
        (
            "continuations (RFC 2231, 3)",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"f\"; filename*0=\"a.p\"; filename*1=\"hp\"",
                "x",
            ),
            &["file_name|f|a.php", "request_body|f|x"],
            &["ambiguous_multipart"],
        ),
        (
            "an escaped quote: parsers differ on where the name ends",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"a\\\"; filename=\\\"x.php\"",
                "'",
            ),
            &["request_body|a\"; filename=\"x.php|'"],
            &["ambiguous_multipart"],
        ),
        (
            "a quote that never closes",
            TYPE,
            part("Content-Disposition: form-data; name=\"a", "'"),
            &["request_body|a|'"],
            &["ambiguous_multipart"],
        ),
        (
            "text behind the closing quote",
            TYPE,
            part("Content-Disposition: form-data; name=\"a\"b", "'"),
            &["request_body|a|'"],
            &["ambiguous_multipart"],
        ),
        (
            "single quotes",
            TYPE,
            part("Content-Disposition: form-data; name='a'", "1"),
            &["request_body|'a'|1"],
            &["ambiguous_multipart"],
        ),
        (
            "white space around =",
            TYPE,
            part("Content-Disposition: form-data; name = \"a\"", "1"),
            &["request_body|a|1"],
            &["ambiguous_multipart"],
        ),
        (
            "a space before the colon",
            TYPE,
            part("Content-Disposition : form-data; name=\"a\"", "1"),
            &["request_body|a|1"],
            &["malformed_multipart"],
        ),
        (
            "a folded header",
            TYPE,
            part("Content-Disposition: form-data;\r\n name=\"a\"", "1"),
            &["request_body|a|1"],
            &["ambiguous_multipart"],
        ),
        (
            "two dispositions",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
                "1",
            ),
            &["request_body|a|1", "request_body|b|1"],
            &["ambiguous_multipart"],
        ),
        (
            "no disposition",
            TYPE,
            part("Content-Type: text/plain", "'"),
            &["request_body||'"],
            &["malformed_multipart"],
        ),
        (
            "another disposition",
            TYPE,
            part("Content-Disposition: attachment; name=\"a\"", "'"),
            &[
                "request_body|content-disposition|attachment",
                "request_body|a|'",
            ],
            &["malformed_multipart"],
        ),
        (
            "the disposition left out",
            TYPE,
            part("Content-Disposition: name=\"a\"", "'"),
            &[
                "request_body|content-disposition|name=\"a\"",
                "request_body|a|'",
            ],
            &["malformed_multipart"],
        ),
        (
            "a header without a colon",
            TYPE,
            part("<b>\r\nContent-Disposition: form-data; name=\"a\"", "1"),
            &["raw_body||<b>", "request_body|a|1"],
            &["malformed_multipart"],
        ),
        (
            "no empty line",
            TYPE,
            "--B\r\nContent-Disposition: form-data; name=a\r\n--B--\r\n".into(),
            &["raw_body||Content-Disposition: form-data; name=a"],
            &["malformed_multipart"],
        ),
        (
            "bare line feeds",
            TYPE,
            "--B\nContent-Disposition: form-data; name=\"a\"\n\n'\n--B--\n".into(),
            &["request_body|a|'"],
            &["ambiguous_multipart"],
        ),
        (
            "a bare line feed in the headers alone",
            TYPE,
            part("X: y\nContent-Disposition: form-data; name=\"a\"", "1"),
            &["request_body|x|y", "request_body|a|1"],
            &["ambiguous_multipart"],
        ),
        (
            "a carriage return in a header",
            TYPE,
            part(
                "X: y\rContent-Disposition: form-data; name=\"b\"\r\nContent-Disposition: form-data; name=\"a\"",
                "1",
            ),
            &[
                "request_body|x|y\rContent-Disposition: form-data; name=\"b\"",
                "request_body|a|1",
            ],
            &["ambiguous_multipart"],
        ),
        (
            "null bytes in a file name (CWE-158)",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"f\"; filename=\"a.php\0.png\"",
                "x",
            ),
            &["file_name|f|a.php\0.png"],
            &["null_byte"],
        ),
        (
            "text before the first boundary",
            TYPE,
            format!("' or 1\r\n{}", part(field, "1")),
            &["raw_body||' or 1", "request_body|a|1"],
            &["ambiguous_multipart"],
        ),
        (
            "text behind the last boundary",
            TYPE,
            format!("{}' or 1", part(field, "1")),
            &["request_body|a|1", "raw_body||' or 1"],
            &["ambiguous_multipart"],
        ),
        (
            "parts behind the last boundary",
            TYPE,
            format!("{0}{0}", part(field, "1")),
            &[
                "request_body|a|1",
                &format!("raw_body||{}", part(field, "1")),
            ],
            &["ambiguous_multipart"],
        ),
        (
            "the last boundary is missing",
            TYPE,
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n' or 1".into(),
            &["request_body|a|' or 1"],
            &["bad_boundary"],
        ),
        (
            "a longer boundary begins alike",
            TYPE,
            part(field, "x\r\n--BC\r\ny"),
            &["request_body|a|x\r\n--BC\r\ny"],
            &["ambiguous_multipart"],
        ),
        (
            "a boundary in mid-line",
            TYPE,
            part(field, "x--B\r\ny"),
            &["request_body|a|x--B\r\ny"],
            &["ambiguous_multipart"],
        ),
        (
            "white space behind the boundary (RFC 2046: transport padding)",
            TYPE,
            "--B \r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--".into(),
            &["request_body|a|1"],
            &["ambiguous_multipart"],
        ),
        (
            "text behind the last boundary's dashes",
            TYPE,
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--'".into(),
            &["request_body|a|1", "raw_body||'"],
            &["ambiguous_multipart"],
        ),
        (
            "base64 (deprecated by RFC 7578, 4.7): decoded by some",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
                "JyBvciAx",
            ),
            &["request_body|a|' or 1"],
            &["ambiguous_multipart"],
        ),
        (
            "quoted-printable",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: Quoted-Printable",
                "=27 o=\r\nr 1",
            ),
            &["request_body|a|' or 1"],
            &["ambiguous_multipart"],
        ),
        (
            "an encoding that is not known",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: x-uuencode",
                "'",
            ),
            &[
                "request_body|content-transfer-encoding|x-uuencode",
                "request_body|a|'",
            ],
            &["ambiguous_multipart"],
        ),
        (
            "multipart in multipart (RFC 2388, 4.2)",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"f\"\r\nContent-Type: multipart/mixed; boundary=C",
                "--C\r\nContent-Disposition: file; filename=\"a.php\"\r\n\r\nx\r\n--C--",
            ),
            &[
                "request_body|boundary|C",
                "request_body|content-disposition|file",
                "file_name|f|a.php",
                "raw_body||--C\r\nContent-Disposition: file; filename=\"a.php\"\r\n\r\nx\r\n--C--",
            ],
            &["ambiguous_multipart"],
        ),
        (
            "a broken JSON part",
            TYPE,
            part(
                "Content-Disposition: form-data; name=\"m\"\r\nContent-Type: application/json",
                "{\"a\":' or 1",
            ),
            &["request_body|m.a|", "raw_body||' or 1"],
            &["invalid_json"],
        ),
        (
            "the head names another boundary",
            "multipart/form-data; boundary=C",
            part(field, "'"),
            &[
                &format!("raw_body||{}", part(field, "'")),
                "request_body|a|'",
            ],
            &["bad_boundary"],
        ),
        (
            "the head names no boundary",
            "multipart/form-data",
            part(field, "'"),
            &[
                &format!("raw_body||{}", part(field, "'")),
                "request_body|a|'",
            ],
            &["bad_boundary"],
        ),
        (
            "two boundaries in the head",
            "multipart/form-data; boundary=B; boundary=C",
            format!(
                "{}--C\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n'\r\n--C--",
                part(field, "1")
            ),
            &[
                "request_body|a|1",
                "raw_body||--C\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n'\r\n--C--",
                "raw_body||--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--",
                "request_body|c|'",
            ],
            &["ambiguous_content_type", "ambiguous_multipart"],
        ),
    ]);
}

/// What generated bodies showed to be left out of every field.
#[test]
fn once_unseen() {
    let name = "Content-Disposition: form-data; name=a";
    for (why, headers) in [
        ("a parameter without a value", format!("{name}; ' or 1")),
        (
            "text behind a closing quote",
            format!("{name}; x=\"y\"' or 1"),
        ),
        (
            "another disposition",
            "Content-Disposition: ' or 1; name=a".into(),
        ),
        (
            "an encoding that nobody knows",
            format!("{name}\r\nContent-Transfer-Encoding: ' or 1"),
        ),
        (
            "an encoding before another",
            format!(
                "{name}\r\nContent-Transfer-Encoding: ' or 1\r\nContent-Transfer-Encoding: 8bit"
            ),
        ),
        ("a length", format!("{name}\r\nContent-Length: ' or 1")),
        (
            "a type that is none",
            format!("{name}\r\nContent-Type: ' or 1"),
        ),
        (
            "a charset that nobody knows",
            format!("{name}\r\nContent-Type: text/plain; charset=\"' or 1\""),
        ),
        (
            "a boundary that no part uses",
            format!("{name}\r\nContent-Type: text/plain; boundary=\"' or 1\""),
        ),
        (
            "the second name of a file",
            format!("{name}; filename=x; name=\"' or 1\""),
        ),
        (
            "text behind the name of a part in JSON",
            "Content-Disposition: form-data; name=\"a\"' or 1\r\nContent-Type: application/json"
                .into(),
        ),
        (
            "a piece of a continued parameter",
            format!("{name}; filename*0=x; filename*1=y' or 1"),
        ),
    ] {
        let found = body(TYPE, part(&headers, "x").as_bytes());
        // As the value or as it came on the wire.
        let seen = found.arena().windows(6).any(|word| word == b"' or 1");
        assert!(seen, "{why} {:?}", list(&found));
    }
}

#[test]
fn contents_of_files_are_read_up_to_their_limit() {
    let limits = Limits {
        file_bytes: 5,
        ..Limits::default()
    };
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", TYPE.as_bytes())];
    let input = part(
        "Content-Disposition: form-data; name=\"f\"; filename=\"a\"",
        "<?php evil",
    );
    let found = body_with(headers, input.as_bytes(), true, &limits);
    assert_eq!(list(&found), ["file_name|f|a", "file_content|f|<?php"]);
}

#[test]
fn a_cut_body_is_not_malformed() {
    let whole = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx--y\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"g\"\r\nContent-Type: text/plain\r\n\r\nz\r\n--B--\r\n";
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", TYPE.as_bytes())];
    for length in 0..whole.len() {
        let found = body_with(
            headers,
            &whole.as_bytes()[..length],
            false,
            &Limits::default(),
        );
        assert_eq!(odd(&found), ["body_too_large"], "{:?}", &whole[..length]);
    }
}
