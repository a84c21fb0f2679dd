//! The forms in which one piece of text is inspected.

use super::named::{named, named_set};

named! {
    /// One form of a name or value. A view exists only where it differs from what is already there.
    pub enum View as "view" {
        /// As it came on the wire, before any decoding.
        Wire = "wire",
        /// Decoded once, the way the application's framework reads it.
        Plain = "plain",
        /// Decoded again and again until nothing changes (percent, entities, escapes, overlong UTF-8, UTF-7).
        Decoded = "decoded",
        /// What a value that plausibly is base64 decodes to, itself fully decoded.
        Base64 = "base64",
        /// SQL comments turned into a space and runs of white space into one.
        Compact = "compact",
        /// The way a shell reads it: quotes, carets and backslashes inside words removed, `$IFS` a space.
        Shell = "shell",
        /// Path segments resolved: dot segments, repeated slashes, backslashes and `;` parameters removed.
        Normal = "normal",
    }
}

named_set! {
    /// A set of views.
    ViewSet of View in u16
}
