//! The engine: compiled once from a policy, which may fail, then run for every request, which cannot.

mod compile;
mod inspect;
mod literal;
mod pattern;
mod prefilter;
mod record;
mod scratch;

pub use compile::{Engine, shipped};
pub use inspect::Inspection;
pub use record::Record;
pub use scratch::Scratch;
