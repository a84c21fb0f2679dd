//! The names of the detectors that are code; what they do lives in `detect`.

use super::named::named;

named! {
    /// A detector that a rule may name instead of literals or a pattern.
    pub enum Detector as "detector" {
        /// The text, read as SQL behind no quote, a single or a double one, has the fingerprint of an injection.
        LibinjectionSql = "libinjection_sql",
        /// The same, and the text has the grammar of SQL rather than that of prose, a name, a media type or code.
        LibinjectionSqlInContext = "libinjection_sql_in_context",
        /// The text, read as HTML content or as an attribute value, carries script.
        LibinjectionXss = "libinjection_xss",
        /// The same, and the text leaves an attribute or opens a tag rather than merely resembling one.
        LibinjectionXssInContext = "libinjection_xss_in_context",
    }
}
