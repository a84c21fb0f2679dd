//! Cross-site scripting by the browser's own reading: the text is tokenised as HTML and refused
//! for tags, attributes and URLs that run script.

use super::script_context::runs_script;
use libinjectionrs::XssDetector;
use libinjectionrs::xss::Html5Flags;
use memchr::{memchr, memchr_iter};

use crate::decode::Signs;
use crate::decode::signs;

/// Whether the text carries script in any of the contexts that the original tries: content, and
/// an attribute value without quotes, in single quotes, in double quotes, in backticks.
/// Reads [`super::INSPECTED_BYTES`] of it, in linear time.
pub fn is_cross_site_scripting(text: &[u8]) -> bool {
    contexts(text).next().is_some()
}

/// The same, and the text holds something that a browser would run in that context, rather than
/// markup or code that resembles it. For policies that must not block a customer.
pub fn in_context(text: &[u8]) -> bool {
    contexts(text).any(|context| runs_script(super::inspected(text), context))
}

/// The contexts in which the text carries script, in the order of the original.
fn contexts(text: &[u8]) -> impl Iterator<Item = Html5Flags> {
    let text = super::inspected(text);
    // Behind a quote that never comes, the whole text is one value of an attribute without a name.
    let tried = if may_be_cross_site_scripting(text, Signs::of(text)) {
        CONTEXTS
    } else {
        &[]
    };
    tried
        .iter()
        .filter(|(_, needed)| needed.is_none_or(|byte| memchr(byte, text).is_some()))
        .map(|(context, _)| *context)
        .filter(|context| XssDetector::is_xss(text, *context))
}

/// The contexts that the original tries, each with the byte without which it finds nothing.
const CONTEXTS: &[(Html5Flags, Option<u8>)] = &[
    (Html5Flags::DataState, Some(b'<')),
    (Html5Flags::ValueNoQuote, None),
    (Html5Flags::ValueSingleQuote, Some(b'\'')),
    (Html5Flags::ValueDoubleQuote, Some(b'"')),
    (Html5Flags::ValueBackQuote, Some(b'`')),
];

/// Without one of these there is no tag and no value.
pub(super) const MARKS: u64 = signs::classes(b"<=");

/// Whether the text can carry script at all: it needs a tag, a comment or a declaration, all of
/// which begin with `<`; or the value of an attribute, which needs `=` behind its name.
pub(super) fn may_be_cross_site_scripting(text: &[u8], signs: Signs) -> bool {
    if !signs.any(MARKS) {
        return false;
    }
    memchr_iter(b'<', text).any(|at| opens_tag(text.get(at.saturating_add(1)..)))
        || memchr_iter(b'=', text).any(|at| names_attribute(text.get(..at).unwrap_or_default()))
}

/// Whether what stands behind a `<` makes it more than text: a letter, `!`, `?`, `/`, `%` (a
/// comment of old browsers) or a null byte, which they ignored.
fn opens_tag(behind: Option<&[u8]>) -> bool {
    matches!(
        behind.and_then(<[u8]>::first),
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'?' | b'/' | b'%' | 0)
    )
}

/// Whether what stands in front of a `=` may end in the name of an attribute that matters. Event
/// handlers are recognised by their beginning, whatever follows, so only beginnings are looked at.
fn names_attribute(before: &[u8]) -> bool {
    let white = |byte: &u8| matches!(byte, b'\t'..=b'\r' | b' ');
    let end = before
        .iter()
        .rposition(|byte| !white(byte))
        .map_or(0, |at| at.saturating_add(1));
    let before = before.get(..end).unwrap_or_default();
    let start = before
        .iter()
        .rposition(|byte| white(byte) || matches!(byte, b'/' | b'>' | b'='))
        .map_or(0, |at| at.saturating_add(1));
    let name = before.get(start..).unwrap_or_default();
    // A null byte is ignored in names; a quote ends the value in front of the name.
    memchr(0, name).is_some()
        || begins_attribute(name)
        || name
            .iter()
            .enumerate()
            .filter(|(_, byte)| matches!(byte, b'\'' | b'"' | b'`'))
            .any(|(at, _)| begins_attribute(name.get(at.saturating_add(1)..).unwrap_or_default()))
}

/// Whether the name begins like an attribute that runs script, holds a URL or a style.
fn begins_attribute(name: &[u8]) -> bool {
    let [first, second, ..] = name else {
        return false;
    };
    matches!(
        &[first.to_ascii_lowercase(), second.to_ascii_lowercase()],
        b"on"
            | b"xm"
            | b"xl"
            | b"ac"
            | b"at"
            | b"by"
            | b"ba"
            | b"da"
            | b"dy"
            | b"fi"
            | b"fo"
            | b"fr"
            | b"ha"
            | b"hr"
            | b"lo"
            | b"po"
            | b"sr"
            | b"st"
            | b"to"
            | b"va"
    )
}
