//! What blocked clients are told by a real Envoy: the policy's status, headers and body, over every version of HTTP.

#![cfg(not(target_family = "wasm"))]

use std::net::SocketAddr;

use palisade_harness::client::{Headers, Http1, Http2, Response, head};
use palisade_harness::envoy::{BodyMode, Envoy, Listener, Setup};
use palisade_harness::upstream::Upstream;
use serde_json::Value;

const OWN: &str = r#"{
    "block_response": {
        "status": 422,
        "headers": {"x-support": "quote {request_id} and {status}", "cache-control": "private"},
        "json": "{\"error\": \"blocked {status}\", \"id\": \"{request_id}\"}",
        "html": "<!doctype html><title>{status}</title><p>{request_id}</p>"
    },
    "scopes": [
        {"path": {"prefix": "/plain/"}, "block_response": {"html": "<p>plain</p>", "headers": {}}},
        {"path": {"prefix": "/busy/"}, "block_response": {"status": 429}}
    ]
}"#;
const ATTACK: &str = "id=1%27%20OR%20%271%27=%271";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Http {
    One,
    Two,
}

fn ask(to: SocketAddr, http: Http, method: &str, target: &str, headers: &Headers) -> Response {
    let answer = match http {
        Http::One => {
            let mut client = Http1::connect(to).expect("the listener listens");
            let request = head(method.as_bytes(), target.as_bytes(), b"api.test", headers);
            client.send(&request).expect("the request is taken");
            client.response(method)
        }
        Http::Two => {
            let mut map = pairs(&[
                (":method", method),
                (":scheme", "http"),
                (":authority", "api.test"),
                (":path", target),
            ]);
            map.extend(headers.iter().cloned());
            let mut client = Http2::connect(to).expect("the listener listens");
            let stream = client.open(&map, true).expect("the request is taken");
            client.response(stream)
        }
    };
    answer.unwrap_or_else(|broken| panic!("{http:?} {method} {target}: {broken:?}"))
}

fn pairs(list: &[(&str, &str)]) -> Headers {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn text<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.header(name).unwrap_or_default();
    std::str::from_utf8(value).expect("visible ASCII")
}

#[test]
fn blocked_clients_get_the_answer_of_the_policy() {
    let upstream = Upstream::start();
    let listener = |mode| Listener::new(OWN, mode);
    let listeners = BodyMode::ALL.map(listener).to_vec();
    let setup = Setup::new(upstream.address(), listeners);
    let envoy = Envoy::start(setup).unwrap_or_else(|log| panic!("Envoy refused: {log}"));
    let _show = envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let to = envoy.address(&listener(mode));
        for http in [Http::One, Http::Two] {
            programs_and_browsers(to, http);
            head_is_told_the_same(to, http);
            scopes_answer_their_own_way(to, http);
            calls_of_grpc(to, http);
        }
    }
}

fn programs_and_browsers(to: SocketAddr, http: Http) {
    for (accept, html) in [
        ("application/json", false),
        ("*/*", false),
        ("", false),
        (BROWSER, true),
    ] {
        let headers = match accept {
            "" => Headers::new(),
            _ => pairs(&[("accept", accept)]),
        };
        let answer = ask(to, http, "GET", &format!("/?{ATTACK}"), &headers);
        let told = format!("{http:?} {accept}: {answer:?}");
        assert_eq!(answer.status, 422, "{told}");
        // The id is Envoy's own: a UUID that is the same wherever the policy asks for it.
        let quoted = text(&answer, "x-support");
        let id = quoted
            .strip_prefix("quote ")
            .and_then(|rest| rest.strip_suffix(" and 422"))
            .unwrap_or_else(|| panic!("{told}"));
        assert_eq!(id.len(), 36, "{told}");
        assert_eq!(text(&answer, "cache-control"), "private", "{told}");
        assert_eq!(text(&answer, "vary"), "accept", "{told}");
        assert_eq!(
            text(&answer, "content-length"),
            answer.body.len().to_string(),
            "{told}"
        );
        assert!(answer.header("x-palisade-decision").is_none(), "{told}");
        if html {
            assert_eq!(text(&answer, "content-type"), "text/html; charset=utf-8");
            let page = format!("<!doctype html><title>422</title><p>{id}</p>");
            assert_eq!(answer.text(), page);
        } else {
            assert_eq!(text(&answer, "content-type"), "application/json");
            let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
            assert_eq!(body["error"], "blocked 422");
            assert_eq!(body["id"], id);
        }
    }
}

/// RFC 9110, 9.3.2: the headers that GET would be told, and no body.
fn head_is_told_the_same(to: SocketAddr, http: Http) {
    let headers = pairs(&[("accept", BROWSER)]);
    let get = ask(to, http, "GET", &format!("/?{ATTACK}"), &headers);
    let answer = ask(to, http, "HEAD", &format!("/?{ATTACK}"), &headers);
    assert_eq!((answer.status, answer.body.len()), (422, 0), "{answer:?}");
    for name in ["content-type", "content-length", "cache-control", "vary"] {
        assert_eq!(answer.header(name), get.header(name), "{http:?} {name}");
    }
    assert!(text(&answer, "x-support").starts_with("quote "));
}

fn scopes_answer_their_own_way(to: SocketAddr, http: Http) {
    let headers = pairs(&[("accept", BROWSER)]);
    let answer = ask(to, http, "GET", &format!("/plain/?{ATTACK}"), &headers);
    // What a scope does not say, holds on.
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (422, "<p>plain</p>")
    );
    assert_eq!(text(&answer, "cache-control"), "no-store");
    assert!(answer.header("x-support").is_none(), "{answer:?}");
}

/// A call has its answer in headers: a status of gRPC, and a message in plain text.
fn calls_of_grpc(to: SocketAddr, http: Http) {
    for (path, status) in [("/", "7"), ("/busy/", "8")] {
        for media_type in ["application/grpc", "application/grpc+proto"] {
            let headers = pairs(&[
                ("content-type", media_type),
                ("te", "trailers"),
                ("accept", BROWSER),
            ]);
            let answer = ask(to, http, "POST", &format!("{path}?{ATTACK}"), &headers);
            let told = format!("{http:?} {media_type} {path}: {answer:?}");
            assert_eq!(answer.status, 200, "{told}");
            assert_eq!(text(&answer, "grpc-status"), status, "{told}");
            let message = text(&answer, "grpc-message");
            let id = message
                .strip_prefix("request blocked, id ")
                .unwrap_or_else(|| panic!("{told}"));
            assert_eq!(id.len(), 36, "{told}");
            assert!(answer.body.is_empty(), "{told}");
        }
    }
}
