//! `content-type` and `content-encoding` to a plan for the body: which readers, in which charset,
//! between which boundaries, behind which compression.

use super::charset::Charset;
use super::head::Head;
use super::params;
use crate::model::{Anomaly, AnomalySet};

/// A format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data` and every other `multipart/…`.
    Multipart,
    /// JSON (RFC 8259), `…+json` included.
    Json,
    /// JSON texts one after the other: `application/x-ndjson`, `application/json-seq`.
    Ndjson,
    /// XML, `…+xml` included.
    Xml,
    /// A GraphQL document by itself: `application/graphql`.
    Graphql,
    /// Length-prefixed messages: `application/grpc`, `application/connect+…`.
    Grpc,
    /// Length-prefixed messages and trailers: `application/grpc-web`.
    GrpcWeb,
    /// The same in base64: `application/grpc-web-text`.
    GrpcWebText,
    /// One protobuf message without a frame.
    Protobuf,
    /// `text/…`.
    Text,
    /// A type that no reader knows.
    Unknown,
    /// No content type at all.
    Missing,
}

impl BodyFormat {
    /// The name that logs and metrics use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Xml => "xml",
            Self::Graphql => "graphql",
            Self::Grpc => "grpc",
            Self::GrpcWeb => "grpc_web",
            Self::GrpcWebText => "grpc_web_text",
            Self::Protobuf => "protobuf",
            Self::Text => "text",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
        }
    }

    /// The format of a media type in lower case, parameters removed.
    pub(super) fn of_media_type(media_type: &[u8]) -> Self {
        match media_type {
            b"application/x-www-form-urlencoded" => Self::Form,
            b"application/json"
            | b"text/json"
            | b"application/x-json"
            | b"text/x-json"
            | b"application/json5"
            | b"application/csp-report"
            | b"application/connect-json" => Self::Json,
            b"application/x-ndjson"
            | b"application/ndjson"
            | b"application/jsonl"
            | b"application/x-jsonlines"
            | b"application/json-lines"
            | b"application/jsonlines"
            | b"application/json-seq"
            | b"application/stream+json" => Self::Ndjson,
            b"application/xml" | b"text/xml" => Self::Xml,
            b"application/graphql" => Self::Graphql,
            b"application/grpc" => Self::Grpc,
            b"application/grpc-web" => Self::GrpcWeb,
            b"application/grpc-web-text" => Self::GrpcWebText,
            b"application/proto"
            | b"application/protobuf"
            | b"application/x-protobuf"
            | b"application/vnd.google.protobuf" => Self::Protobuf,
            other if other.starts_with(b"application/grpc-web-text+") => Self::GrpcWebText,
            other if other.starts_with(b"application/grpc-web+") => Self::GrpcWeb,
            other
                if other.starts_with(b"application/grpc+")
                    || other.starts_with(b"application/connect+") =>
            {
                Self::Grpc
            }
            other if other.starts_with(b"multipart/") => Self::Multipart,
            other if other.ends_with(b"+json") => Self::Json,
            other if other.ends_with(b"+xml") => Self::Xml,
            other if other.starts_with(b"text/") => Self::Text,
            _ => Self::Unknown,
        }
    }
}

/// A content coding (RFC 9110, 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    /// `gzip`, `x-gzip`.
    Gzip,
    /// `deflate`: zlib, or without its header as some clients send it.
    Deflate,
    /// `br`.
    Brotli,
    /// Any other word.
    Unknown,
}

impl Coding {
    fn of_word(word: &[u8]) -> Option<Self> {
        match word.trim_ascii().to_ascii_lowercase().as_slice() {
            b"" | b"identity" => None,
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            b"br" if cfg!(feature = "brotli") => Some(Self::Brotli),
            _ => Some(Self::Unknown),
        }
    }
}

/// How the body of one request is to be read. Made from the head, owns what it needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyPlan {
    /// What the head says that the body is, the likeliest first; more than one only where it is ambiguous. Most
    /// requests say nothing, and need no memory for that.
    formats: Vec<BodyFormat>,
    pub(super) charset: Charset,
    /// Whether the head names the charset.
    pub(super) charset_is_named: bool,
    /// Every boundary that some parser would take, the likeliest first.
    pub(super) boundaries: Vec<Vec<u8>>,
    /// Whether the type is `multipart/form-data`, whose parts must have names.
    pub(super) form_data: bool,
    /// Codings in the order in which they were applied.
    pub(super) codings: Vec<Coding>,
    /// Coding of single gRPC messages.
    pub(super) message_coding: Option<Coding>,
    /// Whether the method is one that brings a body.
    pub(super) expects_body: bool,
    /// What is odd about the head, told with the body: without one it is nobody's concern.
    pub(super) anomalies: AnomalySet,
}

/// Content types, boundaries and codings of one head that are followed up.
const MAX_READINGS: usize = 4;

