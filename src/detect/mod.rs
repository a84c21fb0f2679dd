//! Detectors that are code, not patterns: they tokenise a text the way a database or a browser would.
//!
//! A rule names a detector the way another rule names a pattern; what is found says how strong the
//! rule is, so both strengths of one detector exist side by side.

pub mod cross_site_scripting;
mod script_context;
pub mod sql;
mod sql_context;
pub mod sql_injection;

use crate::decode::Signs;
pub use crate::model::Detector;

impl Detector {
    /// Whether there is anything in the text that the detector could find, told from its bytes;
    /// what is refused here has no match.
    pub fn may_match(self, text: &[u8], signs: Signs) -> bool {
        match self {
            Self::LibinjectionSql | Self::LibinjectionSqlInContext => {
                sql_injection::may_be_sql_injection(inspected(text), signs)
            }
            Self::LibinjectionXss | Self::LibinjectionXssInContext => {
                cross_site_scripting::may_be_cross_site_scripting(inspected(text), signs)
            }
        }
    }

    /// Whether the detector finds what it looks for in this text. Linear in the length of the
    /// text, of which [`INSPECTED_BYTES`] are read.
    pub fn matches(self, text: &[u8]) -> bool {
        match self {
            Self::LibinjectionSql => sql_injection::is_sql_injection(text).is_some(),
            Self::LibinjectionSqlInContext => sql_injection::in_context(text).is_some(),
            Self::LibinjectionXss => cross_site_scripting::is_cross_site_scripting(text),
            Self::LibinjectionXssInContext => cross_site_scripting::in_context(text),
        }
    }
}

/// Whether any detector could find anything in a text with these signs.
pub const fn may_find(signs: Signs) -> bool {
    sql_injection::has_breaks(signs) || signs.any(cross_site_scripting::MARKS)
}

/// Bytes of one text that a detector reads. As many as the default limit of a value, so that
/// padding in front of an attack hides nothing that the rules would see.
pub const INSPECTED_BYTES: usize = 64 * 1024;

/// The part of the text that is read.
fn inspected(text: &[u8]) -> &[u8] {
    text.get(..INSPECTED_BYTES).unwrap_or(text)
}
