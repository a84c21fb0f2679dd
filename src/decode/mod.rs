//! Bytes to bytes, one file per decoding. Every decoder is total: any input gives an output, and
//! what was odd about the input is part of the outcome.

pub mod base64;
mod character;
pub mod css;
pub mod entity;
pub mod expand;
pub mod fold;
pub mod javascript;
mod marks;
pub mod null;
pub mod path;
pub mod percent;
pub mod scheme;
pub mod shell;
pub mod signs;
pub mod sql;
pub mod unicode_percent;
pub mod utf7;
pub mod utf8;

pub use expand::Expander;
pub use signs::Signs;

use crate::model::AnomalySet;

/// What one decoding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the output differs from the input.
    pub changed: bool,
    /// What was odd about the input.
    pub anomalies: AnomalySet,
}
