//! What a policy wants to be told about decisions: records, keys, metrics; and what must not be told.

use super::node::Node;
use super::problem::Problems;
use super::read::{Object, Read, Word, wrong};
use crate::model::{DecisionKey, MetricDetail, Recorded};

/// What is written about decisions beyond the action. The default costs a clean request nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telemetry {
    /// Which requests leave a record in the proxy's log.
    pub record: Recorded,
    /// Records that each rule may leave in a second, in each worker; 0 for any number.
    pub log_rate: u32,
    /// Parts of the decision that have a key of their own.
    pub keys: Vec<DecisionKey>,
    /// Whether the decision is handed to a `header_to_metadata` filter, with the response.
    pub metadata: bool,
    /// Whether it is also handed to one with the request, for the filters behind.
    pub metadata_on_request: bool,
    /// Whether the decision is also written as a typed, nested object.
    pub typed: bool,
    /// Whether inspections are timed.
    pub timing: bool,
    /// How much is counted.
    pub metrics: MetricDetail,
    /// Whether records show a piece of what matched.
    pub excerpts: bool,
    /// Names of fields whose values are secret, in lower case, beyond those that always are.
    pub redact: Vec<String>,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            record: Recorded::Blocked,
            log_rate: 10,
            keys: Vec::new(),
            metadata: true,
            metadata_on_request: false,
            typed: false,
            timing: false,
            metrics: MetricDetail::Rules,
            excerpts: false,
            redact: Vec::new(),
        }
    }
}

/// Names that a policy may add to those whose values are secret, and bytes of one.
const MOST_NAMES: usize = 100;
const LONGEST_NAME: usize = 64;

impl Read for Telemetry {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        let mut object = Object::open(node, path, problems)?;
        let mut telemetry = Self::default();
        if let Some(Word(record)) = object.optional("record", problems) {
            telemetry.record = record;
        }
        if let Some(rate) = object.optional("log_rate", problems) {
            telemetry.log_rate = rate;
        }
        if let Some(Keys(keys)) = object.optional("keys", problems) {
            telemetry.keys = keys;
        }
        if let Some(metadata) = object.optional("metadata", problems) {
            telemetry.metadata = metadata;
        }
        if let Some(on_request) = object.optional("metadata_on_request", problems) {
            telemetry.metadata_on_request = on_request;
        }
        if let Some(typed) = object.optional("typed", problems) {
            telemetry.typed = typed;
        }
        if let Some(timing) = object.optional("timing", problems) {
            telemetry.timing = timing;
        }
        if let Some(Word(metrics)) = object.optional("metrics", problems) {
            telemetry.metrics = metrics;
        }
        if let Some(excerpts) = object.optional("excerpts", problems) {
            telemetry.excerpts = excerpts;
        }
        let at = object.path_of("redact");
        if let Some(names) = object.optional::<Vec<String>>("redact", problems) {
            if names.len() > MOST_NAMES {
                problems.add(&at, format!("at most {MOST_NAMES} names"));
            }
            for (index, name) in names.iter().enumerate() {
                if !(2..=LONGEST_NAME).contains(&name.len()) {
                    let message = format!("expected 2 to {LONGEST_NAME} bytes of a name");
                    problems.add(&format!("{at}[{index}]"), message);
                }
            }
            telemetry.redact = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        }
        let unmeasured = telemetry.keys.contains(&DecisionKey::Microseconds) && !telemetry.timing;
        if unmeasured {
            let message = "`microseconds` needs `timing: true`";
            problems.add(&object.path_of("keys"), message);
        }
        if telemetry.metadata_on_request && !telemetry.metadata {
            let message = "`metadata_on_request` needs `metadata: true`";
            problems.add(&object.path_of("metadata_on_request"), message);
        }
        object.close(problems);
        Some(telemetry)
    }
}

/// A list of keys, each once.
struct Keys(Vec<DecisionKey>);

impl Read for Keys {
    fn read(node: &Node, path: &str, problems: &mut Problems) -> Option<Self> {
        match node {
            Node::List(_) => {
                let words = Vec::<Word<DecisionKey>>::read(node, path, problems)?;
                let mut keys: Vec<_> = words.into_iter().map(|word| word.0).collect();
                keys.sort_unstable();
                keys.dedup();
                Some(Self(keys))
            }
            _ => wrong(node, path, "a list of keys", problems),
        }
    }
}
