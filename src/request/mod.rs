//! Raw request to fields: one reader per format. What is odd becomes a finding, never an error.

mod fields;

pub use fields::{Field, Fields, Finding, Kind, SEPARATOR, Span};
