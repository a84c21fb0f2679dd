//! How much of a request is read.

/// How much of a request is read. Every number has a key in the policy and a default in its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body that are inspected.
    pub body_bytes: usize,
    /// Fields of one request, all zones together.
    pub fields: usize,
    /// Bytes of one field name that are inspected.
    pub name_bytes: usize,
    /// Bytes of one field value that are inspected.
    pub value_bytes: usize,
    /// Nesting of JSON objects and arrays.
    pub json_depth: usize,
    /// Nesting of XML elements.
    pub xml_depth: usize,
    /// Nesting of GraphQL selections and values.
    pub graphql_depth: usize,
    /// Aliases in one GraphQL document.
    pub graphql_aliases: usize,
    /// Passes of the decoder over one text.
    pub decode_passes: usize,
    /// Bytes that a compressed body may grow to.
    pub decompressed_bytes: usize,
    /// How many times its own size a compressed body may grow to.
    pub decompression_ratio: usize,
    /// Headers of one request.
    pub headers: usize,
    /// Bytes of all headers of one request, names and values.
    pub header_bytes: usize,
    /// Parts of one multipart body.
    pub multipart_parts: usize,
    /// Bytes of one uploaded file that are inspected; 0 leaves contents alone.
    pub file_bytes: usize,
    /// Seconds for which a request may be held while its body comes.
    pub hold_seconds: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 128 * 1024,
            fields: 4096,
            name_bytes: 16 * 1024,
            value_bytes: 128 * 1024,
            json_depth: 64,
            xml_depth: 64,
            graphql_depth: 32,
            graphql_aliases: 64,
            decode_passes: 5,
            decompressed_bytes: 256 * 1024,
            decompression_ratio: 100,
            headers: 128,
            header_bytes: 64 * 1024,
            multipart_parts: 256,
            file_bytes: 0,
            hold_seconds: 60,
        }
    }
}

impl Limits {
    /// Bytes of texts from which on no more fields are taken, and bytes of decoded views from which on
    /// nothing more is decoded: several readings of the largest body that is read, and never less than
    /// 8 MiB. The last of them may go past it.
    pub fn arena_bytes(&self) -> usize {
        let body = self.body_bytes.max(self.decompressed_bytes);
        body.saturating_mul(8).max(8 * 1024 * 1024)
    }

    /// Every limit: its key in the policy, its value, and what it may be set to. The largest
    /// values keep one request within a few megabytes.
    pub fn entries(&mut self) -> [(&'static str, &mut usize, std::ops::RangeInclusive<usize>); 16] {
        [
            ("body_bytes", &mut self.body_bytes, 0..=4 << 20),
            ("fields", &mut self.fields, 16..=65_536),
            ("name_bytes", &mut self.name_bytes, 16..=64 << 10),
            ("value_bytes", &mut self.value_bytes, 16..=4 << 20),
            ("json_depth", &mut self.json_depth, 1..=256),
            ("xml_depth", &mut self.xml_depth, 1..=256),
            ("graphql_depth", &mut self.graphql_depth, 1..=256),
            ("graphql_aliases", &mut self.graphql_aliases, 0..=65_536),
            ("decode_passes", &mut self.decode_passes, 1..=16),
            (
                "decompressed_bytes",
                &mut self.decompressed_bytes,
                0..=16 << 20,
            ),
            (
                "decompression_ratio",
                &mut self.decompression_ratio,
                1..=10_000,
            ),
            ("headers", &mut self.headers, 8..=4096),
            ("header_bytes", &mut self.header_bytes, 1024..=1 << 20),
            ("multipart_parts", &mut self.multipart_parts, 1..=65_536),
            ("file_bytes", &mut self.file_bytes, 0..=4 << 20),
            ("hold_seconds", &mut self.hold_seconds, 1..=3600),
        ]
    }
}
