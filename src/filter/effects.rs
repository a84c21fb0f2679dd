//! Verdict to what the outside sees: filter state, dynamic metadata, the details of an answer.

use super::host::{Host, Map};
use super::metadata;
use crate::config::{Config, Telemetry};
use crate::engine::{Engine, Item, Record};
use crate::model::{Action, DecisionKey, Named, Recorded, Verdict};

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

/// Where the decision can be handed to the proxy's metadata as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The request headers have not been let go. The response headers are still to come, and will carry it too.
    Request,
    /// The response headers are at hand.
    Response,
    /// Nowhere yet: the reply or the response headers will.
    None,
}

impl Carrier {
    /// The headers that carry the decision, as far as the policy asks for that.
    const fn map(self, telemetry: &Telemetry) -> Option<Map> {
        match self {
            Self::Request if telemetry.metadata_on_request => Some(Map::RequestHeaders),
            Self::Response => Some(Map::ResponseHeaders),
            Self::Request | Self::None => None,
        }
    }
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

/// What is written of a request of which there is nothing to say but that it went on: the same for most requests,
/// and worked out once.
#[derive(Debug)]
pub(super) struct Clean {
    json: Vec<u8>,
    header: Option<Vec<u8>>,
}

impl Clean {
    /// What a policy has written of such requests; `None` if it wants more to be told of each, or by more keys.
    pub(super) fn of(engine: &Engine) -> Option<Self> {
        let config = engine.config();
        let telemetry = &config.telemetry;
        let more = telemetry.timing || telemetry.typed || !telemetry.keys.is_empty();
        if more || telemetry.record == Recorded::All {
            return None;
        }
        let verdict = Verdict::clean();
        let record = Record::of(&verdict, config);
        let mut json = Vec::new();
        record.write_json(&mut json);
        Some(Self {
            json,
            header: header(telemetry, &record),
        })
    }

    /// Writes it, as [`write_decision`] would.
    pub(super) fn write(&self, host: &dyn Host, telemetry: &Telemetry, to: Carrier) {
        host.set_filter_state(FILTER_STATE, &self.json);
        host.set_filter_state(FILTER_STATE_ACTION, Action::Allow.name().as_bytes());
        if let (Some(map), Some(value)) = (to.map(telemetry), self.header()) {
            host.set_header(map, DECISION_HEADER, Some(value));
        }
    }

    /// The decision as [`header`] gives it.
    pub(super) fn header(&self) -> Option<&[u8]> {
        self.header.as_deref()
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
    let mut json = Vec::with_capacity(256);
    record.write_json(&mut json);
    host.set_filter_state(FILTER_STATE, &json);
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
    if let Some(map) = to.map(telemetry)
        && let Some(value) = header(telemetry, record)
    {
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
pub(super) fn header(telemetry: &Telemetry, record: &Record<'_>) -> Option<Vec<u8>> {
    let always = [DecisionKey::Reasons.name(), DecisionKey::Rules.name()];
    if !telemetry.metadata {
        return None;
    }
    let wanted = |name: &str| telemetry.keys.iter().any(|key| key.name() == name);
    let entries = record.entries_of(|name| always.contains(&name) || wanted(name));
    let mut value = Vec::with_capacity(128);
    metadata::write_value(&entries, &mut value);
    let mut header = Vec::new();
    metadata::write_base64(&value, &mut header);
    Some(header)
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

    #[test]
    fn what_is_written_of_a_clean_request() {
        let of = |policy: &str| {
            let config = Config::parse(policy.as_bytes()).expect("a policy");
            let engine = Engine::compile(config).expect("it compiles");
            let clean = Clean::of(&engine)?;
            Some((String::from_utf8(clean.json).ok()?, clean.header))
        };
        // `{"action": "allow"}` as a protobuf value.
        let header = Some(b"KhMKEQoGYWN0aW9uEgcaBWFsbG93".to_vec());
        let json = r#"{"action":"allow"}"#.to_owned();
        assert_eq!(of("{}"), Some((json.clone(), header.clone())));
        let silent = r#"{"telemetry": {"metadata": false}}"#;
        assert_eq!(of(silent), Some((json, None)));
        let named = r#"{"name": "shop", "revision": "7"}"#;
        let json = r#"{"action":"allow","policy":"shop","revision":"7"}"#.to_owned();
        assert_eq!(of(named), Some((json, header)));
        for more in [
            r#""timing": true"#,
            r#""typed": true"#,
            r#""record": "all""#,
            r#""keys": ["scope"]"#,
        ] {
            assert_eq!(
                of(&format!(r#"{{"telemetry": {{{more}}}}}"#)),
                None,
                "{more}"
            );
        }
    }
}
