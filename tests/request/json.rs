//! JSON and what lenient parsers take for it.

use palisade::model::Limits;
use palisade::request::Kind;

use crate::{Row, body, body_with, check, list, odd};

#[test]
fn json() {
    let rows: &[Row<'_>] = &[
        ("RFC 8259: paths name the values", br#"{"user":{"address":[{"street":"a"},{"street":"b"}]}}"#, &["request_body|user.address[0].street|a", "request_body|user.address[1].street|b"], &[]),
        ("numbers and literals as they stand", br#"[1,-0.5e+3,true,false,null]"#, &["request_body|[0]|1", "request_body|[1]|-0.5e+3", "request_body|[2]|true", "request_body|[3]|false", "request_body|[4]|null"], &[]),
        ("a text by itself (RFC 8259, 2)", br#""<b>""#, &["request_body||<b>"], &[]),
        ("empty containers keep their names", br#"{"<a>":{},"b":[]}"#, &["request_body|<a>|{}", "request_body|b|[]"], &[]),
        ("escapes (RFC 8259, 7)", br#"{"a":"\u0027\"\\\/\b\f\n\r\t"}"#, &["request_body|a|'\"\\/\u{8}\u{c}\n\r\t"], &[]),
        ("escapes in keys", br#"{"\u003cscript>":1}"#, &["request_body|<script>|1"], &[]),
        ("keys and texts at the length where reading goes on otherwise", br#"{"abcdefghijklmnopqrstuvw":"abcdefghijklmnopqrstuvw","abcdefghijklmnopqrstuvwx":"abcdefghijklmnopqrstuvwx","O'Brien":"O'Brien"}"#, &["request_body|abcdefghijklmnopqrstuvw|abcdefghijklmnopqrstuvw", "request_body|abcdefghijklmnopqrstuvwx|abcdefghijklmnopqrstuvwx", "request_body|O'Brien|O'Brien"], &[]),
        ("surrogate pairs", br#"["\ud83d\ude00"]"#, &["request_body|[0]|\u{1f600}"], &[]),
        ("null bytes", br#"{"a":"\u0000"}"#, &["request_body|a|\0"], &["null_byte"]),
        ("duplicate keys: parsers differ on which counts", br#"{"a":"x","a":"'"}"#, &["request_body|a|x", "request_body|a|'"], &["duplicate_json_key"]),
        ("duplicate keys by escape", br#"{"a":1,"\u0061":2}"#, &["request_body|a|1", "request_body|a|2"], &["duplicate_json_key"]),
        ("the same key in two objects is none", br#"[{"a":1},{"a":2}]"#, &["request_body|[0].a|1", "request_body|[1].a|2"], &[]),
        ("byte order mark (RFC 8259, 8.1)", b"\xef\xbb\xbf[1]", &["request_body|[0]|1"], &[]),
        ("UTF-16 with a mark", b"\xff\xfe[\0\"\0'\0\"\0]\0", &["request_body|[0]|'"], &[]),
        ("UTF-16 without one (RFC 4627, 3)", b"\0[\0\"\0'\0\"\0]", &["request_body|[0]|'"], &[]),
        ("UTF-32", b"[\0\0\0\"\0\0\0'\0\0\0\"\0\0\0]\0\0\0", &["request_body|[0]|'"], &[]),
        ("data behind the end", br#"{"a":1}{"a":"'"}"#, &["request_body|a|1", "request_body|a|'"], &["trailing_json"]),
        ("text behind the end", b"{} ' or 1", &["request_body||{}", "raw_body||' or 1"], &["invalid_json", "trailing_json"]),
        ("JSON5: comments", b"{/* <b> */\"a\":1// '\n}", &["raw_body||/* <b> */", "request_body|a|1", "raw_body||// '"], &["invalid_json"]),
        ("JSON5: trailing commas", b"{\"a\":[1,],}", &["request_body|a[0]|1"], &["invalid_json"]),
        ("JSON5: single quotes and bare keys", b"{a:'<b>'}", &["request_body|a|<b>"], &["invalid_json"]),
        ("JSON5: \\x and \\0", br#"["\x27\0"]"#, &["request_body|[0]|'\0"], &["null_byte", "invalid_json"]),
        ("Python: NaN and Infinity", b"[NaN,-Infinity]", &["request_body|[0]|NaN", "request_body|[1]|-Infinity"], &["invalid_json"]),
        ("numbers that JSON has not", b"[0x1F,007,+1,.5,1.]", &["request_body|[0]|0x1F", "request_body|[1]|007", "request_body|[2]|+1", "request_body|[3]|.5", "request_body|[4]|1."], &["invalid_json"]),
        ("a lone surrogate", br#"["\ud800'"]"#, &["request_body|[0]|\u{fffd}'"], &["invalid_json"]),
        ("bytes that are not UTF-8", b"[\"\xc0\xa7\"]", &["request_body|[0]|\\xc0\\xa7"], &["invalid_json"]),
        ("a line end in a string", b"[\"a\nb\"]", &["request_body|[0]|a\nb"], &["invalid_json"]),
        ("an escape that JSON has not", br#"["\'\q"]"#, &["request_body|[0]|'q"], &["invalid_json"]),
        ("half an escape", br#"["\u00z"]"#, &["request_body|[0]|\\u00z"], &["invalid_json"]),
        ("words", b"{\"a\": 1 union select 2}", &["request_body|a|1", "raw_body||1 union select 2}"], &["invalid_json"]),
        ("a word where a value is due", b"{\"a\": select 2}", &["request_body|a|", "raw_body||select 2}"], &["invalid_json"]),
        ("no colon", b"{\"<b>\" \"'\"}", &["request_body|<b>|", "raw_body||\"<b>\" \"'\"}"], &["invalid_json"]),
        ("the wrong bracket", b"[1}'", &["request_body|[0]|1", "raw_body||1}'"], &["invalid_json"]),
        ("an array that never ends", b"[\"'\"", &["request_body|[0]|'"], &["invalid_json"]),
        ("a string that never ends", b"[\"' or", &["request_body|[0]|' or"], &["invalid_json"]),
        ("a key that never ends", b"{\"' or", &["request_body|' or|"], &["invalid_json"]),
        ("a key and nothing else", b"{\"'\":", &["request_body|'|"], &["invalid_json"]),
        ("white space alone", b" ", &[], &["invalid_json"]),
        ("the prefix against inclusion as a script", b")]}',\n{\"a\":1}", &["request_body||", "raw_body||)]}',\n{\"a\":1}"], &["invalid_json"]),
        ("a form under the type of JSON", b"a=%27&b=1", &["request_body||", "raw_body||a=%27&b=1", "request_body|a|'", "request_body|b|1"], &["invalid_json"]),
        ("GraphQL: the strings of the document, then its variables", br#"{"query":"query q($a:[Int!]!){user(name:\"' or 1\",n:3){id}}","variables":{"a":["<b>"]}}"#, &["request_body|query.user.name|' or 1", "request_body|query.user.n|3", "request_body|query|query q($a:[Int!]!){user(name:\"' or 1\",n:3){id}}", "request_body|variables.a[0]|<b>"], &[]),
        ("GraphQL: a batch", br#"[{"query":"{a(b:\"'\")}"}]"#, &["request_body|[0].query.a.b|'", "request_body|[0].query|{a(b:\"'\")}"], &[]),
    ];
    check(rows, |text| body("application/json", text));
}

/// What fuzzing found to be left out: a mark in the text stood in no field, or in two halves.
#[test]
fn once_unseen() {
    let rows: &[Row<'_>] = &[
        (
            "a number that an attack begins with",
            b"1' or 1",
            &["request_body||1", "raw_body||1' or 1"],
            &["invalid_json"],
        ),
        (
            "a number, then words",
            b"1 union select 2",
            &[
                "request_body||1",
                "request_body||",
                "raw_body||1 union select 2",
            ],
            &["invalid_json", "trailing_json"],
        ),
        (
            "the name of an array that never begins",
            b"{\"'\":[",
            &["request_body|'|"],
            &["invalid_json"],
        ),
        (
            "the same behind a comment",
            b"{\"'\":[#",
            &["raw_body||#", "request_body|'|"],
            &["invalid_json"],
        ),
        (
            "the same before nonsense",
            b"{\"'\":{*",
            &["request_body|'|", "raw_body||*"],
            &["invalid_json"],
        ),
        (
            "the name of a value in single quotes that never ends",
            b"{\"<\":'",
            &["request_body|<|", "raw_body||'"],
            &["invalid_json"],
        ),
    ];
    check(rows, |text| body("application/json", text));
}

#[test]
fn lines_of_json() {
    let rows: &[Row<'_>] = &[
        (
            "one a line",
            b"{\"a\":1}\n{\"a\":\"'\"}\n",
            &["request_body|a|1", "request_body|a|'"],
            &[],
        ),
        (
            "a broken line",
            b"{\"a\":1}\n' or 1\n",
            &["request_body|a|1", "raw_body||' or 1\n"],
            &["invalid_json"],
        ),
        (
            "RFC 7464: record separators",
            b"\x1e{\"a\":1}\n\x1e{\"a\":2}\n",
            &["request_body|a|1", "request_body|a|2"],
            &[],
        ),
    ];
    check(rows, |text| body("application/x-ndjson", text));
    check(rows, |text| body("application/json-seq", text));
}

#[test]
fn a_cut_text_is_not_invalid() {
    let whole = br#"{"a":{"b":["x\u0041\ud83d\ude00",-1.5e3,true,{"c":null}]},"d":"e"}"#;
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", b"application/json")];
    for length in 0..whole.len() {
        let found = body_with(headers, &whole[..length], false, &Limits::default());
        assert_eq!(
            odd(&found),
            ["body_too_large"],
            "{}",
            String::from_utf8_lossy(&whole[..length])
        );
    }
    let found = body_with(headers, br#"{"a":"' or 1"#, false, &Limits::default());
    assert_eq!(list(&found), ["request_body|a|' or 1"]);
}

#[test]
fn kinds() {
    let found = body(
        "application/json",
        br#"{"a":"1","b":1,"c":null,"query":"{a}"}"#,
    );
    let kinds: Vec<_> = found.iter().map(|field| field.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Text, Kind::Number, Kind::Literal, Kind::Token]
    );
}

#[test]
fn a_long_key_further_out_does_not_hide_the_last_one() {
    let text = format!("{{\"{}\":{{\"<b>\":\"'\"}}}}", "x".repeat(20_000));
    let found = body("application/json", text.as_bytes());
    assert_eq!(list(&found), ["request_body|.<b>|'"]);
    assert_eq!(odd(&found), ["name_too_long"]);
}
