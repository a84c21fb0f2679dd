//! Content types and codings: the first line is the type, the second the coding, the rest the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade::model::Limits;
use palisade::request::{BodyPlan, Fields, Head, read_body};

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let (Some(content_type), Some(coding), Some(body)) = (lines.next(), lines.next(), lines.next())
    else {
        return;
    };
    let headers: &[(&[u8], &[u8])] = &[
        (b"content-type", content_type),
        (b"content-encoding", coding),
    ];
    let head = Head {
        method: b"PUT",
        scheme: b"http",
        authority: b"",
        target: b"/",
        protocol: b"HTTP/2",
        headers,
        end_of_stream: false,
    };
    let plan = BodyPlan::of(&head);
    for complete in [true, false] {
        read_body(
            &plan,
            body,
            complete,
            &Limits::default(),
            &mut Fields::default(),
        );
    }
});
