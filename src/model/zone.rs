//! Where in a request a field was found.

use super::named::{named, named_set};

named! {
    /// A part of the request whose fields are inspected alike.
    pub enum Zone as "zone" {
        /// The path of the request target, without the query string.
        Path = "path",
        /// The parameters behind the `?` of the request target.
        QueryString = "query_string",
        /// Request headers (and trailers), names and values, cookies apart.
        RequestHeader = "request_header",
        /// The cookies that the `cookie` header carries, one field each.
        Cookies = "cookies",
        /// Fields read from a body that was understood (form, JSON, multipart, XML, GraphQL, gRPC).
        RequestBody = "request_body",
        /// A body, or a piece of one, that could not be split into fields.
        RawBody = "raw_body",
        /// The file name of a multipart part that holds a file.
        FileName = "file_name",
        /// The contents of an uploaded file, where the policy asks for them.
        FileContent = "file_content",
    }
}

named_set! {
    /// A set of zones.
    ZoneSet of Zone in u16
}

named! {
    /// Which half of a field was inspected.
    pub enum Part as "part" {
        /// The name of the field.
        Name = "name",
        /// The value of the field.
        Value = "value",
    }
}
