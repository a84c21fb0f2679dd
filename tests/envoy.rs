//! The module inside a real Envoy: the case suite in both body modes and over both versions of HTTP, and
//! what no table of cases can say (time, order, connections that break, headers that are forged).

#![cfg(not(target_family = "wasm"))]

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use palisade_harness::cases::{Action, Case, Driver, Http, Normalized, Outcome, Refusal, load};
use palisade_harness::client::{Broken, Headers, Http1, Http2, Response, exchange, head};
use palisade_harness::envoy::{
    BodyMode, DECISION_HEADER, Envoy, Listener, LogEntry, SEEN_HEADER, Setup,
};
use palisade_harness::upstream::Upstream;

const FORM: &str = "application/x-www-form-urlencoded";
/// What rule 17 blocks under any enforcing policy.
const ATTACK: &[u8] = b"user=admin%27--&password=x";
const BENIGN: &[u8] = b"user=alice&password=x";
const BOTH_HTTP: [Http; 2] = [Http::One, Http::Two];

/// A name for one request, by which the access log and the upstream know it. It says nothing, because the
/// filter inspects the header that carries it.
fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("c{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// An Envoy with an upstream behind it.
struct Rig {
    upstream: Upstream,
    envoy: Envoy,
}

impl Rig {
    fn start(listeners: Vec<Listener>, change: impl FnOnce(&mut Setup)) -> Self {
        let upstream = Upstream::start();
        let mut setup = Setup::new(upstream.address(), listeners);
        change(&mut setup);
        let envoy = Envoy::start(setup).unwrap_or_else(|log| panic!("Envoy refused: {log}"));
        Self { upstream, envoy }
    }

    /// One with the policies that the tests below need; shared by all of them.
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Rig> = OnceLock::new();
        SHARED.get_or_init(|| {
            let mut listeners = Vec::new();
            for mode in BodyMode::ALL {
                for policy in ["{}", HOLD_TRUE, HOLD_FALSE] {
                    listeners.push(Listener::new(policy, mode));
                }
            }
            Self::start(listeners, |_| {})
        })
    }

    /// One with every policy of the suite, whose requests alone it sees and counts.
    fn of_suite() -> Self {
        let mut listeners = BTreeSet::new();
        for mode in BodyMode::ALL {
            for case in load().iter().filter(|case| case.runs_on(Driver::Envoy)) {
                listeners.insert(listener(case, mode, false));
                if case.expect.normalized.is_some() {
                    listeners.insert(listener(case, mode, true));
                }
            }
        }
        Self::start(listeners.into_iter().collect(), |_| {})
    }

    fn address(&self, policy: &str, mode: BodyMode) -> SocketAddr {
        self.envoy.address(&Listener::new(policy, mode))
    }

    /// The decision that the access log has for a request.
    fn decision(&self, case: &str) -> (LogEntry, Outcome) {
        let entry = self.envoy.entry(case).expect("a line in the access log");
        let outcome = outcome(&entry).unwrap_or_else(|why| panic!("{case}: {why}: {entry:?}"));
        (entry, outcome)
    }

    /// Asserts that the upstream never hears of a request, or, in *continue* mode, never gets its body.
    fn assert_kept_out(&self, case: &str, mode: BodyMode) {
        // The client has its answer; what was sent before it needs no longer than this to arrive.
        thread::sleep(Duration::from_millis(50));
        if let Some(why) = kept_out(self, case, mode == BodyMode::Hold) {
            panic!("{mode:?}: {why}");
        }
    }
}

const HOLD_TRUE: &str = r#"{"hold_request_headers":true}"#;
const HOLD_FALSE: &str = r#"{"hold_request_headers":false}"#;

fn listener(case: &Case, mode: BodyMode, normalize_path: bool) -> Listener {
    let foreign = case
        .request
        .client
        .is_some_and(|client| !client.is_loopback());
    Listener {
        normalize_path,
        trusted_hops: u32::from(foreign),
        ..Listener::new(&talkative(&case.policy), mode)
    }
}

/// The policy, with everything told that there is to tell.
fn talkative(policy: &str) -> String {
    let mut policy: serde_json::Value = serde_json::from_str(policy).expect("policies are JSON");
    policy["telemetry"] = serde_json::json!({
        "record": "all", "log_rate": 0, "typed": true, "keys": ["rules", "matches"],
    });
    policy.to_string()
}

fn outcome(entry: &LogEntry) -> Result<Outcome, String> {
    let json = entry.waf.as_deref().ok_or("no decision in filter state")?;
    let outcome = Outcome::from_decision(json, Some(entry.code))?;
    let action = format!("{:?}", outcome.action).to_lowercase();
    for (place, text) in [
        ("wasm.waf.action", &entry.waf_action),
        ("dynamic metadata", &entry.metadata_action),
    ] {
        if text.as_deref() != Some(action.as_str()) {
            return Err(format!("{place} says {text:?}, the decision {action}"));
        }
    }
    Ok(outcome)
}

fn kept_out(rig: &Rig, case: &str, unheard: bool) -> Option<String> {
    let heard = rig.upstream.heard(case);
    if unheard && !heard.is_empty() {
        return Some(format!(
            "the upstream heard of a blocked request: {heard:?}"
        ));
    }
    let body = heard
        .iter()
        .find(|heard| !heard.body.is_empty() || heard.complete);
    body.map(|heard| format!("the upstream got the body of a blocked request: {heard:?}"))
}

