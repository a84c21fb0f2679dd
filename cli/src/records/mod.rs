//! Decision records, as the module leaves them in Envoy's log and in access logs.

mod line;
mod stream;

pub(crate) use line::Entry;
pub(crate) use stream::{Read as Stream, read};
