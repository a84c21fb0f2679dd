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
// A panic ends the VM and every request in it: no code that ships has a path to one. Tests may.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::get_unwrap
    )
)]

#[forbid(unsafe_code)]
pub mod model;
#[forbid(unsafe_code)]
pub mod config;
#[forbid(unsafe_code)]
pub mod decode;
#[forbid(unsafe_code)]
pub mod detect;
#[forbid(unsafe_code)]
pub mod request;
#[forbid(unsafe_code)]
pub mod engine;
pub mod filter;
