//! `palisade test`: requests and the verdicts that are expected of a policy.

use clap::Args;

use crate::terminal::Terminal;
use crate::{Failure, Outcome};

/// Run the test cases of a policy.
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Terminal) -> Result<Outcome, Failure> {
    Err(Failure("not built yet".to_owned()))
}
