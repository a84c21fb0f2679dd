//! Every shipped rule proves itself: its attacks hit it in every zone where it looks, its benign
//! samples never do.

use palisade::config::{Config, SHIPPED_SAMPLES};
use palisade::engine::{Engine, Scratch};
use palisade::model::{Family, Matcher, Part, Rule, View, ViewSet, Zone};
use palisade::request::Head;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Samples {
    id: u32,
    name: String,
    folder: String,
    what: String,
    why: String,
    #[serde(default)]
    attacks: Vec<String>,
    #[serde(default)]
    benign: Vec<String>,
    /// `cases`: the rule acts on the form of a request, which the case suite proves.
    samples: Option<String>,
    /// Why a rule without literals is worth its cost.
    unkeyed: Option<String>,
}

fn samples() -> Vec<Samples> {
    serde_json::from_str(SHIPPED_SAMPLES).expect("rules/ holds what it should")
}

fn strict() -> Engine {
    let policy = Config::parse(br#"{"preset":"strict"}"#).expect("a policy");
    Engine::compile(policy).expect("the shipped rules compile")
}

/// Percent-encodes everything that is not plain.
fn encode(text: &str, keep: &[u8]) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The ids of the rules that hit a text in a zone; `None` if the zone cannot hold the text.
fn hits(engine: &Engine, rule: &Rule, zone: Zone, text: &str) -> Option<Vec<u32>> {
    let wire = rule.views == ViewSet::of(&[View::Wire]);
    let encoded = |keep: &[u8]| {
        if wire {
            text.to_owned()
        } else {
            encode(text, keep)
        }
    };
    // A rule on names alone gets its samples as names.
    let pair = |text: String| {
        if rule.parts.contains(Part::Value) {
            format!("q={text}")
        } else {
            format!("{text}=v")
        }
    };
    let mut target = "/x".to_owned();
    let mut headers: Vec<(&[u8], Vec<u8>)> = Vec::new();
    let mut body = Vec::new();
    match zone {
        Zone::Path => target = format!("/{}", encoded(b"/").trim_start_matches('/')),
        Zone::QueryString => target = format!("/x?{}", pair(encoded(b""))),
        Zone::RequestHeader => {
            if text.bytes().any(|byte| byte < b' ' && byte != b'\t') {
                return None;
            }
            if rule.parts.contains(Part::Value) {
                headers.push((b"x-sample", text.as_bytes().to_vec()));
            } else {
                headers.push((text.as_bytes(), b"v".to_vec()));
            }
        }
        Zone::Cookies => headers.push((b"cookie", pair(encoded(b"")).into_bytes())),
        Zone::RequestBody => {
            headers.push((
                b"content-type",
                b"application/x-www-form-urlencoded".to_vec(),
            ));
            body = pair(encoded(b"")).into_bytes();
        }
        Zone::FileName => {
            if text.contains(['"', '\\', '\r', '\n']) {
                return None;
            }
            headers.push((b"content-type", b"multipart/form-data; boundary=b".to_vec()));
            body = format!(
                "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{text}\"\r\n\r\nx\r\n--b--\r\n"
            )
            .into_bytes();
        }
        Zone::RawBody if !rule.parts.contains(Part::Value) => return None,
        Zone::RawBody => {
            headers.push((b"content-type", b"text/plain".to_vec()));
            body = text.as_bytes().to_vec();
        }
        Zone::FileContent => return None,
    }
    let headers: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_slice()))
        .collect();
    let head = Head {
        method: if body.is_empty() { b"GET" } else { b"POST" },
        scheme: b"http",
        authority: b"example.com",
        target: target.as_bytes(),
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: body.is_empty(),
    };
    let mut scratch = Scratch::default();
    let mut seen = engine.begin(&mut scratch, &head);
    if !body.is_empty() {
        engine.body(&mut scratch, &mut seen, &body, true);
    }
    let verdict = engine.verdict(&seen);
    Some(
        verdict
            .hits
            .iter()
            .filter(|hit| hit.zone == zone)
            .map(|hit| hit.rule)
            .collect(),
    )
}

#[test]
fn attacks_hit_and_benign_samples_do_not() {
    let engine = strict();
    let mut failures = Vec::new();
    for samples in samples() {
        let rule = engine.rule(samples.id).expect("samples belong to a rule");
        for zone in rule.zones.iter() {
            for text in &samples.attacks {
                if hits(&engine, rule, zone, text).is_some_and(|hits| !hits.contains(&rule.id)) {
                    failures.push(format!("{}: attack missed in {zone}: {text}", rule.id));
                }
            }
            for text in &samples.benign {
                if hits(&engine, rule, zone, text).is_some_and(|hits| hits.contains(&rule.id)) {
                    failures.push(format!("{}: benign sample hit in {zone}: {text}", rule.id));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn every_rule_is_explained_and_proven() {
    let engine = strict();
    let unkeyed: Vec<u32> = engine.unkeyed().map(|rule| rule.id).collect();
    let mut failures = Vec::new();
    for sample in samples() {
        let rule = engine.rule(sample.id).expect("samples belong to a rule");
        let mut fail = |what: &str| failures.push(format!("{}-{}: {what}", sample.id, sample.name));
        if sample.what.is_empty() || sample.why.is_empty() {
            fail("`what` and `why` are missing");
        }
        if rule
            .score
            .iter()
            .all(|(category, _)| category.to_string() != sample.folder)
        {
            fail("stands in the folder of a category that it does not score");
        }
        let by_cases = sample.samples.as_deref() == Some("cases");
        if by_cases != matches!(rule.matcher, Matcher::Anomalies(_)) {
            fail("`samples = \"cases\"` is for rules on anomalies, and for all of them");
        }
        if !by_cases && (sample.attacks.len() < 2 || sample.benign.len() < 2) {
            fail("needs two attacks and two benign samples at least");
        }
        let needs_reason =
            unkeyed.contains(&rule.id) && !matches!(rule.matcher, Matcher::Detector(_));
        if needs_reason != sample.unkeyed.is_some() {
            fail("a rule without a literal, and no other, says why in `unkeyed`");
        }
        let hint =
            rule.family() == Family::Signature && rule.score.iter().all(|(_, points)| *points < 16);
        if hint && !rule.once {
            fail("is a hint that two fields make a reason: `once` is missing");
        }
        if rule.family() == Family::Custom {
            fail("has an id that belongs to policies");
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
