//! The case suite against the filter on a fake host, which holds headers or lets them go as the two
//! kinds of proxy do, with every body cut at every byte.

use std::cell::RefCell;
use std::rc::Rc;

use palisade::filter::{DECISION_HEADER, FILTER_STATE, FILTER_STATE_ACTION, Flow, Root, Stream};
use palisade_harness::cases::{self, Case, Driver, Http};
use palisade_harness::outcome::{Action, Outcome};

mod host;

use host::FakeHost;

/// What the proxy does with headers that a filter keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proxy {
    /// Bodies are shown while headers are kept.
    Hold,
    /// They are not.
    Continue,
}

fn configure(policy: &str) -> Rc<Root> {
    let host = FakeHost::default();
    Root::configure(&host, policy.as_bytes())
        .unwrap_or_else(|refusal| panic!("{policy}: {refusal:?} {:?}", host.log.borrow()))
}

/// What the proxy would show and send on.
struct Seen {
    outcome: Outcome,
    /// Whether the upstream got the head.
    upstream_head: bool,
    /// Whether the upstream got the end of the body.
    upstream_body: bool,
}

/// Sends one request through the filter the way a proxy would, its body in pieces that end at `cuts`.
fn send(case: &Case, root: &Rc<Root>, proxy: Proxy, cuts: &[usize]) -> Seen {
    let host = FakeHost::default();
    let request = &case.request;
    *host.headers.borrow_mut() = request.proxied_headers(Http::One);
    *host.trailers.borrow_mut() = request.trailers.clone();
    host.client.set(request.client);
    let body = request.body.clone().unwrap_or_default();
    let bodiless = body.is_empty() && request.trailers.is_empty();
    let shared = Stream::new(root, 2);
    // The proxy calls back into one stream at a time.
    let step = |work: &mut dyn FnMut(&mut Stream) -> Flow| work(&mut shared.borrow_mut());
    host.received.set(100);

    let held = step(&mut |stream| stream.request_headers(&host, bodiless)) == Flow::Pause;
    let mut upstream_head = !held;
    let mut upstream_body = !held && bodiless;
    let replied = |host: &FakeHost| host.reply.borrow().is_some();
    if !bodiless && !replied(&host) {
        if held && proxy == Proxy::Continue {
            // Nothing is shown until the filter lets the headers go, from a tick.
            host.received.set(100 + body.len() as u64);
            // Trailers behind a body of no bytes count for nothing: only time shows that they wait.
            // The headers of a stream of messages are given time for the first message.
            host.now.set(if body.is_empty() {
                11_000_000_000
            } else {
                60_000_000
            });
            root.tick(&host);
            assert!(host.resumed.get(), "the headers are kept for ever");
            upstream_head = true;
            host.headers_gone.set(true);
        }
        host.headers_gone.set(upstream_head);
        let mut pieces: Vec<usize> = cuts
            .iter()
            .copied()
            .filter(|cut| *cut < body.len())
            .collect();
        pieces.push(body.len());
        for end in pieces {
            *host.body.borrow_mut() = body[..end].to_vec();
            let last = end == body.len() && request.trailers.is_empty();
            let flow = step(&mut |stream| stream.request_body(&host, end, last));
            if replied(&host) {
                break;
            }
            if flow == Flow::Continue {
                upstream_head = true;
                upstream_body = last;
            }
        }
        if !replied(&host) && !request.trailers.is_empty() {
            let flow = step(&mut |stream| stream.request_trailers(&host));
            if flow == Flow::Continue {
                upstream_head = true;
                upstream_body = true;
            }
        }
    }
    if !replied(&host) {
        step(&mut |stream| stream.response_headers(&host));
        let header = |map: &RefCell<Vec<(String, Vec<u8>)>>| {
            map.borrow().iter().any(|(name, _)| name == DECISION_HEADER)
        };
        let carriers = (header(&host.headers), header(&host.response));
        assert_eq!(carriers, (false, true), "the response carries the decision");
    } else {
        assert!(
            host.reply_headers
                .borrow()
                .iter()
                .any(|name| name == DECISION_HEADER)
        );
    }
    shared.borrow_mut().ended(&host);
    let state = host.state.borrow();
    let json = String::from_utf8(state[FILTER_STATE].clone()).expect("filter state is UTF-8");
    let status = host.reply.borrow().unwrap_or(200);
    let outcome = Outcome::from_decision(&json, Some(status)).expect("a decision");
    let action = String::from_utf8_lossy(&state[FILTER_STATE_ACTION]).into_owned();
    assert!(
        json.starts_with(&format!("{{\"action\":\"{action}\"")),
        "{json} {action}"
    );
    Seen {
        outcome,
        upstream_head,
        upstream_body,
    }
}

