//! Verdict to what the outside sees: filter state, dynamic metadata, the details of an answer.

use std::borrow::Cow;

use super::host::{Host, Map};
use super::metadata;
use crate::config::{Config, Telemetry};
use crate::engine::{Item, Record};
use crate::model::{DecisionKey, Named, Verdict};

/// The private header that carries the decision to the proxy's `header_to_metadata` filter, which
/// takes it away. A client or an upstream that sends it is not believed.
pub const DECISION_HEADER: &str = "x-palisade-decision";
/// Filter state: the decision as one JSON object; `%FILTER_STATE(wasm.waf:PLAIN)%` in a log format.
pub const FILTER_STATE: &str = "waf";
/// Filter state: the action alone; `%FILTER_STATE(wasm.waf.action:PLAIN)%` in a log format.
pub const FILTER_STATE_ACTION: &str = "waf.action";
/// Filter state: the decision as a typed, nested object; `%FILTER_STATE(wasm.waf.decision:TYPED)%` in a
/// log format.
pub const FILTER_STATE_TYPED: &str = "waf.decision";

/// The decision on most requests.
const CLEAN: &[u8] = br#"{"action":"allow"}"#;
/// The same as [`header`] writes it.
const CLEAN_HEADER: &[u8] = b"KhMKEQoGYWN0aW9uEgcaBWFsbG93";

/// Where the decision can still be handed to the proxy's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The request headers have not been let go.
    Request,
    /// The response headers are at hand.
    Response,
    /// Nowhere, or the reply carries it.
    None,
}

/// A verdict with the time that it took, ready to be written.
pub(super) fn record<'a>(
    config: &'a Config,
    verdict: &'a Verdict,
    microseconds: Option<u64>,
) -> Record<'a> {
    Record {
        microseconds,
        ..Record::of(verdict, config)
    }
}

/// Writes the decision to the filter state and hands it to the metadata filter. A policy that asks for
/// nothing has two keys and a header, whatever the decision.
pub(super) fn write_decision(
    host: &dyn Host,
    telemetry: &Telemetry,
    record: &Record<'_>,
    to: Carrier,
) {
    let says_more = record.policy.is_some() || record.revision.is_some();
    if record.is_clean() && !says_more && record.microseconds.is_none() {
        host.set_filter_state(FILTER_STATE, CLEAN);
    } else {
        let mut json = Vec::with_capacity(256);
        record.write_json(&mut json);
        host.set_filter_state(FILTER_STATE, &json);
    }
    let action = record.verdict.action.name();
    host.set_filter_state(FILTER_STATE_ACTION, action.as_bytes());
    if telemetry.typed || !telemetry.keys.is_empty() {
        let entries = record.entries();
        for (key, item) in chosen(telemetry, &entries) {
            let mut word = Vec::new();
            item.write_plain(&mut word);
            host.set_filter_state(&format!("{FILTER_STATE}.{key}"), &word);
        }
        if telemetry.typed {
            let mut fields = Vec::new();
            metadata::write_struct(&entries, &mut fields);
            host.set_filter_state(FILTER_STATE_TYPED, &fields);
        }
    }
    let map = match to {
        Carrier::Request => Map::RequestHeaders,
        Carrier::Response => Map::ResponseHeaders,
        Carrier::None => return,
    };
    if let Some(value) = header(telemetry, record) {
        host.set_header(map, DECISION_HEADER, Some(&value));
    }
}

/// The entries that a policy wants as keys of their own.
fn chosen<'a, 'b>(
    telemetry: &'a Telemetry,
    entries: &'a [(&'static str, Item<'b>)],
) -> impl Iterator<Item = &'a (&'static str, Item<'b>)> {
    let wanted = |name: &str| telemetry.keys.iter().any(|key| key.name() == name);
    entries.iter().filter(move |(name, _)| wanted(name))
}

/// The decision as the private header carries it: the action, the reasons, the rules, and the keys that
/// the policy asks for. `None` if it does not want metadata.
pub(super) fn header(telemetry: &Telemetry, record: &Record<'_>) -> Option<Cow<'static, [u8]>> {
    let always = [DecisionKey::Reasons.name(), DecisionKey::Rules.name()];
    if !telemetry.metadata {
        return None;
    }
    if telemetry.keys.is_empty() && record.is_clean() {
        return Some(Cow::Borrowed(CLEAN_HEADER));
    }
    let wanted = |name: &str| telemetry.keys.iter().any(|key| key.name() == name);
    let entries = record.entries_of(|name| always.contains(&name) || wanted(name));
    let mut value = Vec::with_capacity(128);
    metadata::write_value(&entries, &mut value);
    let mut header = Vec::new();
    metadata::write_base64(&value, &mut header);
    Some(Cow::Owned(header))
}

/// The reason that `%RESPONSE_CODE_DETAILS%` prints: `waf_blocked:` and the categories.
pub(super) fn details(verdict: &Verdict) -> String {
    let names: Vec<_> = verdict
        .reasons
        .iter()
        .map(|category| category.name())
        .collect();
    format!("waf_blocked:{}", names.join("+"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::engine::{Engine, Scratch};
    use crate::request::Head;

    #[test]
    fn what_a_clean_request_carries_is_what_would_be_written() {
        let engine = Engine::compile(Config::default()).expect("the default compiles");
        let head = Head {
            method: b"GET",
            scheme: b"https",
            authority: b"a",
            target: b"/",
            protocol: b"",
            headers: &[(b"accept", b"*/*"), (b"user-agent", b"x")],
            end_of_stream: true,
        };
        let seen = engine.begin(&mut Scratch::default(), &head);
        let verdict = engine.verdict(&seen);
        let record = Record::of(&verdict, engine.config());
        assert!(record.is_clean());
        let mut json = Vec::new();
        record.write_json(&mut json);
        assert_eq!(json, CLEAN);
        let mut value = Vec::new();
        metadata::write_value(&record.entries(), &mut value);
        let mut header = Vec::new();
        metadata::write_base64(&value, &mut header);
        assert_eq!(
            String::from_utf8_lossy(&header),
            String::from_utf8_lossy(CLEAN_HEADER)
        );
    }
}