impl BodyPlan {
    /// The plan for the body that follows this head.
    pub fn of(head: &Head<'_>) -> Self {
        let mut plan = Self {
            formats: Vec::new(),
            charset: Charset::default(),
            charset_is_named: false,
            boundaries: Vec::new(),
            form_data: false,
            codings: Vec::new(),
            message_coding: None,
            expects_body: [&b"POST"[..], b"PUT", b"PATCH"].contains(&head.method),
            anomalies: AnomalySet::EMPTY,
        };
        let mut types = 0_usize;
        for (name, value) in head.headers {
            if name.eq_ignore_ascii_case(b"content-type") {
                if !value.trim_ascii().is_empty() {
                    types = types.saturating_add(1);
                    plan.read_types(value);
                }
            } else if name.eq_ignore_ascii_case(b"content-encoding") {
                for word in value.split(|byte| *byte == b',') {
                    if plan.codings.len() < MAX_READINGS {
                        plan.codings.extend(Coding::of_word(word));
                    } else {
                        plan.anomalies.insert(Anomaly::UnknownCompression);
                    }
                }
            } else if name.eq_ignore_ascii_case(b"grpc-encoding")
                || name.eq_ignore_ascii_case(b"connect-content-encoding")
            {
                plan.message_coding = Coding::of_word(value);
            }
        }
        if types > 1 {
            plan.anomalies.insert(Anomaly::AmbiguousContentType);
        }
        let multipart = plan.formats.contains(&BodyFormat::Multipart);
        if multipart && plan.boundaries.is_empty() {
            plan.anomalies.insert(Anomaly::BadBoundary);
        }
        plan
    }

    /// What the body may be, the likeliest first; never empty.
    pub(super) fn formats(&self) -> &[BodyFormat] {
        match self.formats.as_slice() {
            [] => &[BodyFormat::Missing],
            formats => formats,
        }
    }

    /// What most servers would take the body for.
    pub fn format(&self) -> BodyFormat {
        self.formats.first().copied().unwrap_or(BodyFormat::Missing)
    }

    /// Whether the client expects its answer in gRPC's own form.
    pub fn is_grpc(&self) -> bool {
        matches!(self.format(), BodyFormat::Grpc)
    }

    /// Whether the body is a stream of messages, each of which is judged and released by itself.
    pub fn is_message_stream(&self) -> bool {
        matches!(self.format(), BodyFormat::Grpc) && self.codings.is_empty()
    }

    fn read_types(&mut self, header: &[u8]) {
        // A comma joins two header lines, or stands in a value that some parser cuts there.
        for (index, piece) in split_unquoted(header).into_iter().enumerate() {
            if index > 0 {
                self.anomalies.insert(Anomaly::AmbiguousContentType);
            }
            self.read_type(piece, index > 0);
        }
        if memchr::memchr(b',', header).is_some() {
            // Read without the cut as well: `boundary=a,b` is one boundary to most.
            self.read_type(header, true);
        }
    }

    fn read_type(&mut self, piece: &[u8], second: bool) {
        let at = memchr::memchr(b';', piece).unwrap_or(piece.len());
        let (media_type, rest) = piece.split_at_checked(at).unwrap_or((piece, b""));
        let media_type = media_type.trim_ascii().to_ascii_lowercase();
        if media_type.is_empty() && rest.is_empty() {
            return;
        }
        if memchr::memchr(b'/', &media_type).is_some() || !second {
            let format = BodyFormat::of_media_type(&media_type);
            // Beside a type that is known an unknown one adds nothing.
            let known = format != BodyFormat::Unknown || self.formats.is_empty();
            if known && !self.formats.contains(&format) && self.formats.len() < MAX_READINGS {
                self.formats.push(format);
            }
            self.form_data |= media_type == b"multipart/form-data";
        }
        let (params, odd) = params::parse(rest.strip_prefix(b";").unwrap_or(rest));
        let multipart = media_type.starts_with(b"multipart/");
        if odd && multipart {
            self.anomalies.insert(Anomaly::AmbiguousContentType);
        }
        for param in &params {
            match param.name.as_slice() {
                b"charset" => self.name_charset(&param.value),
                b"boundary" => {
                    self.add_boundary(&param.value);
                    if param.odd {
                        let bare = param.wire.trim_ascii();
                        self.add_boundary(bare);
                        let first = bare
                            .split(|byte| byte.is_ascii_whitespace() || *byte == b',')
                            .next();
                        self.add_boundary(first.unwrap_or(bare));
                    }
                }
                _ => {}
            }
        }
    }

    fn name_charset(&mut self, label: &[u8]) {
        match Charset::of_label(label.trim_ascii_start().trim_ascii_end()) {
            Some(charset) if self.charset_is_named && charset != self.charset => {
                self.anomalies.insert(Anomaly::AmbiguousContentType);
                // The odd one is the one that would hide something.
                if self.charset == Charset::Ascii {
                    self.charset = charset;
                }
            }
            Some(charset) => self.charset = charset,
            None => self.anomalies.insert(Anomaly::UnknownCharset),
        }
        self.charset_is_named = true;
    }

    fn add_boundary(&mut self, boundary: &[u8]) {
        // RFC 2046, 5.1.1: 1 to 70 of these characters, no space at the end.
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
        if boundary.is_empty()
            || boundary.len() > 70
            || !boundary.iter().all(allowed)
            || boundary.ends_with(b" ")
        {
            self.anomalies.insert(Anomaly::BadBoundary);
        }
        if boundary.is_empty() || self.boundaries.iter().any(|known| known == boundary) {
            return;
        }
        if !self.boundaries.is_empty() {
            self.anomalies.insert(Anomaly::AmbiguousContentType);
        }
        if self.boundaries.len() < MAX_READINGS {
            self.boundaries.push(boundary.to_vec());
        }
    }
}

/// Splits at commas that stand outside quotes.
fn split_unquoted(header: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut quoted = false;
    let mut start = 0_usize;
    for (at, byte) in header.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted && pieces.len() < MAX_READINGS => {
                pieces.push(header.get(start..at).unwrap_or_default());
                start = at.saturating_add(1);
            }
            _ => {}
        }
    }
    pieces.push(header.get(start..).unwrap_or_default());
    pieces
}
