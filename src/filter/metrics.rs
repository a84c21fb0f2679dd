//! Counters, gauges and a histogram in the proxy's own statistics. Every name is known when a policy is
//! configured: parts of it are words of this product, ids of rules and the policy's name, never anything
//! of a request. `envoy/envoy.yaml` turns the parts behind a dot into labels.

use std::cell::RefCell;
use std::collections::HashMap;

use super::host::{Host, Metric};
use crate::engine::Engine;
use crate::model::{
    Action, Anomaly, Category, Family, MetricDetail, Mode, Named, ProxyError, Verdict,
};

thread_local! {
    /// The numbers of the metrics by name, once for each VM: a name that is defined again gets another number.
    static DEFINED: RefCell<HashMap<String, Option<u32>>> = RefCell::default();
}

/// Rules of a policy's own that are counted one by one.
const MOST_OWN_RULES: usize = 2000;

/// One counter for each action.
type ByAction = [Option<u32>; Action::ALL.len()];

/// The metrics of one policy.
#[derive(Debug)]
pub(super) struct Metrics {
    requests: [ByAction; Mode::ALL.len()],
    categories: Vec<ByAction>,
    /// By id, in order.
    rules: Vec<(u32, ByAction)>,
    uninspected: Vec<Option<u32>>,
    exceptions_applied: Option<u32>,
    exceptions_expired: Option<u32>,
    records_dropped: Option<u32>,
    microseconds: Option<u32>,
}

/// The number of a metric of this VM.
fn number(host: &dyn Host, metric: Metric, name: String) -> Option<u32> {
    DEFINED.with_borrow_mut(|defined| {
        if let Some(number) = defined.get(&name) {
            return *number;
        }
        let number = host.define_metric(metric, &name);
        defined.insert(name, number);
        number
    })
}

fn counter(host: &dyn Host, name: String) -> Option<u32> {
    number(host, Metric::Counter, name)
}

fn by_action(host: &dyn Host, name: impl Fn(&str) -> String) -> ByAction {
    let mut all = ByAction::default();
    for (number, action) in all.iter_mut().zip(Action::ALL) {
        *number = counter(host, name(action.name()));
    }
    all
}

fn add(host: &dyn Host, counter: Option<u32>) {
    if let Some(counter) = counter {
        host.count(counter, 1);
    }
}

fn add_to(host: &dyn Host, counters: Option<&ByAction>, action: Action) {
    add(
        host,
        counters.and_then(|all| all.get(action as usize).copied().flatten()),
    );
}

/// Counts something that went wrong, whatever the policy.
pub(super) fn count_error(host: &dyn Host, error: ProxyError) {
    add(
        host,
        counter(host, format!("waf.errors.reason={}", error.name())),
    );
}

impl Metrics {
    /// Makes all metrics of a policy known to the proxy; `None` if the policy wants none. `document` is
    /// the policy as it came.
    pub(super) fn define(host: &dyn Host, engine: &Engine, document: &[u8]) -> Option<Self> {
        let config = engine.config();
        let detail = config.telemetry.metrics;
        if detail == MetricDetail::Off {
            return None;
        }
        for error in ProxyError::ALL {
            counter(host, format!("waf.errors.reason={}", error.name()));
        }
        let of_policy = |name: &str| match &config.name {
            Some(policy) => format!("waf.{name}.policy={policy}"),
            None => format!("waf.{name}"),
        };
        let gauge = |name: &str| number(host, Metric::Gauge, of_policy(name));
        if let Some(number) = gauge("policy_revision") {
            host.gauge(number, revision(config.revision.as_deref(), document));
        }
        let mut rules = Vec::new();
        if detail == MetricDetail::Rules {
            let mut own = 0;
            for rule in engine.rules().map(|rule| rule.id) {
                own += usize::from(Family::of(rule) == Family::Custom);
                if own > MOST_OWN_RULES {
                    break;
                }
                let name = |action: &str| format!("waf.rule_hits.rule={rule}.action={action}");
                rules.push((rule, by_action(host, name)));
            }
            rules.sort_unstable_by_key(|(rule, _)| *rule);
        }
        let mut requests = <[ByAction; Mode::ALL.len()]>::default();
        for (counters, mode) in requests.iter_mut().zip(Mode::ALL) {
            *counters = by_action(host, |action| {
                format!("waf.requests.action={action}.mode={}", mode.name())
            });
        }
        let categories = Category::ALL.iter().map(|category| {
            by_action(host, |action| {
                format!(
                    "waf.category_hits.category={}.action={action}",
                    category.name()
                )
            })
        });
        let uninspected = Anomaly::ALL.iter().map(|anomaly| {
            Anomaly::UNINSPECTED
                .contains(*anomaly)
                .then(|| counter(host, format!("waf.uninspected.reason={}", anomaly.name())))
                .flatten()
        });
        Some(Self {
            requests,
            categories: categories.collect(),
            rules,
            uninspected: uninspected.collect(),
            exceptions_applied: counter(host, "waf.exceptions_applied".to_owned()),
            exceptions_expired: gauge("exceptions_expired"),
            records_dropped: counter(host, "waf.records_dropped".to_owned()),
            microseconds: config
                .telemetry
                .timing
                .then(|| {
                    number(
                        host,
                        Metric::Histogram,
                        "waf.inspection_microseconds".to_owned(),
                    )
                })
                .flatten(),
        })
    }

