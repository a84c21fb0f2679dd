//! Raw requests through the readers: what becomes a field, under which name, and what is a finding.
//! Each case says where it was learned. The list of fields and of anomalies is exact: a reader that
//! sees too much fails like one that sees too little.
// Tables of cases are tables of slices.
#![allow(clippy::type_complexity)]

mod compression;
mod content_type;
mod differential;
mod form;
mod graphql;
mod grpc;
mod head;
mod json;
mod limits;
mod multipart;
mod xml;

use palisade::decode::Signs;
use palisade::model::{Limits, Named};
use palisade::request::{BodyPlan, Fields, Head, read_body, read_head};

/// Bytes as text, what is not UTF-8 as `\xNN`.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes
        .utf8_chunks()
        .flat_map(|chunk| {
            let valid = chunk.valid().to_owned();
            let invalid = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
            std::iter::once(valid).chain(invalid)
        })
        .collect()
}

/// Fields as `zone|name|value`, in the order in which they were read.
///
/// Left out is what adds nothing: containers, which stand there for their keys alone, and pairs that
/// were put together again.
pub(crate) fn list(fields: &Fields) -> Vec<String> {
    fields
        .iter()
        .filter(|field| !adds_nothing(field))
        .map(|field| {
            let (name, value) = (fields.get(field.name), fields.get(field.value));
            // Readers hand on what they have seen: it must be what a look at the text would show.
            assert_eq!(field.key_signs, Signs::of(fields.get(field.key)));
            assert_eq!(field.value_signs, Signs::of(value));
            format!("{}|{}|{}", field.zone, text(name), text(value))
        })
        .collect()
}

/// The names of all anomalies.
/// Whether a field stands there for its key alone, or repeats what other fields hold.
pub(crate) fn adds_nothing(field: &palisade::request::Field) -> bool {
    use palisade::request::Kind;
    field.kind == Kind::Container || field.kind == Kind::Joined && field.name.is_empty()
}

pub(crate) fn odd(fields: &Fields) -> Vec<&'static str> {
    fields.anomalies().iter().map(Named::name).collect()
}

/// A POST with these headers.
pub(crate) fn post<'a>(headers: &'a [(&'a [u8], &'a [u8])]) -> Head<'a> {
    Head {
        method: b"POST",
        scheme: b"https",
        authority: b"",
        target: b"/",
        protocol: b"HTTP/1.1",
        headers,
        end_of_stream: false,
    }
}

/// The fields of a body with these headers.
pub(crate) fn body_with(
    headers: &[(&[u8], &[u8])],
    body: &[u8],
    complete: bool,
    limits: &Limits,
) -> Fields {
    let mut fields = Fields::default();
    let plan = BodyPlan::of(&post(headers));
    read_body(&plan, body, complete, limits, &mut fields);
    fields
}

/// The fields of a whole body of that content type.
pub(crate) fn body(content_type: &str, body: &[u8]) -> Fields {
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", content_type.as_bytes())];
    body_with(headers, body, true, &Limits::default())
}

/// The fields of a GET for that target.
pub(crate) fn target(target: &[u8]) -> Fields {
    let mut fields = Fields::default();
    let head = Head {
        method: b"GET",
        target,
        ..post(&[])
    };
    read_head(&head, &Limits::default(), &mut fields);
    fields
}

/// One row of a table: where it was learned, the input, the fields, the anomalies.
pub(crate) type Row<'a> = (&'a str, &'a [u8], &'a [&'a str], &'a [&'a str]);

/// Checks every row and reports all that differ.
pub(crate) fn check(rows: &[Row<'_>], read: impl Fn(&[u8]) -> Fields) {
    let mut failures = String::new();
    for (why, input, expected_fields, expected_odd) in rows {
        let fields = read(input);
        let (fields, odd) = (list(&fields), odd(&fields));
        if fields != *expected_fields || odd != *expected_odd {
            failures += &format!(
                "\n{why}\n  input    {}\n  fields   {fields:?}\n  expected {expected_fields:?}\n  odd      {odd:?}\n  expected {expected_odd:?}\n",
                text(input)
            );
        }
    }
    assert!(failures.is_empty(), "{failures}");
}
