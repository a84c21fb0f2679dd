//! The head of a request to fields: path, query, headers and cookies.

use std::borrow::Cow;

use super::charset::Charset;
use super::pairs::{Pairs, differs};
use super::syntax::Syntax;
use super::{Fields, Kind, cookies, transfer};
use crate::decode::signs::HIGH;
use crate::decode::{Signs, percent};
use crate::model::{Anomaly, Limits, Zone};

/// The head of a request, as slices of whatever buffer the caller holds.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// `GET`, `POST`, … as it came; methods are case-sensitive (RFC 9110, 9.1).
    pub method: &'a [u8],
    /// `http` or `https`.
    pub scheme: &'a [u8],
    /// The host and port asked for: `:authority`, or the `host` header.
    pub authority: &'a [u8],
    /// The request target: path and query, as it came.
    pub target: &'a [u8],
    /// The HTTP version as the proxy names it (`HTTP/1.1`, `HTTP/2`), or the `:protocol` of an extended CONNECT (RFC 8441).
    pub protocol: &'a [u8],
    /// The headers in the order in which they came, pseudo headers apart.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// Whether no body follows.
    pub end_of_stream: bool,
}

impl<'a> Head<'a> {
    /// The path as it came, without origin and query.
    pub fn path(&self) -> &'a [u8] {
        split_target(self.target).0
    }

    /// The values of the headers of that name; names are compared without case.
    pub fn values(&self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// Whether a header is a list of words with this one among them.
    fn lists(&self, name: &'a [u8], word: &[u8]) -> bool {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(word))
    }
}

/// What is known of a header from requests before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Familiar {
    /// Nothing.
    No,
    /// There is nothing in its name.
    Name,
    /// There is nothing in its name or its value.
    Whole,
}

/// What may be familiar, for whoever is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The path, as it came; its name is empty.
    Path,
    /// [`Head::authority`], under the name `host`.
    Authority,
    /// The header of that index.
    Header(u32),
}

/// Reads path, query, headers and cookies.
pub fn read_head(head: &Head<'_>, limits: &Limits, fields: &mut Fields) {
    read_unfamiliar_head(head, limits, fields, |_, _| Familiar::No);
}

/// The same without the path and headers in which there is known to be nothing. `familiar` is asked for the name
/// and the value of each; cookies and credentials, which are read part by part, it must not know.
pub fn read_unfamiliar_head(
    head: &Head<'_>,
    limits: &Limits,
    fields: &mut Fields,
    mut familiar: impl FnMut((&[u8], &[u8]), Place) -> Familiar,
) {
    read_target(head.target, limits, fields, &mut familiar);
    if !head.authority.is_empty() {
        let host: &[u8] = b"host";
        match familiar((host, head.authority), Place::Authority) {
            Familiar::Whole => fields.pass(limits, Zone::RequestHeader, host, head.authority),
            Familiar::Name | Familiar::No => {
                let kind = Syntax::Authority.kind(head.authority, Signs::of(head.authority));
                fields.push(limits, Zone::RequestHeader, kind, host, head.authority);
            }
        }
        let other = |value: &[u8]| !value.eq_ignore_ascii_case(head.authority);
        if head.values(b"host").any(other) {
            fields.find(Anomaly::DuplicateHeader, Zone::RequestHeader, b"host");
        }
    }
    read_headers(head.headers, limits, fields, familiar);
}

/// Reads the trailers, as headers.
pub fn read_trailers(trailers: &[(&[u8], &[u8])], limits: &Limits, fields: &mut Fields) {
    read_headers(trailers, limits, fields, |_, _| Familiar::No);
}

/// Whether this head opens a WebSocket: the handshake of RFC 6455 (4.1), or an extended CONNECT (RFC 8441),
/// also as a proxy rewrites it for HTTP/1, without a key. A mere `upgrade` header exempts nothing.
pub fn is_websocket_upgrade(head: &Head<'_>) -> bool {
    let mut versions = head.values(b"sec-websocket-version");
    if versions
        .next()
        .is_none_or(|version| version.trim_ascii() != b"13")
        || versions.next().is_some()
    {
        return false;
    }
    if head.method == b"CONNECT" {
        return head.protocol.eq_ignore_ascii_case(b"websocket");
    }
    if head.method != b"GET"
        || !head.lists(b"connection", b"upgrade")
        || !head.lists(b"upgrade", b"websocket")
        || head.values(b"upgrade").count() != 1
        || head.values(b"transfer-encoding").next().is_some()
        || head
            .values(b"content-length")
            .any(|length| length.trim_ascii() != b"0")
    {
        return false;
    }
    let mut keys = head.values(b"sec-websocket-key");
    match (keys.next(), keys.next()) {
        // Sixteen bytes in base64.
        (Some(key), None) => {
            let key = key.trim_ascii();
            key.len() == 24 && key.ends_with(b"==") && Syntax::Opaque.holds(key)
        }
        (None, _) => head.protocol.starts_with(b"HTTP/2") || head.protocol.starts_with(b"HTTP/3"),
        _ => false,
    }
}

/// Whether this head asks the proxy for a WebSocket, whether or not it is a handshake.
pub fn claims_websocket(head: &Head<'_>) -> bool {
    claims_upgrade(head)
        && (head.lists(b"upgrade", b"websocket")
            || head.protocol.eq_ignore_ascii_case(b"websocket"))
}

/// Whether this head asks the proxy for a tunnel, whether or not it is a handshake of anything.
pub fn claims_upgrade(head: &Head<'_>) -> bool {
    head.method == b"CONNECT"
        || (head.lists(b"connection", b"upgrade") && head.values(b"upgrade").next().is_some())
}

