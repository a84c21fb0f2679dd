//! Plugin JSON to [`Config`]: strict, and every problem at once, each with its JSON path.

mod block_response;
mod condition;
mod document;
mod exception;
mod matching;
mod node;
pub(crate) mod pattern;
mod problem;
mod read;
mod rule;
mod scope;
mod settings;
mod telemetry;

pub use block_response::{BlockResponse, headers_of_the_proxy};
pub use document::Config;
pub use exception::{condition_words, shape_zone_words, zone_words};
pub use problem::{Problem, Problems};
pub use rule::{SHIPPED_SAMPLES, shipped_rules};
pub use scope::Scope;
pub use settings::{CategoryModes, Enforcement, Override, Settings, Thresholds, Uninspected};
pub use telemetry::Telemetry;
