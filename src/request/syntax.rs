//! Which headers hold machine syntax and which hold text: the default list, and the grammars.
//!
//! A value that keeps to its grammar is no text that anybody wrote and is not scanned; one that
//! does not is scanned like any other, so that `accept-language: '; drop table` or
//! `content-type: %{(#_=…)}` (CVE-2017-5638) has no shelter. Whatever is not listed is text:
//! `referer`, `user-agent`, `forwarded`, `x-forwarded-*` and the headers of applications.

use super::Kind;
use crate::decode::Signs;
use crate::decode::signs::{DIGIT, LETTERS, classes};

/// The machine syntax that a header's value is due to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `scheme token68` (RFC 9110, 11.4): a word, a space, base64 or a JSON Web Token.
    Credentials,
    /// Words, digits and the marks of tokens and base64; no white space.
    Opaque,
    /// Media ranges, languages, codings, directives, entity tags: words and the marks
    /// `-_.+*/=,;:"`, a space only behind `,` or `;`.
    List,
    /// Digits, or the `?1` of structured fields.
    Number,
    /// A date that ends in `GMT` (RFC 9110, 5.6.7).
    Date,
    /// Structured field of user agent hints (RFC 8941), whose brands hold odd marks on purpose.
    Hints,
    /// Host and port.
    Authority,
}

/// The headers of machine syntax by default, in lower case; `*` stands for any beginning or end.
/// A name stands under the first entry that fits.
pub const MACHINE_HEADERS: &[(&str, Syntax)] = &[
    // Secrets; the user name of `Basic` is a field of its own.
    ("authorization", Syntax::Credentials),
    ("proxy-authorization", Syntax::Credentials),
    // Negotiation, framing and conditions, written by clients (RFC 9110).
    ("accept", Syntax::List),
    ("accept-charset", Syntax::List),
    ("accept-encoding", Syntax::List),
    ("accept-language", Syntax::List),
    ("accept-datetime", Syntax::List),
    ("content-type", Syntax::List),
    ("content-encoding", Syntax::List),
    ("content-language", Syntax::List),
    ("transfer-encoding", Syntax::List),
    ("te", Syntax::List),
    ("trailer", Syntax::List),
    ("connection", Syntax::List),
    ("keep-alive", Syntax::List),
    ("upgrade", Syntax::List),
    ("expect", Syntax::List),
    ("pragma", Syntax::List),
    ("cache-control", Syntax::List),
    ("priority", Syntax::List),
    ("prefer", Syntax::List),
    ("range", Syntax::List),
    ("if-range", Syntax::List),
    ("if-match", Syntax::List),
    ("if-none-match", Syntax::List),
    // Preflights, written by browsers.
    ("access-control-request-headers", Syntax::List),
    ("access-control-request-method", Syntax::List),
    // Protocols over HTTP.
    ("http2-settings", Syntax::List),
    ("sec-websocket-protocol", Syntax::List),
    ("sec-websocket-extensions", Syntax::List),
    ("grpc-encoding", Syntax::List),
    ("grpc-accept-encoding", Syntax::List),
    ("grpc-timeout", Syntax::List),
    ("baggage", Syntax::List),
    // Numbers and switches.
    ("content-length", Syntax::Number),
    ("max-forwards", Syntax::Number),
    ("dnt", Syntax::Number),
    ("upgrade-insecure-requests", Syntax::Number),
    ("save-data", Syntax::Number),
    ("sec-gpc", Syntax::Number),
    ("sec-websocket-version", Syntax::Number),
    ("sec-fetch-user", Syntax::Number),
    ("x-envoy-attempt-count", Syntax::Number),
    ("x-envoy-expected-rq-timeout-ms", Syntax::Number),
    ("date", Syntax::Date),
    ("if-modified-since", Syntax::Date),
    ("if-unmodified-since", Syntax::Date),
    // Trace contexts.
    ("traceparent", Syntax::Opaque),
    ("tracestate", Syntax::Opaque),
    ("b3", Syntax::Opaque),
    ("x-b3-*", Syntax::Opaque),
    ("x-request-id", Syntax::Opaque),
    ("x-correlation-id", Syntax::Opaque),
    ("x-amzn-trace-id", Syntax::Opaque),
    ("x-cloud-trace-context", Syntax::Opaque),
    ("x-datadog-trace-id", Syntax::Opaque),
    ("x-datadog-parent-id", Syntax::Opaque),
    ("x-ot-span-context", Syntax::Opaque),
    ("x-client-trace-id", Syntax::Opaque),
    ("uber-trace-id", Syntax::Opaque),
    // Tokens and digests; `origin` is a scheme, a host and a port.
    ("x-csrf-token", Syntax::Opaque),
    ("x-xsrf-token", Syntax::Opaque),
    ("content-md5", Syntax::Opaque),
    ("digest", Syntax::Opaque),
    ("origin", Syntax::Opaque),
    ("x-envoy-internal", Syntax::Opaque),
    ("sec-websocket-key", Syntax::Opaque),
    // What browsers say about themselves.
    ("sec-ch-*", Syntax::Hints),
    ("sec-fetch-*", Syntax::Opaque),
    // Binary metadata of gRPC is base64.
    ("*-bin", Syntax::Opaque),
    ("host", Syntax::Authority),
];

