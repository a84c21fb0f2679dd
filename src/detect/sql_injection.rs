//! SQL injection by fingerprint: the text is tokenised as SQL, folded, and the order of its first
//! five tokens compared with those of known attacks (Galbreath, "libinjection", Black Hat USA 2012).
//!
//! In front of the tokeniser stands a guard, which lets through what cannot have any of the known
//! fingerprints, told from the classes of its bytes and from its first tokens.

use memchr::memchr;

use super::sql::Context;
pub use super::sql::Fingerprint;
use crate::decode::Signs;
use crate::decode::signs::{HIGH, LETTERS};

/// The fingerprint of the injection, if the text is one in any of the contexts that the original
/// tries: as it is, behind a single quote, behind a double quote; with ANSI and MySQL comments.
/// Reads [`super::INSPECTED_BYTES`] of it, in linear time.
pub fn is_sql_injection(text: &[u8]) -> Option<Fingerprint> {
    super::sql::detect(super::inspected(text))
}

/// The same, in a context in which the text also has the grammar of SQL rather than that of prose,
/// a name, a media type, a filter expression or code. For policies that must not block a customer.
pub fn in_context(text: &[u8]) -> Option<Fingerprint> {
    super::sql_context::believed(super::inspected(text))
}

/// Whether bytes with these signs are more than one word.
pub(super) const fn has_breaks(signs: Signs) -> bool {
    !signs.only(class::WORD) || signs.any(HIGH)
}

/// What bytes can contribute to a fingerprint.
mod class {
    use crate::decode::signs::{DIGIT, HIGH, LETTERS, NUL, classes};

    /// Ends no word; of the bytes that are not ASCII one does.
    pub(super) const WORD: u64 = LETTERS | DIGIT | HIGH | classes(b"_");
    /// Starts a string, or a dollar-quoted one.
    pub(super) const QUOTE: u64 = classes(b"'\"$");
    /// An operator, or the first byte of one.
    pub(super) const OPERATOR: u64 = classes(b"+/%!<>=^~:-*");
    /// A semicolon.
    pub(super) const SEMICOLON: u64 = classes(b";");
    /// A parenthesis.
    pub(super) const PARENTHESIS: u64 = classes(b"()");
    /// A comma.
    pub(super) const COMMA: u64 = classes(b",");
    /// A dash or an asterisk: two bytes of it, or with a slash, open a comment.
    pub(super) const COMMENT: u64 = classes(b"-*");
    /// A single quote.
    pub(super) const SINGLE: u64 = classes(b"'");
    /// A double quote.
    pub(super) const DOUBLE: u64 = classes(b"\"");
    /// May give what decides on its own, wherever it stands: a comment that runs, a name in a brace. And
    /// a slash stands between the segments of a path, each of which is then a text of its own, so that
    /// the first tokens of the whole say nothing.
    pub(super) const UNSKIMMED: u64 = classes(b"/{");
    /// Gives a variable, a comment or a logical operator on its own, or moves the start of the next
    /// word: the tokeniser decides.
    pub(super) const DECISIVE: u64 = classes(b"#@`\\|&") | NUL;
}

/// Whether the text can have the fingerprint of an injection at all. What is true of all 8,367
/// fingerprints (tests/libinjection builds texts for every one of them):
/// - one token is never enough, except where a comment or a brace makes it so;
/// - one without keyword, union, logical operator or type holds a string, a variable, a comment
///   or a parenthesis;
/// - if all it has of these is strings, it holds an operator or a semicolon too;
/// - if all it has of these is parentheses, it holds a function, an operator or a comma too.
///
/// So a text without the bytes for the latter needs a word of the table for the former, and all of
/// those have letters. Which words it has, its first tokens tell: mostly the first two are the
/// beginning of no fingerprint.
///
/// What is refused here is refused in every part of the text that a slash ends or begins too.
pub(super) fn may_be_sql_injection(text: &[u8], signs: Signs) -> bool {
    use class::*;
    let has = |classes: u64| signs.any(classes);
    if signs.only(WORD) && !(has(HIGH) && memchr(0xA0, text).is_some()) {
        return false;
    }
    let tokens = has(LETTERS)
        || has(DECISIVE)
        || has(QUOTE) && has(OPERATOR | SEMICOLON | PARENTHESIS)
        || has(PARENTHESIS) && has(OPERATOR | COMMA)
        || has(COMMENT) && opens_comment(text);
    tokens && (has(UNSKIMMED) || !is_hopeless(text, signs))
}

/// Whether the first tokens say so in each context that the text has.
fn is_hopeless(text: &[u8], signs: Signs) -> bool {
    let hopeless = |context| super::sql::is_hopeless(text, context);
    hopeless(Context::Bare)
        && (!signs.any(class::SINGLE) || hopeless(Context::Quoted(b'\'')))
        && (!signs.any(class::DOUBLE) || hopeless(Context::Quoted(b'"')))
}

/// Whether `--` or `/*` occurs.
fn opens_comment(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, b"--" | b"/*"))
}
