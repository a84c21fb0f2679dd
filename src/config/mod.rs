//! Plugin JSON to [`Config`]: strict, and every problem at once, each with its JSON path.

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

pub use document::Config;
pub use problem::{Problem, Problems};
pub use rule::{SHIPPED_SAMPLES, shipped_rules};
pub use scope::Scope;
pub use settings::{
    BlockResponse, CategoryModes, Enforcement, Override, Settings, Thresholds, Uninspected,
};
