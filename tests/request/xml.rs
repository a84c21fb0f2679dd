//! XML.

use palisade::model::Limits;

use crate::{Row, body, body_with, check, list, odd};

#[test]
fn xml() {
    let rows: &[Row<'_>] = &[
        (
            "text and attributes",
            b"<a id=\"1\"><b c='2'>x</b></a>",
            &[
                "request_body|a@id|1",
                "request_body|a.b@c|2",
                "request_body|a.b|x",
            ],
            &[],
        ),
        (
            "the declaration is syntax",
            b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>x</a>",
            &[
                "request_body|?|xml version=\"1.0\" encoding=\"UTF-8\"",
                "request_body|a|x",
            ],
            &[],
        ),
        (
            "predefined and numeric references (XML 1.0, 4.1)",
            b"<a b='&#x27;'>&lt;s&#62;&amp;&apos;&quot;</a>",
            &["request_body|a@b|'", "request_body|a|<s>&'\""],
            &[],
        ),
        (
            "CDATA splits a word",
            b"<a>uni<![CDATA[on sel]]>ect</a>",
            &["request_body|a|union select"],
            &[],
        ),
        (
            "a comment splits a word, and is read itself",
            b"<a>uni<!-- ' -->on</a>",
            &["request_body|a#comment| ' ", "request_body|a|union"],
            &[],
        ),
        (
            "an instruction",
            b"<a><?php system('id')?></a>",
            &["request_body|a?|php system('id')"],
            &[],
        ),
        (
            "markup in CDATA is text",
            b"<a><![CDATA[<script>]]></a>",
            &["request_body|a|<script>"],
            &[],
        ),
        (
            "names of empty elements",
            b"<a><b'/></a>",
            &["request_body|a.b'|"],
            &[],
        ),
        (
            "XXE (CWE-611)",
            b"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
            &[
                "request_body|!|<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
                "request_body|a|&x;",
            ],
            &["xml_doctype", "xml_entity"],
        ),
        (
            "a document type without entities",
            b"<!DOCTYPE html><a>x</a>",
            &["request_body|!|<!DOCTYPE html>", "request_body|a|x"],
            &["xml_doctype"],
        ),
        (
            "in lower case, as lenient parsers take it",
            b"<!doctype a [<!entity x 'y'>]><a/>",
            &[
                "request_body|!|<!doctype a [<!entity x 'y'>]>",
                "request_body|a|",
            ],
            &["xml_doctype", "xml_entity"],
        ),
        (
            "a parameter entity and a > in quotes",
            b"<!DOCTYPE a [<!ENTITY % x \">\">]><a/>",
            &[
                "request_body|!|<!DOCTYPE a [<!ENTITY % x \">\">]>",
                "request_body|a|",
            ],
            &["xml_doctype", "xml_entity"],
        ),
        (
            "billion laughs (CWE-776): nothing expands",
            b"<!DOCTYPE a [<!ENTITY b \"&c;&c;\">]><a>&b;</a>",
            &[
                "request_body|!|<!DOCTYPE a [<!ENTITY b \"&c;&c;\">]>",
                "request_body|a|&b;",
            ],
            &["xml_doctype", "xml_entity"],
        ),
        (
            "an entity that nobody declared",
            b"<a>&x;</a>",
            &["request_body|a|&x;"],
            &["invalid_xml"],
        ),
        (
            "tags that do not match",
            b"<a>x</b>",
            &["request_body|a|x", "request_body|a/|b"],
            &["invalid_xml"],
        ),
        (
            "text in an end tag",
            b"<a></a ' or 1>",
            &["request_body|a/|a ' or 1"],
            &["invalid_xml"],
        ),
        (
            "never closed",
            b"<a><b>'",
            &["request_body|a.b|'"],
            &["invalid_xml"],
        ),
        (
            "two roots",
            b"<a/><b/>",
            &["request_body|a|", "request_body|b|"],
            &["invalid_xml"],
        ),
        (
            "text outside",
            b"<a/>' or 1",
            &["request_body|a|", "request_body||' or 1"],
            &["invalid_xml"],
        ),
        (
            "no markup at all",
            b"' or 1",
            &["request_body||' or 1"],
            &["invalid_xml"],
        ),
        (
            "an attribute without quotes",
            b"<a b='1' c=2'/>",
            &["request_body|a@b|1", "request_body|a@c|2'/"],
            &["invalid_xml"],
        ),
        (
            "an attribute without a value",
            b"<a b/>",
            &["request_body|a@b|"],
            &["invalid_xml"],
        ),
        (
            "< in a value",
            b"<a b='<x>'/>",
            &["request_body|a@b|<x>"],
            &["invalid_xml"],
        ),
        (
            "a < that begins nothing",
            b"<a>1 < 2</a>",
            &["request_body|a|1 < 2"],
            &["invalid_xml"],
        ),
        (
            "a comment that never ends",
            b"<a>x<!-- ' or 1",
            &["request_body|a|x", "raw_body||<!-- ' or 1"],
            &["invalid_xml"],
        ),
        (
            "CDATA that never ends",
            b"<a><![CDATA[' or 1",
            &["raw_body||<![CDATA[' or 1", "request_body|a|"],
            &["invalid_xml"],
        ),
        (
            "UTF-16 by its mark",
            b"\xff\xfe<\0a\0>\0'\0<\0/\0a\0>\0",
            &["request_body|a|'"],
            &[],
        ),
        (
            "UTF-16 by its null bytes (XML 1.0, F)",
            b"\0<\0a\0>\0'\0<\0/\0a\0>",
            &["request_body|a|'"],
            &[],
        ),
        (
            "UTF-7 by its own word",
            b"<?xml encoding='utf-7'?><a>+ADw-</a>",
            &["request_body|?|xml encoding='utf-7'", "request_body|a|<"],
            &["invalid_xml"],
        ),
        (
            "a charset that nobody knows",
            b"<?xml encoding='x-y'?><a>1</a>",
            &["request_body|?|xml encoding='x-y'", "request_body|a|1"],
            &["unknown_charset"],
        ),
        (
            "null bytes by reference",
            b"<a>&#0;</a>",
            &["request_body|a|\0"],
            &["null_byte"],
        ),
    ];
    check(rows, |text| body("application/xml", text));
    check(rows, |text| {
        body("application/soap+xml; action=\"x\"", text)
    });
}

