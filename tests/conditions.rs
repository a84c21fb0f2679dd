//! Rules with conditions: every test and place, how they combine, when they are decided, and what of
//! a badly written one is told. Every row runs with and without the prefilter.

use std::cell::Cell;
use std::net::IpAddr;

use palisade::config::Config;
use palisade::engine::{Engine, Inspection, Peer, Scratch};
use palisade::model::{Action, EndedBy, Verdict};
use palisade::request::{FrameSplitter, Head};

/// One request, in words that keep a table readable.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// Method and target.
    line: &'a str,
    headers: &'a [(&'a str, &'a str)],
    /// Its content type and what is in it.
    body: Option<(&'a str, &'a [u8])>,
    trailers: &'a [(&'a str, &'a str)],
    client: &'a str,
}

const PLAIN: Asked<'static> = Asked {
    line: "GET /",
    headers: &[],
    body: None,
    trailers: &[],
    client: "192.0.2.7",
};

fn get(line: &str) -> Asked<'_> {
    Asked { line, ..PLAIN }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn form(body: &str) -> Asked<'_> {
    Asked {
        line: "POST /login",
        body: Some((FORM, body.as_bytes())),
        ..PLAIN
    }
}

fn json(body: &str) -> Asked<'_> {
    Asked {
        line: "POST /login",
        body: Some((JSON, body.as_bytes())),
        ..PLAIN
    }
}

fn compile(policy: &str) -> Engine {
    Config::parse(policy.as_bytes())
        .and_then(Engine::compile)
        .unwrap_or_else(|problems| panic!("{policy}: {problems:#?}"))
}

/// A policy with this one condition.
fn policy(when: &str) -> String {
    format!(r#"{{"rules":[{{"id":100000,"score":{{"unwanted_access":24}},"when":{when}}}]}}"#)
}

fn begin(engine: &Engine, scratch: &mut Scratch, asked: Asked<'_>) -> Inspection {
    let (method, target) = asked.line.split_once(' ').expect("method and target");
    let mut headers: Vec<(&[u8], &[u8])> = vec![(b"user-agent", b"test")];
    if let Some((kind, _)) = asked.body {
        headers.push((b"content-type", kind.as_bytes()));
    }
    headers.extend(bytes(asked.headers));
    let head = Head {
        method: method.as_bytes(),
        scheme: b"http",
        authority: b"Shop.Example:8080",
        target: target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: asked.body.is_none() && asked.trailers.is_empty(),
    };
    let peer = Peer::known(asked.client.parse::<IpAddr>().ok(), None);
    engine.begin_for(scratch, &head, &peer)
}

fn bytes<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(&'a [u8], &'a [u8])> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect()
}

fn run(engine: &Engine, asked: Asked<'_>) -> Verdict {
    let mut scratch = Scratch::default();
    let mut seen = begin(engine, &mut scratch, asked);
    if asked.body.is_some() || !asked.trailers.is_empty() {
        if !asked.trailers.is_empty() {
            engine.expect_trailers(&mut seen);
        }
        let body = asked.body.map_or(&b""[..], |(_, body)| body);
        engine.body(&mut scratch, &mut seen, body, true);
        engine.end(&mut scratch, &mut seen, &bytes(asked.trailers));
    }
    engine.verdict(&seen)
}

/// The verdict, which must be the same without the prefilter.
fn verdict(policy: &str, asked: Asked<'_>) -> Verdict {
    let with = run(&compile(policy), asked);
    let without = run(&compile(policy).without_prefilter(), asked);
    assert_eq!(with, without, "{policy} {}", asked.line);
    with
}

/// Where the policy's own rules hit, as `rule:zone:name`.
fn hits(policy: &str, asked: Asked<'_>) -> Vec<String> {
    verdict(policy, asked)
        .hits
        .iter()
        .filter(|hit| hit.rule >= 100_000)
        .map(|hit| {
            assert_eq!(hit.count, 1, "a condition counts once");
            let name = String::from_utf8_lossy(&hit.name);
            format!("{}:{}:{name}", hit.rule, hit.zone)
        })
        .collect()
}

#[track_caller]
fn assert_hits(when: &str, asked: Asked<'_>, expected: Option<&str>) {
    let expected: Vec<String> = expected
        .map(|place| format!("100000:{place}"))
        .into_iter()
        .collect();
    let shown = asked.body.map(|(_, body)| String::from_utf8_lossy(body));
    assert_eq!(
        hits(&policy(when), asked),
        expected,
        "{when} on {} {:?} {shown:?} {:?}",
        asked.line,
        asked.headers,
        asked.trailers
    );
}

