//! Bodies to fields, one file per format, and the choice between them.

mod compression;
mod form;
mod frames;
pub(super) mod graphql;
mod grpc;
pub(super) mod json;
mod multipart;
mod xml;

pub use frames::{Frame, FrameSplitter};

use std::borrow::Cow;

use super::charset::Charset;
use super::content_type::{BodyFormat, BodyPlan, Coding};
use super::{Fields, Sink, transfer};
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
        zone: Zone::RequestBody,
        complete,
        declared: true,
    };
    read_coded(plan, &plan.codings, inspected, &mut sink);
}

/// Reads one message of a gRPC stream, as a [`FrameSplitter`] cut it out.
pub fn read_message(plan: &BodyPlan, frame: &Frame<'_>, limits: &Limits, fields: &mut Fields) {
    if !frame.complete {
        fields.find(Anomaly::BodyTooLarge, Zone::RequestBody, b"");
    }
    let mut sink = Sink {
        limits,
        fields,
        zone: Zone::RequestBody,
        complete: frame.complete,
        declared: true,
    };
    grpc::read_frame(frame, plan.message_coding, &mut sink);
}

/// Undoes the content codings, the last one first, then reads. A body that is not in the coding
/// that the head names is read as it is: servers that ignore the header read it so.
fn read_coded(plan: &BodyPlan, codings: &[Coding], bytes: &[u8], sink: &mut Sink<'_>) {
    let Some((coding, inner)) = codings.split_last() else {
        read_plain(plan, bytes, sink);
        return;
    };
    let mut unpacked = Vec::new();
    let end = compression::decompress(*coding, bytes, sink.limits, &mut unpacked);
    let readable = compression::tell(end, sink);
    if readable {
        let whole = matches!(end, compression::End::Whole | compression::End::Trailing);
        read_coded(plan, inner, &unpacked, &mut sink.inner(whole, true));
    }
    match end {
        compression::End::Broken => {
            sink.raw(&unpacked);
            read_plain(plan, bytes, sink);
        }
        compression::End::Trailing => sink.raw(bytes),
        compression::End::Unknown => {
            sink.raw(bytes);
            read_plain(plan, bytes, &mut sink.inner(true, false));
        }
        _ => {}
    }
}

/// Reads a body that is not, or no longer, compressed.
fn read_plain(plan: &BodyPlan, bytes: &[u8], sink: &mut Sink<'_>) {
    let (text, charset) = to_utf8(plan, bytes, sink);
    for format in plan.formats() {
        read_as(*format, plan, charset, &text, sink);
    }
    let split = [BodyFormat::Form, BodyFormat::Xml];
    if opens_as_html(&text) && plan.formats().iter().any(|format| split.contains(format)) {
        // A page rather than a document: tags and attributes must be seen in one piece.
        sink.fields
            .push(sink.limits, Zone::RawBody, super::Kind::Joined, b"", &text);
    }
    if let Some(format) = looks_like(&text)
        && !(plan.formats().contains(&BodyFormat::GrpcWebText) && transfer::is_base64(&text))
    {
        let lines = plan.formats().contains(&BodyFormat::Ndjson) && format == BodyFormat::Json;
        // Octets of a key or a picture may begin like a form, but they go on with control characters.
        let control = |byte: &u8| matches!(byte, 0..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F);
        let binary = || text.trim_ascii_start().iter().take(1024).any(control);
        let known = plan.formats().contains(&format) || lines;
        if !(known || format == BodyFormat::Form && binary()) {
            let mut sink = sink.inner(true, false);
            read_as(format, plan, charset, &text, &mut sink);
        }
    }
}

/// Whether a text begins with a tag of HTML rather than of a vocabulary of its own.
fn opens_as_html(text: &[u8]) -> bool {
    const ELEMENTS: [&[u8]; 33] = [
        b"a",
        b"audio",
        b"base",
        b"body",
        b"button",
        b"details",
        b"div",
        b"embed",
        b"form",
        b"frameset",
        b"head",
        b"html",
        b"iframe",
        b"img",
        b"input",
        b"isindex",
        b"link",
        b"marquee",
        b"math",
        b"meta",
        b"object",
        b"p",
        b"script",
        b"select",
        b"span",
        b"style",
        b"svg",
        b"table",
        b"template",
        b"textarea",
        b"title",
        b"video",
        b"x",
    ];
    let Some(inner) = text.trim_ascii_start().strip_prefix(b"<") else {
        return false;
    };
    let end = inner
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric())
        .unwrap_or(inner.len());
    let name = inner.get(..end).unwrap_or(inner).to_ascii_lowercase();
    ELEMENTS.contains(&name.as_slice())
}

