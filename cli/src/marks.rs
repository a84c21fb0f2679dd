//! Bytes shown with marks under those that matched.

use std::ops::Range;

use crate::explain::push_shown;
use crate::terminal::{Ink, Terminal};

/// Characters of a text that are shown in front of the first mark, and in all.
const BEFORE: usize = 30;
const WIDTH: usize = 120;

/// One line of text, escaped, and one with a `^` under every byte that matched. What stands far from the
/// first match is left out.
pub(crate) fn marked(bytes: &[u8], spans: &[Range<usize>], terminal: &Terminal) -> [String; 2] {
    let first = spans.first().map_or(0, |span| span.start);
    let start = match first.checked_sub(BEFORE) {
        Some(start) if first > BEFORE + 10 => character_at(bytes, start),
        _ => 0,
    };
    let (mut line, mut marks) = (String::new(), String::new());
    let mut put = |text: &str, hit: bool, line: &mut String| {
        let columns = text.chars().count();
        if hit {
            line.push_str(&terminal.ink(Ink::Bad, text));
        } else {
            line.push_str(text);
        }
        marks.push_str(&if hit { "^" } else { " " }.repeat(columns));
    };
    if start > 0 {
        put("…", false, &mut line);
    }
    let mut at = start;
    // Characters of one kind go into one run, so that colours change only where it does.
    let mut run = (String::new(), false);
    while at < bytes.len() {
        let length = character_length(bytes, at);
        let hit = spans
            .iter()
            .any(|span| span.start < at + length && at < span.end);
        if hit != run.1 && !run.0.is_empty() {
            put(&std::mem::take(&mut run.0), run.1, &mut line);
        }
        run.1 = hit;
        push_shown(&bytes[at..at + length], &mut run.0);
        at += length;
        if line.chars().count() + run.0.chars().count() >= WIDTH {
            break;
        }
    }
    put(&run.0, run.1, &mut line);
    if at < bytes.len() {
        let rest = format!("… ({} bytes more)", bytes.len() - at);
        put(&rest, false, &mut line);
    }
    marks.truncate(marks.trim_end().len());
    [line, marks]
}

/// The first byte of the character in which this byte stands.
fn character_at(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at)
        .find(|start| start + character_length(bytes, *start) > at)
        .unwrap_or(at)
}

/// The bytes of the character that begins here; one where none does.
fn character_length(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..bytes.len().min(at + 4)];
    let valid = match std::str::from_utf8(rest) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Colour;

    fn ranges(spans: &[(usize, usize)]) -> Vec<Range<usize>> {
        spans.iter().map(|(start, end)| *start..*end).collect()
    }

    #[test]
    fn marks_stand_under_what_matched() {
        let plain = Terminal::new(Colour::Never);
        let long = [&[b'a'; 100][..], b"'", &[b'b'; 300]].concat();
        for (bytes, spans, line, marks) in [
            (&b"a'b'"[..], &[(1, 2), (3, 4)][..], "a'b'", " ^ ^"),
            (b"\n'x", &[(1, 2)][..], "\\n'x", "  ^"),
            ("é'".as_bytes(), &[(2, 3)][..], "é'", " ^"),
            // A span inside of a character marks the whole of it.
            ("é'".as_bytes(), &[(1, 2)][..], "é'", "^"),
            (b"\xff\xfe", &[(0, 1)][..], "\\xff\\xfe", "^^^^"),
            (b"abc", &[][..], "abc", ""),
            (b"", &[][..], "", ""),
            (
                &long,
                &[(100, 101)][..],
                &format!("…{}'{}… (212 bytes more)", "a".repeat(30), "b".repeat(88)),
                &format!("{}^", " ".repeat(31)),
            ),
        ] {
            assert_eq!(
                marked(bytes, &ranges(spans), &plain),
                [line.to_owned(), marks.to_owned()],
                "{line}"
            );
        }
        let [line, _] = marked(b"a'b", &ranges(&[(1, 2)]), &Terminal::new(Colour::Always));
        assert_eq!(line, "a\x1b[31m'\x1b[0mb");
    }
}
