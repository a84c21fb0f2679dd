//! Plugin JSON to [`Config`]: strict, and every problem at once, each with its JSON path.

mod document;
mod node;
pub(crate) mod pattern;
mod problem;
mod read;
mod rule;

pub use document::{BlockResponse, Config, Thresholds, Uninspected};
pub use problem::{Problem, Problems};
pub use rule::{SHIPPED_SAMPLES, shipped_rules};
