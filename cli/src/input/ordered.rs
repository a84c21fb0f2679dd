//! Work on every processor whose results come in the order of the input.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use crate::Failure;

/// Items that a thread takes at once, at most.
const BATCH: usize = 64;
/// Bytes of items that a thread takes at once; one item may be larger.
const BATCH_BYTES: usize = 1 << 20;

/// Whether more is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Go {
    On,
    Stop,
}

/// As many threads as asked for, or as there are processors.
pub(crate) fn threads(wanted: Option<usize>) -> usize {
    wanted
        .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
        .unwrap_or(1)
        .max(1)
}

/// Collects items into batches and sends them off.
struct Batches<'a, I> {
    number: usize,
    bytes: usize,
    items: Vec<I>,
    to_threads: &'a SyncSender<(usize, Vec<I>)>,
}

impl<I> Batches<'_, I> {
    fn add(&mut self, item: I, bytes: usize) -> Go {
        self.items.push(item);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.items.len() < BATCH && self.bytes < BATCH_BYTES {
            return Go::On;
        }
        self.send()
    }

    fn send(&mut self) -> Go {
        self.bytes = 0;
        let batch = (self.number, std::mem::take(&mut self.items));
        self.number += 1;
        match self.to_threads.send(batch) {
            Ok(()) => Go::On,
            Err(_) => Go::Stop,
        }
    }
}

/// One thread reads, some work, and the results are folded in the order in which the items were read, so
/// that no output depends on the threads. `read` is given a function that takes each item with its weight
/// in bytes; `worker` makes what one thread works with.
///
/// # Errors
/// The first of reading or folding; after one of folding no more is read.
pub(crate) fn ordered<I: Send, O: Send, W: FnMut(I) -> O>(
    threads: usize,
    read: impl FnOnce(&mut dyn FnMut(I, usize) -> Go) -> Result<(), Failure> + Send,
    worker: impl Fn() -> W + Sync,
    mut fold: impl FnMut(O) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let stop = AtomicBool::new(false);
    let (to_threads, batches) = sync_channel::<(usize, Vec<I>)>(threads);
    let batches = Mutex::new(batches);
    let (to_fold, results) = sync_channel::<(usize, Vec<O>)>(threads);

    std::thread::scope(|scope| {
        let stop = &stop;
        let reader = scope.spawn(move || {
            let mut batches = Batches {
                number: 0,
                bytes: 0,
                items: Vec::new(),
                to_threads: &to_threads,
            };
            let result = read(&mut |item, bytes| {
                if stop.load(Ordering::Relaxed) {
                    return Go::Stop;
                }
                batches.add(item, bytes)
            });
            batches.send();
            result
        });
        for _ in 0..threads {
            let to_fold = to_fold.clone();
            let (batches, worker) = (&batches, &worker);
            scope.spawn(move || {
                let mut work = worker();
                loop {
                    let batch = match batches.lock() {
                        Ok(batches) => batches.recv(),
                        Err(_) => return,
                    };
                    let Ok((number, items)) = batch else { return };
                    let done = if stop.load(Ordering::Relaxed) {
                        Vec::new()
                    } else {
                        items.into_iter().map(&mut work).collect()
                    };
                    if to_fold.send((number, done)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(to_fold);

        let mut waiting = BTreeMap::new();
        let mut next = 0;
        let mut result = Ok(());
        for (number, done) in results {
            waiting.insert(number, done);
            while let Some(done) = waiting.remove(&next) {
                next += 1;
                if result.is_ok() {
                    result = done.into_iter().try_for_each(&mut fold);
                    if result.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        }
        let read = reader
            .join()
            .unwrap_or_else(|_| Err(Failure("the reader ended early".to_owned())));
        result.and(read)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_input() {
        let mut seen = Vec::new();
        ordered(
            4,
            |give| {
                for number in 0..1000_u32 {
                    assert_eq!(give(number, 1 << 14), Go::On);
                }
                Ok(())
            },
            || {
                |number: u32| {
                    if number.is_multiple_of(97) {
                        std::thread::sleep(std::time::Duration::from_millis(2));
                    }
                    2 * number
                }
            },
            |double| {
                seen.push(double);
                Ok(())
            },
        )
        .expect("nothing fails");
        assert_eq!(seen, (0..1000).map(|number| 2 * number).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_ends_the_reading() {
        let mut given = 0_u64;
        let result = ordered(
            2,
            |give| {
                while give((), 1) == Go::On {
                    given += 1;
                }
                Ok(())
            },
            || |()| (),
            |()| Err(Failure("enough".to_owned())),
        );
        assert_eq!(result.expect_err("it fails").0, "enough");
        assert!(given < 100_000);
    }
}