/// Sends a form over HTTP/1.1 in the given pieces, waiting before each piece of the body.
fn post(
    to: SocketAddr,
    case: &str,
    more: &[(&str, &str)],
    pieces: &[&[u8]],
    pause: Duration,
) -> Result<Response, Broken> {
    let length = pieces
        .iter()
        .map(|piece| piece.len())
        .sum::<usize>()
        .to_string();
    let mut headers = pairs(&[
        ("x-case", case),
        ("content-type", FORM),
        ("content-length", &length),
    ]);
    headers.extend(pairs(more));
    let mut client = Http1::connect(to).expect("the listener listens");
    client
        .send(&head(b"POST", b"/login", b"palisade.test", &headers))
        .expect("the head is taken");
    for piece in pieces {
        thread::sleep(pause);
        // An answer that came before the end of the body is an answer all the same.
        let _ = client.send(piece);
    }
    client.response("POST")
}

/// Sends a form over HTTP/2 in the given pieces, waiting before each of them, with trailers if there are any.
fn post2(
    to: SocketAddr,
    case: &str,
    pieces: &[&[u8]],
    trailers: &[(&str, &str)],
    pause: Duration,
) -> Result<Response, Broken> {
    let headers = pairs(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "palisade.test"),
        (":path", "/login"),
        ("x-case", case),
        ("content-type", FORM),
    ]);
    let mut client = Http2::connect(to).expect("the listener listens");
    let stream = client.open(&headers, false).expect("the head is taken");
    for (index, piece) in pieces.iter().enumerate() {
        thread::sleep(pause);
        let end = trailers.is_empty() && index + 1 == pieces.len();
        let _ = client.data(stream, piece, end);
    }
    if !trailers.is_empty() {
        let _ = client.trailers(stream, &pairs(trailers));
    }
    client.response(stream)
}

fn pairs(list: &[(&str, &str)]) -> Headers {
    list.iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn status(answer: &Result<Response, Broken>) -> Option<u16> {
    answer.as_ref().ok().map(|response| response.status)
}

#[test]
fn every_case_meets_its_verdict() {
    let rig = &Rig::of_suite();
    let _log = rig.envoy.show_on_failure();
    let cases: Vec<Case> = load()
        .into_iter()
        .filter(|case| case.runs_on(Driver::Envoy))
        .collect();
    let mut runs = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        for mode in BodyMode::ALL {
            for http in &case.request.http {
                runs.push((index, mode, *http, false, fresh()));
                if case.expect.normalized.is_some() {
                    runs.push((index, mode, *http, true, fresh()));
                }
            }
        }
    }
    // First everything is sent, then the log is read: waiting for each line would take most of the time.
    let next = AtomicUsize::new(0);
    let answers: Vec<Mutex<Option<Result<Response, Broken>>>> =
        runs.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((index, mode, http, normalize, id)) =
                    runs.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let case = &cases[*index];
                    let to = rig.envoy.address(&listener(case, *mode, *normalize));
                    let client = case.request.client.map(|client| client.to_string());
                    let mut more = vec![("x-case", id.as_str())];
                    if let Some(client) = client.as_deref()
                        && listener(case, *mode, false).trusted_hops > 0
                    {
                        more.push(("x-forwarded-for", client));
                    }
                    let answer = exchange(to, *http, &case.request, &more);
                    let at = runs
                        .iter()
                        .position(|run| run.4 == *id)
                        .expect("the run is listed");
                    *answers[at].lock().unwrap() = Some(answer);
                }
            });
        }
    });
    let mut failures = vec![Vec::new(); cases.len()];
    for ((index, mode, http, normalize, id), answer) in runs.iter().zip(answers) {
        let case = &cases[*index];
        let answer = answer.into_inner().unwrap().expect("every run was sent");
        for why in judge(rig, case, *mode, *http, *normalize, id, answer) {
            let path = if *normalize { ", path normalised" } else { "" };
            failures[*index].push(format!("  {}, {http:?}{path}: {why}", mode.name()));
        }
    }
    let ids = runs.iter().map(|run| run.4.as_str());
    let untold = told_alike(rig, &ids.collect::<Vec<_>>());
    let mut failed = 0;
    for (case, failures) in cases.iter().zip(&failures) {
        if failures.is_empty() {
            println!("case {} ok", case.name);
        } else {
            failed += 1;
            println!(
                "case {} FAILED ({})\n{}",
                case.name,
                case.file,
                failures.join("\n")
            );
        }
    }
    assert_eq!(failed, 0, "of {} cases", cases.len());
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

