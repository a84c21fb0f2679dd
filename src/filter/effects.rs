//! Verdict to what the outside sees: filter state, dynamic metadata, the details of an answer.

use super::host::{Host, Map};
use super::metadata;
use crate::config::Config;
use crate::engine::Record;
use crate::model::{Named, Verdict};

/// The private header that carries the decision to the proxy's `header_to_metadata` filter, which
/// takes it away. A client or an upstream that sends it is not believed.
pub const DECISION_HEADER: &str = "x-palisade-decision";
/// Filter state: the decision as one JSON object; `%FILTER_STATE(wasm.waf:PLAIN)%` in a log format.
pub const FILTER_STATE: &str = "waf";
/// Filter state: the action alone; `%FILTER_STATE(wasm.waf.action:PLAIN)%` in a log format.
pub const FILTER_STATE_ACTION: &str = "waf.action";

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

/// Writes the decision to the filter state and hands it to the metadata filter.
pub(super) fn write_decision(host: &dyn Host, config: &Config, verdict: &Verdict, to: Carrier) {
    let mut json = Vec::with_capacity(64);
    let record = Record {
        verdict,
        policy: config.name.as_deref(),
        revision: config.revision.as_deref(),
    };
    record.write_json(&mut json);
    host.set_filter_state(FILTER_STATE, &json);
    host.set_filter_state(FILTER_STATE_ACTION, verdict.action.name().as_bytes());
    let map = match to {
        Carrier::Request => Map::RequestHeaders,
        Carrier::Response => Map::ResponseHeaders,
        Carrier::None => return,
    };
    host.set_header(map, DECISION_HEADER, Some(&header(verdict)));
}

/// The decision as the private header carries it.
pub(super) fn header(verdict: &Verdict) -> Vec<u8> {
    let mut value = Vec::new();
    metadata::write_value(verdict, &mut value);
    let mut header = Vec::with_capacity(value.len().div_ceil(3) * 4);
    metadata::write_base64(&value, &mut header);
    header
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
