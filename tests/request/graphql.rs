//! GraphQL documents.

use palisade::request::Kind;

use crate::{Row, body, check};

#[test]
fn documents() {
    let rows: &[Row<'_>] = &[
        ("arguments by path", b"{ user(name: \"'\") { posts(title: \"<b>\", first: 3) { id } } }", &["request_body|query.user.name|'", "request_body|query.user.posts.title|<b>", "request_body|query.user.posts.first|3"], &[]),
        ("objects and lists", b"mutation m { add(input: {a: [\"x\", \"y\"], b: {c: ENUM}, d: $v, e: true}) { id } }", &["request_body|query.add.input.a[0]|x", "request_body|query.add.input.a[1]|y", "request_body|query.add.input.b.c|ENUM", "request_body|query.add.input.e|true"], &[]),
        ("defaults of variables, directives", b"query q($a: String! = \"'\" @x(y: \"1\"), $b: [[Int!]!]) @c(d: \"2\") { e @include(if: $b) }", &["request_body|query.a|'", "request_body|query.x.y|1", "request_body|query.c.d|2"], &[]),
        ("fragments", b"query { ...f ... on User @a { b(c: \"'\") } ... { d } } fragment f on User { e(g: \"1\") }", &["request_body|query.b.c|'", "request_body|query.e.g|1"], &[]),
        ("block strings", b"{ a(b: \"\"\"x \"y\" \\\"\"\" z\"\"\") }", &["request_body|query.a.b|x \"y\" \"\"\" z"], &[]),
        ("escapes", br#"{ a(b: "\u0027\u{3c}\"\n") }"#, &["request_body|query.a.b|'<\"\n"], &[]),
        ("comments are read", b"# ' or 1\n{ a }", &["request_body|query|# ' or 1"], &[]),
        ("an alias keeps the name of its field", b"{ x: a(b: \"1\") }", &["request_body|query.a.b|1"], &[]),
        ("an attack is no document", b"' or 1=1--", &["raw_body||' or 1=1--"], &["invalid_graphql"]),
        ("what follows nonsense", b"{ a(b: \"x\") } | id", &["request_body|query.a.b|x", "raw_body||{ a(b: \"x\") } | id"], &["invalid_graphql"]),
        ("a string that never ends", b"{ a(b: \"' or 1", &["request_body|query.a.b|' or 1", "raw_body||{ a(b: \"' or 1"], &["invalid_graphql"]),
        ("words that went for names",
            b"{ a union select ' or 1 }",
            &["raw_body||{ a union select ' or 1 }"],
            &["invalid_graphql"],
        ),
        (
            "a type system is no request", b"type A { b: C }", &["raw_body||type A { b: C }"], &["invalid_graphql"]),
        ("JSON under this type", br#"{"query":"{a(b:\"'\")}"}"#, &["raw_body||{\"query\":\"{a(b:\\\"'\\\")}\"}", "request_body|query.a.b|'", "request_body|query|{a(b:\"'\")}"], &["invalid_graphql"]),
    ];
    check(rows, |text| body("application/graphql", text));
}

#[test]
fn only_a_clean_document_is_more_than_text() {
    for (document, kind) in [
        ("{ a }", Kind::Token),
        ("{ a } ' or 1=1", Kind::Text),
        ("{ a; b }", Kind::Text),
        ("select", Kind::Text),
    ] {
        let found = body(
            "application/json",
            format!("{{\"query\":\"{document}\"}}").as_bytes(),
        );
        let last = found.list().last().map(|field| field.kind);
        assert_eq!(last, Some(kind), "{document}");
    }
}
