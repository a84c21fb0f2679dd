//! How far the work has come, on a terminal.

use std::sync::Mutex;

use indicatif::ProgressBar;

/// The bar of the input that is being read.
pub(crate) struct Progress(Mutex<ProgressBar>);

impl Progress {
    /// Of no input yet.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(ProgressBar::hidden()))
    }

    /// Goes on with the next input.
    pub(super) fn follow(&self, next: ProgressBar) {
        if let Ok(mut bar) = self.0.lock() {
            bar.finish_and_clear();
            *bar = next;
        }
    }

    /// Says what has been done so far.
    pub(crate) fn say(&self, message: impl FnOnce() -> String) {
        if let Ok(bar) = self.0.lock()
            && !bar.is_hidden()
        {
            bar.set_message(message());
        }
    }

    /// Takes the bar from the screen.
    pub(crate) fn clear(&self) {
        if let Ok(bar) = self.0.lock() {
            bar.finish_and_clear();
        }
    }
}
