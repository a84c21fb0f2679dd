//! Where input comes from: files, standard input, gzip and zstd, each as it is.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use indicatif::ProgressBar;

use crate::Failure;
use crate::terminal::Terminal;

/// Opens a file, or standard input for `-`. What is compressed is told by its first bytes, not by
/// its name. The bar follows the bytes of the file.
///
/// # Errors
/// If it cannot be opened or read.
pub(super) fn open(
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