/// Whatever does not say of these requests what the decision in the access log says: records, typed and single
/// keys, metadata, and the metrics, which must count exactly these.
fn told_alike(rig: &Rig, ids: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    let records = rig.envoy.records();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut decided = 0;
    for entry in ids.iter().flat_map(|id| rig.envoy.entries(id)) {
        let Some(waf) = &entry.waf else {
            // Envoy refused it before the filter.
            continue;
        };
        decided += 1;
        let decision: serde_json::Value = serde_json::from_str(waf).expect("the decision is JSON");
        let mut claim = |is: bool, what: String| {
            if !is {
                wrong.push(format!("{what}, in {entry:?}"));
            }
        };
        let id = entry.request_id.clone().unwrap_or_default();
        let lines = records.get(&id).map_or(&[][..], Vec::as_slice);
        claim(lines.len() == 1, format!("{} records", lines.len()));
        for (key, value) in decision.as_object().into_iter().flatten() {
            let told = lines.iter().all(|line| line.get(key) == Some(value));
            claim(told, format!("another {key} in {lines:?}"));
        }
        for line in lines {
            claim(line["client"].is_string(), format!("no client in {line}"));
            claim(
                entry.client.as_deref() == line["client"].as_str(),
                format!("another client in {line}"),
            );
        }
        // Of a clean request the typed object says more.
        let typed = entry.typed.as_ref().map(|typed| numbers(&typed["value"]));
        let typed = typed.unwrap_or_default();
        for (key, value) in numbers(&decision).as_object().into_iter().flatten() {
            claim(typed.get(key) == Some(value), format!("{key} of {typed}"));
        }
        let metadata = entry.metadata.as_ref().map(numbers).unwrap_or_default();
        for key in ["action", "reasons", "rules", "matches"] {
            let said = metadata.get(key) == numbers(&decision).get(key);
            claim(said, format!("{key} of the metadata"));
        }
        let words = |key: &str| {
            let list = decision.get(key)?.as_array()?;
            Some(list.len())
        };
        for (key, word) in [("rules", &entry.rules), ("matches", &entry.matches)] {
            let said = word.as_ref().map(|word| word.split(',').count());
            claim(said == words(key), format!("{key}: {word:?}"));
        }
        let mut count = |name: String| *counts.entry(name).or_default() += 1;
        let text = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        count(format!("requests.action={}", text(&decision["action"])));
        for (key, family) in [
            ("rules", "rule_hits.rule"),
            ("uninspected", "uninspected.reason"),
        ] {
            for value in decision[key].as_array().into_iter().flatten() {
                count(format!("{family}={}", text(value)));
            }
        }
        let mut categories = BTreeSet::new();
        for sums in ["scores", "recorded"] {
            categories.extend(
                decision[sums]
                    .as_object()
                    .into_iter()
                    .flat_map(|map| map.keys()),
            );
        }
        let reasons: Vec<String> = decision["reasons"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect();
        categories.extend(&reasons);
        for category in categories {
            count(format!("category_hits.category={category}"));
        }
        if decision.get("exceptions").is_some() {
            count("exceptions_applied".to_owned());
        }
    }
    assert!(decided > 500, "{decided} requests met the filter");
    // Metrics say more: what became of the request, and under which mode. Here the sum over these.
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    for (name, value) in rig.envoy.stats() {
        let Some(name) = name.strip_prefix("wasmcustom.waf.") else {
            continue;
        };
        let parts: Vec<&str> = name.splitn(3, '.').take(2).collect();
        let one = ["policy_revision", "exceptions_expired", "errors"];
        if value > 0 && !parts.first().is_some_and(|family| one.contains(family)) {
            *counted.entry(parts.join(".")).or_default() += value;
        }
    }
    for name in counts.keys().chain(counted.keys()).collect::<BTreeSet<_>>() {
        let (expected, found) = (counts.get(name), counted.get(name));
        if expected != found {
            wrong.push(format!("{name} should be {expected:?}, is {found:?}"));
        }
    }
    wrong
}

/// The same value with every number as a fraction, which is how protobuf has them.
fn numbers(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(list) => list.iter().map(numbers).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), numbers(value)))
            .collect(),
        other => other.clone(),
    }
}

/// Everything about one run of a case that is not as expected.
fn judge(
    rig: &Rig,
    case: &Case,
    mode: BodyMode,
    http: Http,
    normalize: bool,
    id: &str,
    answer: Result<Response, Broken>,
) -> Vec<String> {
    let mut expect = case.expect.clone();
    let mut refused = expect.refused.get(&http).copied();
    match expect.normalized.filter(|_| normalize) {
        Some(Normalized::Refused(status)) => refused = Some(Refusal::Status(status)),
        Some(Normalized::Action(action)) if action != expect.action => {
            // Without its dot segments it is another request: only what is done with it was written down.
            let acted = action == Action::Block;
            expect = palisade_harness::cases::Expect::of(action, if acted { 403 } else { 200 });
        }
        _ => {}
    }
    if let Some(refusal) = refused {
        return refused_as(refusal, &answer, rig, id)
            .err()
            .into_iter()
            .collect();
    }
    let answer = match answer {
        Ok(answer) => answer,
        Err(broken) => return vec![format!("no answer: {broken:?}")],
    };
    let entry = match rig.envoy.entry(id) {
        Ok(entry) => entry,
        Err(why) => return vec![format!("{why}; the client got {answer:?}")],
    };
    let mut out = Vec::new();
    match outcome(&entry) {
        Ok(mut outcome) => {
            outcome.status = Some(status_of(case, &answer));
            out.extend(expect.differences(&outcome));
        }
        Err(why) => out.push(format!("{why}: {entry:?}")),
    }
    if answer.header(DECISION_HEADER).is_some() {
        out.push("the client saw the private header".to_owned());
    }
    if expect.action == Action::Block {
        let request_id = entry.request_id.unwrap_or_default();
        let text = match answer.header("grpc-message") {
            Some(message) if is_grpc(case) => String::from_utf8_lossy(message).into_owned(),
            _ => answer.text(),
        };
        if case.request.method != "HEAD" && !text.contains(&request_id) {
            out.push(format!("the answer lacks the request id: {text}"));
        }
        let past_limit = expect
            .uninspected
            .iter()
            .any(|anomaly| anomaly == "body_too_large");
        if past_limit && !case.request.trailers.is_empty() || is_grpc(case) {
            // The body behind the limit went on before the trailers came, and messages go on one by one; the
            // end must not.
            let heard = rig.upstream.heard(id);
            let whole = heard.iter().find(|heard| heard.complete);
            out.extend(whole.map(|heard| format!("the upstream got all of it: {heard:?}")));
        } else {
            let unheard = mode == BodyMode::Hold || case.request.body.is_none();
            out.extend(kept_out(rig, id, unheard));
        }
    } else if out.is_empty() {
        out.extend(arrived(rig, case, id, normalize).err());
    }
    out
}

