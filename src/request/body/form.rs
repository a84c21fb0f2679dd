//! `application/x-www-form-urlencoded` (WHATWG URL, 5).

use crate::model::{Anomaly, Zone};
use crate::request::Sink;
use crate::request::charset::Charset;
use crate::request::pairs::Pairs;

/// Reads the pairs of a form. Line ends behind the last pair are no part of it: curl and editors add them.
pub(super) fn read(input: &[u8], charset: Charset, sink: &mut Sink<'_>) {
    let pairs = Pairs {
        zone: Zone::RequestBody,
        malformed: Anomaly::MalformedForm,
        charset,
        complete: sink.complete,
        declared: sink.declared,
    };
    pairs.read(input.trim_ascii_end(), sink.limits, sink.fields);
}
