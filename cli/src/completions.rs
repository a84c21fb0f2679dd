//! `palisade completions`: what a shell needs to complete the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::terminal::print;
use crate::{Failure, Outcome};

/// Print completions for a shell.
///
/// They know every verb and option of this version, so print them again after an update.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  palisade completions bash > ~/.local/share/bash-completion/completions/palisade
  palisade completions zsh > ~/.zfunc/_palisade
  palisade completions fish > ~/.config/fish/completions/palisade.fish")]
pub(crate) struct Arguments {
    /// The shell to print them for.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut crate::Arguments::command(),
        "palisade",
        &mut out,
    );
    print(&String::from_utf8(out)?)?;
    Ok(Outcome::Clean)
}
