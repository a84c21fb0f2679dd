//! What a real Envoy shows of decisions beyond what every case of the suite is compared with: that no output
//! has a secret, that a record can be found, that time is measured, where metadata cannot follow.

#![cfg(not(target_family = "wasm"))]

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use palisade_harness::client::{Http1, Http2, Response, head};
use palisade_harness::envoy::{BodyMode, Envoy, Listener, LogEntry, Setup};
use palisade_harness::upstream::Upstream;
use serde_json::Value;

const ALL: &str = r#"{"name": "shop", "revision": "r7", "preset": "strict",
    "scopes": [{"name": "login", "path": "/login"}],
    "telemetry": {"record": "all", "log_rate": 0, "typed": true, "timing": true, "excerpts": true,
        "keys": ["reasons", "scores", "recorded", "rules", "matches", "uninspected", "microseconds"]}}"#;
const FORM: &str = "application/x-www-form-urlencoded";
const PATIENCE: Duration = Duration::from_secs(2);

fn start(policy: &str) -> (Upstream, Envoy) {
    let upstream = Upstream::start();
    let listeners = BodyMode::ALL.map(|mode| Listener::new(policy, mode));
    let setup = Setup::new(upstream.address(), listeners.into());
    let envoy = Envoy::start(setup).unwrap_or_else(|log| panic!("Envoy refused: {log}"));
    (upstream, envoy)
}