/// Whether the client speaks gRPC, which has its answers in headers of its own.
fn is_grpc(case: &Case) -> bool {
    case.request.headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type")
            && (value == b"application/grpc" || value.starts_with(b"application/grpc+"))
    })
}

/// The status of an answer: to a gRPC client PERMISSION_DENIED is what 403 is to others (gRPC, "HTTP to
/// gRPC Status Code Mapping").
fn status_of(case: &Case, answer: &Response) -> u16 {
    match answer.header("grpc-status") {
        Some(b"7") if is_grpc(case) && answer.status == 200 => 403,
        _ => answer.status,
    }
}

fn refused_as(
    refusal: Refusal,
    answer: &Result<Response, Broken>,
    rig: &Rig,
    id: &str,
) -> Result<(), String> {
    match (refusal, answer) {
        (Refusal::Status(expected), Ok(answer)) if answer.status == expected => {}
        (Refusal::Reset, Err(Broken::Unanswered(_))) => {}
        _ => return Err(format!("expected a refusal, {refusal:?}, not {answer:?}")),
    }
    if rig
        .envoy
        .entries(id)
        .iter()
        .any(|entry| entry.waf.is_some())
    {
        return Err("the filter saw it".to_owned());
    }
    match rig.upstream.heard(id).is_empty() {
        true => Ok(()),
        false => Err("the upstream heard of it".to_owned()),
    }
}

/// Whether a request that passed came to the upstream whole and unchanged.
fn arrived(rig: &Rig, case: &Case, id: &str, normalize: bool) -> Result<(), String> {
    let patience = Duration::from_secs(2);
    let heard = rig.upstream.wait_for(id, patience, |heard| {
        heard.complete || heard.method.is_empty()
    });
    let heard = heard.map_err(|heard| format!("it did not arrive whole: {heard:?}"))?;
    if heard.method.is_empty() {
        // Not even the upstream's parser takes it; there is nothing to compare.
        return Ok(());
    }
    if heard.body != case.request.body.clone().unwrap_or_default() {
        return Err("the body was changed on the way".to_owned());
    }
    if !normalize && heard.target.as_bytes() != case.request.target {
        return Err(format!(
            "the target was changed on the way: {}",
            heard.target
        ));
    }
    for (name, value) in &case.request.trailers {
        if !heard
            .trailers
            .contains(&(name.to_ascii_lowercase(), value.clone()))
        {
            return Err(format!("trailer {name} was lost: {:?}", heard.trailers));
        }
    }
    match heard.header(DECISION_HEADER) {
        Some(_) => Err("the upstream saw the private header".to_owned()),
        None => Ok(()),
    }
}

