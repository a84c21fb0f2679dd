//! `; name=value` parameters of `content-type` and `content-disposition` (RFC 9110, 5.6.6; RFC 2231),
//! with a note of every place where two parsers would disagree.

use std::borrow::Cow;

use super::charset::Charset;
use crate::decode::percent;

/// One parameter.
pub(super) struct Param<'a> {
    /// The name in lower case, without the `*` of extended notation.
    pub(super) name: Vec<u8>,
    /// The value: quotes removed, escapes resolved, extended notation decoded.
    pub(super) value: Cow<'a, [u8]>,
    /// The value as it stands, quotes included.
    pub(super) wire: &'a [u8],
    /// Whether it is written in extended notation: `name*=utf-8''…` or `name*0=…`.
    pub(super) extended: bool,
    /// Whether parsers differ on where it ends or what it holds.
    pub(super) odd: bool,
}

/// Parameters read of one header; what lies behind is odd.
const MAX_PARAMS: usize = 32;

/// Reads the parameters behind the first `;`. The flag says whether anything was odd.
pub(super) fn parse(input: &[u8]) -> (Vec<Param<'_>>, bool) {
    let mut params: Vec<Param<'_>> = Vec::new();
    let mut odd = false;
    let mut rest = input.trim_ascii();
    while !rest.is_empty() {
        if params.len() >= MAX_PARAMS {
            return (params, true);
        }
        let at = memchr::memchr2(b'=', b';', rest).unwrap_or(rest.len());
        let (name, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        let Some(value) = tail.strip_prefix(b"=") else {
            let word = name.trim_ascii();
            if !word.is_empty() {
                // A word by itself is a parameter to nobody: it stands without a name.
                odd = true;
                params.push(Param {
                    name: Vec::new(),
                    value: Cow::Borrowed(word),
                    wire: word,
                    extended: false,
                    odd: true,
                });
            }
            rest = tail
                .strip_prefix(b";")
                .unwrap_or_default()
                .trim_ascii_start();
            continue;
        };
        let (mut param, after) = one(name, value);
        odd |= param.odd;
        rest = after.trim_ascii_start();
        // Continuations (`name*0=a; name*1=b`) make one value.
        if let Some((base, number)) = continuation(&param.name) {
            let base = base.to_vec();
            odd = true;
            if number > 0
                && let Some(first) = params
                    .iter_mut()
                    .rev()
                    .find(|known| known.extended && known.name == base)
            {
                first.value.to_mut().extend_from_slice(&param.value);
                if param.odd {
                    params.push(Param {
                        name: Vec::new(),
                        value: Cow::Borrowed(param.wire),
                        ..param
                    });
                }
                continue;
            }
            param.name = base;
            param.extended = true;
        }
        params.push(param);
    }
    (params, odd)
}

fn one<'a>(name: &[u8], value: &'a [u8]) -> (Param<'a>, &'a [u8]) {
    let mut odd = name.last().is_some_and(u8::is_ascii_whitespace)
        || value.first().is_some_and(u8::is_ascii_whitespace);
    let mut name = name.trim_ascii().to_ascii_lowercase();
    let value = value.trim_ascii_start();
    let (mut text, wire, after) = match value.strip_prefix(b"\"") {
        Some(inner) => {
            let (text, used, closed, escaped) = quoted(inner);
            let (_, behind) = inner.split_at_checked(used).unwrap_or((inner, b""));
            let at = memchr::memchr(b';', behind).unwrap_or(behind.len());
            let (junk, after) = behind.split_at_checked(at).unwrap_or((behind, b""));
            odd |= !closed || escaped || !junk.trim_ascii().is_empty();
            let wire = value
                .get(..used.saturating_add(at).saturating_add(1))
                .unwrap_or(value);
            (text, wire, after)
        }
        None => {
            let at = memchr::memchr(b';', value).unwrap_or(value.len());
            let (text, after) = value.split_at_checked(at).unwrap_or((value, b""));
            let text = text.trim_ascii_end();
            odd |= text.iter().any(|byte| {
                byte.is_ascii_whitespace() || byte.is_ascii_control() || b"\"',".contains(byte)
            });
            (Cow::Borrowed(text), text, after)
        }
    };
    let mut extended = false;
    if let Some(base) = name.strip_suffix(b"*") {
        name = base.to_vec();
        extended = true;
        odd = true;
        text = Cow::Owned(rfc5987(&text));
    }
    let param = Param {
        name,
        value: text,
        wire,
        extended,
        odd,
    };
    (param, after.strip_prefix(b";").unwrap_or(after))
}

/// The inside of a quoted string: text, bytes used with the closing quote, whether it was closed,
/// whether an escape stood in it. Only `\"` and `\\` are escapes: old browsers send whole Windows paths.
fn quoted(inner: &[u8]) -> (Cow<'_, [u8]>, usize, bool, bool) {
    let mut out: Vec<u8> = Vec::new();
    // Nothing is copied before the first backslash.
    let mut copying = false;
    let mut escaped = false;
    let mut rest = inner;
    loop {
        let at = memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, b""));
        let used = inner.len().saturating_sub(tail.len());
        if copying {
            out.extend_from_slice(plain);
        }
        rest = match tail {
            [b'\\', after @ ..] => {
                if !copying {
                    out.extend_from_slice(plain);
                    copying = true;
                }
                match after {
                    [byte @ (b'"' | b'\\'), after @ ..] => {
                        escaped = true;
                        out.push(*byte);
                        after
                    }
                    after => {
                        out.push(b'\\');
                        after
                    }
                }
            }
            _ => {
                let closed = !tail.is_empty();
                let text = if copying {
                    Cow::Owned(out)
                } else {
                    Cow::Borrowed(plain)
                };
                let used = used.saturating_add(usize::from(closed));
                return (text, used, closed, escaped);
            }
        };
    }
}

/// `name*0` or `name*0*` as base and number.
fn continuation(name: &[u8]) -> Option<(&[u8], u32)> {
    let at = memchr::memchr(b'*', name)?;
    let (base, number) = name.split_at_checked(at)?;
    let digits = number.strip_prefix(b"*")?;
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((base, number))
}

/// `charset'language'percent-encoded` (RFC 5987, 3.2).
fn rfc5987(text: &[u8]) -> Vec<u8> {
    let mut parts = text.splitn(3, |byte| *byte == b'\'');
    let (charset, encoded) = match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(encoded)) => (charset, encoded),
        _ => (&b""[..], text),
    };
    let mut out = Vec::new();
    percent::decode(encoded, false, &mut out);
    match Charset::of_label(charset).and_then(|charset| charset.decode(&out)) {
        Some(decoded) => decoded,
        None => out,
    }
}
