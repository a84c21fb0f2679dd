//! Targets, headers and cookies: the first line is the target, the others are headers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade::model::Limits;
use palisade::request::{BodyPlan, Fields, Head, is_websocket_upgrade, read_head};
use palisade_fuzz::{MARK, holds, is_cut, marked};

fuzz_target!(|data: &[u8]| {
    let Some(text) = marked(data, MARK) else {
        return;
    };
    let mut lines = text.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or_default();
    let headers: Vec<(&[u8], &[u8])> = lines
        .map(|line| {
            let at = line
                .iter()
                .position(|byte| *byte == b':')
                .unwrap_or(line.len());
            let (name, value) = line.split_at(at);
            (name, value.strip_prefix(b":").unwrap_or(value))
        })
        .collect();
    let head = Head {
        method: b"GET",
        scheme: b"https",
        authority: b"a.example",
        target,
        protocol: b"HTTP/1.1",
        headers: &headers,
        end_of_stream: true,
    };
    let mut fields = Fields::default();
    read_head(&head, &Limits::default(), &mut fields);
    let _ = (BodyPlan::of(&head), is_websocket_upgrade(&head));
    // The origin of an absolute target and pseudo headers are the proxy's; names are in lower case.
    let skipped =
        !target.starts_with(b"/") || headers.iter().any(|(name, _)| name.starts_with(b":"));
    assert!(
        skipped || is_cut(&fields) || holds(&fields, MARK),
        "{:?}",
        String::from_utf8_lossy(&text)
    );
});