/// For each first letter the lengths of the names without `*` that begin with it, and whether some name with
/// one does (bit 0, which no name needs). Most headers of applications are told apart by it.
const LENGTHS: [u64; 26] = {
    let mut lengths = [0; 26];
    let mut rest = MACHINE_HEADERS;
    while let [(pattern, _), others @ ..] = rest {
        let pattern = pattern.as_bytes();
        let mut letter = b'a';
        let mut slots: &mut [u64] = &mut lengths;
        while let Some((slot, behind)) = slots.split_first_mut() {
            if let [first, ..] = pattern
                && *first == letter
            {
                let open = matches!(pattern, [.., b'*']);
                *slot |= if open { 1 } else { 1 << (pattern.len() & 63) };
            }
            letter += 1;
            slots = behind;
        }
        rest = others;
    }
    lengths
};

/// Whether a name may be in the list.
fn listed(name: &[u8]) -> bool {
    let Some(first) = name.first() else {
        return false;
    };
    let index = first.to_ascii_lowercase().wrapping_sub(b'a');
    let lengths = LENGTHS.get(usize::from(index)).copied().unwrap_or(0);
    let exact = name.len() < 64 && lengths >> name.len() & 1 == 1;
    exact
        || lengths & 1 == 1
        || name
            .last()
            .is_some_and(|last| last.eq_ignore_ascii_case(&b'n'))
}

impl Syntax {
    /// The syntax of that header, `None` for text.
    pub(crate) fn of_header(name: &[u8]) -> Option<Self> {
        if !listed(name) {
            return None;
        }
        let first = name.first().map(u8::to_ascii_lowercase);
        let fits = |pattern: &str| {
            let pattern = pattern.as_bytes();
            let start = pattern.first().copied();
            if start != first && start != Some(b'*') {
                return false;
            }
            match pattern {
                [b'*', end @ ..] => name
                    .len()
                    .checked_sub(end.len())
                    .and_then(|at| name.get(at..))
                    .is_some_and(|tail| tail.eq_ignore_ascii_case(end)),
                [start @ .., b'*'] => name
                    .get(..start.len())
                    .is_some_and(|head| head.eq_ignore_ascii_case(start)),
                _ => pattern.len() == name.len() && name.eq_ignore_ascii_case(pattern),
            }
        };
        MACHINE_HEADERS
            .iter()
            .find(|(pattern, _)| fits(pattern))
            .map(|(_, syntax)| *syntax)
    }

    /// Whether a value of a header with this syntax is none that is scanned. Of credentials it is not said: a name
    /// may stand in them.
    pub(crate) fn holds_no_text(self, value: &[u8]) -> bool {
        self != Self::Credentials && self.kind(value, Signs::of(value)) != Kind::Text
    }

    pub(super) fn kind(self, value: &[u8], signs: Signs) -> Kind {
        let plain = !value.is_empty() && signs.only(self.plain());
        let holds = plain || self.holds(value);
        match self {
            _ if !holds => Kind::Text,
            Self::Number => Kind::Number,
            _ => Kind::Token,
        }
    }

    /// Classes of bytes of which every text keeps to the grammar; none where it takes more to tell.
    const fn plain(self) -> u64 {
        const WORD: u64 = LETTERS | DIGIT;
        const OPAQUE: u64 = WORD | classes(b"-_.:;=,/@+|");
        const LIST: u64 = WORD | classes(b"-_.+*/=,;:\"");
        const AUTHORITY: u64 = WORD | classes(b"-._:[]");
        match self {
            Self::Opaque => OPAQUE,
            Self::List => LIST,
            Self::Authority => AUTHORITY,
            Self::Credentials | Self::Number | Self::Date | Self::Hints => 0,
        }
    }

    pub(super) fn holds(self, value: &[u8]) -> bool {
        let value = value.trim_ascii();
        let word = |byte: &u8, marks: &[u8]| byte.is_ascii_alphanumeric() || marks.contains(byte);
        match self {
            Self::Credentials => {
                let at = memchr::memchr(b' ', value).unwrap_or(0);
                let (scheme, token) = value.split_at_checked(at).unwrap_or((b"", value));
                let token = token.strip_prefix(b" ").unwrap_or(token);
                scheme.iter().all(|byte| word(byte, b"-"))
                    && token.iter().all(|byte| word(byte, b"-._~+/="))
            }
            Self::Opaque => value.iter().all(|byte| word(byte, b"-_.:;=,/@+|")),
            Self::List => {
                let mut before = b',';
                value.iter().all(|byte| {
                    let fits = match byte {
                        b' ' | b'\t' => matches!(before, b',' | b';' | b' '),
                        byte => word(byte, b"-_.+*/=,;:\""),
                    };
                    before = *byte;
                    fits
                })
            }
            Self::Number => {
                value.iter().all(|byte| word(byte, b"?"))
                    && value.len() <= 20
                    && !value.iter().any(u8::is_ascii_alphabetic)
            }
            Self::Date => {
                value.len() <= 40
                    && value.ends_with(b"GMT")
                    && value.iter().any(u8::is_ascii_digit)
                    && value.iter().all(|byte| word(byte, b" ,:-"))
            }
            Self::Hints => {
                value.len() <= 512 && value.iter().all(|byte| word(byte, b" ()-./:;=?_,\"*"))
            }
            Self::Authority => value.iter().all(|byte| word(byte, b"-._:[]")),
        }
    }
}
