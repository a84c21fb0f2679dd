//! Runs one case of the suite through the engine, called as a library.

use palisade::config::Config;
use palisade::engine::{Engine, Peer, Record, Scratch};
use palisade::model::{Action, Named};
use palisade::request::Head;
use palisade_harness::cases::{Case, Http};
use palisade_harness::outcome::Outcome;

/// Runs a case and gives its outcome.
pub(crate) fn run(case: &Case, engine: &Engine, scratch: &mut Scratch) -> Outcome {
    let headers = case.request.proxied_headers(Http::One);
    let find = |name: &str| {
        headers
            .iter()
            .find(|(own, _)| own == name)
            .map_or(&b""[..], |(_, value)| value.as_slice())
    };
    let plain: Vec<(&[u8], &[u8])> = headers
        .iter()
        .filter(|(name, _)| !name.starts_with(':'))
        .map(|(name, value)| (name.as_bytes(), value.as_slice()))
        .collect();
    let body = case.request.body.as_deref().unwrap_or_default();
    let head = Head {
        method: find(":method"),
        scheme: find(":scheme"),
        authority: find(":authority"),
        target: find(":path"),
        protocol: b"HTTP/1.1",
        headers: &plain,
        end_of_stream: body.is_empty() && case.request.trailers.is_empty(),
    };
    let mut findings = Vec::new();
    let mut note = |scratch: &Scratch| {
        findings.extend(
            scratch
                .fields()
                .anomalies()
                .iter()
                .map(|anomaly| anomaly.name().to_owned()),
        );
    };
    let peer = Peer::known(case.request.client, None);
    let mut seen = engine.begin_for(scratch, &head, &peer);
    note(scratch);
    if engine.action(&seen) != Action::Block {
        if !case.request.trailers.is_empty() {
            engine.expect_trailers(&mut seen);
        }
        if !head.end_of_stream {
            engine.body(scratch, &mut seen, body, true);
            note(scratch);
        }
        let trailers: Vec<(&[u8], &[u8])> = case
            .request
            .trailers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice()))
            .collect();
        engine.end(scratch, &mut seen, &trailers);
        note(scratch);
    }
    let mut json = Vec::new();
    let verdict = engine.verdict(&seen);
    Record {
        verdict: &verdict,
        policy: None,
        revision: None,
        microseconds: None,
        redact: &[],
    }
    .write_json(&mut json);
    let text = String::from_utf8(json).expect("a record is UTF-8");
    let mut outcome = Outcome::from_decision(&text, None).expect("a record is a decision");
    outcome.findings = Some(findings);
    outcome
}

/// The engine of a policy that is known to be good.
pub(crate) fn compile(policy: &str) -> Engine {
    Config::parse(policy.as_bytes())
        .and_then(Engine::compile)
        .unwrap_or_else(|problems| panic!("{policy}: {problems:#?}"))
}
