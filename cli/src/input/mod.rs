//! Input of any size: where it comes from, its lines, what cannot be read of it, and work over it on
//! every processor in the order of the input.

mod lines;
mod malformed;
mod ordered;
mod progress;
mod source;
mod text;

pub(crate) use lines::{LONGEST_LINE, Piece, lines, lines_of};
pub(crate) use malformed::Malformed;
pub(crate) use ordered::{Go, ordered, threads};
pub(crate) use progress::Progress;
pub(crate) use text::{address, explained};

use std::io::BufRead;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::terminal::Terminal;

/// Opens an input for reading; the progress follows it from then on.
///
/// # Errors
/// If it cannot be opened or read.
pub(crate) fn open(
    path: &Path,
    terminal: &Terminal,
    progress: &Progress,
) -> Result<Box<dyn BufRead + Send>, Failure> {
    let (reader, bar) = source::open(path, terminal)?;
    progress.follow(bar);
    Ok(reader)
}

/// The inputs, with each folder replaced by the files in it, sorted by name.
///
/// # Errors
/// If a folder cannot be read.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = |error| Failure(format!("{}: {error}", path.display()));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?.path();
            if entry.is_file() {
                found.push(entry);
            }
        }
        found.sort();
        files.extend(found);
    }
    Ok(files)
}