/// The path of a target, without its origin, and what follows it.
fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    let target = strip_origin(target);
    let at = memchr::memchr(b'?', target).unwrap_or(target.len());
    target.split_at_checked(at).unwrap_or((target, b""))
}

fn read_target(
    target: &[u8],
    limits: &Limits,
    fields: &mut Fields,
    familiar: &mut impl FnMut((&[u8], &[u8]), Place) -> Familiar,
) {
    let (path, query) = split_target(target);
    if familiar((b"", path), Place::Path) == Familiar::Whole {
        fields.pass(limits, Zone::Path, b"", path);
    } else {
        read_path(path, limits, fields);
    }
    if let Some(query) = query.strip_prefix(b"?") {
        if query.iter().any(|byte| invalid_url_byte(*byte)) {
            fields.find(Anomaly::InvalidUrlByte, Zone::QueryString, b"");
        }
        let pairs = Pairs {
            zone: Zone::QueryString,
            malformed: Anomaly::MalformedQuery,
            charset: Charset::default(),
            complete: true,
            declared: true,
        };
        pairs.read(query, limits, fields);
    }
}

fn read_path(path: &[u8], limits: &Limits, fields: &mut Fields) {
    if path.iter().any(|byte| invalid_url_byte(*byte)) {
        fields.find(Anomaly::InvalidUrlByte, Zone::Path, b"");
    }
    let mut plain = Cow::Borrowed(path);
    if memchr::memchr(b'%', path).is_some() {
        let mut out = Vec::new();
        let outcome = percent::decode(path, false, &mut out);
        if outcome.anomalies.contains(Anomaly::InvalidPercent) {
            fields.find(Anomaly::InvalidPercent, Zone::Path, b"");
        }
        plain = Cow::Owned(out);
    }
    fields.push_decoded(
        limits,
        Zone::Path,
        Kind::Text,
        (b"", None),
        (&plain, differs(&plain, path)),
    );
}

/// The target without the origin of its absolute form (RFC 9112, 3.2.2). A target that begins with
/// a slash has none, whatever it holds.
fn strip_origin(target: &[u8]) -> &[u8] {
    if target.first() == Some(&b'/') {
        return target;
    }
    let Some(at) = memchr::memmem::find(target, b"://") else {
        return target;
    };
    let (scheme, rest) = target.split_at_checked(at).unwrap_or((target, b""));
    if !scheme.iter().all(u8::is_ascii_alphanumeric) {
        return target;
    }
    let rest = rest.strip_prefix(b"://").unwrap_or(rest);
    let slash = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    rest.get(slash..).unwrap_or_default()
}

/// Bytes that stand in no target, however lenient its writer: browsers encode controls, spaces,
/// quotes and angle brackets, and cut the target at `#`. RFC 3986 excludes more (`|`, `^`, `{`),
/// which browsers send in queries every day.
fn invalid_url_byte(byte: u8) -> bool {
    byte <= b' ' || byte >= 0x7F || matches!(byte, b'"' | b'<' | b'>' | b'#' | b'\\')
}

fn read_headers(
    headers: &[(&[u8], &[u8])],
    limits: &Limits,
    fields: &mut Fields,
    mut familiar: impl FnMut((&[u8], &[u8]), Place) -> Familiar,
) {
    let mut bytes = 0_usize;
    let mut seen = [false; SINGLE.len()];
    for (index, (name, value)) in headers.iter().copied().enumerate() {
        if name.first() == Some(&b':') {
            continue;
        }
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        if index >= limits.headers || bytes > limits.header_bytes {
            fields.find(Anomaly::TooManyHeaders, Zone::RequestHeader, b"");
            return;
        }
        for (single, seen) in SINGLE.iter().zip(&mut seen) {
            if name.eq_ignore_ascii_case(single) {
                if *seen || (*single == b"content-length" && memchr::memchr(b',', value).is_some())
                {
                    fields.find(Anomaly::DuplicateHeader, Zone::RequestHeader, single);
                }
                *seen = true;
            }
        }
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let known = familiar((name, value), Place::Header(index as u32));
        if known == Familiar::Whole {
            fields.pass(limits, Zone::RequestHeader, name, value);
            continue;
        }
        let signs = Signs::of(value);
        let is_text = |text: &[u8]| std::str::from_utf8(text).is_ok();
        if !(name.is_ascii() || is_text(name)) || signs.any(HIGH) && !is_text(value) {
            fields.find(Anomaly::HeaderNotUtf8, Zone::RequestHeader, name);
        }
        if is(b"cookie") {
            cookies::read(value, limits, fields);
            continue;
        }
        if is(b"authorization")
            && let Some((b"Basic" | b"basic", token)) = value.split_at_checked(5)
        {
            // The user name reaches databases and directories as it is (CWE-90); the password does not.
            let credentials = transfer::base64(token);
            let user = credentials.split(|byte| *byte == b':').next();
            let user = user.unwrap_or_default();
            fields.push(limits, Zone::RequestHeader, Kind::Text, name, user);
        }
        let kind = match Syntax::of_header(name) {
            Some(syntax) => syntax.kind(value, signs),
            None => Kind::Text,
        };
        // A name in which there is nothing is there, but no text to look at.
        let key = match known {
            Familiar::Name => name.len(),
            _ => 0,
        };
        let name = (name, None, key);
        fields.push_seen(limits, Zone::RequestHeader, kind, name, (value, signs));
    }
}

/// Headers of which a request has one at most, and of which two are read differently (CWE-444).
const SINGLE: [&[u8]; 5] = [
    b"host",
    b"content-type",
    b"content-length",
    b"transfer-encoding",
    b"authorization",
];
