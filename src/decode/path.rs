//! The path of a URL the way a server resolves it to a file or a route (RFC 3986, 5.2.4), with the
//! liberties that servers take: `\` for `/`, repeated slashes, `;parameters` of a segment.

use super::Outcome;

/// Appends the resolved form of `input` to `out`. What leads above the root stays at the root.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> Outcome {
    let start = out.len();
    let mut ends_in_slash = false;
    for segment in input.split(|byte| is_slash(*byte)) {
        let name = memchr::memchr(b';', segment)
            .and_then(|at| segment.get(..at))
            .unwrap_or(segment);
        ends_in_slash = matches!(name, b"" | b"." | b"..");
        match name {
            b"" | b"." => (),
            b".." => {
                let parent = out
                    .get(start..)
                    .and_then(|path| memchr::memrchr(b'/', path))
                    .unwrap_or(0);
                out.truncate(start + parent);
            }
            _ => {
                if out.len() > start || input.first().is_some_and(|byte| is_slash(*byte)) {
                    out.push(b'/');
                }
                out.extend_from_slice(name);
            }
        }
    }
    if ends_in_slash && !input.is_empty() {
        out.push(b'/');
    }
    Outcome {
        changed: out.get(start..) != Some(input),
        ..Outcome::default()
    }
}

const fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}