    /// Counts a request that is over. What it costs grows with what there is to say: a clean request is
    /// one call.
    pub(super) fn count(&self, host: &dyn Host, verdict: &Verdict, mode: Mode) {
        let action = verdict.action;
        add_to(host, self.requests.get(mode as usize), action);
        // Sums come of hits, and so do most reasons; most requests have neither.
        if !verdict.hits.is_empty() || !verdict.reasons.is_empty() {
            self.count_categories(host, verdict);
        }
        if !self.rules.is_empty() {
            for (index, hit) in verdict.hits.iter().enumerate() {
                // At most 64 hits: a rule counts once for a request, as enforced if one of its hits is.
                let earlier = verdict.hits.get(..index).unwrap_or_default();
                if earlier.iter().any(|other| other.rule == hit.rule) {
                    continue;
                }
                let enforced = verdict
                    .hits
                    .iter()
                    .any(|other| other.rule == hit.rule && other.enforced);
                let action = if enforced { action } else { Action::Allow };
                let found = self
                    .rules
                    .binary_search_by_key(&hit.rule, |(rule, _)| *rule);
                let counters = found.ok().and_then(|index| self.rules.get(index));
                add_to(host, counters.map(|(_, counters)| counters), action);
            }
        }
        for anomaly in verdict.uninspected.iter() {
            let counter = self.uninspected.get(anomaly as usize).copied().flatten();
            add(host, counter);
        }
        if !verdict.exceptions.is_empty() {
            add(host, self.exceptions_applied);
        }
    }

    /// The same for a request of which there is nothing to say.
    pub(super) fn count_clean(&self, host: &dyn Host, mode: Mode) {
        add_to(host, self.requests.get(mode as usize), Action::Allow);
    }

    fn count_categories(&self, host: &dyn Host, verdict: &Verdict) {
        let action = verdict.action;
        for (category, counters) in Category::ALL.iter().zip(&self.categories) {
            let sums = [&verdict.scores, &verdict.recorded];
            let reason = verdict.reasons.contains(category);
            if reason || sums.iter().any(|sums| sums.get(*category) > 0) {
                let action = if reason { action } else { Action::Allow };
                add_to(host, Some(counters), action);
            }
        }
    }

    /// Counts how long a request's inspection took.
    pub(super) fn time(&self, host: &dyn Host, microseconds: u64) {
        if let Some(histogram) = self.microseconds {
            host.gauge(histogram, microseconds);
        }
    }

    /// Counts a record that was left out.
    pub(super) fn dropped(&self, host: &dyn Host) {
        add(host, self.records_dropped);
    }

    /// Says how many exceptions have expired and still stand in the policy.
    pub(super) fn expired(&self, host: &dyn Host, count: usize) {
        if let Some(gauge) = self.exceptions_expired {
            host.gauge(gauge, count as u64);
        }
    }
}

/// A number that tells revisions of a policy apart: the revision itself if it is a number, else one made
/// of its text, or of the whole document where it has no revision. FNV-1a of 32 bits, which any reader of
/// the number keeps exactly.
fn revision(revision: Option<&str>, document: &[u8]) -> u64 {
    if let Some(number) = revision.and_then(|text| text.parse::<u32>().ok()) {
        return number.into();
    }
    let text = revision.map_or(document, str::as_bytes);
    let hash = text.iter().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    hash.into()
}
