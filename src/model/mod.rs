//! The nouns: what a zone, a field, a rule and a verdict are. No logic beyond naming lives here.

mod anomaly;
mod category;
mod condition;
mod day;
mod detector;
mod limits;
mod matching;
mod named;
mod policy;
mod rule;
mod telemetry;
mod verdict;
mod view;
mod zone;

pub use anomaly::{Anomaly, AnomalySet};
pub use category::{Category, Sensitivity};
pub use condition::{
    Comparison, Condition, FieldCondition, Number, Range, RequestCondition, ValueTest,
};
pub use day::Day;
pub use detector::Detector;
pub use limits::Limits;
pub use matching::{
    AddressRange, Addresses, Exception, Place, RequestMatch, RuleMatch, TextMatch, number_of,
};
pub use named::{Named, names_of, parse_name};
pub use policy::{Action, Fallback, Hold, Mode, Preset};
pub use rule::{Family, Matcher, PartSet, Rule, RuleAction};
pub use telemetry::{DecisionKey, MetricDetail, ProxyError, Recorded};
pub use verdict::{EndedBy, Hit, Sums, Verdict};
pub use view::{View, ViewSet};
pub use zone::{Part, Zone, ZoneSet};