#[test]
fn a_slow_client_is_judged_like_a_quick_one() {
    // The body comes long after the headers: time alone must not tell the two body modes apart. The slow body
    // is the first that this Envoy ever sees, so that nothing has been learned before.
    let listeners = BodyMode::ALL.map(|mode| Listener::new("{}", mode));
    let rig = Rig::start(listeners.to_vec(), |_| {});
    let _log = rig.envoy.show_on_failure();
    let pause = Duration::from_millis(300);
    thread::scope(|scope| {
        for mode in BodyMode::ALL {
            let rig = &rig;
            scope.spawn(move || {
                let to = rig.address("{}", mode);
                for (body, expected) in [(ATTACK, 403), (BENIGN, 200), (ATTACK, 403)] {
                    let (start, end) = body.split_at(9);
                    for http in BOTH_HTTP {
                        let case = fresh();
                        let answer = match http {
                            Http::One => post(to, &case, &[], &[start, end], pause),
                            Http::Two => post2(to, &case, &[start, end], &[], pause),
                        };
                        assert_eq!(
                            status(&answer),
                            Some(expected),
                            "{mode:?} {http:?} {answer:?}"
                        );
                        let (_, outcome) = rig.decision(&case);
                        assert_eq!(outcome.action == Action::Block, expected == 403);
                        if expected == 403 {
                            rig.assert_kept_out(&case, mode);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn the_first_body_is_answered_in_either_mode() {
    for mode in BodyMode::ALL {
        for (body, expected) in [(ATTACK, 403), (BENIGN, 200)] {
            let rig = Rig::start(vec![Listener::new("{}", mode)], |_| {});
            let _log = rig.envoy.show_on_failure();
            let case = fresh();
            let start = Instant::now();
            let answer = post(rig.address("{}", mode), &case, &[], &[body], Duration::ZERO);
            assert_eq!(status(&answer), Some(expected), "{mode:?} {answer:?}");
            let took = start.elapsed();
            assert!(took < Duration::from_secs(1), "{mode:?}: {took:?}");
            if expected == 403 {
                rig.assert_kept_out(&case, mode);
            }
        }
    }
}

#[test]
fn twenty_first_bodies_at_once_are_all_judged() {
    let listeners = BodyMode::ALL.map(|mode| Listener::new("{}", mode));
    let rig = Rig::start(listeners.to_vec(), |setup| setup.concurrency = 2);
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let to = rig.address("{}", mode);
        thread::scope(|scope| {
            for number in 0..20 {
                let rig = &rig;
                scope.spawn(move || {
                    let attack = number % 2 == 0;
                    let case = fresh();
                    let body = if attack { ATTACK } else { BENIGN };
                    let answer = post(to, &case, &[], &[body], Duration::from_millis(number));
                    let expected = if attack { 403 } else { 200 };
                    assert_eq!(status(&answer), Some(expected), "{mode:?} {answer:?}");
                    if attack {
                        rig.assert_kept_out(&case, mode);
                    }
                });
            }
        });
    }
}

#[test]
fn a_stated_hold_request_headers_is_judged_alike_and_never_hangs() {
    // Also where it contradicts the host: `true` where the host cannot hold must end in an answer too.
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        for policy in [HOLD_TRUE, HOLD_FALSE] {
            let to = rig.address(policy, mode);
            for http in BOTH_HTTP {
                for (body, expected) in [(ATTACK, 403), (BENIGN, 200)] {
                    let case = fresh();
                    let answer = match http {
                        Http::One => post(to, &case, &[], &[body], Duration::ZERO),
                        Http::Two => post2(to, &case, &[body], &[], Duration::ZERO),
                    };
                    assert_eq!(
                        status(&answer),
                        Some(expected),
                        "{policy} {mode:?} {answer:?}"
                    );
                    if expected == 403 {
                        let held = mode == BodyMode::Hold && policy == HOLD_TRUE;
                        let as_if = if held {
                            BodyMode::Hold
                        } else {
                            BodyMode::Continue
                        };
                        rig.assert_kept_out(&case, as_if);
                    }
                }
            }
        }
    }
}

#[test]
fn a_body_in_many_small_chunks_is_one_body() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        for size in [1, 2, 7] {
            for (body, expected) in [(ATTACK, 403), (BENIGN, 200)] {
                let case = fresh();
                let headers = pairs(&[
                    ("x-case", &case),
                    ("content-type", FORM),
                    ("transfer-encoding", "chunked"),
                ]);
                let mut client = Http1::connect(rig.address("{}", mode)).unwrap();
                client
                    .send(&head(b"POST", b"/login", b"palisade.test", &headers))
                    .unwrap();
                for chunk in body.chunks(size) {
                    client.chunk(chunk).unwrap();
                    thread::sleep(Duration::from_millis(3));
                }
                client.end_chunks(&Headers::new()).unwrap();
                let answer = client.response("POST");
                assert_eq!(
                    status(&answer),
                    Some(expected),
                    "{mode:?} {size} {answer:?}"
                );
                if expected == 403 {
                    rig.assert_kept_out(&case, mode);
                } else {
                    let heard = rig.upstream.heard(&case);
                    assert_eq!(heard[0].body, body, "{mode:?} {size}");
                }
            }
        }
    }
}

#[test]
fn http2_frames_and_trailers_end_in_a_verdict() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let to = rig.address("{}", mode);
        for pause in [0, 20].map(Duration::from_millis) {
            for (body, expected) in [(ATTACK, 403), (BENIGN, 200)] {
                let pieces: Vec<&[u8]> = body.chunks(5).collect();
                let case = fresh();
                let answer = post2(to, &case, &pieces, &[("x-checksum", "1")], pause);
                assert_eq!(
                    status(&answer),
                    Some(expected),
                    "{mode:?} {pause:?} {answer:?}"
                );
                if expected == 403 {
                    rig.assert_kept_out(&case, mode);
                } else {
                    let heard = &rig.upstream.heard(&case)[0];
                    assert_eq!(heard.body, body);
                    assert_eq!(heard.trailers, pairs(&[("x-checksum", "1")]));
                }
            }
        }
        // An empty last DATA frame in place of the flag on the last full one.
        let case = fresh();
        let answer = post2(to, &case, &[ATTACK, b""], &[], Duration::ZERO);
        assert_eq!(status(&answer), Some(403), "{mode:?} {answer:?}");
        rig.assert_kept_out(&case, mode);
    }
}

#[test]
fn an_upstream_that_answers_early_ends_in_a_record() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    let early = [("x-upstream", "early")];
    for mode in BodyMode::ALL {
        let to = rig.address("{}", mode);
        // Lets `auto` find out about the host first: what is tested here is what comes after.
        let first = post(to, &fresh(), &[], &[BENIGN], Duration::ZERO);
        assert_eq!(status(&first), Some(200), "{first:?}");
        for (body, whole) in [(BENIGN, 200), (ATTACK, 403)] {
            let case = fresh();
            let (start, end) = body.split_at(9);
            let answer = post(to, &case, &early, &[start, end], Duration::from_millis(150));
            let got = match &answer {
                Ok(answer) => answer.status,
                // The proxy gives up the request once it has been answered; what has come counts.
                Err(Broken::Cut(answer, _)) => answer.status,
                Err(broken) => panic!("{mode:?}: no answer: {broken:?}"),
            };
            let entry = rig.envoy.entry(&case).expect("a line in the access log");
            let outcome = outcome(&entry).unwrap_or_else(|why| panic!("{why}: {entry:?}"));
            if mode == BodyMode::Hold {
                assert_eq!(got, whole, "{answer:?}");
            } else if got == 200 && outcome.uninspected.is_empty() {
                assert_eq!(whole, 200, "passed without a word: {entry:?}");
            } else if got == 200 {
                assert!(
                    outcome
                        .uninspected
                        .iter()
                        .any(|name| name == "early_response"),
                    "{entry:?}"
                );
            }
            if whole == 403 {
                let body_came = |heard: &palisade_harness::upstream::Heard| !heard.body.is_empty();
                let heard = rig
                    .upstream
                    .wait_for(&case, Duration::from_millis(300), body_came);
                assert!(
                    heard.is_err(),
                    "{mode:?}: the body of an attack arrived: {heard:?}"
                );
            }
        }
    }
}

#[test]
fn bytes_that_are_not_utf8_harm_nothing() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let to = rig.address("{}", mode);
        for http in BOTH_HTTP {
            for (name, value) in [
                ("x-name", &b"Jos\xe9"[..]),
                ("cookie", b"a=\xff\xfe; b=\xc3\x28"),
                ("user-agent", b"\x80\x81\xf5"),
                ("referer", b"http://a/\xed\xa0\x80"),
                ("content-type", b"text/\xff"),
                ("x-request-id", b"\xff\xff"),
                (DECISION_HEADER, b"\xff"),
            ] {
                for body in [None, Some(BENIGN)] {
                    let case = fresh();
                    let mut request = load()
                        .into_iter()
                        .find(|case| case.name == "plain-get")
                        .expect("the suite has a plain request")
                        .request;
                    request.headers = vec![(name.to_owned(), value.to_vec())];
                    request.body = body.map(<[u8]>::to_vec);
                    let answer = exchange(to, http, &request, &[("x-case", &case)]);
                    assert_eq!(
                        status(&answer),
                        Some(200),
                        "{mode:?} {http:?} {name} {answer:?}"
                    );
                    let (_, outcome) = rig.decision(&case);
                    assert_eq!(outcome.action, Action::Allow, "{name}");
                }
            }
        }
        let answer = post(to, &fresh(), &[], &[ATTACK], Duration::ZERO);
        assert_eq!(
            status(&answer),
            Some(403),
            "the filter still stands: {answer:?}"
        );
    }
}

