//! Input of any size, as it is: files, standard input, gzip and zstd.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use indicatif::ProgressBar;

use crate::Failure;
use crate::terminal::Terminal;

/// The most one line may hold, in bytes: a request body of 16 MiB in base64 and its head.
const LONGEST_LINE: u64 = 32 << 20;

/// Opens a file, or standard input for `-`. What is compressed is told by its first bytes, not by
/// its name. The bar follows the bytes of the file.
///
/// # Errors
/// If it cannot be opened or read.
pub(crate) fn open(
    path: &Path,
    terminal: &Terminal,
) -> Result<(Box<dyn BufRead + Send>, ProgressBar), Failure> {
    let shown = path.display();
    let (source, size): (Box<dyn Read + Send>, _) = if path == Path::new("-") {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path).map_err(|error| Failure(format!("{shown}: {error}")))?;
        let about = file
            .metadata()
            .map_err(|error| Failure(format!("{shown}: {error}")))?;
        if about.is_dir() {
            return Err(Failure(format!("{shown}: is a folder")));
        }
        (Box::new(file), about.is_file().then_some(about.len()))
    };
    let bar = terminal.progress(size);
    let mut plain = BufReader::with_capacity(1 << 16, bar.wrap_read(source));
    // A pipe may give its first bytes one by one, but never none before its end.
    let start = plain
        .fill_buf()
        .map_err(|error| Failure(format!("{shown}: {error}")))?;
    let reader: Box<dyn BufRead + Send> = match start {
        [0x1f, 0x8b, ..] => Box::new(BufReader::with_capacity(
            1 << 16,
            flate2::bufread::MultiGzDecoder::new(plain),
        )),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(BufReader::with_capacity(
            1 << 16,
            Frames {
                rest: Some(plain),
                frame: None,
            },
        )),
        _ => Box::new(plain),
    };
    Ok((reader, bar))
}

/// The frames of a zstd file, one behind the other, as `zstd` and `cat` write them.
struct Frames<R: BufRead> {
    rest: Option<R>,
    frame: Option<ruzstd::decoding::StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(out)?;
                if count > 0 || out.is_empty() {
                    return Ok(count);
                }
                self.rest = self.frame.take().map(|frame| frame.into_inner());
            }
            let Some(mut rest) = self.rest.take() else {
                return Ok(0);
            };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let frame = ruzstd::decoding::StreamingDecoder::new(rest)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
            self.frame = Some(frame);
        }
    }
}

/// Reads the next line without its end into the buffer; `false` at the end of the input.
///
/// # Errors
/// If the input cannot be read, or a line is longer than anything that may be meant.
pub(crate) fn next_line(input: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = input.take(LONGEST_LINE).read_until(b'\n', line)?;
    if read as u64 == LONGEST_LINE && line.last() != Some(&b'\n') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("longer than {} MiB", LONGEST_LINE >> 20),
        ));
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(read > 0)
}
