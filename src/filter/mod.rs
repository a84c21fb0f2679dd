//! The engine inside a proxy: a state machine for each stream, driven through a [`Host`] so that
//! it runs the same in Envoy and in tests. Only `abi.rs` knows proxy-wasm.

#[cfg(any(target_os = "wasi", palisade_abi, test))]
mod abi;
mod effects;
mod host;
mod log;
mod metadata;
mod metrics;
mod numbered;
mod pairs;
mod reply;
mod root;
mod stream;

pub use effects::{DECISION_HEADER, FILTER_STATE, FILTER_STATE_ACTION, FILTER_STATE_TYPED};
pub use host::{Host, Level, Map, Metric, Reply};
#[cfg(any(target_os = "wasi", palisade_abi, test))]
use metrics::count_error;
pub use pairs::Pairs;
pub use root::{Refusal, Root};
pub use stream::{Flow, Stream};
