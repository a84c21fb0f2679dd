//! What a reader noticed while it read: never an error, always a finding that a rule may act on.

use super::Fallback;
use super::named::{named, named_set};

named! {
    /// Something odd about the form of a request. Rules name the anomalies they act on, so what an
    /// anomaly leads to is the policy's choice.
    pub enum Anomaly as "anomaly" {
        /// A part of the request that no reader could make sense of.
        Unreadable = "unreadable",
        /// The body is larger than the inspection limit; only the prefix was read.
        BodyTooLarge = "body_too_large",
        /// A null byte in a name or a value.
        NullByte = "null_byte",
        /// A `%` that is not followed by two hexadecimal digits (RFC 3986, 2.1).
        InvalidPercent = "invalid_percent",
        /// A body without a content type.
        MissingContentType = "missing_content_type",
        /// A body of a content type that no reader knows.
        UnknownContentType = "unknown_content_type",
        /// More than one content type, or one that contradicts its own parameters.
        AmbiguousContentType = "ambiguous_content_type",
        /// A charset that is not ASCII-compatible or not known.
        UnknownCharset = "unknown_charset",
        /// A request target with stray, doubled or trailing `&`.
        MalformedQuery = "malformed_query",
        /// A request target with bytes that no URL may hold.
        InvalidUrlByte = "invalid_url_byte",
        /// A form body with broken pairs.
        MalformedForm = "malformed_form",
        /// A multipart part with headers that are broken.
        MalformedMultipart = "malformed_multipart",
        /// A multipart body that two parsers may read differently: duplicate names in one part, bare line feeds, text before or after.
        AmbiguousMultipart = "ambiguous_multipart",
        /// A multipart part in a charset that no program writes forms in, such as UTF-16 or UTF-7.
        UnusualPartCharset = "unusual_part_charset",
        /// A multipart boundary that is missing, empty, too long or not matched by the body.
        BadBoundary = "bad_boundary",
        /// A JSON text that does not parse.
        InvalidJson = "invalid_json",
        /// Data behind the end of a JSON text.
        TrailingJson = "trailing_json",
        /// The same key twice in one JSON object.
        DuplicateJsonKey = "duplicate_json_key",
        /// JSON nested deeper than the limit.
        JsonTooDeep = "json_too_deep",
        /// POST, PUT or PATCH without a body.
        MissingBody = "missing_body",
        /// XML that does not parse.
        InvalidXml = "invalid_xml",
        /// XML nested deeper than the limit.
        XmlTooDeep = "xml_too_deep",
        /// A document type declaration.
        XmlDoctype = "xml_doctype",
        /// An entity declaration, internal or external.
        XmlEntity = "xml_entity",
        /// A GraphQL document that does not parse.
        InvalidGraphql = "invalid_graphql",
        /// A GraphQL document nested deeper than the limit.
        GraphqlTooDeep = "graphql_too_deep",
        /// More aliases in a GraphQL document than the limit.
        GraphqlTooManyAliases = "graphql_too_many_aliases",
        /// gRPC framing or protobuf that cannot be walked.
        InvalidGrpc = "invalid_grpc",
        /// A compressed body that does not decompress.
        InvalidCompression = "invalid_compression",
        /// A content coding that is not known.
        UnknownCompression = "unknown_compression",
        /// A compressed body that grows past the size or ratio limit.
        DecompressionLimit = "decompression_limit",
        /// More fields than the limit.
        TooManyFields = "too_many_fields",
        /// A name longer than the limit; its prefix was inspected.
        NameTooLong = "name_too_long",
        /// A value longer than the limit; its prefix was inspected.
        ValueTooLong = "value_too_long",
        /// More headers, or more bytes of headers, than the limit.
        TooManyHeaders = "too_many_headers",
        /// More multipart parts than the limit.
        TooManyParts = "too_many_parts",
        /// Text that still changed after the last permitted decoding pass.
        DecodeLimit = "decode_limit",
        /// UTF-8 that spells a character with more bytes than it needs (RFC 3629, 3).
        OverlongUtf8 = "overlong_utf8",
        /// The same header twice where only one may stand (RFC 9110, 5.3).
        DuplicateHeader = "duplicate_header",
        /// A header whose bytes are not UTF-8.
        HeaderNotUtf8 = "header_not_utf8",
        /// The stream was upgraded; what follows the handshake is not inspected.
        UninspectedUpgrade = "uninspected_upgrade",
        /// The upstream answered before the verdict on the body.
        EarlyResponse = "early_response",
        /// A request that says `Upgrade` without being a handshake, and that the proxy treats as a tunnel.
        FalseUpgrade = "false_upgrade",
        /// The request ended before its body was complete.
        IncompleteRequest = "incomplete_request",
        /// The body was held for longer than the limit.
        HoldTimeout = "hold_timeout",
    }
}

named_set! {
    /// A set of anomalies.
    AnomalySet of Anomaly in u64
}

impl Anomaly {
    /// Anomalies that mean that part of a request was not seen. What becomes of such a request is the
    /// policy's choice (`uninspected`), and the decision always names them.
    pub const UNINSPECTED: AnomalySet = AnomalySet::of(&[
        Self::Unreadable,
        Self::BodyTooLarge,
        Self::UnknownCharset,
        Self::InvalidCompression,
        Self::UnknownCompression,
        Self::DecompressionLimit,
        Self::JsonTooDeep,
        Self::XmlTooDeep,
        Self::GraphqlTooDeep,
        Self::GraphqlTooManyAliases,
        Self::TooManyFields,
        Self::NameTooLong,
        Self::ValueTooLong,
        Self::TooManyHeaders,
        Self::TooManyParts,
        Self::DecodeLimit,
        Self::UninspectedUpgrade,
        Self::FalseUpgrade,
        Self::EarlyResponse,
        Self::IncompleteRequest,
        Self::HoldTimeout,
    ]);

    /// What becomes of a request of which this was not seen, unless the policy says otherwise. What
    /// ordinary clients bring about (large uploads, long values, sockets) goes on; what takes
    /// an intention, or hides anything at will, is blocked.
    pub const fn default_fallback(self) -> Fallback {
        match self {
            Self::Unreadable
            | Self::InvalidCompression
            | Self::UnknownCompression
            | Self::DecompressionLimit
            | Self::JsonTooDeep
            | Self::XmlTooDeep
            | Self::GraphqlTooDeep
            | Self::GraphqlTooManyAliases
            | Self::TooManyFields
            | Self::TooManyHeaders
            | Self::TooManyParts
            | Self::DecodeLimit
            | Self::FalseUpgrade
            | Self::HoldTimeout => Fallback::Block,
            _ => Fallback::InspectPrefix,
        }
    }
}
