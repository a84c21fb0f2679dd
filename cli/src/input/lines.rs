//! The lines of an input, each with its number, none longer than fits.

use std::io::{self, BufRead, Read as _};
use std::path::{Path, PathBuf};

use super::{Go, Progress, open};
use crate::Failure;
use crate::terminal::Terminal;

/// The most one line may hold, in bytes: a request body of 16 MiB in base64 and its head.
pub(crate) const LONGEST_LINE: u64 = 32 << 20;

/// What was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, now in the buffer without its end.
    Whole,
    /// One that is longer than anything that may be meant; none of it was kept.
    TooLong,
    /// The input has ended.
    End,
}

impl Line {
    /// Reads the next line into the buffer.
    ///
    /// # Errors
    /// If the input cannot be read.
    pub(crate) fn next(
        input: &mut dyn BufRead,
        buffer: &mut Vec<u8>,
        longest: u64,
    ) -> io::Result<Self> {
        buffer.clear();
        let read = input.take(longest).read_until(b'\n', buffer)?;
        if read == 0 {
            return Ok(Self::End);
        }
        if buffer.last() != Some(&b'\n') && read as u64 == longest {
            // It may end just here, which is fine.
            if !input.fill_buf()?.is_empty() {
                buffer.clear();
                skip_line(input)?;
                return Ok(Self::TooLong);
            }
        }
        if buffer.last() == Some(&b'\n') {
            buffer.pop();
        }
        if buffer.last() == Some(&b'\r') {
            buffer.pop();
        }
        Ok(Self::Whole)
    }
}

/// Leaves the rest of a line out without keeping it.
fn skip_line(input: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let chunk = input.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let (used, ended) = match chunk.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (chunk.len(), false),
        };
        input.consume(used);
        if ended {
            return Ok(());
        }
    }
}

/// A line with the place where it stands.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Index of the file among the inputs.
    pub(crate) file: usize,
    /// Number of the line, from 1.
    pub(crate) number: u64,
    /// The line, or why it cannot be read.
    pub(crate) text: Result<Vec<u8>, String>,
}

impl Piece {
    /// What it weighs in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.text.as_ref().map_or(0, Vec::len)
    }
}

/// Gives each line of each file that is not empty.
///
/// # Errors
/// If an input cannot be opened or read.
pub(crate) fn lines(
    paths: &[PathBuf],
    terminal: &Terminal,
    progress: &Progress,
    give: &mut dyn FnMut(Piece) -> Go,
) -> Result<(), Failure> {
    for (file, path) in paths.iter().enumerate() {
        let mut input = open(path, terminal, progress)?;
        if lines_of(&mut *input, file, path, give)? == Go::Stop {
            break;
        }
    }
    Ok(())
}

/// The same of one input that is open.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn lines_of(
    input: &mut dyn BufRead,
    file: usize,
    path: &Path,
    give: &mut dyn FnMut(Piece) -> Go,
) -> Result<Go, Failure> {
    let mut buffer = Vec::new();
    let mut number = 0;
    loop {
        number += 1;
        let line = Line::next(input, &mut buffer, LONGEST_LINE)
            .map_err(|error| Failure(format!("{}:{number}: {error}", path.display())))?;
        let text = match line {
            Line::End => return Ok(Go::On),
            Line::TooLong => Err(format!("longer than {} MiB", LONGEST_LINE >> 20)),
            Line::Whole if buffer.trim_ascii().is_empty() => continue,
            Line::Whole => Ok(std::mem::take(&mut buffer)),
        };
        let piece = Piece { file, number, text };
        if give(piece) == Go::Stop {
            return Ok(Go::Stop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut input: &[u8], longest: u64) -> Vec<Result<String, ()>> {
        let mut buffer = Vec::new();
        let mut found = Vec::new();
        loop {
            match Line::next(&mut input, &mut buffer, longest).expect("memory can be read") {
                Line::End => return found,
                Line::TooLong => found.push(Err(())),
                Line::Whole => found.push(Ok(String::from_utf8_lossy(&buffer).into_owned())),
            }
        }
    }

    #[test]
    fn lines_end_where_they_end() {
        let ok = |text: &str| Ok(text.to_owned());
        for (input, expected) in [
            (&b""[..], vec![]),
            (b"a", vec![ok("a")]),
            (b"a\n", vec![ok("a")]),
            (b"a\r\n\nb", vec![ok("a"), ok(""), ok("b")]),
            (b"1234", vec![ok("1234")]),
            (b"123\n4", vec![ok("123"), ok("4")]),
            (b"12345\n6", vec![Err(()), ok("6")]),
            (b"123456789", vec![Err(())]),
            (b"1234\n5", vec![Err(()), ok("5")]),
        ] {
            assert_eq!(read(input, 4), expected, "{input:?}");
        }
    }
}
