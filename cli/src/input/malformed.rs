//! What cannot be read: said with its place, counted, skipped.

use std::path::PathBuf;

use crate::Failure;
use crate::terminal::Terminal;

/// Malformed lines that are reported one by one.
const REPORTED: u64 = 10;

/// The lines that could not be read.
pub(crate) struct Malformed<'a> {
    terminal: &'a Terminal,
    files: &'a [PathBuf],
    strict: bool,
    count: u64,
}

impl<'a> Malformed<'a> {
    /// None yet. `strict` makes the first one fatal.
    pub(crate) const fn new(terminal: &'a Terminal, files: &'a [PathBuf], strict: bool) -> Self {
        Self {
            terminal,
            files,
            strict,
            count: 0,
        }
    }

    /// Counts one, and says what is wrong with it unless many have been said.
    ///
    /// # Errors
    /// The same message, if that is to be fatal.
    pub(crate) fn add(&mut self, file: usize, number: u64, problem: &str) -> Result<(), Failure> {
        self.count += 1;
        let name = self
            .files
            .get(file)
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        let message = format!("{name}:{number}: {problem}");
        if self.strict {
            return Err(Failure(message));
        }
        if self.count <= REPORTED {
            self.terminal.warn(&message);
        } else if self.count == REPORTED + 1 {
            self.terminal
                .warn("more malformed lines are counted, not listed");
        }
        Ok(())
    }

    /// How many there were.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// The same in words; nothing where there were none.
    pub(crate) fn remark(&self) -> String {
        match self.count {
            0 => String::new(),
            1 => "; 1 malformed line skipped".to_owned(),
            count => format!("; {count} malformed lines skipped"),
        }
    }
}
