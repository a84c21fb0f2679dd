//! What an exception would let through: the attacks that the shipped rules prove themselves by, sent to the
//! spot, with the exception and without it.

use std::collections::BTreeMap;

use palisade::config::SHIPPED_SAMPLES;
use palisade::engine::{Engine, Scratch};
use palisade::model::{Action, Part, Zone};
use serde::Deserialize;
use serde_json::{Value, json};

use super::propose::Proposal;
use crate::Failure;
use crate::endpoint;
use crate::proxied::{Octets, Proxied, Request};

/// Samples that are kept to be shown.
const SHOWN: usize = 5;

/// The attacks of one rule.
#[derive(Deserialize)]
struct Samples {
    id: u32,
    #[serde(default)]
    attacks: Vec<String>,
}

/// What was found at one spot.
#[derive(Clone, Debug, Default)]
pub(super) struct Trial {
    /// Attacks that are blocked there without the exception.
    pub(super) blocked: u64,
    /// Of them, those that pass with it.
    pub(super) passing: u64,
    /// Some of these: the rule whose sample it is, and the sample.
    pub(super) samples: Vec<(u32, String)>,
    /// An exception that the policy has already, and that covers the spot.
    pub(super) covered_by: Option<String>,
}

impl Trial {
    /// The share of attacks that pass.
    pub(super) fn share(&self) -> f64 {
        super::propose::share_of(self.passing, self.blocked)
    }
}

/// Tries every proposal, all of them in force at once.
///
/// # Errors
/// If the shipped samples cannot be read, which a test of the rules would show.
pub(super) fn try_out(
    proposals: &mut [Proposal],
    without: &Engine,
    with: &Engine,
) -> Result<(), Failure> {
    let samples: Vec<Samples> = serde_json::from_str(SHIPPED_SAMPLES)?;
    let mut scratch = Scratch::default();
    for proposal in proposals {
        proposal.trial = one(proposal, &samples, without, with, &mut scratch);
    }
    Ok(())
}

fn one(
    proposal: &Proposal,
    samples: &[Samples],
    without: &Engine,
    with: &Engine,
    scratch: &mut Scratch,
) -> Trial {
    let mut trial = Trial::default();
    let rules: Vec<u32> = proposal.rules.iter().map(|(rule, _)| *rule).collect();
    let mut hits = 0_u64;
    let mut covered: BTreeMap<String, u64> = BTreeMap::new();
    for (rule, attack) in samples
        .iter()
        .flat_map(|one| one.attacks.iter().map(move |attack| (one.id, attack)))
    {
        let Some(request) = request(proposal, attack) else {
            continue;
        };
        let proxied = Proxied::of(request);
        let seen = proxied.inspect(without, scratch, |_| {});
        let verdict = without.verdict(&seen);
        let spot = &proposal.spot;
        hits += verdict
            .hits
            .iter()
            .filter(|hit| {
                rules.contains(&hit.rule) && (hit.zone, hit.part) == (spot.zone, spot.part)
            })
            .count() as u64;
        for label in &verdict.exceptions {
            *covered.entry(label.clone()).or_default() += 1;
        }
        if verdict.action == Action::Allow {
            continue;
        }
        trial.blocked += 1;
        let seen = proxied.inspect(with, scratch, |_| {});
        if with.verdict(&seen).action == Action::Allow {
            trial.passing += 1;
            if trial.samples.len() < SHOWN {
                trial.samples.push((rule, attack.clone()));
            }
        }
    }
    if hits == 0 && proposal.spot.part == Part::Value {
        trial.covered_by = covered
            .into_iter()
            .max_by_key(|(_, count)| *count)
            .map(|(label, _)| label);
    }
    trial
}

/// A request with a text at the spot of a proposal; `None` where the spot cannot hold it.
fn request(proposal: &Proposal, text: &str) -> Option<Request> {
    let spot = &proposal.spot;
    // An index of a list is the first.
    let name = spot.name.replace("[*]", "[0]");
    let path = endpoint::example(&spot.endpoint.path);
    let mut request = Request {
        method: spot.endpoint.method.clone().into_bytes(),
        target: path.clone().into_bytes(),
        headers: vec![(
            b"host".to_vec(),
            proposal
                .hosts
                .first()
                .map_or("localhost", String::as_str)
                .as_bytes()
                .to_vec(),
        )],
        ..Request::default()
    };
    let pair = || format!("{}={}", encoded(&name), encoded(text));
    let typed = |request: &mut Request, media_type: &str, body: Octets| {
        request
            .headers
            .push((b"content-type".to_vec(), media_type.as_bytes().to_vec()));
        request.body = body;
    };
    match spot.zone {
        // What stands in the path is the segment whose value it is.
        Zone::Path => {
            let at = spot.endpoint.path.rfind(endpoint::ANY)?;
            let (before, behind) = spot.endpoint.path.split_at(at);
            let behind = behind.get(endpoint::ANY.len()..)?;
            let target = format!(
                "{}{}{}",
                endpoint::example(before),
                encoded(text),
                endpoint::example(behind)
            );
            request.target = target.into_bytes();
        }
        Zone::QueryString => request.target = format!("{path}?{}", pair()).into_bytes(),
        Zone::RequestHeader => {
            if text.bytes().any(|byte| byte < b' ' && byte != b'\t') {
                return None;
            }
            request
                .headers
                .push((name.into_bytes(), text.as_bytes().to_vec()));
        }
        Zone::Cookies => request
            .headers
            .push((b"cookie".to_vec(), pair().into_bytes())),
        Zone::RequestBody => match nested(&name, text) {
            Some(json) => typed(
                &mut request,
                "application/json",
                json.to_string().into_bytes(),
            ),
            None => typed(
                &mut request,
                "application/x-www-form-urlencoded",
                pair().into_bytes(),
            ),
        },
        Zone::RawBody => typed(&mut request, "text/plain", text.as_bytes().to_vec()),
        Zone::FileName | Zone::FileContent => {
            let (file, content) = match spot.zone {
                Zone::FileName => (text, "x"),
                _ => ("a.txt", text),
            };
            let file = file.replace(['"', '\r', '\n'], " ");
            let body = format!(
                "--b\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{file}\"\r\n\r\n{content}\r\n--b--\r\n",
                name.replace('"', " ")
            );
            typed(
                &mut request,
                "multipart/form-data; boundary=b",
                body.into_bytes(),
            );
        }
    }
    Some(request)
}

/// A document in which a text stands at a key path such as `items[0].comment`; `None` for a name that is no path.
fn nested(name: &str, text: &str) -> Option<Value> {
    if !name.contains(['.', '[']) {
        return None;
    }
    let mut value = json!(text);
    for key in name.split('.').rev() {
        let (key, indexes) = match key.find('[') {
            Some(at) => key.split_at(at),
            None => (key, ""),
        };
        // Of a name with brackets that are no index, nobody knows what it means in a document.
        if indexes.split("[0]").any(|rest| !rest.is_empty()) {
            return None;
        }
        for _ in 0..indexes.matches("[0]").count() {
            value = json!([value]);
        }
        if !key.is_empty() {
            value = json!({key: value});
        }
    }
    Some(value)
}

/// Percent-encodes everything that is not plain.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_paths_become_documents() {
        for (name, expected) in [
            ("a", None),
            ("a.b", Some(r#"{"a":{"b":"x"}}"#)),
            ("a[0].b", Some(r#"{"a":[{"b":"x"}]}"#)),
            ("[0]", Some(r#"["x"]"#)),
            ("filter[name]", None),
        ] {
            let found = nested(name, "x").map(|value| value.to_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
