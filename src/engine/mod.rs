//! The engine: compiled once from a policy, which may fail, then run for every request, which cannot.

mod automaton;
mod compile;
mod condition;
mod directory;
mod except;
mod excerpt;
mod explain;
mod facts;
mod familiar;
mod hash;
mod heads;
mod inspect;
mod literal;
mod need;
mod pattern;
mod prefilter;
mod record;
mod redact;
mod scratch;
mod shipped;
mod text;

pub use compile::{Effect, Engine};
pub use explain::{Found, Seen, text_matcher, text_matches};
pub use facts::Peer;
pub use inspect::Inspection;
pub use record::{Item, Record, json_string, match_of, member};
pub use redact::{is_secret_name, redacted, redacted_path};
pub use scratch::Scratch;