/// A `google.protobuf.Value` of the object `{"action":"fake"}`, in base64.
const FORGED: &str = "KhIKEAoGYWN0aW9uEgYaBGZha2U=";

#[test]
fn a_forged_decision_is_believed_from_nobody() {
    const ON_REQUEST: &str = r#"{"telemetry": {"metadata_on_request": true}}"#;
    let layouts = ["{}", ON_REQUEST].map(|policy| BodyMode::ALL.map(|mode| (policy, mode)));
    let listeners = layouts.as_flattened().iter();
    let listeners = listeners.map(|(policy, mode)| Listener::new(policy, *mode));
    let rig = Rig::start(listeners.collect(), |_| {});
    let _log = rig.envoy.show_on_failure();
    let forge = format!("forge={FORGED}");
    for (policy, mode) in layouts.as_flattened().iter().copied() {
        let to = rig.address(policy, mode);
        for http in BOTH_HTTP {
            for by_client in [true, false] {
                let forged = match by_client {
                    true => (DECISION_HEADER, FORGED),
                    false => ("x-upstream", forge.as_str()),
                };
                for (body, target, expected) in [
                    (None, "/", 200),
                    (None, "/?id=1%27%20OR%20%271%27=%271", 403),
                    (Some(BENIGN), "/", 200),
                    (Some(ATTACK), "/", 403),
                ] {
                    let case = fresh();
                    let mut request = load().swap_remove(0).request;
                    request.method = if body.is_some() { "POST" } else { "GET" }.to_owned();
                    request.target = target.as_bytes().to_vec();
                    request.headers = pairs(&[("content-type", FORM), forged, forged]);
                    request.body = body.map(<[u8]>::to_vec);
                    request.trailers.clear();
                    let answer = exchange(to, http, &request, &[("x-case", &case)]);
                    let what = format!(
                        "{policy} {mode:?} {http:?} by client {by_client} {target} {body:?}"
                    );
                    assert_eq!(status(&answer), Some(expected), "{what}: {answer:?}");
                    assert_eq!(answer.unwrap().header(DECISION_HEADER), None, "{what}");
                    let (entry, outcome) = rig.decision(&case);
                    assert_eq!(outcome.action == Action::Block, expected == 403, "{what}");
                    let text = format!("{:?}", entry.metadata);
                    assert!(!text.contains("fake"), "{what}: {text}");
                    for heard in rig.upstream.heard(&case) {
                        assert_eq!(heard.header(DECISION_HEADER), None, "{what}");
                        // Before the verdict there is nothing to be seen, neither a good word nor a bad one.
                        let known = expected == 200 && (mode == BodyMode::Hold || body.is_none());
                        let seen = (known && policy == ON_REQUEST).then_some(&b"allow"[..]);
                        let heard = heard.header(SEEN_HEADER).filter(|seen| *seen != b"-");
                        assert_eq!(heard, seen, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_bad_policy_is_refused_with_every_problem() {
    let upstream = Upstream::start();
    let bad = vec![Listener::new(r#"{"mdoe":"block"}"#, BodyMode::Hold)];
    let log = Envoy::start(Setup::new(upstream.address(), bad))
        .err()
        .expect("Envoy refuses to start");
    assert!(
        log.contains("mdoe") && log.contains("mode"),
        "no path or no suggestion: {log}"
    );

    // From here on by replacing a good policy in a running Envoy: the good one must stay.
    let good = Listener::new("{}", BodyMode::Hold);
    let rig = Rig::start(vec![good.clone()], |setup| setup.watched = true);
    let _log = rig.envoy.show_on_failure();
    for (policy, words) in [
        ("{", &[][..]),
        ("[]", &[]),
        (r#"{"mode":"blok"}"#, &["mode", "blok", "block"]),
        (r#"{"mode":7}"#, &["mode"]),
        (r#"{"mode":"block","mode":"off"}"#, &["mode"]),
        (
            r#"{"presett":"strict","modus":"block"}"#,
            &["presett", "preset", "modus"],
        ),
    ] {
        let log = rig
            .envoy
            .update(vec![Listener::new(policy, BodyMode::Hold)]);
        let log = log.err().unwrap_or_else(|| panic!("`{policy}` was taken"));
        for word in words {
            assert!(
                log.contains(word),
                "`{policy}`: the log lacks `{word}`: {log}"
            );
        }
        let answer = post(
            rig.envoy.address(&good),
            &fresh(),
            &[],
            &[ATTACK],
            Duration::ZERO,
        );
        assert_eq!(
            status(&answer),
            Some(403),
            "the policy before `{policy}` is gone: {answer:?}"
        );
    }
    let monitor = Listener::new(r#"{"mode":"monitor"}"#, BodyMode::Hold);
    rig.envoy
        .update(vec![monitor.clone()])
        .expect("a good policy is taken");
    let answer = post(
        rig.envoy.address(&monitor),
        &fresh(),
        &[],
        &[ATTACK],
        Duration::ZERO,
    );
    assert_eq!(status(&answer), Some(200), "{answer:?}");
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_body_leaves_nothing_behind() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let to = rig.address("{}", mode);
        let mut left = Vec::new();
        for round in 0..10 {
            let case = fresh();
            let headers = pairs(&[
                ("x-case", &case),
                ("content-type", FORM),
                ("content-length", "999"),
            ]);
            let mut client = Http1::connect(to).unwrap();
            client
                .send(&head(b"POST", b"/login", b"palisade.test", &headers))
                .unwrap();
            if round % 2 == 0 {
                client.send(ATTACK).unwrap();
            }
            thread::sleep(Duration::from_millis(round * 5));
            client.disconnect();
            let mut second = Http2::connect(to).unwrap();
            let headers = pairs(&[
                (":method", "POST"),
                (":scheme", "http"),
                (":authority", "palisade.test"),
                (":path", "/"),
                ("x-case", &case),
            ]);
            let stream = second.open(&headers, false).unwrap();
            second.data(stream, ATTACK, false).unwrap();
            match round % 3 {
                0 => second.reset(stream, 8).unwrap(),
                _ => second.disconnect(),
            }
            left.push(case);
        }
        let answer = post(to, &fresh(), &[], &[BENIGN], Duration::ZERO);
        assert_eq!(status(&answer), Some(200), "{mode:?} {answer:?}");
        let answer = post(to, &fresh(), &[], &[ATTACK], Duration::ZERO);
        assert_eq!(status(&answer), Some(403), "{mode:?} {answer:?}");
        for case in left {
            let heard = rig.upstream.heard(&case);
            let whole = heard
                .iter()
                .any(|heard| heard.complete || !heard.body.is_empty());
            assert!(!whole, "{mode:?}: half a body went on: {heard:?}");
        }
    }
}

#[test]
fn a_body_that_breaks_its_framing_never_goes_on() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let to = rig.address("{}", mode);
        let mut cases = Vec::new();
        for chunks in ["3\r\na=1\r\nx\r\n", "3\na=1\n0\n\n"] {
            let case = fresh();
            let headers = pairs(&[
                ("x-case", &case),
                ("content-type", FORM),
                ("transfer-encoding", "chunked"),
            ]);
            let mut client = Http1::connect(to).unwrap();
            client
                .send(&head(b"POST", b"/login", b"palisade.test", &headers))
                .unwrap();
            let _ = client.send(chunks.as_bytes());
            let answer = client.response("POST");
            assert_eq!(status(&answer), Some(400), "{mode:?} {chunks:?} {answer:?}");
            cases.push(case);
        }
        // HTTP/2 frames that are more or less than the length says (RFC 9113, 8.1.1).
        for length in ["2", "9"] {
            let case = fresh();
            let headers = pairs(&[
                (":method", "POST"),
                (":scheme", "http"),
                (":authority", "palisade.test"),
                (":path", "/login"),
                ("x-case", &case),
                ("content-type", FORM),
                ("content-length", length),
            ]);
            let mut client = Http2::connect(to).unwrap();
            let stream = client.open(&headers, false).unwrap();
            let _ = client.data(stream, b"a=1", true);
            let answer = client.response(stream);
            assert!(
                matches!(answer, Err(Broken::Unanswered(_))),
                "{mode:?} {length} {answer:?}"
            );
            cases.push(case);
        }
        for case in cases {
            rig.assert_kept_out(&case, BodyMode::Continue);
        }
    }
}

#[test]
fn expect_continue_is_answered_and_the_body_judged() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        for (body, expected) in [(ATTACK, 403), (BENIGN, 200)] {
            let case = fresh();
            let length = body.len().to_string();
            let headers = pairs(&[
                ("x-case", &case),
                ("content-type", FORM),
                ("content-length", &length),
                ("expect", "100-continue"),
            ]);
            let mut client = Http1::connect(rig.address("{}", mode)).unwrap();
            client
                .send(&head(b"POST", b"/login", b"palisade.test", &headers))
                .unwrap();
            // A client that waits for the interim answer for as long as this and then sends anyway.
            thread::sleep(Duration::from_millis(200));
            client.send(body).unwrap();
            let answer = client.response("POST");
            assert_eq!(status(&answer), Some(expected), "{mode:?} {answer:?}");
            assert_eq!(answer.unwrap().interim, [100], "{mode:?}");
            if expected == 403 {
                rig.assert_kept_out(&case, mode);
            }
        }
    }
}

#[test]
fn head_is_answered_without_a_body() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        for http in BOTH_HTTP {
            for (target, expected) in [("/", 200), ("/?id=1%27%20OR%20%271%27=%271", 403)] {
                let case = fresh();
                let mut request = load().swap_remove(0).request;
                request.method = "HEAD".to_owned();
                request.target = target.as_bytes().to_vec();
                request.headers.clear();
                request.body = None;
                request.trailers.clear();
                let answer = exchange(
                    rig.address("{}", mode),
                    http,
                    &request,
                    &[("x-case", &case)],
                );
                assert_eq!(
                    status(&answer),
                    Some(expected),
                    "{mode:?} {http:?} {answer:?}"
                );
                assert_eq!(answer.unwrap().body, b"");
                rig.decision(&case);
            }
        }
    }
}

const HANDSHAKE: [(&str, &str); 4] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

#[test]
fn a_websocket_passes_and_the_record_says_so() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let case = fresh();
        let mut headers = pairs(&[("x-case", &case), ("x-upstream", "accept-upgrade")]);
        headers.extend(pairs(&HANDSHAKE));
        let mut client = Http1::connect(rig.address("{}", mode)).unwrap();
        client
            .send(&head(b"GET", b"/socket", b"palisade.test", &headers))
            .unwrap();
        let answer = client.response("GET");
        assert_eq!(status(&answer), Some(101), "{mode:?} {answer:?}");
        for message in [&b"hello"[..], b"1' OR '1'='1"] {
            client.send(message).unwrap();
            assert_eq!(client.raw(message.len()).unwrap(), message, "{mode:?}");
        }
        client.disconnect();
        let (_, outcome) = rig.decision(&case);
        assert_eq!(outcome.action, Action::Allow);
        assert!(
            outcome
                .uninspected
                .iter()
                .any(|n| n == "uninspected_upgrade"),
            "{outcome:?}"
        );

        // The handshake itself is a request like any other.
        let case = fresh();
        let mut headers = pairs(&[("x-case", &case), ("x-upstream", "accept-upgrade")]);
        headers.extend(pairs(&HANDSHAKE));
        let mut client = Http1::connect(rig.address("{}", mode)).unwrap();
        let target = b"/socket?id=1%27%20OR%20%271%27=%271";
        client
            .send(&head(b"GET", target, b"palisade.test", &headers))
            .unwrap();
        let answer = client.response("GET");
        assert_eq!(status(&answer), Some(403), "{mode:?} {answer:?}");
        rig.assert_kept_out(&case, mode);
    }
}

#[test]
fn a_websocket_over_http2_passes_and_the_record_says_so() {
    // Extended CONNECT (RFC 8441). A filter sees it as a GET with `upgrade`, and without the key that HTTP/1.1
    // asks for.
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    for mode in BodyMode::ALL {
        let case = fresh();
        let headers = pairs(&[
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":authority", "palisade.test"),
            (":path", "/socket"),
            ("sec-websocket-version", "13"),
            ("x-case", &case),
            ("x-upstream", "accept-upgrade"),
        ]);
        let mut client = Http2::connect(rig.address("{}", mode)).unwrap();
        let stream = client.open(&headers, false).unwrap();
        let mut expected = Vec::new();
        for message in [&b"hello"[..], b"1' OR '1'='1"] {
            client.data(stream, message, false).unwrap();
            expected.extend(message);
            let so_far = client.wait_for_body(stream, expected.len());
            let so_far = so_far.unwrap_or_else(|broken| panic!("{mode:?}: {broken:?}"));
            assert_eq!(
                (so_far.status, so_far.body),
                (200, expected.clone()),
                "{mode:?}"
            );
        }
        client.disconnect();
        let (_, outcome) = rig.decision(&case);
        assert!(
            outcome
                .uninspected
                .iter()
                .any(|n| n == "uninspected_upgrade"),
            "{outcome:?}"
        );
    }
}

#[test]
fn a_request_that_only_says_upgrade_is_no_way_past_the_filter() {
    let rig = Rig::shared();
    let _log = rig.envoy.show_on_failure();
    let length = ATTACK.len().to_string();
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let tricks: &[(&str, &[(&str, &str)])] = &[
        (
            "POST",
            &[("connection", "upgrade"), ("upgrade", "websocket")],
        ),
        (
            "POST",
            &[
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-key", key),
            ],
        ),
        (
            "GET",
            &[("connection", "upgrade"), ("upgrade", "websocket")],
        ),
        (
            "GET",
            &[
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", key),
            ],
        ),
        ("POST", &[("upgrade", "websocket")]),
        ("POST", &[("connection", "upgrade"), ("upgrade", "h2c")]),
        ("POST", &[("connection", "upgrade"), ("upgrade", "x")]),
        (
            "POST",
            &[("connection", "keep-alive"), ("upgrade", "TLS/1.0")],
        ),
    ];
    for mode in BodyMode::ALL {
        for (method, headers) in tricks {
            let case = fresh();
            let mut all = pairs(&[
                ("x-case", &case),
                ("content-type", FORM),
                ("content-length", &length),
            ]);
            all.extend(pairs(headers));
            let mut client = Http1::connect(rig.address("{}", mode)).unwrap();
            client
                .send(&head(method.as_bytes(), b"/login", b"palisade.test", &all))
                .unwrap();
            let _ = client.send(ATTACK);
            let answer = client.response(method);
            let what = format!("{mode:?} {method} {headers:?}");
            assert!(
                !matches!(answer, Err(Broken::Hung(_))),
                "{what}: nothing may wait for ever"
            );
            assert_ne!(status(&answer), Some(200), "{what}");
            let body = |heard: &palisade_harness::upstream::Heard| !heard.body.is_empty();
            let heard = rig
                .upstream
                .wait_for(&case, Duration::from_millis(100), body);
            assert!(heard.is_err(), "{what}: the attack arrived: {heard:?}");
        }
    }
}
