//! What a run has measured, as it is kept in `results.json`, and the medians of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::vm::Memory;

/// Everything of one run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) rounds: usize,
    /// In the order of the shapes, then of the variants.
    pub(crate) measured: Vec<Measured>,
    pub(crate) size: Size,
    /// Milliseconds in `on_configure` of each VM of an Envoy, by variant.
    pub(crate) configure: BTreeMap<String, Vec<f64>>,
    /// By variant.
    pub(crate) memory: BTreeMap<String, Memory>,
}

/// One request with one thing in its way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) shape: String,
    pub(crate) title: String,
    pub(crate) attack: bool,
    pub(crate) variant: String,
    pub(crate) rounds: Vec<Round>,
}

/// What one round told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    /// CPU time of the whole Envoy process for one request, in microseconds.
    pub(crate) cpu: f64,
    /// The same with no filter in the way, in the same round.
    pub(crate) none: f64,
    /// Requests a second over many connections.
    pub(crate) rate: f64,
    /// How long a request takes when it is alone, in microseconds: half of them less, 99 of 100 less.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Bytes of the module.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Size {
    /// As the compiler leaves it; absent if only the optimised module is there.
    pub(crate) compiled: Option<u64>,
    /// As it is loaded: optimised, where wasm-opt is there.
    pub(crate) module: u64,
    /// The same, gzipped.
    pub(crate) gzipped: u64,
}

impl Measured {
    /// The median of a number over the rounds.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    /// CPU time above that of no filter, in microseconds.
    pub(crate) fn added(&self) -> f64 {
        self.median(|round| round.cpu - round.none)
    }

    /// CPU time as a multiple of that of no filter.
    pub(crate) fn ratio(&self) -> f64 {
        self.median(|round| round.cpu / round.none)
    }
}

impl Results {
    /// What was measured of a shape under a variant, if it was.
    pub(crate) fn find(&self, shape: &str, variant: &str) -> Option<&Measured> {
        let mut all = self.measured.iter();
        all.find(|own| own.shape == shape && own.variant == variant)
    }

    /// The shapes in their order, each once.
    pub(crate) fn shapes(&self) -> Vec<&Measured> {
        let mut first: Vec<&Measured> = Vec::new();
        for own in &self.measured {
            if first.iter().all(|other| other.shape != own.shape) {
                first.push(own);
            }
        }
        first
    }

    /// The names of the variants in their order.
    pub(crate) fn variants(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for own in &self.measured {
            if !names.contains(&own.variant.as_str()) {
                names.push(&own.variant);
            }
        }
        names
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match (numbers.get(middle), numbers.len() % 2) {
        (Some(own), 1) => *own,
        (Some(own), _) => numbers
            .get(middle - 1)
            .map_or(*own, |before| (before + own) / 2.0),
        (None, _) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn medians() {
        for (numbers, expected) in [
            (vec![3.0], 3.0),
            (vec![9.0, 1.0, 2.0], 2.0),
            (vec![4.0, 1.0, 2.0, 100.0], 3.0),
        ] {
            assert_eq!(median(numbers), expected);
        }
        assert!(median(Vec::new()).is_nan());
    }
}
