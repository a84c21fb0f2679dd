//! The test harness: cases, a real Envoy, exact clients, an upstream that remembers.
//!
//! Everything here is for tests alone, so it panics with a sentence where a test could not go on; but for the
//! format of the cases, in which users of `palisade test` write too: what is wrong with one of them is told.
//!
//! The real Envoy is `$ENVOY`, else what `scripts/envoy.sh` finds or fetches; the module is
//! `$PALISADE_WASM`, else what `make wasm` has built. Where either is missing the tests fail.
//!
//! Without the feature `envoy` only [`cases`] and what it needs is left; that part has no use for
//! processes or sockets and compiles for every target.

pub mod bytes;
pub mod cases;
#[cfg(feature = "envoy")]
pub mod client;
#[cfg(feature = "envoy")]
pub mod envoy;
pub mod outcome;
pub mod policies;
pub mod shapes;
#[cfg(feature = "envoy")]
pub mod upstream;
