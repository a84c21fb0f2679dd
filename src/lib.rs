//! Palisade: a web application and API firewall that runs inside Envoy.
//!
//! ```text
//!  plugin JSON ─ config ─▶ Config ─ Engine::compile ─▶ Engine            once per configuration: may fail, reports every problem
//!                                                        │
//!  request bytes ─ request ─▶ Fields ─ decode ─▶ views ─ prefilter ─ confirm ─ except ─ score ─▶ Verdict   per request: cannot fail
//!                                                                                   ├─ filter ─▶ 403 · metadata · metrics · record
//!                                                                                   └─ cli ─▶ check · replay · tune · report
//! ```
//!
//! The modules stand in the order in which data flows; a module imports only those above it.
#![deny(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
#![deny(unsafe_code)]

#[forbid(unsafe_code)]
pub mod decode;
#[forbid(unsafe_code)]
pub mod model;
#[forbid(unsafe_code)]
pub mod request;
