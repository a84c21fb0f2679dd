//! `palisade lint`: what is wrong with a policy, and what is legal but unwise.

use clap::Args;

use crate::terminal::Terminal;
use crate::{Failure, Outcome};

/// Say what is wrong with a policy, and what is legal but unwise.
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Terminal) -> Result<Outcome, Failure> {
    Err(Failure("not built yet".to_owned()))
}