/// The body in UTF-8. Form pairs and parts of multipart bodies are decoded one by one behind their
/// own encoding, so those formats stay as they are unless the whole body is in wide characters.
/// Returns the charset that is left for them.
fn to_utf8<'a>(plan: &BodyPlan, bytes: &'a [u8], sink: &mut Sink<'_>) -> (Cow<'a, [u8]>, Charset) {
    let binary = matches!(
        plan.format(),
        BodyFormat::Grpc | BodyFormat::GrpcWeb | BodyFormat::Protobuf
    );
    if binary {
        return (Cow::Borrowed(bytes), Charset::Ascii);
    }
    let (charset, text) = match Charset::of_mark(bytes) {
        Some(found) => found,
        None if plan.format() == BodyFormat::Xml && !plan.charset.is_wide() => {
            (xml_charset(plan, bytes, sink), bytes)
        }
        None => match plan.format() {
            BodyFormat::Json | BodyFormat::Ndjson | BodyFormat::Graphql
                if !plan.charset.is_wide() =>
            {
                (Charset::of_nulls(bytes).unwrap_or(plan.charset), bytes)
            }
            _ => (plan.charset, bytes),
        },
    };
    let piecewise = plan
        .formats()
        .iter()
        .any(|format| matches!(format, BodyFormat::Form | BodyFormat::Multipart));
    let nulls = memchr::memchr(0, text).is_some();
    if piecewise && !(charset.is_wide() && nulls) {
        return (Cow::Borrowed(text), plan.charset);
    }
    let text = match charset.decode(text) {
        Some(decoded) => {
            if charset.is_wide() && !nulls || charset == Charset::Ibm037 {
                // No ASCII character in the whole text, or all of them respelled: a server that
                // does not believe the charset reads the bytes as they are.
                sink.raw(text);
            }
            Cow::Owned(decoded)
        }
        None => Cow::Borrowed(text),
    };
    (text, Charset::Ascii)
}

/// The charset of an XML document without a byte order mark (XML 1.0, appendix F): what its first
/// bytes give away, then the head of the request, then its own declaration.
fn xml_charset(plan: &BodyPlan, bytes: &[u8], sink: &mut Sink<'_>) -> Charset {
    if let Some(charset) = Charset::of_nulls(bytes) {
        return charset;
    }
    // `<?xm` in EBCDIC.
    if bytes.starts_with(&[0x4C, 0x6F, 0xA7, 0x94]) {
        return Charset::Ibm037;
    }
    let Some(label) = xml::declared_encoding(bytes) else {
        return plan.charset;
    };
    match Charset::of_label(label) {
        // The declaration was read as ASCII, so the document is not wide whatever it says.
        Some(charset) if !charset.is_wide() && plan.charset == Charset::Ascii => charset,
        Some(_) => plan.charset,
        None => {
            sink.find(Anomaly::UnknownCharset, b"");
            plan.charset
        }
    }
}

fn read_as(
    format: BodyFormat,
    plan: &BodyPlan,
    charset: Charset,
    text: &[u8],
    sink: &mut Sink<'_>,
) {
    match format {
        BodyFormat::Form => form::read(text, charset, sink),
        BodyFormat::Multipart => {
            let multipart = multipart::Multipart {
                boundaries: &plan.boundaries,
                form_data: plan.form_data,
                charset,
            };
            multipart::read(text, &multipart, sink);
        }
        BodyFormat::Json => {
            json::read(text, b"", false, sink);
        }
        BodyFormat::Ndjson => {
            json::read(text, b"", true, sink);
        }
        BodyFormat::Xml => {
            xml::read(text, b"", sink);
        }
        BodyFormat::Graphql => {
            graphql::read(text, b"query", sink);
        }
        BodyFormat::Grpc | BodyFormat::GrpcWeb => {
            grpc::read_frames(text, plan.message_coding, sink);
        }
        BodyFormat::GrpcWebText => {
            if !transfer::is_base64(text) {
                sink.find(Anomaly::InvalidGrpc, b"");
                sink.raw(text);
            }
            grpc::read_frames(&transfer::base64(text), plan.message_coding, sink);
        }
        BodyFormat::Protobuf => grpc::read_message(text, sink),
        BodyFormat::Text | BodyFormat::Unknown | BodyFormat::Missing => sink.raw(text),
    }
}

/// What a body looks like, whatever it is called. Only formats that hold named values: the text as
/// a whole is inspected by whoever was told to read it.
fn looks_like(text: &[u8]) -> Option<BodyFormat> {
    let start = text.trim_ascii_start();
    match start {
        [b'[', ..] => Some(BodyFormat::Json),
        [b'{', inner @ ..]
            if matches!(inner.trim_ascii_start(), [b'"' | b'\'' | b'}' | b'/', ..]) =>
        {
            Some(BodyFormat::Json)
        }
        [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some(BodyFormat::Xml),
        [b'-', b'-', ..] if multipart::looks_like(start) => Some(BodyFormat::Multipart),
        _ => {
            // `name=`, the name in characters that no other format begins with.
            let name = start
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.[]%".contains(byte))
                .count();
            if name == 0 || start.get(name) != Some(&b'=') {
                return None;
            }
            Some(BodyFormat::Form)
        }
    }
}