/// A name for one request, by which the access log knows it.
fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("t{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

/// Sends a request over HTTP/1.1; one with a body is a POST.
fn send(
    envoy: &Envoy,
    listener: &Listener,
    case: &str,
    target: &str,
    more: &[(&str, &str)],
    body: &str,
) -> Response {
    let length = body.len().to_string();
    let mut headers = pairs(&[("x-case", case)]);
    headers.extend(pairs(more));
    let method = if body.is_empty() { "GET" } else { "POST" };
    if !body.is_empty() {
        headers.extend(pairs(&[("content-length", &length)]));
    }
    let mut client = Http1::connect(envoy.address(listener)).expect("the listener listens");
    let head = head(
        method.as_bytes(),
        target.as_bytes(),
        b"shop.example",
        &headers,
    );
    client.send(&head).expect("the head is taken");
    // An answer that came before the end of the body is an answer all the same.
    let _ = client.send(body.as_bytes());
    client.response(method).expect("an answer")
}

fn record(envoy: &Envoy, entry: &LogEntry) -> Value {
    let id = entry.request_id.clone().expect("a request id");
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(records) = envoy.records().remove(&id) {
            assert_eq!(records.len(), 1, "{records:?}");
            return records[0].clone();
        }
        assert!(Instant::now() < end, "no record of {id}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_record_is_found_by_the_id_that_the_client_was_given() {
    let (_upstream, envoy) = start(ALL);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for mode in BodyMode::ALL {
        let case = fresh();
        let listener = Listener::new(ALL, mode);
        let headers = [("content-type", FORM), ("traceparent", trace)];
        let body = "user=admin%27--&password=x";
        let answer = send(&envoy, &listener, &case, "/login?next=/", &headers, body);
        assert_eq!(answer.status, 403);
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let entry = envoy.entry(&case).expect("a line in the access log");
        assert_eq!(told["request_id"].as_str(), entry.request_id.as_deref());
        assert_eq!(entry.traceparent.as_deref(), Some(trace));
        let record = record(&envoy, &entry);
        for (key, expected) in [
            ("action", "block"),
            ("traceparent", trace),
            ("client", "127.0.0.1"),
            ("method", "POST"),
            ("host", "shop.example"),
            ("path", "/login"),
            ("scope", "login"),
            ("policy", "shop"),
            ("revision", "r7"),
        ] {
            assert_eq!(record[key], expected, "{mode:?} {key}");
        }
        assert!(record["microseconds"].as_u64().is_some_and(|took| took > 0));
        let excerpts = record["excerpts"].to_string();
        assert!(excerpts.contains("admin'--"), "{excerpts}");
        // The log of the proxy is one line for it.
        let lines = envoy.log();
        let id = told["request_id"].as_str().expect("an id");
        assert_eq!(lines.lines().filter(|line| line.contains(id)).count(), 1);
        // A histogram fills when the proxy flushes its statistics, so it is only there, perhaps still empty.
        let stats = envoy.admin("GET", "/stats").expect("stats").text();
        assert!(stats.contains("wasmcustom.waf.inspection_microseconds"));
        assert_eq!(
            envoy.stats()["wasmcustom.waf.requests.action=block.mode=block"],
            if mode == BodyMode::Hold { 1 } else { 2 }
        );
    }
}

#[test]
fn no_secret_is_in_any_output() {
    let (_upstream, envoy) = start(ALL);
    let attack = "%27%20OR%20%271%27%3D%271%27%20--%20";
    let secrets = [
        ("4111111111111111", "411111"),
        ("alice@example.com", "alice"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV",
            "zdWIiOiJh",
        ),
        ("hunter2swordfish", "hunter2"),
    ];
    let mut sent = 0;
    let mut shown = Vec::new();
    for mode in BodyMode::ALL {
        let listener = Listener::new(ALL, mode);
        for (secret, _) in secrets {
            let json = format!(r#"{{"password": "{secret}", "q": "' OR '1'='1' -- "}}"#);
            let form = format!("password={secret}{attack}&q={attack}");
            let bearer = format!("Bearer {secret}");
            let cookie = format!("token={secret}; a=' OR '1'='1");
            let referer = format!("https://a.example/?secret={secret}");
            let target = format!("/?password={secret}&q={attack}");
            let attacked = format!("/?q={attack}");
            for (target, headers, body) in [
                (target.as_str(), vec![], ""),
                (&attacked, vec![("authorization", bearer.as_str())], ""),
                (&attacked, vec![("cookie", cookie.as_str())], ""),
                (&attacked, vec![("referer", referer.as_str())], ""),
                ("/login", vec![("content-type", FORM)], form.as_str()),
                ("/login", vec![("content-type", "application/json")], &json),
                ("/login", vec![("content-type", "text/plain")], &json),
            ] {
                let case = fresh();
                let answer = send(&envoy, &listener, &case, target, &headers, body);
                assert_eq!(answer.status, 403, "{target} {body}");
                shown.push(answer.text());
                let entry = envoy.entry(&case).expect("a line in the access log");
                assert!(record(&envoy, &entry)["excerpts"].is_array());
                sent += 1;
            }
        }
    }
    assert_eq!(sent, 56);
    let stats =
        ["/stats", "/stats/prometheus"].map(|page| envoy.admin("GET", page).expect("stats").text());
    for (place, text) in [
        ("answers", shown.join("\n")),
        ("the access log", envoy.access_log()),
        ("Envoy's log", envoy.log()),
        ("statistics", stats.concat()),
    ] {
        assert!(text.len() > 1000, "{place}: {text}");
        for (_, piece) in secrets {
            let leak = text.lines().find(|line| line.contains(piece));
            assert_eq!(leak, None, "{piece} in {place}");
        }
    }
}

/// One message in gRPC's frame, a protobuf message with one string in field 1.
fn message(text: &str) -> Vec<u8> {
    let mut message = vec![0x0A, text.len() as u8];
    message.extend_from_slice(text.as_bytes());
    let mut framed = vec![0, 0, 0, 0, message.len() as u8];
    framed.extend_from_slice(&message);
    framed
}

#[test]
fn filter_state_and_record_know_of_a_message_that_comes_after_the_response_headers() {
    let (upstream, envoy) = start(ALL);
    for mode in BodyMode::ALL {
        let case = fresh();
        let headers = pairs(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "shop.example"),
            (":path", "/shop.Chat/Talk"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("x-case", &case),
            // It begins to answer before it has all messages, as the server of a call in both directions does.
            ("x-upstream", "opening"),
        ]);
        let to = envoy.address(&Listener::new(ALL, mode));
        let mut client = Http2::connect(to).expect("the listener listens");
        let stream = client.open(&headers, false).expect("the head is taken");
        client
            .data(stream, &message("hello"), false)
            .expect("a message");
        upstream
            .wait_for(&case, PATIENCE, |heard| !heard.body.is_empty())
            .expect("the first message goes on");
        // The answer has gone back before the next message comes.
        thread::sleep(Duration::from_millis(100));
        let _ = client.data(stream, &message("1' OR '1'='1' -- "), true);
        let entry = envoy.entry(&case).expect("a line in the access log");
        assert_eq!(entry.waf_action.as_deref(), Some("block"), "{entry:?}");
        assert_eq!(record(&envoy, &entry)["action"], "block");
        assert!(upstream.heard(&case).iter().all(|heard| !heard.complete));
        // docs/telemetry.md says so; should it ever be mended, this tells.
        assert_eq!(entry.metadata_action.as_deref(), Some("allow"), "{entry:?}");
    }
}
