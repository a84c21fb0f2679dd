//! The `cookie` header to one field per cookie (RFC 6265, 4.2), read the ways that servers read it.

use std::borrow::Cow;

use super::pairs::differs;
use super::{Fields, Kind};
use crate::decode::percent;
use crate::model::{Limits, Zone};

/// Reads one `cookie` header; HTTP/2 may bring several (RFC 9113, 8.2.3).
pub(super) fn read(header: &[u8], limits: &Limits, fields: &mut Fields) {
    let mut rest = header;
    // A quoted value that runs over `;` ends here, counted in bytes left; the pieces inside it are
    // not searched again.
    let mut quoted_to = usize::MAX;
    while !rest.is_empty() {
        let at = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let (piece, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        let trimmed = piece.trim_ascii();
        if !trimmed.is_empty() {
            let (name, value) = split(trimmed);
            cookie(name, value, limits, fields);
            // Servers of RFC 2109 split at commas as well.
            if memchr::memchr(b',', trimmed).is_some() {
                for pair in trimmed.split(|byte| *byte == b',').skip(1) {
                    if memchr::memchr(b'=', pair).is_some() {
                        let (name, value) = split(pair.trim_ascii());
                        cookie(name, value, limits, fields);
                    }
                }
            }
            // Servers of RFC 2965 let a quoted value hold semicolons, which hides from a reader
            // that splits first what Jetty, Tomcat and Python's http.cookies see.
            if rest.len() <= quoted_to
                && let Some(open) = value.strip_prefix(b"\"")
                && closing_quote(open).is_none()
                && let Some((_, behind)) =
                    memchr::memchr(b'=', rest).and_then(|at| rest.split_at_checked(at))
                && let Some((_, quoted)) =
                    memchr::memchr(b'"', behind).and_then(|at| behind.split_at_checked(at))
                && let Some(inner) = quoted.strip_prefix(b"\"")
            {
                quoted_to = 0;
                if let Some(end) = closing_quote(inner) {
                    quoted_to = inner.len().saturating_sub(end);
                    let whole = quoted.get(..end.saturating_add(2)).unwrap_or(quoted);
                    cookie(name, whole, limits, fields);
                }
            }
        }
        rest = tail.strip_prefix(b";").unwrap_or_default();
    }
}

fn split(pair: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'=', pair).and_then(|at| pair.split_at_checked(at)) {
        Some((name, value)) => (
            name.trim_ascii_end(),
            value.strip_prefix(b"=").unwrap_or(value).trim_ascii_start(),
        ),
        None => (pair, b""),
    }
}

fn cookie(wire_name: &[u8], wire_value: &[u8], limits: &Limits, fields: &mut Fields) {
    let name = decode(Cow::Borrowed(wire_name));
    let value = decode(unquote(wire_value));
    fields.push_decoded(
        limits,
        Zone::Cookies,
        Kind::Text,
        (&name, differs(&name, wire_name)),
        (&value, differs(&value, wire_value)),
    );
}

/// PHP decodes cookies like form values, `+` included. A lone `%` is common in cookies and no finding.
fn decode(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', &text).is_none() {
        return text;
    }
    let mut out = Vec::new();
    percent::decode(&text, true, &mut out);
    Cow::Owned(out)
}

/// Position of the quote that ends a quoted string, its backslash escapes skipped.
fn closing_quote(inner: &[u8]) -> Option<usize> {
    let mut from = 0_usize;
    loop {
        let rest = inner.get(from..)?;
        let at = memchr::memchr2(b'"', b'\\', rest)?;
        let found = from.saturating_add(at);
        if inner.get(found) == Some(&b'"') {
            return Some(found);
        }
        from = found.saturating_add(2);
    }
}

/// The inside of a quoted value: `\"` is a quote and `\073` the byte of that octal number, as in
/// Python's http.cookies and Java's servers; an escape there hides a letter from a plain reader.
fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
    else {
        return Cow::Borrowed(value);
    };
    if memchr::memchr(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        rest = match rest {
            [
                b'\\',
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                after @ ..,
            ] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                after
            }
            [b'\\', escaped, after @ ..] => {
                out.push(*escaped);
                after
            }
            [byte, after @ ..] => {
                out.push(*byte);
                after
            }
            [] => return Cow::Owned(out),
        };
    }
}