#[test]
fn every_test_of_a_value() {
    for (test, text, holds) in [
        (r#""equals":"a""#, "a", true),
        (r#""equals":"a""#, "A", false),
        (r#""equals":"a""#, "aa", false),
        (r#""exact":"a""#, "a", true),
        (r#""equals":"a","ignore_case":true"#, "A", true),
        (r#""equals":["a","b"]"#, "b", true),
        (r#""equals":["a","b"]"#, "c", false),
        (r#""equals":"""#, "", true),
        (r#""equals":"""#, "x", false),
        (r#""equals":"a b""#, "a%20b", true),
        (r#""prefix":"ab""#, "abc", true),
        (r#""prefix":"ab""#, "cab", false),
        (r#""prefix":"AB","ignore_case":true"#, "abc", true),
        (r#""suffix":"bc""#, "abc", true),
        (r#""suffix":"bc""#, "bca", false),
        (r#""contains":"bc""#, "abcd", true),
        (r#""contains":"bc""#, "aBCd", false),
        (r#""contains":["x","bc"]"#, "abcd", true),
        (r#""contains":["x","BC"],"ignore_case":true"#, "abcd", true),
        (r#""contains":"bc","ignore_case":true"#, "acbd", false),
        (r#""glob":"a*d""#, "abcd", true),
        (r#""glob":"a?d""#, "abcd", false),
        (r#""glob":"*""#, "", true),
        (r#""glob":["x*","?b*"]"#, "abc", true),
        (r#""regex":"^[0-9]{3}$""#, "123", true),
        (r#""regex":"^[0-9]{3}$""#, "1234", false),
        (r#""regex":["x","(?i)hello"]"#, "HELLO", true),
        (r#""literals":["evil"]"#, "so-EVIL-x", true),
        (r#""literals":["evil"]"#, "good", false),
        // What searches for attacks looks behind a second encoding as well; what compares does not.
        (r#""literals":["evil"]"#, "%2565vil", true),
        (r#""equals":"evil""#, "%2565vil", false),
        (r#""equals":"evil","views":["decoded"]"#, "%2565vil", true),
        (r#""equals":"%65vil","views":["wire"]"#, "%65vil", true),
        (r#""equals":"plain","views":["wire"]"#, "plain", true),
        (
            r#""detector":"libinjection_sql""#,
            "1%27%20or%20%271%27=%271",
            true,
        ),
        (r#""detector":"libinjection_sql""#, "plain", false),
        (r#""length":{"min":3}"#, "abc", true),
        (r#""length":{"min":3}"#, "ab", false),
        (r#""length":{"max":2}"#, "ab", true),
        (r#""length":{"max":2}"#, "abc", false),
        (r#""length":{"max":0}"#, "", true),
        (r#""length":{"min":2,"max":3}"#, "%C3%A9", true),
        (r#""number":{"gt":5}"#, "6", true),
        (r#""number":{"gt":5}"#, "5", false),
        (r#""number":{"ge":5}"#, "5", true),
        (r#""number":{"lt":5}"#, "-7", true),
        (r#""number":{"le":5}"#, "5.0", true),
        (r#""number":{"eq":1000}"#, "1e3", true),
        (
            r#""number":{"eq":9007199254740993}"#,
            "9007199254740992",
            false,
        ),
        (r#""number":{"ge":1,"le":10}"#, "10", true),
        (r#""number":{"ge":1,"le":10}"#, "11", false),
        (r#""number":{"gt":1.5}"#, "1.6", true),
        (r#""number":{"gt":5}"#, "six", false),
        (r#""number":{"gt":5}"#, "0x10", false),
        // Tests that stand together are passed by one text.
        (r#""prefix":"a","length":{"min":3}"#, "abc", true),
        (r#""prefix":"a","length":{"min":3}"#, "ab", false),
        (r#""contains":"x","suffix":"z""#, "xyz", true),
        (r#""contains":"x","suffix":"z""#, "xy", false),
    ] {
        let when = format!(r#"{{"field":"q",{test}}}"#);
        let target = format!("GET /?q={text}");
        assert_hits(&when, get(&target), holds.then_some("query_string:q"));
        // The same in a body, and with no name to go by.
        let body = format!("q={text}");
        assert_hits(&when, form(&body), holds.then_some("request_body:q"));
        let when = format!(r#"{{"field":{{"zones":["query_string"]}},{test}}}"#);
        assert_hits(&when, get(&target), holds.then_some("query_string:q"));
        assert_hits(&when, form(&body), None);
    }
    // Together means together: here two fields pass one test each.
    let both = r#"{"field":{"zones":["query_string"]},"prefix":"a","suffix":"z"}"#;
    assert_hits(both, get("GET /?p=ab&q=yz"), None);
    let each = r#"{"all":[{"field":{"zones":["query_string"]},"prefix":"a"},
        {"field":{"zones":["query_string"]},"suffix":"z"}]}"#;
    assert_hits(each, get("GET /?p=yz&q=ab"), Some("query_string:p"));
}

#[test]
fn every_place() {
    let nested = r#"{"user":{"name":"bob","tags":["a","b"]},"n":7,"ok":true,"no":null}"#;
    let file = b"--B\r\nContent-Disposition: form-data; name=\"up\"; filename=\"x.php\"\r\n\r\n<?\r\n--B--\r\n";
    let upload = Asked {
        line: "POST /up",
        body: Some(("multipart/form-data; boundary=B", file)),
        ..PLAIN
    };
    let header = Asked {
        headers: &[("X-Role", "Admin"), ("cookie", "sid=1; theme=dark")],
        ..PLAIN
    };
    let trailer = Asked {
        line: "POST /",
        body: Some(("text/plain", b"hello")),
        trailers: &[("x-note", "late")],
        ..PLAIN
    };
    let text = Asked {
        line: "POST /",
        body: Some(("text/plain", b"hello world")),
        ..PLAIN
    };
    for (when, asked, expected) in [
        (
            r#"{"header":"x-role","equals":"Admin"}"#,
            header,
            Some("request_header:X-Role"),
        ),
        (
            r#"{"header":"X-ROLE","equals":"Admin"}"#,
            header,
            Some("request_header:X-Role"),
        ),
        (
            r#"{"header":{"glob":"x-*"},"equals":"Admin"}"#,
            header,
            Some("request_header:X-Role"),
        ),
        (
            r#"{"header":"x-role","length":{"min":5}}"#,
            header,
            Some("request_header:X-Role"),
        ),
        (r#"{"header":"x-rol","equals":"Admin"}"#, header, None),
        (
            r#"{"header":"host","prefix":"Shop"}"#,
            header,
            Some("request_header:host"),
        ),
        (
            r#"{"header":"x-note","equals":"late"}"#,
            trailer,
            Some("request_header:x-note"),
        ),
        (
            r#"{"header":"x-note","count":{"min":1}}"#,
            trailer,
            Some("request_header:x-note"),
        ),
        (
            r#"{"field":{"zones":["cookies"],"name":"theme"},"equals":"dark"}"#,
            header,
            Some("cookies:theme"),
        ),
        (
            r#"{"field":{"zones":["query_string"],"name":"theme"},"equals":"dark"}"#,
            header,
            None,
        ),
        (
            r#"{"field":{"zones":["path"]},"suffix":".php"}"#,
            get("GET /a/b.php?x=1"),
            Some("path:"),
        ),
        (
            r#"{"field":{"zones":["query_string"],"parts":["name"]},"prefix":"__"}"#,
            get("GET /?__proto__=1"),
            Some("query_string:__proto__"),
        ),
        (
            r#"{"field":{"zones":["query_string"],"parts":["name"]},"prefix":"__"}"#,
            get("GET /?a=__x"),
            None,
        ),
        (
            r#"{"field":{"parts":["name","value"]},"equals":"x"}"#,
            get("GET /?a=x"),
            Some("query_string:a"),
        ),
        (
            r#"{"field":{"zones":["request_body"],"name":"user.name"},"equals":"bob"}"#,
            json(nested),
            Some("request_body:user.name"),
        ),
        (
            r#"{"field":{"name":{"glob":"user.tags[*]"}},"equals":"b"}"#,
            json(nested),
            Some("request_body:user.tags[1]"),
        ),
        (
            r#"{"field":{"name":{"regex":"^user\\."}},"equals":"bob"}"#,
            json(nested),
            Some("request_body:user.name"),
        ),
        (
            r#"{"field":"n","number":{"gt":6}}"#,
            json(nested),
            Some("request_body:n"),
        ),
        (
            r#"{"field":"n","equals":"7"}"#,
            json(nested),
            Some("request_body:n"),
        ),
        (
            r#"{"field":"ok","equals":"true"}"#,
            json(nested),
            Some("request_body:ok"),
        ),
        (
            r#"{"field":"no","equals":"null"}"#,
            json(nested),
            Some("request_body:no"),
        ),
        (
            r#"{"field":{"zones":["file_name"]},"suffix":".php"}"#,
            upload,
            Some("file_name:up"),
        ),
        (
            r#"{"field":{"zones":["raw_body"]},"contains":"world"}"#,
            text,
            Some("raw_body:"),
        ),
        // Bodies that no reader splits are bodies all the same.
        (
            r#"{"field":{"zones":["request_body"]},"contains":"world"}"#,
            text,
            Some("raw_body:"),
        ),
        // The request as a whole.
        (
            r#"{"method":"GET"}"#,
            get("GET /"),
            Some("request_header:method"),
        ),
        (
            r#"{"method":["PUT","GET"]}"#,
            get("GET /"),
            Some("request_header:method"),
        ),
        (r#"{"method":"POST"}"#, get("GET /"), None),
        (
            r#"{"path":"/a/b"}"#,
            get("GET /a/x/../%62?q=1"),
            Some("request_header:path"),
        ),
        (
            r#"{"path":["/c",{"prefix":"/a"}]}"#,
            get("GET /a/b"),
            Some("request_header:path"),
        ),
        (
            r#"{"path":{"regex":"^/[0-9]+$"}}"#,
            get("GET /42"),
            Some("request_header:path"),
        ),
        (
            r#"{"path":{"equals":"/a"}}"#,
            get("GET /a"),
            Some("request_header:path"),
        ),
        (r#"{"path":{"prefix":"/b"}}"#, get("GET /a/b"), None),
        (
            r#"{"host":"shop.example"}"#,
            get("GET /"),
            Some("request_header:host"),
        ),
        (
            r#"{"host":"*.example"}"#,
            get("GET /"),
            Some("request_header:host"),
        ),
        (r#"{"host":"example"}"#, get("GET /"), None),
        (
            r#"{"client_address":"192.0.2.0/24"}"#,
            get("GET /"),
            Some("request_header:client_address"),
        ),
        (
            r#"{"client_address":["198.51.100.0/24","192.0.2.7"]}"#,
            get("GET /"),
            Some("request_header:client_address"),
        ),
        (
            r#"{"client_address":["2001:db8::/32"]}"#,
            Asked {
                client: "2001:db8::5",
                ..PLAIN
            },
            Some("request_header:client_address"),
        ),
        (r#"{"client_address":["10.0.0.0/8"]}"#, get("GET /"), None),
        // An address that nobody knows is none of them.
        (
            r#"{"client_address":["0.0.0.0/0","::/0"]}"#,
            Asked {
                client: "",
                ..PLAIN
            },
            None,
        ),
        (
            r#"{"path":"/a","method":"GET"}"#,
            get("GET /a"),
            Some("request_header:path"),
        ),
        (r#"{"path":"/a","method":"POST"}"#, get("GET /a"), None),
    ] {
        assert_hits(when, asked, expected);
    }
}

#[test]
fn fields_are_counted() {
    for (when, target, holds) in [
        (
            r#"{"field":{"zones":["query_string"]},"count":{"min":3}}"#,
            "GET /?a=1&b=2&c=",
            true,
        ),
        (
            r#"{"field":{"zones":["query_string"]},"count":{"min":3}}"#,
            "GET /?a=1&b=2",
            false,
        ),
        (
            r#"{"field":{"zones":["query_string"]},"count":{"max":1}}"#,
            "GET /?a=1",
            true,
        ),
        (
            r#"{"field":{"zones":["query_string"]},"count":{"max":1}}"#,
            "GET /?a=1&b=2",
            false,
        ),
        (r#"{"field":"a","count":{"min":1}}"#, "GET /?a=1", true),
        (r#"{"field":"a","count":{"min":1}}"#, "GET /?b=1", false),
        (r#"{"field":"a","count":{"max":0}}"#, "GET /?b=1", true),
        (r#"{"field":"a","count":{"max":0}}"#, "GET /?a=1", false),
        // Repeated parameters are two fields, and the text they make together is none.
        (
            r#"{"field":"a","count":{"min":2}}"#,
            "GET /?a=(1)&a=(2)",
            true,
        ),
        (
            r#"{"field":"a","count":{"min":3}}"#,
            "GET /?a=(1)&a=(2)",
            false,
        ),
        (
            r#"{"field":"a","count":{"min":2,"max":2}}"#,
            "GET /?a=(1)&a=(2)",
            true,
        ),
        (
            r#"{"field":{"zones":["query_string"]},"literals":["x"],"count":{"min":2}}"#,
            "GET /?a=x&b=y&c=axa",
            true,
        ),
        (
            r#"{"field":{"zones":["query_string"]},"literals":["x"],"count":{"min":2}}"#,
            "GET /?a=xx&b=y",
            false,
        ),
        // One field counts once, whichever half of it and however many forms of it match.
        (
            r#"{"field":{"zones":["query_string"],"parts":["name","value"]},"literals":["x"],"count":{"min":2}}"#,
            "GET /?x=%2578",
            false,
        ),
        (
            r#"{"field":{"zones":["query_string"],"parts":["name","value"]},"length":{"min":1},"count":{"min":2}}"#,
            "GET /?x=%2578",
            false,
        ),
    ] {
        let found = !hits(&policy(when), get(target)).is_empty();
        assert_eq!(found, holds, "{when} {target}");
    }
    // An object or a list is there for its own name: it has no value that could be counted or be empty.
    for (when, body, holds) in [
        (
            r#"{"field":{"zones":["request_body"]},"count":{"max":1}}"#,
            r#"{"a":{"b":[1]}}"#,
            true,
        ),
        (
            r#"{"field":{"zones":["request_body"]},"count":{"min":2}}"#,
            r#"{"a":{"b":[1,"2"]}}"#,
            true,
        ),
        (
            r#"{"field":{"zones":["request_body"]},"equals":""}"#,
            r#"{"a":{"b":[1]}}"#,
            false,
        ),
        (
            r#"{"field":{"zones":["request_body"]},"equals":""}"#,
            r#"{"a":{"b":""}}"#,
            true,
        ),
        (
            r#"{"field":{"zones":["request_body"],"parts":["name"]},"equals":"a"}"#,
            r#"{"a":{"b":1}}"#,
            true,
        ),
    ] {
        let found = !hits(&policy(when), json(body)).is_empty();
        assert_eq!(found, holds, "{when} {body}");
    }
    // Fields add up over the parts of a request.
    let when = r#"{"field":"a","count":{"min":2}}"#;
    let both = Asked {
        line: "POST /?a=1",
        body: Some((FORM, b"a=2")),
        ..PLAIN
    };
    assert_hits(when, both, Some("query_string:a"));
}

#[test]
fn conditions_in_conditions() {
    let (a, b) = (
        r#"{"field":"a","equals":"1"}"#,
        r#"{"field":"b","equals":"1"}"#,
    );
    let get_only = r#"{"method":"GET"}"#;
    for (when, target, expected) in [
        (
            format!(r#"{{"all":[{a},{b}]}}"#),
            "GET /?a=1&b=1",
            Some("query_string:a"),
        ),
        (
            format!(r#"{{"all":[{a},{b}]}}"#),
            "GET /?b=1&a=1",
            Some("query_string:b"),
        ),
        (format!(r#"{{"all":[{a},{b}]}}"#), "GET /?a=1", None),
        (
            format!(r#"{{"any":[{a},{b}]}}"#),
            "GET /?b=1",
            Some("query_string:b"),
        ),
        (format!(r#"{{"any":[{a},{b}]}}"#), "GET /?c=1", None),
        (format!(r#"{{"not":{a}}}"#), "GET /?a=2", Some("path:a")),
        (format!(r#"{{"not":{a}}}"#), "GET /?a=1", None),
        (
            format!(r#"{{"not":{{"not":{a}}}}}"#),
            "GET /?a=1",
            Some("query_string:a"),
        ),
        (
            format!(r#"{{"all":[{get_only},{{"not":{a}}}]}}"#),
            "GET /",
            Some("request_header:method"),
        ),
        (
            format!(r#"{{"all":[{get_only},{{"not":{a}}}]}}"#),
            "GET /?a=1",
            None,
        ),
        (
            format!(r#"{{"all":[{{"not":{get_only}}},{a}]}}"#),
            "PUT /?a=1",
            Some("query_string:a"),
        ),
        (
            format!(r#"{{"all":[{{"any":[{a},{b}]}},{{"not":{{"all":[{a},{b}]}}}}]}}"#),
            "GET /?a=1",
            Some("query_string:a"),
        ),
        (
            format!(r#"{{"all":[{{"any":[{a},{b}]}},{{"not":{{"all":[{a},{b}]}}}}]}}"#),
            "GET /?a=1&b=1",
            None,
        ),
        (
            format!(r#"{{"any":[{get_only},{a}]}}"#),
            "GET /?a=1",
            Some("request_header:method"),
        ),
        (
            format!(r#"{{"not":{{"any":[{get_only},{a}]}}}}"#),
            "PUT /?a=2",
            Some("request_header:method"),
        ),
        (
            format!(r#"{{"not":{{"any":[{get_only},{a}]}}}}"#),
            "PUT /?a=1",
            None,
        ),
    ] {
        assert_hits(&when, get(target), expected);
    }
    // As deep as may be.
    let deep = format!("{}{a}{}", r#"{"not":"#.repeat(8), "}".repeat(8));
    assert_hits(&deep, get("GET /?a=1"), Some("query_string:a"));
}

#[test]
fn over_the_parts_of_a_request() {
    let login = r#"{"all":[{"path":{"prefix":"/login"}},{"method":"POST"},
        {"field":{"zones":["request_body"],"name":"user"},"length":{"min":5}},
        {"not":{"client_address":["10.0.0.0/8"]}}]}"#;
    assert_hits(login, form("user=abcdef"), Some("request_body:user"));
    assert_hits(login, form("user=abc"), None);
    let inside = Asked {
        client: "10.1.2.3",
        ..form("user=abcdef")
    };
    assert_hits(login, inside, None);
    let elsewhere = Asked {
        line: "POST /other",
        ..form("user=abcdef")
    };
    assert_hits(login, elsewhere, None);

    let query_and_body = r#"{"all":[{"field":{"zones":["query_string"],"name":"debug"},"equals":"1"},
        {"field":{"zones":["request_body"],"name":"cmd"},"contains":"rm"}]}"#;
    let asked = Asked {
        line: "POST /?debug=1",
        ..form("cmd=rm")
    };
    assert_hits(query_and_body, asked, Some("query_string:debug"));
    assert_hits(query_and_body, form("cmd=rm&debug=1"), None);

    let body_and_trailer = r#"{"all":[{"field":{"zones":["request_body"],"name":"a"},"equals":"1"},
        {"header":"x-end","equals":"2"}]}"#;
    let asked = Asked {
        trailers: &[("x-end", "2")],
        ..form("a=1")
    };
    assert_hits(body_and_trailer, asked, Some("request_body:a"));
    assert_hits(body_and_trailer, form("a=1"), None);
    let early = Asked {
        headers: &[("x-end", "2")],
        ..form("a=1")
    };
    assert_hits(body_and_trailer, early, Some("request_header:x-end"));

    // What must be missing may still come.
    let no_token = r#"{"all":[{"method":"POST"},{"not":{"header":"x-token","count":{"min":1}}}]}"#;
    assert_hits(no_token, form("a=1"), Some("request_header:method"));
    let late = Asked {
        trailers: &[("x-token", "")],
        ..form("a=1")
    };
    assert_hits(no_token, late, None);
    let other = Asked {
        trailers: &[("x-other", "")],
        ..form("a=1")
    };
    assert_hits(no_token, other, Some("request_header:method"));
    let no_field = r#"{"all":[{"method":"POST"},{"not":{"field":{"zones":["request_body"],"name":"csrf"},"length":{"min":4}}}]}"#;
    assert_hits(no_field, form("csrf=abcd"), None);
    assert_hits(no_field, form("csrf=abc"), Some("request_header:method"));
}

/// How often the policy's own rules have hit so far.
fn own_hits(engine: &Engine, seen: &Inspection) -> usize {
    let verdict = engine.verdict(seen);
    let own = verdict.hits.iter().filter(|hit| hit.rule >= 100_000);
    own.count()
}

/// What the head decides is decided there; what must be missing waits, also for a request that is cut.
#[test]
fn when_it_is_decided() {
    let asked = Asked {
        line: "POST /?a=1",
        ..form("b=1")
    };
    for (when, at_head) in [
        (r#"{"method":"POST"}"#, true),
        (r#"{"not":{"method":"GET"}}"#, true),
        (r#"{"not":{"client_address":["10.0.0.0/8"]}}"#, true),
        (
            r#"{"field":{"zones":["query_string"],"name":"a"},"equals":"1"}"#,
            true,
        ),
        // No more of the query can come.
        (
            r#"{"not":{"field":{"zones":["query_string"],"name":"b"},"equals":"1"}}"#,
            true,
        ),
        (
            r#"{"field":{"zones":["query_string"]},"count":{"max":1}}"#,
            true,
        ),
        (
            r#"{"not":{"field":{"zones":["request_body"],"name":"c"},"count":{"min":1}}}"#,
            false,
        ),
        (r#"{"not":{"header":"x-token","equals":"1"}}"#, false),
        (
            r#"{"field":{"zones":["request_header"]},"count":{"max":100}}"#,
            false,
        ),
        (r#"{"field":"b","equals":"1"}"#, false),
    ] {
        for engine in [
            compile(&policy(when)),
            compile(&policy(when)).without_prefilter(),
        ] {
            let mut scratch = Scratch::default();
            let mut seen = begin(&engine, &mut scratch, asked);
            assert_eq!(own_hits(&engine, &seen), usize::from(at_head), "{when}");
            // A body of which only the beginning is seen is all that will be seen.
            engine.body(&mut scratch, &mut seen, b"b=1", false);
            assert_eq!(own_hits(&engine, &seen), 1, "{when}");
            engine.close(&mut scratch, &mut seen);
            assert_eq!(own_hits(&engine, &seen), 1, "{when}");
        }
    }
    // A request whose rest is never inspected, such as an upgrade.
    let engine = compile(&policy(r#"{"not":{"header":"x-token","equals":"1"}}"#));
    let mut scratch = Scratch::default();
    let mut seen = begin(&engine, &mut scratch, asked);
    assert_eq!(engine.action(&seen), Action::Allow);
    engine.close(&mut scratch, &mut seen);
    assert_eq!(engine.action(&seen), Action::Block);
}

/// A protobuf message with one text as its first field, in its gRPC frame.
fn grpc(text: &str) -> Vec<u8> {
    let mut message = vec![0x0a, text.len() as u8];
    message.extend_from_slice(text.as_bytes());
    let mut frame = vec![0, 0, 0, 0, message.len() as u8];
    frame.extend(message);
    frame
}

#[test]
fn each_message_stands_with_the_head_alone() {
    let asked = Asked {
        line: "POST /svc/Do",
        body: Some(("application/grpc", b"")),
        ..PLAIN
    };
    for (when, messages, expected) in [
        (
            r#"{"field":"1","equals":"bad"}"#,
            &["ok", "bad", "ok", "bad"][..],
            &[0, 1, 1, 2][..],
        ),
        (
            r#"{"all":[{"path":"/svc/Do"},{"field":"1","literals":["bad"]}]}"#,
            &["ok", "bad"],
            &[0, 1],
        ),
        (
            r#"{"not":{"field":"1","equals":"ok"}}"#,
            &["ok", "bad", "ok"],
            &[0, 1, 1],
        ),
        // Fields of two messages do not come together.
        (
            r#"{"all":[{"field":"1","prefix":"a"},{"field":"1","suffix":"z"}]}"#,
            &["ab", "yz", "az"],
            &[0, 0, 1],
        ),
        (r#"{"field":"1","count":{"min":2}}"#, &["a", "b"], &[0, 0]),
        (r#"{"path":"/svc/Do"}"#, &["a", "b"], &[1, 1]),
    ] {
        for engine in [
            compile(&policy(when)),
            compile(&policy(when)).without_prefilter(),
        ] {
            let mut scratch = Scratch::default();
            let mut seen = begin(&engine, &mut scratch, asked);
            assert!(seen.plan().is_message_stream());
            for (message, expected) in messages.iter().zip(expected) {
                let bytes = grpc(message);
                let mut rest = bytes.as_slice();
                let mut splitter = FrameSplitter::new(1024);
                let frame = splitter.next_frame(&mut rest).expect("a whole frame");
                engine.message(&mut scratch, &mut seen, &frame);
                assert_eq!(own_hits(&engine, &seen), *expected, "{when} {message}");
            }
        }
    }
    // A stream without a message is over all the same.
    let engine = compile(&policy(r#"{"not":{"field":"1","equals":"ok"}}"#));
    let mut scratch = Scratch::default();
    let mut seen = begin(&engine, &mut scratch, asked);
    assert_eq!(engine.action(&seen), Action::Allow);
    engine.close(&mut scratch, &mut seen);
    assert_eq!(engine.action(&seen), Action::Block);
}

#[test]
fn what_a_rule_does() {
    let rule =
        |more: &str| format!(r#"{{"rules":[{{"id":100000,"when":{{"path":"/x"}},{more}}}]}}"#);
    let attack = get("GET /x?q=1%27%20OR%20%271%27=%271");
    let seen = verdict(&rule(r#""action":"allow""#), attack);
    assert_eq!(
        (seen.action, seen.ended_by),
        (Action::Allow, Some(EndedBy::Rule(100_000)))
    );
    assert_eq!(
        seen.hits.len(),
        1,
        "nothing was inspected behind it: {:?}",
        seen.hits
    );
    let other = verdict(
        &rule(r#""action":"allow""#),
        get("GET /y?q=1%27%20OR%20%271%27=%271"),
    );
    assert_eq!((other.action, other.ended_by), (Action::Block, None));
    let low = r#""score":{"unwanted_access":1}"#;
    let blocked = verdict(&rule(&format!(r#""action":"block",{low}"#)), get("GET /x"));
    assert_eq!(blocked.action, Action::Block);
    let scored = verdict(&rule(low), get("GET /x"));
    assert_eq!((scored.action, scored.hits.len()), (Action::Allow, 1));
    let monitored = verdict(
        &rule(r#""action":"monitor","score":{"unwanted_access":40}"#),
        get("GET /x"),
    );
    assert_eq!(monitored.action, Action::Allow);
    assert!(!monitored.hits[0].enforced);
    // An allow on a body ends what comes behind it, not what the head has already led to.
    let late = r#"{"rules":[{"id":100000,"action":"allow","when":{"field":{"zones":["request_body"],"name":"ok"},"equals":"1"}}]}"#;
    assert_eq!(
        verdict(late, form("ok=1&q=1' OR '1'='1")).action,
        Action::Allow
    );
}

#[test]
fn scopes_overrides_and_exceptions() {
    let rule = r#"{"id":100000,"score":{"unwanted_access":24},"when":{"field":{"zones":["query_string"]},"literals":["evil"]}}"#;
    // An exception takes away the field that it names, not the rule: another field still counts.
    let excepted = format!(
        r#"{{"rules":[{rule}],"exceptions":[{{"rules":100000,"zones":"query_string","name":"note","reason":"r"}}]}}"#
    );
    assert_eq!(hits(&excepted, get("GET /?note=evil")), [""; 0]);
    assert_eq!(
        verdict(&excepted, get("GET /?note=evil")).exceptions,
        ["exceptions[0]"]
    );
    assert_eq!(
        hits(&excepted, get("GET /?note=evil&q=evil")),
        ["100000:query_string:q"]
    );
    let by_value = format!(
        r#"{{"rules":[{rule}],"exceptions":[{{"rules":100000,"value":{{"exact":"evil twin"}}}}]}}"#
    );
    assert_eq!(hits(&by_value, get("GET /?q=evil%20twin")), [""; 0]);
    assert_eq!(
        hits(&by_value, get("GET /?q=evil")),
        ["100000:query_string:q"]
    );
    let by_path = format!(r#"{{"rules":[{rule}],"exceptions":[{{"rules":100000,"path":"/a"}}]}}"#);
    assert_eq!(hits(&by_path, get("GET /a?q=evil")), [""; 0]);
    assert_eq!(hits(&by_path, get("GET /b?q=evil")).len(), 1);
    let of_request = r#"{"rules":[{"id":100000,"score":{"unwanted_access":24},"when":{"method":"GET"}}],"exceptions":[{"rules":100000,"path":"/a"}]}"#;
    assert_eq!(hits(of_request, get("GET /a")), [""; 0]);
    assert_eq!(hits(of_request, get("GET /b")).len(), 1);
    // Where the rest of the rule does not hold, an exception has nothing to do.
    for when in [
        r#"{"all":[{"method":"PUT"},{"field":"q","length":{"min":1}}]}"#,
        r#"{"all":[{"field":"p","equals":"x"},{"field":"q","length":{"min":1}}]}"#,
    ] {
        let idle = format!(
            r#"{{"rules":[{{"id":100000,"score":{{"unwanted_access":24}},"when":{when}}}],"exceptions":[{{"rules":100000,"zones":"query_string","name":"q"}}]}}"#
        );
        assert_eq!(
            verdict(&idle, get("GET /?q=evil")).exceptions,
            [""; 0],
            "{when}"
        );
    }
    // What must be missing is not made missing by an exception.
    let negated = r#"{"rules":[{"id":100000,"score":{"unwanted_access":24},"when":{"all":[{"method":"GET"},{"not":{"field":"q","equals":"1"}}]}}],
        "exceptions":[{"rules":100000,"zones":"query_string","name":"q"}]}"#;
    assert_eq!(hits(negated, get("GET /?q=1")), [""; 0]);
    // A rule of a scope is a rule of that scope.
    let scoped = format!(r#"{{"scopes":[{{"path":{{"prefix":"/in"}},"rules":[{rule}]}}]}}"#);
    assert_eq!(hits(&scoped, get("GET /in?q=evil")).len(), 1);
    assert_eq!(hits(&scoped, get("GET /out?q=evil")), [""; 0]);
    let off = format!(r#"{{"rules":[{rule}],"overrides":[{{"rules":100000,"mode":"off"}}]}}"#);
    assert_eq!(hits(&off, get("GET /?q=evil")), [""; 0]);
}

#[test]
fn the_address_is_asked_for_when_needed() {
    let head = Head {
        method: b"GET",
        scheme: b"http",
        authority: b"a",
        target: b"/",
        protocol: b"HTTP/1.1",
        headers: &[(b"user-agent", b"test")],
        end_of_stream: true,
    };
    let times = |json: &str| {
        let asked = Cell::new(0);
        let ask = || {
            asked.set(asked.get() + 1);
            "10.0.0.1".parse().ok()
        };
        let engine = compile(json);
        engine.begin_for(&mut Scratch::default(), &head, &Peer::asking(&ask, None));
        asked.get()
    };
    let inside = r#"{"client_address":"10.0.0.0/8"}"#;
    for (when, expected) in [
        (inside.to_owned(), 1),
        (format!(r#"{{"not":{inside}}}"#), 1),
        (format!(r#"{{"any":[{inside},{{"not":{inside}}}]}}"#), 1),
        (r#"{"method":"GET"}"#.to_owned(), 0),
        (format!(r#"{{"all":[{{"path":"/a"}},{inside}]}}"#), 0),
        (format!(r#"{{"all":[{{"path":"/"}},{inside}]}}"#), 1),
        (
            format!(r#"{{"all":[{{"path":"/a"}},{{"not":{inside}}}]}}"#),
            0,
        ),
        (format!(r#"{{"any":[{{"path":"/a"}},{inside}]}}"#), 1),
    ] {
        assert_eq!(times(&policy(&when)), expected, "{when}");
    }
    for (policy, expected) in [
        ("{}", 0),
        (r#"{"deny_clients":["192.0.2.0/24"]}"#, 1),
        (r#"{"enforce_percent":50}"#, 1),
        (r#"{"enforce_percent":{"percent":50,"header":"x-a"}}"#, 0),
        (
            r#"{"scopes":[{"path":"/","allow_clients":["192.0.2.1"]}]}"#,
            1,
        ),
        (
            r#"{"scopes":[{"path":"/a","allow_clients":["192.0.2.1"]}]}"#,
            0,
        ),
    ] {
        assert_eq!(times(policy), expected, "{policy}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    let field = r#"{"field":"a","equals":"1"}"#;
    let nine = format!("{}{field}{}", r#"{"not":"#.repeat(9), "}".repeat(9));
    let many = format!(r#"{{"any":[{}]}}"#, vec![field; 65].join(","));
    for (when, path, told) in [
        (r#"{}"#, "$.rules[0].when", "the condition is empty"),
        (
            r#"[]"#,
            "$.rules[0].when",
            "expected an object, found a list",
        ),
        (r#"{"all":[]}"#, "$.rules[0].when.all", "empty"),
        (
            r#"{"any":{}}"#,
            "$.rules[0].when.any",
            "expected a list of conditions",
        ),
        (r#"{"al":[]}"#, "$.rules[0].when.al", "did you mean `all`"),
        (
            r#"{"all":[{"feld":"a","equals":"1"}]}"#,
            "$.rules[0].when.all[0].feld",
            "did you mean `field`",
        ),
        (
            r#"{"all":[{"path":"/a"}],"method":"GET"}"#,
            "$.rules[0].when",
            "put them into `all`",
        ),
        (
            r#"{"field":"a","path":"/","equals":"1"}"#,
            "$.rules[0].when",
            "put them into `all`",
        ),
        (
            r#"{"field":"a"}"#,
            "$.rules[0].when",
            "what must the field be",
        ),
        (
            r#"{"header":"x-a"}"#,
            "$.rules[0].when",
            "what must the field be",
        ),
        (
            r#"{"field":"a","equals":[]}"#,
            "$.rules[0].when.equals",
            "empty",
        ),
        (
            r#"{"field":"a","equal":"1"}"#,
            "$.rules[0].when.equal",
            "did you mean `equals`",
        ),
        (
            r#"{"field":"a","equals":"1","exact":"1"}"#,
            "$.rules[0].when.exact",
            "keep one",
        ),
        (
            r#"{"field":"a","prefix":""}"#,
            "$.rules[0].when.prefix",
            "an empty text",
        ),
        (
            r#"{"field":"a","regex":"("}"#,
            "$.rules[0].when.regex",
            "unclosed",
        ),
        (
            r#"{"field":"a","regex":"(?:a{1000}){1000}"}"#,
            "$.rules[0].when.regex",
            "compiles to",
        ),
        (
            r#"{"field":"a","literals":[]}"#,
            "$.rules[0].when.literals",
            "at least one",
        ),
        (
            r#"{"field":"a","literals":[""]}"#,
            "$.rules[0].when.literals[0]",
            "expected 1 to",
        ),
        (
            r#"{"field":"a","detector":"sqli"}"#,
            "$.rules[0].when.detector",
            "expected one of",
        ),
        (
            r#"{"field":"a","length":5}"#,
            "$.rules[0].when.length",
            "expected an object",
        ),
        (
            r#"{"field":"a","length":{}}"#,
            "$.rules[0].when.length",
            "expected min, max or both",
        ),
        (
            r#"{"field":"a","length":{"min":3,"max":2}}"#,
            "$.rules[0].when.length",
            "never holds",
        ),
        (
            r#"{"field":"a","count":{"min":0}}"#,
            "$.rules[0].when.count",
            "always holds",
        ),
        (
            r#"{"field":"a","length":{"mni":3}}"#,
            "$.rules[0].when.length.mni",
            "did you mean `min`",
        ),
        (
            r#"{"field":"a","equals":"abc","length":{"max":2}}"#,
            "$.rules[0].when",
            "never holds",
        ),
        (
            r#"{"field":"a","number":{}}"#,
            "$.rules[0].when.number",
            "at least one of lt",
        ),
        (
            r#"{"field":"a","number":{"gt":"5"}}"#,
            "$.rules[0].when.number.gt",
            "expected a number",
        ),
        (
            r#"{"field":"a","number":{"gt":5,"lt":5}}"#,
            "$.rules[0].when.number",
            "never holds",
        ),
        (
            r#"{"field":"a","number":{"ge":6,"le":5}}"#,
            "$.rules[0].when.number",
            "never holds",
        ),
        (
            r#"{"field":"a","number":{"eq":1,"gt":1}}"#,
            "$.rules[0].when.number",
            "never holds",
        ),
        (
            r#"{"field":"a","length":{"min":1},"ignore_case":true}"#,
            "$.rules[0].when.ignore_case",
            "has no meaning",
        ),
        (
            r#"{"field":{"zones":[]},"equals":"1"}"#,
            "$.rules[0].when.field.zones",
            "at least one zone",
        ),
        (
            r#"{"field":{"zones":["qury_string"]},"equals":"1"}"#,
            "$.rules[0].when.field.zones[0]",
            "did you mean `query_string`",
        ),
        (
            r#"{"field":{"zones":["path"],"name":"a"},"equals":"1"}"#,
            "$.rules[0].when.field.name",
            "never holds",
        ),
        (
            r#"{"field":{"part":["name"]},"equals":"1"}"#,
            "$.rules[0].when.field.part",
            "did you mean `parts`",
        ),
        (
            r#"{"header":"Cookie","equals":"1"}"#,
            "$.rules[0].when.header",
            "cookies are fields of their own",
        ),
        (
            r#"{"header":":path","equals":"1"}"#,
            "$.rules[0].when.header",
            "conditions of their own",
        ),
        (r#"{"method":"get"}"#, "$.rules[0].when.method", "capitals"),
        (r#"{"method":[]}"#, "$.rules[0].when.method", "empty"),
        (
            r#"{"path":"login"}"#,
            "$.rules[0].when.path",
            "begins with `/`",
        ),
        (r#"{"path":"/a?b=1"}"#, "$.rules[0].when.path", "no query"),
        (
            r#"{"host":"https://a"}"#,
            "$.rules[0].when.host",
            "host name",
        ),
        (
            r#"{"client_address":[]}"#,
            "$.rules[0].when.client_address",
            "empty",
        ),
        (
            r#"{"client_address":"10.0.0.1/8"}"#,
            "$.rules[0].when.client_address",
            "bits behind",
        ),
        (
            r#"{"client_address":"here"}"#,
            "$.rules[0].when.client_address",
            "expected an address",
        ),
        (
            r#"{"all":[{"method":"GET"},{"method":"POST"}]}"#,
            "$.rules[0].when.all",
            "no request has both methods",
        ),
        (
            r#"{"all":[{"path":"/a"},{"path":"/b"}]}"#,
            "$.rules[0].when.all",
            "no request has both paths",
        ),
        (nine.as_str(), "$.rules[0].when", "more than 8 deep"),
        (many.as_str(), "$.rules[0].when", "at most 64"),
    ] {
        let problems = Config::parse(policy(when).as_bytes()).expect_err(when);
        let found = problems
            .iter()
            .any(|problem| problem.path.starts_with(path) && problem.to_string().contains(told));
        assert!(found, "{when}: {path} {told}: {problems:#?}");
    }
    for (rule, path) in [
        (
            r#"{"id":100000,"score":{"unwanted_access":1},"zones":["path"],"when":{"method":"GET"}}"#,
            "$.rules[0].zones",
        ),
        (
            r#"{"id":100000,"score":{"unwanted_access":1},"regex":"a","when":{"method":"GET"}}"#,
            "$.rules[0].regex",
        ),
        (r#"{"id":100000,"when":{"method":"GET"}}"#, "$.rules[0]"),
        (
            r#"{"id":100000,"score":{"unwanted_access":1},"wen":{"method":"GET"}}"#,
            "$.rules[0].wen",
        ),
        (
            r#"{"id":100000,"score":{"unwanted_access":1}}"#,
            "$.rules[0]",
        ),
    ] {
        let policy = format!(r#"{{"rules":[{rule}]}}"#);
        let problems = Config::parse(policy.as_bytes()).expect_err(rule);
        assert!(
            problems.iter().any(|problem| problem.path == path),
            "{rule}: {problems:#?}"
        );
    }
}

/// Literals of conditions stand in the same automaton as those of other rules, and share its limit.
#[test]
fn literals_add_up_with_those_of_other_rules() {
    let texts = |letter: &str| {
        let texts =
            (0..130).map(|number| format!("{:?}", format!("{number:0>24}{}", letter.repeat(1000))));
        format!("[{}]", texts.collect::<Vec<_>>().join(","))
    };
    let policy = format!(
        r#"{{"rules":[{{"id":100000,"score":{{"scanner":4}},"literals":{}}},
            {{"id":100001,"score":{{"scanner":4}},"when":{{"field":"a","literals":{}}}}}]}}"#,
        texts("a"),
        texts("b")
    );
    let problems = Config::parse(policy.as_bytes()).expect_err("too much");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["$.rules[1].when.literals: up to here all literals together have more than 262144 bytes"]
    );
}

/// Every text of a policy's own rules is found with the prefilter wherever it is found without.
#[test]
fn the_prefilter_loses_no_leaf() {
    let tests = [
        r#""equals":"Admin""#,
        r#""equals":"Admin","ignore_case":true"#,
        r#""prefix":"a""#,
        r#""suffix":"IN","ignore_case":true"#,
        r#""contains":"dmi""#,
        r#""glob":"*d?in""#,
        r#""glob":"???in""#,
        r#""regex":"(?i)ad[lm]in""#,
        r#""regex":"[^x]{5}""#,
        r#""literals":["ADMIN","x"]"#,
        r#""equals":["a-very-long-text-that-is-longer-than-any-key","admin"]"#,
        r#""length":{"min":5},"contains":"in""#,
        r#""number":{"ge":5}"#,
        r#""contains":"in","count":{"min":2}"#,
    ];
    let values = [
        "admin",
        "Admin",
        "ADMIN",
        "%61dmin",
        "%2561dmin",
        "YWRtaW4=",
        "xadminx",
        "5",
        "",
        "a-very-long-text-that-is-longer-than-any-key",
        "admin%FFin",
    ];
    let mut found = 0;
    for test in tests {
        for place in [
            r#""a""#,
            r#"{"parts":["name","value"]}"#,
            r#"{"zones":["request_body","request_header"]}"#,
        ] {
            for views in [
                "",
                r#","views":["wire","plain","decoded","base64","compact","shell","normal"]"#,
            ] {
                let leaf = format!(r#"{{"field":{place},{test}{views}}}"#);
                for when in [
                    leaf.clone(),
                    format!(r#"{{"not":{leaf}}}"#),
                    format!(
                        r#"{{"all":[{leaf},{{"field":{{"zones":["query_string","request_body"]}},"length":{{"min":5}}}}]}}"#
                    ),
                ] {
                    let policy = policy(&when);
                    let with = compile(&policy);
                    let without = compile(&policy).without_prefilter();
                    for value in values {
                        let target = format!("POST /?a={value}&b={value}&{value}=1&a=(");
                        let body = format!("a={value}&c={value}");
                        let asked = Asked {
                            line: &target,
                            headers: &[("x-a", "Admin")],
                            ..form(&body)
                        };
                        let seen = run(&with, asked);
                        assert_eq!(seen, run(&without, asked), "{when} {value}");
                        found += usize::from(seen.hits.iter().any(|hit| hit.rule == 100_000));
                    }
                }
            }
        }
    }
    assert!((200..2_500).contains(&found), "{found} of 2772");
}

/// The cells of a row of a table, without the ticks around them.
fn cells(row: &str) -> Vec<&str> {
    let row = row.trim().trim_start_matches('|').trim_end_matches('|');
    row.split('|')
        .map(|cell| cell.trim().trim_matches('`'))
        .collect()
}

#[test]
fn the_documents_say_what_happens() {
    let text = include_str!("../docs/rules.md");
    let mut requests = 0;
    let examples: Vec<&str> = text.split("```json\n").skip(1).collect();
    assert!(examples.len() >= 6);
    for example in examples {
        let (rule, behind) = example.split_once("```").expect("a block ends");
        let policy = format!(r#"{{"rules":[{rule}]}}"#);
        let table = behind
            .lines()
            .skip_while(|line| !line.starts_with("| request |"))
            .take_while(|line| line.starts_with('|'));
        let mut actions = std::collections::BTreeSet::new();
        for row in table.skip(2) {
            let row = cells(row);
            let [line, header, body, client, action] = row[..] else {
                panic!("{row:?}");
            };
            let header = header.split_once(": ");
            let kind = if body.starts_with('{') { JSON } else { FORM };
            let asked = Asked {
                line,
                headers: header.as_slice(),
                body: (!body.is_empty()).then_some((kind, body.as_bytes())),
                trailers: &[],
                client: if client.is_empty() {
                    "203.0.113.7"
                } else {
                    client
                },
            };
            assert_eq!(
                verdict(&policy, asked).action.to_string(),
                action,
                "{rule}{row:?}"
            );
            actions.insert(action.to_owned());
            requests += 1;
        }
        assert_eq!(actions.len(), 2, "both sides of {rule}");
    }
    assert!(requests >= 18, "{requests}");
}