/// What fuzzing found to be left out.
#[test]
fn once_unseen() {
    let rows: &[Row<'_>] = &[(
        "an element without content before a comment without end",
        b"<a'><!--",
        &["raw_body||<!--", "request_body|a'|"],
        &["invalid_xml"],
    )];
    check(rows, |text| body("application/xml", text));
    // Four bytes of EBCDIC, the rest in ASCII.
    let found = list(&body("text/xml", b"\x4c\x6f\xa7\x94' or 1"));
    assert!(
        found.contains(&"raw_body||Lo\\xa7\\x94' or 1".to_owned()),
        "{found:?}"
    );
}

#[test]
fn xml_in_ebcdic() {
    // <?xml?><a>'</a>
    let ebcdic = b"\x4c\x6f\xa7\x94\x93\x6f\x6e\x4c\x81\x6e\x7d\x4c\x61\x81\x6e";
    let found = body("text/xml", ebcdic);
    assert!(
        list(&found).contains(&"request_body|a|'".to_owned()),
        "{:?}",
        list(&found)
    );
}

#[test]
fn a_cut_document_is_not_invalid() {
    let whole = b"<?xml version=\"1.0\"?><a id='1'><!-- c --><b>x &amp; y<![CDATA[z]]></b></a>";
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", b"text/xml")];
    for length in 0..whole.len() {
        let found = body_with(headers, &whole[..length], false, &Limits::default());
        assert_eq!(
            odd(&found),
            ["body_too_large"],
            "{}",
            String::from_utf8_lossy(&whole[..length])
        );
    }
}
