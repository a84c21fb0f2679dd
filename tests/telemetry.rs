//! What is told of a decision, and what is not: filter state, the private header, records and metrics, on a
//! fake host. Secrets planted in every part of a request are looked for in everything that left the filter.

use std::rc::Rc;

use palisade::filter::{DECISION_HEADER, Flow, Root, Stream};
use serde_json::Value;

mod host;

use host::{FakeHost, metric_names, metrics, reset_metrics};

const SECOND: u64 = 1_000_000_000;

/// A request, most of which is the same everywhere.
#[derive(Clone)]
struct Ask {
    method: &'static str,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn get(target: &str) -> Ask {
    Ask {
        method: "GET",
        target: target.to_owned(),
        headers: Vec::new(),
        body: String::new(),
    }
}

fn post(media_type: &str, body: &str) -> Ask {
    Ask {
        method: "POST",
        target: "/login".to_owned(),
        headers: vec![("content-type", media_type.to_owned())],
        body: body.to_owned(),
    }
}

fn configure(policy: &str) -> Rc<Root> {
    let host = FakeHost::default();
    Root::configure(&host, policy.as_bytes())
        .unwrap_or_else(|refusal| panic!("{policy}: {refusal:?} {:?}", host.log.borrow()))
}

/// Sends a request through the filter from its first header to its end.
fn send(root: &Rc<Root>, ask: &Ask) -> FakeHost {
    let host = FakeHost::default();
    send_to(root, ask, &host);
    host
}

