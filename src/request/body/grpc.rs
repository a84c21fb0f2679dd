//! gRPC and gRPC-Web: frames, and in them protobuf walked without a schema.
//!
//! A field is named by the numbers that lead to it, with an index from the second of a kind on:
//! `1.2`, `1.2[1]`. Only length-delimited fields can hold text; numbers are not told.

use std::collections::BTreeMap;
use std::io::Write;

use super::frames::Frame;
use super::{compression, json};
use crate::model::Anomaly;
use crate::request::content_type::Coding;
use crate::request::{Kind, Sink};

/// Messages within messages. Each level looks at the bytes inside once more, so this bounds the work.
const MAX_DEPTH: usize = 16;

/// Reads a whole body of frames.
pub(super) fn read_frames(mut input: &[u8], coding: Option<Coding>, sink: &mut Sink<'_>) {
    while let [flags, a, b, c, d, rest @ ..] = input {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let (message, after) = rest.split_at_checked(length).unwrap_or((rest, b""));
        let frame = Frame {
            flags: *flags,
            message,
            complete: message.len() == length,
        };
        if !frame.complete {
            sink.find_at_end(Anomaly::InvalidGrpc, b"");
        }
        read_frame(&frame, coding, sink);
        input = after;
    }
    if !input.is_empty() {
        sink.find_at_end(Anomaly::InvalidGrpc, b"");
        sink.raw(input);
    }
}

/// Reads one frame.
pub(super) fn read_frame(frame: &Frame<'_>, coding: Option<Coding>, sink: &mut Sink<'_>) {
    let mut sink = sink.inner(frame.complete, true);
    // gRPC knows bit 0, gRPC-Web bit 7, Connect bit 1.
    if frame.flags & !0x83 != 0 {
        sink.find(Anomaly::InvalidGrpc, b"");
    }
    let mut unpacked = Vec::new();
    let mut message = frame.message;
    if frame.is_compressed() && !message.is_empty() {
        let Some(coding) = coding else {
            sink.find(Anomaly::InvalidGrpc, b"");
            sink.raw(message);
            return;
        };
        let end = compression::decompress(coding, message, sink.limits, &mut unpacked);
        if compression::tell(end, &mut sink) {
            message = &unpacked;
            sink.complete &= matches!(end, compression::End::Whole | compression::End::Trailing);
        } else {
            sink.raw(message);
        }
    }
    if frame.is_trailers() {
        sink.raw(message);
        return;
    }
    // `application/grpc+json` and Connect carry JSON in the same frames.
    let mut quiet = sink.inner(true, false);
    if message.starts_with(b"{")
        && message.ends_with(b"}")
        && json::read(message, b"", false, &mut quiet)
    {
        return;
    }
    read_message(message, &mut sink);
}

/// Walks one message.
pub(super) fn read_message(message: &[u8], sink: &mut Sink<'_>) {
    let mut path = Vec::new();
    let mut stack = vec![Level {
        rest: message,
        path: 0,
        counts: BTreeMap::new(),
    }];
    while let Some(level) = stack.last_mut() {
        path.truncate(level.path);
        if level.rest.is_empty() {
            stack.pop();
            continue;
        }
        let Some((number, value, after)) = field(level.rest) else {
            // Levels further in were checked before they were entered: this is the outermost, or a group.
            sink.find_at_end(Anomaly::InvalidGrpc, b"");
            sink.raw(level.rest);
            return;
        };
        level.rest = after;
        let Wire::Bytes(value) = value else {
            continue;
        };
        let count = level.counts.entry(number).or_insert(0_u32);
        if !path.is_empty() {
            path.push(b'.');
        }
        // A Vec takes every byte.
        let _ = write!(path, "{number}");
        if *count > 0 {
            let _ = write!(path, "[{count}]");
        }
        *count = count.saturating_add(1);
        let shape = shape(value);
        let deep = stack.len() >= MAX_DEPTH;
        if shape.as_text || deep {
            sink.push_keyed(Kind::Text, &path, path.len(), value);
        } else if !shape.as_message {
            sink.push_keyed(Kind::Bytes, &path, path.len(), value);
        }
        if shape.as_message && !deep {
            let path = path.len();
            stack.push(Level {
                rest: value,
                path,
                counts: BTreeMap::new(),
            });
        }
    }
}

struct Level<'a> {
    rest: &'a [u8],
    path: usize,
    /// How often each field came.
    counts: BTreeMap<u64, u32>,
}

/// A value in its wire type.
enum Wire<'a> {
    /// A varint, or the start or end of a group: nothing that holds bytes of its own.
    Small,
    /// Four or eight bytes.
    Fixed(&'a [u8]),
    /// Length-delimited: a string, bytes, a message or packed numbers.
    Bytes(&'a [u8]),
}

/// The first field of a message: number, value, rest.
fn field(input: &[u8]) -> Option<(u64, Wire<'_>, &[u8])> {
    let (tag, rest) = varint(input)?;
    let number = tag >> 3;
    // Numbers end at 2^29 - 1.
    if number == 0 || number >= 1 << 29 {
        return None;
    }
    let (value, rest) = match tag & 7 {
        0 => (Wire::Small, varint(rest)?.1),
        1 => {
            let (value, rest) = rest.split_at_checked(8)?;
            (Wire::Fixed(value), rest)
        }
        2 => {
            let (length, rest) = varint(rest)?;
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            (Wire::Bytes(value), rest)
        }
        // Groups hold fields in line: their start and end are passed over.
        3 | 4 => (Wire::Small, rest),
        5 => {
            let (value, rest) = rest.split_at_checked(4)?;
            (Wire::Fixed(value), rest)
        }
        _ => return None,
    };
    Some((number, value, rest))
}

fn varint(input: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in input.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7F).checked_shl(7 * index as u32)?;
        if byte & 0x80 == 0 {
            return Some((value, input.get(index.saturating_add(1)..)?));
        }
    }
    None
}

/// What a length-delimited value may be; both where that cannot be told.
struct Shape {
    as_text: bool,
    as_message: bool,
}

fn shape(value: &[u8]) -> Shape {
    let control = |byte: &u8| *byte < b' ' && !b"\t\n\r".contains(byte) || *byte == 0x7F;
    let printable = |byte: &u8| !control(byte) && *byte < 0x80;
    // Fixed-width numbers that spell ASCII are text in disguise.
    let (mut as_message, mut disguised) = (!value.is_empty(), false);
    let mut rest = value;
    while !rest.is_empty() {
        let Some((_, value, after)) = field(rest) else {
            as_message = false;
            break;
        };
        if let Wire::Fixed(bytes) = value {
            disguised |= bytes.iter().all(printable);
        }
        rest = after;
    }
    let as_text = if std::str::from_utf8(value).is_ok() {
        !as_message || disguised || !value.iter().any(control)
    } else {
        // Text in an old charset, or with a stray byte in front: mostly printable.
        let count = value.iter().filter(|byte| printable(byte)).count();
        (!as_message || disguised) && count.saturating_mul(10) >= value.len().saturating_mul(7)
    };
    Shape {
        as_text,
        as_message,
    }
}