fn suite() -> impl Iterator<Item = Case> {
    cases::load()
        .into_iter()
        .filter(|case| case.runs_on(Driver::FakeHost))
}

/// Whether trailers come behind a body that went on before them, because it outgrew the limit.
fn past_limit(case: &Case) -> bool {
    let what = &case.expect.uninspected;
    !case.request.trailers.is_empty() && what.iter().any(|anomaly| anomaly == "body_too_large")
}

/// Whether the body is a stream of messages.
fn is_grpc(case: &Case) -> bool {
    let type_of = |(name, value): &(String, Vec<u8>)| {
        name.eq_ignore_ascii_case("content-type")
            && (value == b"application/grpc"
                || value.starts_with(b"application/grpc+")
                || value.starts_with(b"application/connect+"))
    };
    case.request.headers.iter().any(type_of)
}

/// Where a body is cut: everywhere up to 4 KiB, above that at frames and around the limit.
fn cuts(length: usize, limit: usize) -> Vec<usize> {
    let near = |at: usize| at.saturating_sub(2)..at + 3;
    let everywhere = if length <= 4096 { length } else { 0 };
    let mut cuts: Vec<usize> = (0..everywhere).collect();
    cuts.extend((1..=length / 16_384).flat_map(|frame| near(frame * 16_384)));
    cuts.extend(near(limit));
    cuts.retain(|cut| *cut < length);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

#[test]
fn every_case_on_a_fake_host_cut_at_every_byte() {
    let mut failed = Vec::new();
    for case in suite() {
        let length = case.request.body.as_ref().map_or(0, Vec::len);
        for proxy in [Proxy::Hold, Proxy::Continue] {
            // A new instance finds out about the proxy with its first body; later bodies know.
            let fresh = send(&case, &configure(&case.policy), proxy, &[]);
            let differences = case.expect.differences(&fresh.outcome);
            if !differences.is_empty() {
                failed.push(format!(
                    "{} ({proxy:?}): {}",
                    case.name,
                    differences.join("\n    ")
                ));
                continue;
            }
            let root = configure(&case.policy);
            let limit = root.engine().config().settings.limits.body_bytes;
            for cut in cuts(length, limit) {
                let cut_once = send(&case, &root, proxy, &[cut]);
                assert_eq!(
                    cut_once.outcome, fresh.outcome,
                    "{} cut at {cut} ({proxy:?})",
                    case.name
                );
            }
            if length <= 4096 {
                let bytes: Vec<usize> = (1..length).collect();
                let trickled = send(&case, &root, proxy, &bytes);
                assert_eq!(
                    trickled.outcome, fresh.outcome,
                    "{} byte by byte ({proxy:?})",
                    case.name
                );
            }
            if fresh.outcome.action == Action::Block {
                assert!(
                    !fresh.upstream_body,
                    "{}: a blocked body went on",
                    case.name
                );
                // The part of a body that lies behind the limit goes on before the trailers come, and messages
                // go on one by one.
                if proxy == Proxy::Hold && !past_limit(&case) && !is_grpc(&case) {
                    assert!(
                        !fresh.upstream_head,
                        "{}: the upstream heard of it",
                        case.name
                    );
                }
            } else {
                assert!(
                    fresh.upstream_head && fresh.upstream_body,
                    "{}: it hangs",
                    case.name
                );
            }
        }
        println!("case {} ok", case.name);
    }
    assert!(
        failed.is_empty(),
        "{} failures:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

fn case(toml: &str) -> Case {
    let text = format!("[[case]]\nname = \"inline\"\n{toml}\n[case.expect]\naction = \"allow\"\n");
    cases::parse_suite([("inline", text.as_str())])
        .expect("a case")
        .remove(0)
}

#[test]
fn a_client_cannot_forge_the_decision() {
    let case =
        case("request = { target = \"/\", headers = [[\"x-palisade-decision\", \"forged\"]] }");
    let host = FakeHost::default();
    *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
    *host.response.borrow_mut() = vec![(DECISION_HEADER.to_owned(), b"forged".to_vec())];
    let stream = Stream::new(&configure("{}"), 2);
    assert_eq!(
        stream.borrow_mut().request_headers(&host, true),
        Flow::Continue
    );
    stream.borrow_mut().response_headers(&host);
    let decisions = |map: &RefCell<Vec<(String, Vec<u8>)>>| -> Vec<Vec<u8>> {
        let map = map.borrow();
        let decisions = map.iter().filter(|(name, _)| name == DECISION_HEADER);
        decisions.map(|(_, value)| value.clone()).collect()
    };
    assert!(decisions(&host.headers).is_empty());
    let sent = decisions(&host.response);
    assert_eq!(sent.len(), 1);
    assert_ne!(sent[0], b"forged");
}

#[test]
fn the_decision_goes_with_the_request_where_the_policy_asks_for_that() {
    let on_request = r#"{"telemetry": {"metadata_on_request": true}}"#;
    for (policy, end, body, expected) in [
        ("{}", true, "", (false, true)),
        (on_request, true, "", (true, true)),
        (on_request, false, "a=1", (true, true)),
        (
            r#"{"telemetry": {"metadata": false}}"#,
            true,
            "",
            (false, false),
        ),
    ] {
        let case = case("request = { method = \"PUT\", target = \"/\" }");
        let host = FakeHost::default();
        *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
        let stream = Stream::new(&configure(policy), 2);
        let mut stream = stream.borrow_mut();
        stream.request_headers(&host, end);
        if !end {
            *host.body.borrow_mut() = body.as_bytes().to_vec();
            assert_eq!(stream.request_body(&host, body.len(), true), Flow::Continue);
        }
        stream.response_headers(&host);
        let carries = |map: &RefCell<Vec<(String, Vec<u8>)>>| {
            map.borrow().iter().any(|(name, _)| name == DECISION_HEADER)
        };
        let carriers = (carries(&host.headers), carries(&host.response));
        assert_eq!(carriers, expected, "{policy} {body}");
    }
}

#[test]
fn a_slow_client_is_not_taken_for_a_proxy_that_lets_headers_go() {
    let case = case("request = { method = \"POST\", target = \"/\", body = \"a=1\" }");
    let host = FakeHost::default();
    *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
    host.received.set(100);
    let root = configure("{}");
    let stream = Stream::new(&root, 2);
    assert_eq!(
        stream.borrow_mut().request_headers(&host, false),
        Flow::Pause
    );
    // Seconds pass and nothing comes.
    for second in 1..9 {
        host.now.set(second * 1_000_000_000);
        root.tick(&host);
        assert!(!host.resumed.get(), "after {second} s");
    }
    *host.body.borrow_mut() = b"a=1".to_vec();
    assert_eq!(
        stream.borrow_mut().request_body(&host, 3, false),
        Flow::Pause
    );
    assert_eq!(
        stream.borrow_mut().request_body(&host, 3, true),
        Flow::Continue
    );
    // The proxy has shown that it holds: the next request is not asked about.
    let next = Stream::new(&root, 3);
    assert_eq!(next.borrow_mut().request_headers(&host, false), Flow::Pause);
    host.received.set(10_000);
    root.tick(&host);
    assert!(!host.resumed.get());
}

#[test]
fn nothing_is_kept_for_ever() {
    let case = case("request = { method = \"POST\", target = \"/\", body = \"a=1\" }");
    let host = FakeHost::default();
    *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
    let root = configure("{}");
    let stream = Stream::new(&root, 2);
    assert_eq!(
        stream.borrow_mut().request_headers(&host, false),
        Flow::Pause
    );
    assert!(host.tick.get() > 0);
    host.now.set(11_000_000_000);
    root.tick(&host);
    assert!(host.resumed.get());
    stream.borrow_mut().ended(&host);
    let json = String::from_utf8(host.state.borrow()[FILTER_STATE].clone()).expect("UTF-8");
    assert!(json.contains("incomplete_request"), "{json}");
    drop(stream);
    root.tick(&host);
    assert_eq!(host.tick.get(), 0, "nothing waits, nothing ticks");
}

#[test]
fn an_answer_before_the_verdict_is_recorded() {
    let case = case("request = { method = \"POST\", target = \"/\", body = \"a=1\" }");
    let host = FakeHost::default();
    *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
    let root = configure("{\"hold_request_headers\":false}");
    let stream = Stream::new(&root, 2);
    assert_eq!(
        stream.borrow_mut().request_headers(&host, false),
        Flow::Continue
    );
    host.headers_gone.set(true);
    stream.borrow_mut().response_headers(&host);
    let json = String::from_utf8(host.state.borrow()[FILTER_STATE].clone()).expect("UTF-8");
    assert!(json.contains("early_response"), "{json}");
    // The body is still held and judged.
    assert_eq!(
        stream.borrow_mut().request_body(&host, 1, false),
        Flow::Pause
    );
}

#[test]
fn a_bad_policy_is_refused_with_every_problem() {
    let host = FakeHost::default();
    let policy = br#"{"mod":"block","preset":"balancd","rules":[{"id":100000,"score":{"sql_injection":8},"regex":"(a"},{"id":5,"regex":"a","score":{}}],"limits":{"body_bytes":"many"}}"#;
    assert!(Root::configure(&host, policy).is_err());
    let log = host.log.borrow().join("\n");
    for expected in [
        "$.mod: unknown key",
        "did you mean `mode`?",
        "$.preset: `balancd` is not a preset",
        "did you mean `balanced`?",
        "$.rules[1].id: 5 is reserved",
        "$.rules[1].score",
        "$.limits.body_bytes: expected a whole number",
        "$.rules[0].regex: ",
    ] {
        assert!(log.contains(expected), "{expected} is not in:\n{log}");
    }
}

#[test]
fn policies_do_not_share_anything() {
    let case = case("request = { target = \"/?q=a%27b%27c%27d%27\" }");
    let (strict, monitor, default) = (
        configure("{\"preset\":\"strict\"}"),
        configure("{\"preset\":\"strict\",\"mode\":\"monitor\"}"),
        configure("{}"),
    );
    for _ in 0..2 {
        for (root, action) in [
            (&strict, Action::Block),
            (&monitor, Action::Monitor),
            (&default, Action::Allow),
        ] {
            assert_eq!(send(&case, root, Proxy::Hold, &[]).outcome.action, action);
        }
    }
}

/// One message in gRPC's frame (gRPC over HTTP/2, "Length-Prefixed-Message").
fn frame(message: &[u8]) -> Vec<u8> {
    let mut framed = vec![0];
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// A protobuf message with one string in field 1.
fn text_message(text: &str) -> Vec<u8> {
    let mut message = vec![0x0A, text.len() as u8];
    message.extend_from_slice(text.as_bytes());
    frame(&message)
}

#[test]
fn messages_of_a_stream_are_judged_and_let_go_one_by_one() {
    let case = case(
        "request = { method = \"POST\", target = \"/s.S/M\", headers = [[\"content-type\", \"application/grpc\"]], body = \"x\" }",
    );
    let host = FakeHost::default();
    *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
    host.received.set(100);
    let root = configure("{}");
    let shared = Stream::new(&root, 2);
    let body = |bytes: &[u8], end: bool| {
        *host.body.borrow_mut() = bytes.to_vec();
        shared.borrow_mut().request_body(&host, bytes.len(), end)
    };
    assert_eq!(
        shared.borrow_mut().request_headers(&host, false),
        Flow::Pause
    );
    let good = text_message("hello");
    // Part of a message stays, a whole one goes on, with the headers.
    assert_eq!(body(&good[..3], false), Flow::Pause);
    assert_eq!(body(&good, false), Flow::Continue);
    // The server may answer at any time: that is no early answer.
    shared.borrow_mut().response_headers(&host);
    // A minute without a message is no reason to end anything.
    host.now.set(600_000_000_000);
    root.tick(&host);
    assert_eq!(*host.reply.borrow(), None);
    let two = [good.clone(), good[..4].to_vec()].concat();
    assert_eq!(body(&two, false), Flow::Pause);
    let bad = text_message("1' OR '1'='1' -- ");
    assert_eq!(
        body(&[good.clone(), good, bad].concat(), false),
        Flow::Pause
    );
    assert_eq!(*host.reply.borrow(), Some(403));
}

#[test]
fn headers_of_a_stream_do_not_wait_for_a_client_that_listens_first() {
    let case = case(
        "request = { method = \"POST\", target = \"/s.S/M\", headers = [[\"content-type\", \"application/grpc\"]], body = \"x\" }",
    );
    let host = FakeHost::default();
    *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
    host.received.set(100);
    let root = configure("{}");
    let stream = Stream::new(&root, 2);
    assert_eq!(
        stream.borrow_mut().request_headers(&host, false),
        Flow::Pause
    );
    host.now.set(60_000_000);
    root.tick(&host);
    assert!(host.resumed.get());
}

#[test]
fn what_is_held_too_long_is_not_let_through() {
    let case = case("request = { method = \"POST\", target = \"/\", body = \"a=1\" }");
    for (policy, blocked) in [
        ("{}", true),
        (
            "{\"uninspected\":{\"hold_timeout\":\"inspect_prefix\"}}",
            false,
        ),
    ] {
        let host = FakeHost::default();
        *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
        host.received.set(100);
        let root = configure(policy);
        let stream = Stream::new(&root, 2);
        assert_eq!(
            stream.borrow_mut().request_headers(&host, false),
            Flow::Pause
        );
        *host.body.borrow_mut() = b"a".to_vec();
        assert_eq!(
            stream.borrow_mut().request_body(&host, 1, false),
            Flow::Pause
        );
        host.now.set(61_000_000_000);
        root.tick(&host);
        assert_eq!(host.reply.borrow().is_some(), blocked);
        assert_eq!(host.resumed.get(), !blocked);
        let json = String::from_utf8(host.state.borrow()[FILTER_STATE].clone()).expect("UTF-8");
        assert!(json.contains("hold_timeout"), "{json}");
    }
}

#[test]
fn what_the_proxy_does_not_show_is_blocked_and_named() {
    for (policy, blocked) in [("{}", true), ("{\"on_error\":\"pass\"}", false)] {
        let host = FakeHost::default();
        host.unreadable.set(true);
        let root = configure(policy);
        let stream = Stream::new(&root, 2);
        let flow = stream.borrow_mut().request_headers(&host, true);
        assert_eq!(flow == Flow::Pause, blocked);
        stream.borrow_mut().ended(&host);
        let json = String::from_utf8(host.state.borrow()[FILTER_STATE].clone()).expect("UTF-8");
        assert!(json.contains("\"uninspected\":[\"unreadable\"]"), "{json}");
        assert!(json.contains("\"rules\":[1]"), "{json}");
    }
}

#[test]
fn nothing_is_held_that_nobody_inspects() {
    let case = case("request = { method = \"POST\", target = \"/\", body = \"a=1\" }");
    for policy in [
        "{\"mode\":\"off\"}",
        "{\"allow_clients\":[\"192.0.2.0/24\"]}",
    ] {
        let host = FakeHost::default();
        host.client.set("192.0.2.7".parse().ok());
        *host.headers.borrow_mut() = case.request.proxied_headers(Http::One);
        let stream = Stream::new(&configure(policy), 2);
        assert_eq!(
            stream.borrow_mut().request_headers(&host, false),
            Flow::Continue,
            "{policy}"
        );
        assert_eq!(
            stream.borrow_mut().request_body(&host, 1, false),
            Flow::Continue,
            "{policy}"
        );
    }
}

/// A request on which nothing matches goes through a policy.
fn pass(host: &FakeHost, root: &Rc<Root>) {
    *host.headers.borrow_mut() = case("request = { target = \"/\" }")
        .request
        .proxied_headers(Http::One);
    let stream = Stream::new(root, 2);
    let flow = stream.borrow_mut().request_headers(host, true);
    assert_eq!(flow, Flow::Continue);
}

#[test]
fn expired_exceptions_are_told_when_a_policy_comes_and_when_a_day_ends() {
    const DAY: u64 = 86_400_000_000_000;
    let policy = r#"{"exceptions": [
        {"id": "A-1", "rules": [1013], "expires": "1970-01-02"},
        {"id": "B-2", "rules": [1013], "expires": "1970-01-04"},
        {"id": "C-3", "rules": [1013], "expires": "1970-01-04", "active": false},
        {"id": "D-4", "rules": [1013]}],
        "scopes": [{"host": "a.example", "exceptions": [{"id": "E-5", "rules": [17], "expires": "1970-01-05"}]}]}"#;
    let host = FakeHost::default();
    let told = || {
        let mut lines = std::mem::take(&mut *host.log.borrow_mut());
        lines.retain(|line| !line.contains(" ready after "));
        lines
    };
    host.now.set(2 * DAY);
    let root = Root::configure(&host, policy.as_bytes()).expect("a policy");
    let line = |id: &str, day: &str| {
        format!("palisade: exception {id} expired on {day} and no longer applies")
    };
    let ready = "palisade: policy ready after 0 ms; exceptions: 5, own rules: 0, scopes: 1";
    assert!(host.log.borrow().iter().any(|line| line == ready));
    assert_eq!(told(), [line("A-1", "1970-01-02")]);
    for (now, expected) in [
        (4 * DAY - 1, vec![]),
        (4 * DAY, vec![line("B-2", "1970-01-04")]),
        (4 * DAY + 1, vec![]),
        // A clock that is set back tells nothing anew.
        (DAY, vec![]),
        (9 * DAY, vec![line("E-5", "1970-01-05")]),
        (10 * DAY, vec![]),
    ] {
        host.now.set(now);
        pass(&host, &root);
        assert_eq!(told(), expected, "{now}");
    }
    let expired: Vec<String> = root
        .engine()
        .expired(4 * 86_400)
        .map(|(id, last)| format!("{id} {last}"))
        .collect();
    assert_eq!(expired, ["A-1 1970-01-02", "B-2 1970-01-04"]);

    // So many that nobody would read them are counted.
    let many: Vec<String> = (0..150)
        .map(|_| r#"{"rules": [1013], "expires": "1970-01-01"}"#.to_owned())
        .collect();
    let policy = format!(r#"{{"exceptions": [{}]}}"#, many.join(","));
    Root::configure(&host, policy.as_bytes()).expect("a policy");
    let told = told();
    assert_eq!(told.len(), 101);
    assert!(told[0].contains("exception exceptions[0] expired on 1970-01-01"));
    assert!(told[100].contains("50 more exceptions"), "{}", told[100]);
}
