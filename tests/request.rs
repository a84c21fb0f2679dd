//! Whole requests through the readers: what a field is called and what it holds.

use palisade::model::{Anomaly, Limits, Zone};
use palisade::request::{BodyPlan, Fields, Head, Kind, read_body, read_head};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fields as `zone|name|value`.
fn list(fields: &Fields) -> Vec<String> {
    fields
        .iter()
        .map(|f| {
            format!(
                "{}|{}|{}",
                f.zone,
                text(fields.get(f.name)),
                text(fields.get(f.value))
            )
        })
        .collect()
}

fn head<'a>(target: &'a [u8], headers: &'a [(&'a [u8], &'a [u8])]) -> Head<'a> {
    Head {
        method: b"POST",
        scheme: b"https",
        authority: b"shop.example",
        target,
        protocol: b"HTTP/1.1",
        headers,
        end_of_stream: false,
    }
}

#[test]
fn a_request_becomes_fields() {
    let limits = Limits::default();
    let headers: &[(&[u8], &[u8])] = &[
        (b"content-type", b"application/json"),
        (b"cookie", b"sid=a%27b; theme=\"da\\162k\""),
        (b"referer", b"https://shop.example/?q=1"),
    ];
    let head = head(b"/a%20b?q=O%27Brien+x&&flag", headers);
    let mut fields = Fields::default();
    read_head(&head, &limits, &mut fields);
    let plan = BodyPlan::of(&head);
    read_body(
        &plan,
        br#"{"user":{"address":[{"street":"\u0027 or 1"}],"n":12,"n":null}}"#,
        true,
        &limits,
        &mut fields,
    );
    assert_eq!(
        list(&fields),
        [
            "path||/a b",
            "query_string|q|O'Brien x",
            "query_string|flag|",
            "request_header|host|shop.example",
            "request_header|content-type|application/json",
            "cookies|sid|a'b",
            "cookies|theme|dark",
            "request_header|referer|https://shop.example/?q=1",
            "request_body|user.address[0].street|' or 1",
            "request_body|user.n|12",
            "request_body|user.n|null",
        ]
    );
    assert!(fields.anomalies().contains(Anomaly::MalformedQuery));
    assert!(fields.anomalies().contains(Anomaly::DuplicateJsonKey));
    assert!(!fields.anomalies().contains(Anomaly::InvalidJson));
    assert_eq!(
        fields.list().last().map(|f| (f.kind, f.zone)),
        Some((Kind::Literal, Zone::RequestBody))
    );
}
