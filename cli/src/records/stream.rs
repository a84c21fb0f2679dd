//! The records of several logs, as one stream, each request once.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use super::line;
use super::line::Entry;
use crate::Failure;
use crate::input::{self, Malformed, Progress};
use crate::terminal::Terminal;

/// Ids of requests that are remembered. A record and the line of the access log about one request stand
/// near each other where they stand in one log.
const REMEMBERED: usize = 1 << 16;

/// What was read beside the records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Read {
    /// Requests.
    pub(crate) requests: u64,
    /// Lines that speak of something else.
    pub(crate) others: u64,
    /// Lines about a request that another line had told of.
    pub(crate) repeated: u64,
    /// Records that the module left out, because they came too fast.
    pub(crate) dropped: u64,
}

/// Gives each request of the logs, in their order.
///
/// # Errors
/// If a log cannot be read, or what is given fails.
pub(crate) fn read(
    files: &[PathBuf],
    threads: Option<usize>,
    terminal: &Terminal,
    malformed: &mut Malformed<'_>,
    mut give: impl FnMut(Entry) -> Result<(), Failure>,
) -> Result<Read, Failure> {
    let progress = Progress::new();
    let mut read = Read::default();
    let mut recent = [Recent::default(), Recent::default()];
    let result = input::ordered(
        input::threads(threads),
        |give| {
            input::lines(files, terminal, &progress, &mut |piece| {
                let bytes = piece.bytes();
                give(piece, bytes)
            })
        },
        || {
            |piece: input::Piece| {
                let found = piece.text.and_then(|text| line::Read::of_line(&text));
                (piece.file, piece.number, found)
            }
        },
        |(file, number, found)| {
            match found {
                Err(problem) => malformed.add(file, number, &problem)?,
                Ok(line::Read::Other) => read.others += 1,
                Ok(line::Read::Entry(entry)) => {
                    read.dropped = read.dropped.saturating_add(entry.dropped);
                    if is_repeated(&mut recent, &entry) {
                        read.repeated += 1;
                    } else {
                        read.requests += 1;
                        give(*entry)?;
                    }
                }
            }
            progress.say(|| format!("{} requests", read.requests));
            Ok(())
        },
    );
    progress.clear();
    result.map(|()| read)
}

/// Whether the other kind of line has told of the same request.
fn is_repeated(recent: &mut [Recent; 2], entry: &Entry) -> bool {
    if entry.request_id.is_empty() {
        return false;
    }
    let mut hasher = DefaultHasher::new();
    entry.request_id.hash(&mut hasher);
    let id = hasher.finish();
    let [records, others] = recent;
    let (own, other) = match entry.is_record {
        true => (records, others),
        false => (others, records),
    };
    own.add(id);
    other.ids.contains(&id)
}

/// The ids that were seen last.
#[derive(Default)]
struct Recent {
    ids: HashSet<u64>,
    order: VecDeque<u64>,
}

impl Recent {
    fn add(&mut self, id: u64) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}
