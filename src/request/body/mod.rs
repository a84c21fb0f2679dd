//! Bodies to fields, one file per format, and the choice between them.

mod form;
mod frames;
mod json;

pub use frames::{Frame, FrameSplitter};

use std::borrow::Cow;

use super::charset::Charset;
use super::content_type::{BodyFormat, BodyPlan};
use super::{Fields, Kind, Sink};
use crate::model::{Anomaly, Limits, Zone};

/// Reads a body, or the prefix of one that is at hand (`complete` is false), into fields.
///
/// A body is read as what the head calls it. What the head does not name, or what looks like
/// another format, is read as that too; what no reader could split is a field of
/// [`Zone::RawBody`], so that no byte within the limits is left out.
pub fn read_body(
    plan: &BodyPlan,
    bytes: &[u8],
    complete: bool,
    limits: &Limits,
    fields: &mut Fields,
) {
    if bytes.is_empty() && complete {
        if plan.expects_body {
            fields.find(Anomaly::MissingBody, Zone::RequestBody, b"");
        }
        return;
    }
    let inspected = bytes.get(..limits.body_bytes).unwrap_or(bytes);
    let complete = complete && inspected.len() == bytes.len();
    if !complete {
        fields.find(Anomaly::BodyTooLarge, Zone::RequestBody, b"");
    }
    for anomaly in plan.anomalies.iter() {
        fields.find(anomaly, Zone::RequestBody, b"");
    }
    match plan.format() {
        BodyFormat::Missing => fields.find(Anomaly::MissingContentType, Zone::RequestBody, b""),
        BodyFormat::Unknown => fields.find(Anomaly::UnknownContentType, Zone::RequestBody, b""),
        _ => {}
    }
    let mut sink = Sink {
        limits,
        fields,
        complete,
        declared: true,
    };
    read_plain(plan, inspected, &mut sink);
}

/// Reads one message of a gRPC stream, as a [`FrameSplitter`] cut it out.
pub fn read_message(plan: &BodyPlan, frame: &Frame<'_>, limits: &Limits, fields: &mut Fields) {
    let _ = plan;
    let mut sink = Sink {
        limits,
        fields,
        complete: frame.complete,
        declared: true,
    };
    sink.raw(frame.message);
}

/// Reads a body that is not, or no longer, compressed.
fn read_plain(plan: &BodyPlan, bytes: &[u8], sink: &mut Sink<'_>) {
    let text = to_utf8(plan, bytes, sink);
    for format in &plan.formats {
        read_as(*format, plan, &text, sink);
    }
    if let Some(format) = looks_like(&text) {
        if !plan.formats.contains(&format) {
            let mut sink = sink.inner(true, false);
            read_as(format, plan, &text, &mut sink);
        }
    }
}

/// The body in UTF-8. Form pairs and parts of multipart bodies are decoded one by one behind their
/// own encoding, so those formats stay as they are unless the whole body is in wide characters.
fn to_utf8<'a>(plan: &BodyPlan, bytes: &'a [u8], sink: &mut Sink<'_>) -> Cow<'a, [u8]> {
    let binary = matches!(
        plan.format(),
        BodyFormat::Grpc | BodyFormat::GrpcWeb | BodyFormat::Protobuf
    );
    if binary {
        return Cow::Borrowed(bytes);
    }
    let (charset, text) = match Charset::of_mark(bytes) {
        Some(found) => found,
        None => match plan.format() {
            BodyFormat::Json | BodyFormat::Ndjson | BodyFormat::Xml | BodyFormat::Graphql
                if !plan.charset.is_wide() =>
            {
                (Charset::of_nulls(bytes).unwrap_or(plan.charset), bytes)
            }
            _ => (plan.charset, bytes),
        },
    };
    let piecewise = plan
        .formats
        .iter()
        .any(|format| matches!(format, BodyFormat::Form | BodyFormat::Multipart));
    let nulls = memchr::memchr(0, text).is_some();
    if piecewise && !(charset.is_wide() && nulls) {
        return Cow::Borrowed(text);
    }
    match charset.decode(text) {
        Some(decoded) => {
            if charset.is_wide() && !nulls {
                // No ASCII character in the whole text: a server that does not believe the
                // charset reads the bytes as they are.
                sink.raw(text);
            }
            Cow::Owned(decoded)
        }
        None => Cow::Borrowed(text),
    }
}

fn read_as(format: BodyFormat, plan: &BodyPlan, text: &[u8], sink: &mut Sink<'_>) {
    match format {
        BodyFormat::Form => form::read(text, plan.charset, sink),
        BodyFormat::Json => {
            json::read(text, b"", false, sink);
        }
        BodyFormat::Ndjson => {
            json::read(text, b"", true, sink);
        }
        _ => sink.push(Zone::RawBody, Kind::Text, b"", text),
    }
}

/// What a body looks like, whatever it is called.
fn looks_like(text: &[u8]) -> Option<BodyFormat> {
    let start = text.trim_ascii_start();
    match start {
        [b'{' | b'[', ..] => Some(BodyFormat::Json),
        _ => {
            // `name=`, the name in characters that no other format begins with.
            let name = start
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.[]%".contains(byte))
                .count();
            (name > 0 && start.get(name) == Some(&b'=')).then_some(BodyFormat::Form)
        }
    }
}
