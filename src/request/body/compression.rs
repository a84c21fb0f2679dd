//! Content codings (RFC 9110, 8.4.1) undone step by step, so that no output outgrows its limits:
//! an inflated bomb is cut, and the cut is a finding (CWE-409).

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress as inflate, inflate_flags};

use crate::model::{Anomaly, Limits};
use crate::request::Sink;
use crate::request::content_type::Coding;

/// How a decompression ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All of it is there.
    Whole,
    /// The limit on size or ratio was reached; the output is a prefix.
    Limit,
    /// The input ended first; the output is a prefix.
    Cut,
    /// The input is not in that coding; the output is what came before the fault.
    Broken,
    /// All of it is there, and something else behind it.
    Trailing,
    /// No reader knows the coding.
    Unknown,
}

/// The first piece of output; it doubles from there.
const FIRST_STEP: usize = 4096;

/// Members of one gzip text that are read; each costs a state of some 10 KB.
const MAX_MEMBERS: usize = 64;

/// Appends the decompressed `input` to `out`, which is empty, up to the limits.
pub(super) fn decompress(coding: Coding, input: &[u8], limits: &Limits, out: &mut Vec<u8>) -> End {
    let most = limits
        .decompressed_bytes
        .min(input.len().saturating_mul(limits.decompression_ratio));
    match coding {
        Coding::Gzip => gzip(input, most, out),
        Coding::Deflate => deflate(input, most, out),
        Coding::Brotli => brotli(input, most, out),
        Coding::Unknown => End::Unknown,
    }
}

/// Records how it ended. Returns whether the output is worth reading.
pub(super) fn tell(end: End, sink: &mut Sink<'_>) -> bool {
    match end {
        End::Whole => {}
        End::Limit => sink.find(Anomaly::DecompressionLimit, b""),
        End::Cut => sink.find_at_end(Anomaly::InvalidCompression, b""),
        End::Broken | End::Trailing => sink.find(Anomaly::InvalidCompression, b""),
        End::Unknown => sink.find(Anomaly::UnknownCompression, b""),
    }
    !matches!(end, End::Broken | End::Unknown)
}

/// Members one after the other (RFC 1952, 2.2). The checksum is left to the server: text that it
/// would refuse is inspected all the same.
fn gzip(input: &[u8], most: usize, out: &mut Vec<u8>) -> End {
    let mut rest = input;
    for _ in 0..MAX_MEMBERS {
        let body = match gzip_header(rest) {
            Ok(body) => body,
            Err(End::Broken) if rest.len() < input.len() => return End::Trailing,
            Err(end) => return end,
        };
        let (end, used) = inflate_into(body, 0, most, out);
        if end != End::Whole {
            return end;
        }
        let behind = body.get(used..).unwrap_or_default();
        let Some(after) = behind.get(8..) else {
            return End::Cut;
        };
        // Padding of zeros is customary.
        if after.iter().all(|byte| *byte == 0) {
            return End::Whole;
        }
        rest = after;
    }
    End::Limit
}

/// What stands behind the header of a member.
fn gzip_header(input: &[u8]) -> Result<&[u8], End> {
    let short = |known: &[u8]| {
        if known.starts_with(input) {
            End::Cut
        } else {
            End::Broken
        }
    };
    let [0x1F, 0x8B, 8, flags, _, _, _, _, _, _, rest @ ..] = input else {
        let magic = [0x1F, 0x8B, 8];
        if input.len() > magic.len() && input.starts_with(&magic) {
            return Err(End::Cut);
        }
        return Err(short(&magic));
    };
    let mut rest = rest;
    if flags & 4 != 0 {
        let [low, high, after @ ..] = rest else {
            return Err(End::Cut);
        };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        rest = after.get(length..).ok_or(End::Cut)?;
    }
    // A file name and a comment, each ended by a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            let at = memchr::memchr(0, rest).ok_or(End::Cut)?;
            rest = rest.get(at.saturating_add(1)..).ok_or(End::Cut)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..).ok_or(End::Cut)?;
    }
    Ok(rest)
}

/// zlib (RFC 1950) as the standard says, or bare deflate (RFC 1951) as some clients understood it.
fn deflate(input: &[u8], most: usize, out: &mut Vec<u8>) -> End {
    let zlib = match input {
        [first, second, ..] => first & 0x0F == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0,
        _ => false,
    };
    if zlib {
        let flags = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER;
        let (end, _) = inflate_into(input, flags, most, out);
        if end != End::Broken || !out.is_empty() {
            return end;
        }
    }
    inflate_into(input, 0, most, out).0
}

/// Inflates onto the end of `out`, to `most` bytes in all. Returns how it ended and the bytes used.
fn inflate_into(input: &[u8], flags: u32, most: usize, out: &mut Vec<u8>) -> (End, usize) {
    let flags = flags
        | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        | inflate_flags::TINFL_FLAG_IGNORE_ADLER32;
    let mut state = Box::<DecompressorOxide>::default();
    let mut used = 0_usize;
    // The window of a member begins with the member.
    let mut piece: Vec<u8> = Vec::new();
    let room = most.saturating_sub(out.len());
    let mut filled = 0_usize;
    let end = loop {
        let size = piece.len().saturating_mul(2).max(FIRST_STEP).min(room);
        piece.resize(size, 0);
        let rest = input.get(used..).unwrap_or_default();
        let (status, read, written) = inflate(&mut state, rest, &mut piece, filled, flags);
        used = used.saturating_add(read);
        filled = filled.saturating_add(written);
        match status {
            TINFLStatus::Done => break End::Whole,
            TINFLStatus::HasMoreOutput if filled < room => {}
            TINFLStatus::HasMoreOutput => break End::Limit,
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => break End::Cut,
            _ => break End::Broken,
        }
    };
    out.extend_from_slice(piece.get(..filled).unwrap_or(&piece));
    (end, used)
}

/// Brotli (RFC 7932), standard windows alone.
#[cfg(feature = "brotli")]
fn brotli(input: &[u8], most: usize, out: &mut Vec<u8>) -> End {
    use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
    let mut state = BrotliState::new_strict(
        StandardAlloc::default(),
        StandardAlloc::default(),
        StandardAlloc::default(),
    );
    let (mut input_left, mut used, mut filled, mut total) = (input.len(), 0, 0, 0);
    loop {
        // One byte over the limit tells a text that ends there from one that goes on.
        let size = out
            .len()
            .saturating_mul(2)
            .max(FIRST_STEP)
            .min(most.saturating_add(1));
        out.resize(size, 0);
        let mut room = size.saturating_sub(filled);
        let result = BrotliDecompressStream(
            &mut input_left,
            &mut used,
            input,
            &mut room,
            &mut filled,
            out,
            &mut total,
            &mut state,
        );
        let end = match result {
            _ if filled > most => End::Limit,
            BrotliResult::ResultSuccess => End::Whole,
            BrotliResult::NeedsMoreInput => End::Cut,
            BrotliResult::NeedsMoreOutput if filled <= most => continue,
            BrotliResult::NeedsMoreOutput => End::Limit,
            BrotliResult::ResultFailure => End::Broken,
        };
        out.truncate(filled.min(most));
        return end;
    }
}

#[cfg(not(feature = "brotli"))]
fn brotli(_: &[u8], _: usize, _: &mut Vec<u8>) -> End {
    End::Unknown
}
