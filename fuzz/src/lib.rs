//! What every reader owes, whatever the bytes: it ends, its output is bounded by its input, and
//! nothing is left out. The last is tried with a mark that is put somewhere into the input: it must
//! stand in some field afterwards.

use palisade::model::{Anomaly, AnomalySet, Limits};
use palisade::request::{BodyPlan, Fields, Head, read_body};

/// A text that no grammar takes apart in the middle.
pub const MARK: &[u8] = b"zq(xa";

/// The input with a mark put where its first byte says.
pub fn marked(data: &[u8], mark: &[u8]) -> Option<Vec<u8>> {
    let (at, rest) = data.split_first()?;
    let at = usize::from(*at) * (rest.len() + 1) / 256;
    let (before, after) = rest.split_at(at);
    Some([before, mark, after].concat())
}

/// Whether a limit cut something off, so that the mark may be gone.
pub fn is_cut(fields: &Fields) -> bool {
    fields.anomalies().intersects(AnomalySet::of(&[
        Anomaly::TooManyFields,
        Anomaly::NameTooLong,
        Anomaly::ValueTooLong,
        Anomaly::TooManyHeaders,
    ]))
}

/// Whether the mark stands in some field.
pub fn holds(fields: &Fields, mark: &[u8]) -> bool {
    fields
        .arena()
        .windows(mark.len())
        .any(|window| window == mark)
}

/// Reads a body under that content type, whole and as a prefix.
pub fn body(content_type: &[u8], text: &[u8]) -> Fields {
    let headers: &[(&[u8], &[u8])] = &[(b"content-type", content_type)];
    let head = Head {
        method: b"POST",
        scheme: b"https",
        authority: b"",
        target: b"/",
        protocol: b"HTTP/1.1",
        headers,
        end_of_stream: false,
    };
    let plan = BodyPlan::of(&head);
    let mut fields = Fields::default();
    read_body(&plan, text, false, &Limits::default(), &mut fields);
    bounded(&fields, text);
    fields.clear();
    read_body(&plan, text, true, &Limits::default(), &mut fields);
    bounded(&fields, text);
    fields
}

fn bounded(fields: &Fields, text: &[u8]) {
    // Names of 1 KiB for 4096 fields, and every byte a few times over.
    assert!(fields.arena().len() <= 2 * 4096 * 1025 + 32 * text.len());
}

/// Reads a marked body and looks for the mark. Wide characters would spell it otherwise.
pub fn nothing_unseen(content_type: &[u8], data: &[u8], mark: &[u8]) {
    let Some(text) = marked(data, mark) else {
        return;
    };
    let fields = body(content_type, &text);
    let respelled = text.contains(&0)
        || text.starts_with(b"\xff\xfe")
        || text.starts_with(b"\xfe\xff")
        || text.windows(8).any(|word| {
            word == b"encoding" || word == b"charset=" || word.eq_ignore_ascii_case(b"encoding")
        });
    assert!(
        respelled || is_cut(&fields) || holds(&fields, mark),
        "unseen in {:?}",
        String::from_utf8_lossy(&text)
    );
}
