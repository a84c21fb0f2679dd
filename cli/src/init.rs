//! `palisade init`: a first policy, and what makes Envoy load it.

use clap::Args;

use crate::terminal::Terminal;
use crate::{Failure, Outcome};

/// Write a commented starter policy and the Envoy or Istio configuration that loads it.
#[derive(Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments, _: &Terminal) -> Result<Outcome, Failure> {
    Err(Failure("not built yet".to_owned()))
}
