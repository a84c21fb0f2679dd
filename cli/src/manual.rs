//! `palisade man`: the help of every verb as pages for `man`.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};

use crate::terminal::print;
use crate::{Failure, Outcome};

/// Print the manual page, or write one page for each verb.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  palisade man | man -l -
  palisade man --dir ~/.local/share/man/man1 && man palisade-lint")]
pub(crate) struct Arguments {
    /// Write `palisade.1` and one page for each verb into this folder.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut command = crate::Arguments::command();
    // Names verbs in full and hands the options of all of them on.
    command.build();
    match &arguments.dir {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            print(&String::from_utf8(page)?)?;
        }
        Some(folder) => write_pages(&command, folder)?,
    }
    Ok(Outcome::Clean)
}

fn write_pages(command: &Command, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure(format!("{}: {error}", folder.display())))?;
    for (name, command) in std::iter::once(("palisade".to_owned(), command)).chain(
        command
            .get_subcommands()
            .map(|verb| (format!("palisade-{}", verb.get_name()), verb)),
    ) {
        // Pages are looked up by one word.
        let page = clap_mangen::Man::new(command.clone().display_name(&name));
        let file = folder.join(format!("{name}.1"));
        let mut text = Vec::new();
        page.render(&mut text)?;
        std::fs::write(&file, text)
            .map_err(|error| Failure(format!("{}: {error}", file.display())))?;
    }
    Ok(())
}
