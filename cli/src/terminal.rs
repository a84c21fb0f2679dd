//! What is printed how: colour and progress on a terminal, neither where output is piped.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};

use crate::Failure;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The message of a failure that is none: the reader of the output has gone.
pub(crate) const CLOSED: &str = "the output was closed";

/// How the two outputs are to be written to.
pub(crate) struct Terminal {
    rich: bool,
    colour: bool,
    colour_errors: bool,
    progress: bool,
}

/// A colour by what it says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ink {
    Good,
    Bad,
    Warning,
    Strong,
    Faint,
}

impl Ink {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warning => "33",
            Self::Strong => "1",
            Self::Faint => "2",
        }
    }
}

impl Terminal {
    pub(crate) fn new(colour: Colour) -> Self {
        let wanted = |terminal: bool| match colour {
            Colour::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
            Colour::Always => true,
            Colour::Never => false,
        };
        Self {
            rich: io::stdout().is_terminal() || colour == Colour::Always,
            colour: wanted(io::stdout().is_terminal()),
            colour_errors: wanted(io::stderr().is_terminal()),
            progress: io::stderr().is_terminal(),
        }
    }

    /// One that nobody looks at.
    pub(crate) const fn plain() -> Self {
        Self {
            rich: false,
            colour: false,
            colour_errors: false,
            progress: false,
        }
    }

    /// A text in a colour, or as it is.
    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        paint(self.colour, ink, text)
    }

    /// Whether somebody looks at the output, who has room for more than a line each.
    pub(crate) const fn is_rich(&self) -> bool {
        self.rich
    }

    /// Whether the output may have colours.
    pub(crate) const fn is_coloured(&self) -> bool {
        self.colour
    }

    /// Says what may be of use next.
    pub(crate) fn hint(&self, message: &str) {
        let word = paint(self.colour_errors, Ink::Good, "hint:");
        let _ = writeln!(io::stderr(), "{word} {message}");
    }

    /// Says why the program ends.
    pub(crate) fn error(&self, message: &str) {
        let word = paint(self.colour_errors, Ink::Bad, "error:");
        let _ = writeln!(io::stderr(), "{word} {message}");
    }

    /// Says something that does not end the program.
    pub(crate) fn warn(&self, message: &str) {
        let word = paint(self.colour_errors, Ink::Warning, "warning:");
        let _ = writeln!(io::stderr(), "{word} {message}");
    }

    /// A bar for work over so many bytes, or a wheel where nobody knows how many; neither is drawn
    /// where nobody looks.
    pub(crate) fn progress(&self, bytes: Option<u64>) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{bar:32} {percent:>3} %  {msg}  {elapsed} gone, {eta} left",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{spinner} {bytes}  {msg}  {elapsed}",
            ),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

fn paint(colour: bool, ink: Ink, text: &str) -> String {
    if colour {
        format!("\x1b[{}m{text}\x1b[0m", ink.code())
    } else {
        text.to_owned()
    }
}

/// Writes a result to standard output.
///
/// # Errors
/// If that cannot be written to; [`CLOSED`] if its reader has gone.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure(CLOSED.to_owned()),
            _ => Failure(format!("standard output: {error}")),
        })
}