fn send_to(root: &Rc<Root>, ask: &Ask, host: &FakeHost) {
    let mut headers: Vec<(String, Vec<u8>)> = [
        (":method", ask.method),
        (":scheme", "https"),
        (":authority", "shop.example"),
        (":path", &ask.target),
        ("user-agent", "test/1"),
        ("accept", "*/*"),
        ("x-request-id", "d2c21672-0360-479b-afd9-4a5fd5124ed4"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .into();
    let own = ask.headers.iter();
    headers.extend(own.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
    *host.headers.borrow_mut() = headers;
    *host.body.borrow_mut() = ask.body.as_bytes().to_vec();
    host.client.set("192.0.2.7".parse().ok());
    let stream = Stream::new(root, 2);
    let end = ask.body.is_empty();
    let flow = stream.borrow_mut().request_headers(host, end);
    if !end && host.reply.borrow().is_none() {
        host.headers_gone.set(flow == Flow::Continue);
        stream.borrow_mut().request_body(host, ask.body.len(), true);
    }
    stream.borrow_mut().response_headers(host);
    stream.borrow_mut().ended(host);
}

fn state(host: &FakeHost, key: &str) -> Option<String> {
    let state = host.state.borrow();
    state
        .get(key)
        .map(|value| String::from_utf8_lossy(value).into_owned())
}

/// The records among the lines of the log.
fn records(host: &FakeHost) -> Vec<Value> {
    let log = host.log.borrow();
    let lines = log
        .iter()
        .filter_map(|line| line.strip_prefix("palisade: "));
    let lines = lines.filter(|line| line.starts_with("{\"record\":1,"));
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Everything that left the filter but the request itself.
fn outputs(host: &FakeHost) -> String {
    let mut all = String::new();
    let mut add = |bytes: &[u8]| {
        all += &String::from_utf8_lossy(bytes);
        all.push('\n');
    };
    host.state
        .borrow()
        .iter()
        .for_each(|(key, value)| add(&[key.as_bytes(), b"=", value].concat()));
    host.log
        .borrow()
        .iter()
        .for_each(|line| add(line.as_bytes()));
    host.answer
        .borrow()
        .iter()
        .for_each(|(name, value)| add(&[name.as_bytes(), b": ", value].concat()));
    metric_names().iter().for_each(|name| add(name.as_bytes()));
    for (name, value) in host.headers.borrow().iter().chain(&*host.response.borrow()) {
        if name == DECISION_HEADER {
            let decoded = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, value);
            add(&decoded.expect("base64"));
        }
    }
    all
}

const ATTACK: &str = "/products?name=%27%20OR%20%271%27%3D%271%27%20--%20";

#[test]
fn a_clean_request_costs_five_calls() {
    let root = configure("{}");
    let host = send(&root, &get("/products?sort=price"));
    assert_eq!(
        *host.calls.borrow(),
        [
            "map",
            "set_filter_state",
            "set_filter_state",
            // Whatever an upstream has sent in the private header is written over.
            "set_header",
            "count",
        ]
    );
    assert_eq!(
        state(&host, "waf").as_deref(),
        Some(r#"{"action":"allow"}"#)
    );
    assert_eq!(state(&host, "waf.action").as_deref(), Some("allow"));
    assert_eq!(host.state.borrow().len(), 2);
    let policy = r#"{"telemetry": {"metadata": false, "metrics": "off", "record": "off"}}"#;
    let host = send(&configure(policy), &get("/"));
    assert_eq!(
        *host.calls.borrow(),
        ["map", "set_filter_state", "set_filter_state", "set_header"]
    );
}

#[test]
fn each_policy_leaves_the_records_it_asks_for() {
    let recorded_only = "/?a=a%27b%27c";
    for (record, clean, matched, blocked) in [
        ("off", 0, 0, 0),
        ("blocked", 0, 0, 1),
        ("matched", 0, 1, 1),
        ("all", 1, 1, 1),
    ] {
        let root = configure(&format!(r#"{{"telemetry": {{"record": "{record}"}}}}"#));
        for (target, expected) in [("/", clean), (recorded_only, matched), (ATTACK, blocked)] {
            let host = send(&root, &get(target));
            assert_eq!(records(&host).len(), expected, "{record} {target}");
        }
        let body = post(
            "application/x-www-form-urlencoded",
            "a=1%27%20OR%20%271%27=%271",
        );
        assert_eq!(records(&send(&root, &body)).len(), blocked, "{record}");
    }
    // What would have been blocked is recorded like what was.
    let root = configure(r#"{"mode": "monitor"}"#);
    assert_eq!(records(&send(&root, &get(ATTACK)))[0]["would"], "block");
}

#[test]
fn a_record_says_who_asked_for_what_and_why_it_was_blocked() {
    let root = configure(
        r#"{"name": "shop", "revision": "r7", "scopes": [{"name": "products", "path": "/products"}]}"#,
    );
    let mut ask = get(ATTACK);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    ask.headers.push(("traceparent", trace.to_owned()));
    let host = FakeHost::default();
    host.now.set(1_795_165_445_123_456_789);
    send_to(&root, &ask, &host);
    let record = &records(&host)[0];
    for (key, value) in [
        ("time", "2026-11-20T09:04:05.123Z"),
        ("request_id", "d2c21672-0360-479b-afd9-4a5fd5124ed4"),
        ("traceparent", trace),
        ("client", "192.0.2.7"),
        ("method", "GET"),
        ("host", "shop.example"),
        ("path", "/products"),
        ("action", "block"),
        ("scope", "products"),
        ("policy", "shop"),
        ("revision", "r7"),
    ] {
        assert_eq!(record[key], value, "{key}");
    }
    assert_eq!(record["reasons"][0], "sql_injection");
    assert_eq!(record["record"], 1);
    assert_eq!(record.get("excerpts"), None);
    // It says what the filter state says, and no less.
    let json: Value =
        serde_json::from_str(&state(&host, "waf").expect("a decision")).expect("JSON");
    for (key, value) in json.as_object().expect("an object") {
        assert_eq!(record.get(key), Some(value), "{key}");
    }
}

#[test]
fn a_flood_does_not_drown_the_log() {
    let root = configure(r#"{"telemetry": {"log_rate": 3}}"#);
    reset_metrics();
    let host = FakeHost::default();
    let mut written = Vec::new();
    for (count, second) in [(10, 1), (1, 2), (1, 3)] {
        host.now.set(second * SECOND);
        for _ in 0..count {
            host.reply.replace(None);
            send_to(&root, &get(ATTACK), &host);
        }
        let lines = records(&host);
        host.log.borrow_mut().clear();
        let dropped: Vec<_> = lines.iter().map(|line| line["dropped"].as_u64()).collect();
        written.push(dropped);
    }
    assert_eq!(
        written,
        [vec![None, None, None], vec![Some(7)], vec![None]],
        "three, then one that counts the seven that are missing"
    );
    assert_eq!(metrics()["waf.records_dropped"], [7]);
    assert_eq!(metrics()["waf.requests.action=block.mode=block"], [12]);
}

#[test]
fn keys_are_written_one_by_one_where_the_policy_asks() {
    let keys = "would reasons scores recorded rules matches uninspected exceptions expired ended_by scope policy revision microseconds";
    let list: Vec<String> = keys.split(' ').map(|key| format!("{key:?}")).collect();
    let policy = format!(
        r#"{{"name": "shop", "revision": "r7", "mode": "monitor", "scopes": [{{"name": "all of it", "path": "/products"}}],
            "telemetry": {{"timing": true, "typed": true, "keys": [{}]}}}}"#,
        list.join(",")
    );
    let host = FakeHost::default();
    let root = Root::configure(&host, policy.as_bytes()).expect("a policy");
    assert_eq!(*host.structs.borrow(), ["waf.decision"]);
    let mut ask = get(ATTACK);
    ask.target += "&b%2C%20%0A%22=1%20UNION%20SELECT%20a%20FROM%20b";
    let host = send(&root, &ask);
    for (key, expected) in [
        ("waf.action", "monitor"),
        ("waf.would", "block"),
        ("waf.reasons", "sql_injection"),
        ("waf.scope", "all%20of%20it"),
        ("waf.policy", "shop"),
        ("waf.revision", "r7"),
        ("waf.microseconds", "0"),
    ] {
        assert_eq!(state(&host, key).as_deref(), Some(expected), "{key}");
    }
    let matches = state(&host, "waf.matches").expect("matches");
    assert!(matches.contains(":query_string:name,"), "{matches}");
    assert!(matches.contains(":query_string:b%2C%20%0A%22"), "{matches}");
    assert!(matches.is_ascii() && !matches.contains(['\n', ' ', '"']));
    let scores = state(&host, "waf.scores").expect("scores");
    assert!(scores.starts_with("sql_injection="), "{scores}");
    // What there is nothing to say of has no key.
    assert_eq!(state(&host, "waf.exceptions"), None);
    let metadata = outputs(&host);
    for word in ["microseconds", "all of it", "scores", "monitor"] {
        assert!(metadata.contains(word), "{word}");
    }
    assert!(host.state.borrow()["waf.decision"].len() > 100);
    // A clean request has the keys that always have a value.
    let host = send(&root, &get("/products"));
    let keys: Vec<String> = host.state.borrow().keys().cloned().collect();
    let expected = "waf waf.action waf.decision waf.microseconds waf.policy waf.revision waf.scope";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(
        state(&host, "waf").as_deref(),
        Some(r#"{"action":"allow","policy":"shop","revision":"r7","microseconds":0}"#)
    );
}

#[test]
fn every_metric_is_known_before_the_first_request() {
    let policy = r#"{"name": "shop", "revision": "42", "telemetry": {"timing": true},
        "exceptions": [{"rules": [17], "name": "comment", "expires": "1970-01-01"}, {"rules": 1013, "name": "x"}],
        "rules": [{"id": 100000, "score": {"scanner": 8}, "literals": ["evil"]}]}"#;
    let host = FakeHost::default();
    host.now.set(86_400 * SECOND * 2);
    let root = Root::configure(&host, policy.as_bytes()).expect("a policy");
    let known = metric_names();
    assert_eq!(metrics()["waf.policy_revision.policy=shop"], [42]);
    assert_eq!(metrics()["waf.exceptions_expired.policy=shop"], [1]);
    for target in [ATTACK, "/?q=evil", "/", "/?q=%00", "/?x=a%27b%27c"] {
        send(&root, &get(target));
    }
    let _ = Root::configure(&host, b"{\"mod\": 1}");
    let same = configure("{}");
    send(&same, &get(ATTACK));
    let new: Vec<_> = metric_names().split_off(known.len());
    assert_eq!(
        new,
        ["waf.policy_revision", "waf.exceptions_expired"],
        "a policy without a name has these without one"
    );
    let counted = metrics();
    for (name, expected) in [
        ("waf.requests.action=block.mode=block", 3),
        ("waf.rule_hits.rule=2017.action=block", 2),
        ("waf.rule_hits.rule=17.action=allow", 2),
        ("waf.rule_hits.rule=100000.action=allow", 1),
        ("waf.category_hits.category=sql_injection.action=block", 2),
        ("waf.category_hits.category=scanner.action=allow", 1),
        ("waf.exceptions_applied", 1),
        ("waf.errors.reason=policy_refused", 1),
    ] {
        assert_eq!(
            counted.get(name).map(Vec::as_slice),
            Some(&[expected][..]),
            "{name}: {counted:#?}"
        );
    }
    assert!(counted["waf.policy_revision"][0] > 0);
    // Names mean themselves to Prometheus too, once the parts behind a dot are labels.
    for name in metric_names() {
        let parts: Vec<&str> = name.splitn(3, '.').collect();
        assert_eq!(parts[0], "waf");
        let word = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        assert!(word(parts[1]), "{name}");
    }
}

#[test]
fn hits_are_counted_once_a_request_and_by_what_became_of_it() {
    let root = configure(r#"{"mode": "monitor", "telemetry": {"record": "off"}}"#);
    reset_metrics();
    let twice = format!("{ATTACK}&other=%27%20OR%20%271%27%3D%271%27%20--%20");
    send(&root, &get(&twice));
    let counted = metrics();
    assert_eq!(counted["waf.rule_hits.rule=2017.action=monitor"], [1]);
    assert_eq!(counted["waf.requests.action=monitor.mode=monitor"], [1]);
    assert!(!counted.keys().any(|name| name.contains("action=block")));
    // Totals alone: the same without the rules.
    let root = configure(r#"{"telemetry": {"metrics": "totals"}}"#);
    reset_metrics();
    send(&root, &get(ATTACK));
    let counted = metrics();
    assert!(counted.contains_key("waf.category_hits.category=sql_injection.action=block"));
    assert!(!counted.keys().any(|name| name.contains("rule_hits")));
    // Uninspected, by what that was.
    let mut ask = get("/chat");
    ask.headers = vec![
        ("connection", "upgrade".to_owned()),
        ("upgrade", "websocket".to_owned()),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==".to_owned()),
        ("sec-websocket-version", "13".to_owned()),
    ];
    send(&root, &ask);
    assert_eq!(metrics()["waf.uninspected.reason=uninspected_upgrade"], [1]);
}

#[test]
fn time_is_taken_only_where_the_policy_asks() {
    let host = FakeHost::default();
    host.ticks.set(5_000);
    let ask = post("application/x-www-form-urlencoded", "a=1");
    let root = configure(r#"{"telemetry": {"timing": true}}"#);
    reset_metrics();
    send_to(&root, &ask, &host);
    let time = &metrics()["waf.inspection_microseconds"];
    assert_eq!(time.len(), 1);
    assert!(time[0] >= 10, "{time:?}");
    let json: Value =
        serde_json::from_str(&state(&host, "waf").expect("a decision")).expect("JSON");
    assert!(
        json["microseconds"]
            .as_u64()
            .is_some_and(|took| took <= time[0])
    );
}

/// Secrets that somebody might send: each of them in all places where a request has room.
const SECRETS: [(&str, &str); 6] = [
    ("card", "4111111111111111"),
    ("email", "alice@example.com"),
    (
        "jwt",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV",
    ),
    ("key", "sk_live_4eC39HqLyjWDarjtT1zdp7dcX"),
    ("hex", "0123456789abcdef0123456789abcdef01234567"),
    // Nothing about this one shows that it is secret.
    ("word", "hunter2swordfish"),
];

/// The parts by which a secret would be recognised, if a piece of it had leaked.
fn pieces(secret: &str) -> Vec<&str> {
    secret
        .split(['.', '@', '_'])
        .filter(|piece| piece.len() >= 5 && *piece != "example")
        .map(|piece| &piece[..piece.len().min(12)])
        .collect()
}

/// Requests that carry a secret, each in another place and each beside an attack.
fn carriers(secret: &str) -> Vec<(&'static str, Ask)> {
    let attack = "' OR '1'='1' -- ";
    let base64 = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
    let hidden = format!(r#"{{"password": "{secret}", "a": "{attack}"}}"#);
    let encoded: String = form_urlencoded::byte_serialize(attack.as_bytes()).collect();
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let header = |name: &'static str, value: String| {
        let mut ask = get(&format!("/?q={encoded}"));
        ask.headers.push((name, value));
        ask
    };
    let multipart = |name: &str, value: &str| {
        post(
            "multipart/form-data; boundary=b",
            &format!(
                "--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--b--\r\n"
            ),
        )
    };
    vec![
        ("query value", get(&format!("/?password={secret}{encoded}"))),
        (
            "query beside",
            get(&format!("/?q={encoded}&password={secret}")),
        ),
        (
            "value behind a name",
            get(&format!("/?q={encoded}%26password%3D{secret}")),
        ),
        ("header", header("x-api-key", format!("{secret}{attack}"))),
        (
            "authorization",
            header("authorization", format!("Bearer {secret}")),
        ),
        (
            "cookie",
            header(
                "cookie",
                format!("session={secret}{attack}; token={secret}"),
            ),
        ),
        (
            "referer",
            header("referer", format!("https://a.example/?token={secret}")),
        ),
        ("traceparent", header("traceparent", secret.to_owned())),
        (
            "form value",
            post(form, &format!("password={secret}{encoded}")),
        ),
        (
            "form beside",
            post(form, &format!("q={encoded}&secret={secret}")),
        ),
        (
            "json value",
            post(
                json,
                &format!(r#"{{"user": {{"password": "{secret}{attack}"}}}}"#),
            ),
        ),
        (
            "json beside",
            post(
                json,
                &format!(r#"{{"q": "{attack}", "token": "{secret}"}}"#),
            ),
        ),
        (
            "json in a value",
            post(
                form,
                &format!("q={{\"pwd\":\"{secret}\",\"a\":\"{encoded}\"}}"),
            ),
        ),
        (
            "broken json",
            post(json, &format!(r#"{{"token": "{secret}", "a": "{attack}"#)),
        ),
        (
            "xml",
            post(
                "application/xml",
                &format!("<a><pin>{secret}</pin><b>{attack}</b></a>"),
            ),
        ),
        (
            "multipart",
            multipart("password", &format!("{secret}{attack}")),
        ),
        ("base64", post(form, &format!("q={}", base64(&hidden)))),
        (
            "base64 of a form",
            post(
                form,
                &format!("q={}", base64(&format!("a={attack}&pwd={secret}"))),
            ),
        ),
        (
            "encoded twice",
            post(
                form,
                &format!("q=%257B%2522pwd%2522%253A%2522{secret}%2522%257D{encoded}"),
            ),
        ),
        (
            "raw body",
            post("text/plain", &format!("password: {secret}\n{attack}")),
        ),
    ]
}

/// Places where the name of the field does not say that it is secret: here the shape has to.
fn carriers_by_shape(secret: &str) -> Vec<(&'static str, Ask)> {
    let attack = "%27%20OR%20%271%27%3D%271%27%20--%20";
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let upload = format!(
        "--b\r\ncontent-disposition: form-data; name=\"f\"; filename=\"{secret}.php\"\r\n\r\n<?php\r\n--b--\r\n"
    );
    vec![
        ("upload", post("multipart/form-data; boundary=b", &upload)),
        ("path", get(&format!("/users/{secret}/x?q={attack}"))),
        (
            "path attack",
            get(&format!("/users/{secret}%27%20OR%201=1%20--%20")),
        ),
        ("query value", get(&format!("/?q={secret}%20{attack}"))),
        ("query name", get(&format!("/?{secret}={attack}"))),
        ("name that matches", get(&format!("/?{secret}{attack}=1"))),
        ("form name", post(form, &format!("a.{secret}={attack}"))),
        (
            "json name",
            post(json, &format!(r#"{{"{secret}": "' OR '1'='1' -- "}}"#)),
        ),
        (
            "encoded path",
            get(&format!(
                "/%{:02x}{}?q={attack}",
                secret.as_bytes()[0],
                &secret[1..]
            )),
        ),
    ]
}

#[test]
fn no_secret_leaves_the_filter() {
    let all = r#"{"preset": "strict", "telemetry": {"record": "all", "log_rate": 0, "typed": true, "excerpts": EXCERPTS, "keys":
        ["reasons", "scores", "recorded", "rules", "matches", "uninspected"]}}"#;
    let mut matched = 0;
    for excerpts in ["false", "true"] {
        let root = configure(&all.replace("EXCERPTS", excerpts));
        for (what, secret) in SECRETS {
            let mut asks = carriers(secret);
            if what != "word" {
                asks.extend(carriers_by_shape(secret));
            }
            for (place, ask) in asks {
                let host = send(&root, &ask);
                let told = outputs(&host);
                for piece in pieces(secret) {
                    let lines = told.lines().filter(|line| line.contains(piece));
                    let leaks: Vec<&str> = lines.collect();
                    let what = format!("{what} in {place} (excerpts {excerpts})");
                    assert!(leaks.is_empty(), "{what}: {piece} in {leaks:#?}");
                }
                assert_eq!(records(&host).len(), 1, "{place}");
                matched += usize::from(told.contains("\"matches\""));
            }
        }
    }
    assert!(matched > 200, "{matched} requests had something to say");
}

#[test]
fn excerpts_show_what_matched_and_only_in_records() {
    let root = configure(r#"{"telemetry": {"excerpts": true}}"#);
    let filler = "x".repeat(4000);
    let attack = "1 UNION SELECT password FROM users";
    let body = format!("a={filler} {attack} {filler}");
    let host = send(&root, &post("application/x-www-form-urlencoded", &body));
    let record = &records(&host)[0];
    let excerpts = record["excerpts"].as_array().expect("excerpts");
    let texts: Vec<&str> = excerpts
        .iter()
        .filter_map(|one| one["text"].as_str())
        .collect();
    assert!(texts.iter().any(|text| text.contains(attack)), "{texts:?}");
    assert!(texts.iter().all(|text| text.len() <= 96), "{texts:?}");
    let matches = record["matches"].as_array().expect("matches").len();
    let indexes = excerpts
        .iter()
        .map(|one| one["match"].as_u64().unwrap_or(u64::MAX) as usize);
    assert!(indexes.max().is_some_and(|index| index < matches));
    let state = state(&host, "waf").expect("a decision");
    assert!(!state.contains("UNION"), "{state}");
    // Nothing of it without being asked.
    let host = send(
        &configure("{}"),
        &post("application/x-www-form-urlencoded", &body),
    );
    assert!(!outputs(&host).contains("UNION"));
}

#[test]
fn a_forged_header_is_believed_from_neither_side_whatever_the_policy() {
    for policy in [
        "{}",
        r#"{"telemetry": {"metadata": false}}"#,
        r#"{"telemetry": {"metadata_on_request": true}}"#,
    ] {
        let root = configure(policy);
        for ask in [get("/"), post("text/plain", "hello")] {
            let mut ask = ask;
            ask.headers.push((DECISION_HEADER, "forged".to_owned()));
            let host = FakeHost::default();
            *host.response.borrow_mut() = vec![(DECISION_HEADER.to_owned(), b"forged".to_vec())];
            // In this order the filter sees them: it must not have let the forged one go on.
            send_to(&root, &ask, &host);
            for entries in [&host.headers, &host.response] {
                let entries = entries.borrow();
                let forged = entries.iter().any(|(_, value)| value == b"forged");
                assert!(!forged, "{policy}");
            }
        }
    }
}

#[test]
fn a_policy_says_what_it_cannot_ask_for() {
    for (telemetry, expected) in [
        (r#"{"recrod": "all"}"#, "did you mean `record`?"),
        (
            r#"{"record": "some"}"#,
            "$.telemetry.record: `some` is not a record",
        ),
        (r#"{"keys": ["rule"]}"#, "did you mean `rules`?"),
        (r#"{"keys": ["microseconds"]}"#, "needs `timing: true`"),
        (
            r#"{"metadata": false, "metadata_on_request": true}"#,
            "needs `metadata: true`",
        ),
        (r#"{"keys": "rules"}"#, "expected a list of keys"),
        (
            r#"{"redact": ["x"]}"#,
            "$.telemetry.redact[0]: expected 2 to 64 bytes",
        ),
        (r#"{"log_rate": -1}"#, "$.telemetry.log_rate"),
    ] {
        let host = FakeHost::default();
        let policy = format!(r#"{{"telemetry": {telemetry}}}"#);
        assert!(Root::configure(&host, policy.as_bytes()).is_err());
        let log = host.log.borrow().join("\n");
        assert!(log.contains(expected), "{telemetry}: {log}");
    }
}

#[test]
fn answers_are_counted_where_they_were_given() {
    let root = configure("{}");
    let host = send(&root, &get(ATTACK));
    assert_eq!(*host.reply.borrow(), Some(403));
    let stream = Stream::new(&root, 3);
    reset_metrics();
    let host = FakeHost::default();
    host.unreadable.set(true);
    assert_eq!(
        stream.borrow_mut().request_headers(&host, true),
        Flow::Pause
    );
    stream.borrow_mut().ended(&host);
    assert_eq!(metrics()["waf.errors.reason=unreadable"], [1]);
    assert_eq!(metrics()["waf.requests.action=block.mode=block"], [1]);
    // The end of a stream comes once, but should it come twice, it counts once.
    stream.borrow_mut().ended(&host);
    assert_eq!(metrics()["waf.requests.action=block.mode=block"], [1]);
}

#[test]
fn the_document_has_every_metric_and_every_key() {
    configure(r#"{"telemetry": {"timing": true}}"#);
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/telemetry.md"));
    let text = text.expect("docs/telemetry.md");
    for name in metric_names() {
        let family = name.splitn(3, '.').take(2).collect::<Vec<_>>().join("_");
        assert!(text.contains(&format!("| `{family}` |")), "{family}");
    }
    let host = send(&configure("{}"), &get(ATTACK));
    let json: Value =
        serde_json::from_str(&state(&host, "waf").expect("a decision")).expect("JSON");
    for key in json.as_object().expect("an object").keys() {
        assert!(text.contains(&format!("| `{key}` |")), "{key}");
    }
}
