//! The engine: compiled once from a policy, which may fail, then run for every request, which cannot.

mod compile;
mod condition;
mod directory;
mod except;
mod explain;
mod facts;
mod heads;
mod inspect;
mod literal;
mod pattern;
mod prefilter;
mod record;
mod scratch;
mod text;

pub use compile::{Effect, Engine};
pub use explain::{Found, Seen};
pub use facts::Peer;
pub use inspect::Inspection;
pub use record::{Record, json_string, match_of};
pub use scratch::Scratch;
