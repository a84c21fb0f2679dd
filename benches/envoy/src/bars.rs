//! What the numbers may be at most, and whether they are.

use crate::results::{Measured, Results};

const MIB: f64 = (1 << 20) as f64;

/// The requests whose bars are differences of a few microseconds. They are measured [`OFTEN`] times as often as others:
/// a median of few rounds is off by more than that.
pub(crate) const NARROW: [&str; 4] = ["get", "get-20-10", "form-2k", "json-2k"];
/// How much more often.
pub(crate) const OFTEN: usize = 3;

/// One bar.
pub(crate) struct Bar {
    pub(crate) what: String,
    pub(crate) most: f64,
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
}

impl Bar {
    pub(crate) fn met(&self) -> bool {
        self.measured <= self.most
    }
}

/// The bars for which this run has numbers.
pub(crate) fn bars(results: &Results) -> Vec<Bar> {
    let mut bars = Vec::new();
    let mut add = |what: &str, most: f64, measured: Option<f64>, unit| {
        bars.extend(measured.map(|measured| Bar {
            what: what.to_owned(),
            most,
            measured,
            unit,
        }));
    };
    let added = |shape: &str, variant: &str| results.find(shape, variant).map(Measured::added);
    let own = |shape: &str| added(shape, "default");

    add("CPU added, small GET", 10.0, own("get"), "µs");
    let to_noop = own("get").zip(added("get", "noop"));
    add(
        "CPU added, small GET, to what a filter adds that does nothing",
        5.0,
        to_noop.map(|(own, noop)| own / noop),
        "×",
    );
    for (shape, most) in [("get-20-10", 25.0), ("form-2k", 40.0), ("json-2k", 60.0)] {
        let title = results.find(shape, "default").map(|own| own.title.as_str());
        add(
            &format!("CPU added, {}", title.unwrap_or_default()),
            most,
            own(shape),
            "µs",
        );
    }
    let growth = own("json-100k").zip(own("json-10k"));
    add(
        "CPU added, from 10 KB to 100 KB of JSON",
        11.0,
        growth.map(|(large, small)| large / small),
        "×",
    );
    add("module", 2.5, Some(results.size.module as f64 / MIB), "MiB");
    add(
        "module, gzipped",
        1.2,
        Some(results.size.gzipped as f64 / MIB),
        "MiB",
    );
    for (variant, title, configure, memory) in [
        ("default", "`{}`", 60.0, 16.0),
        ("large", "the large policy", 250.0, 48.0),
    ] {
        let took = results
            .configure
            .get(variant)
            .map(|all| all.iter().copied().fold(0.0, f64::max));
        add(
            &format!("`on_configure` with {title}, the slowest VM"),
            configure,
            took,
            "ms",
        );
        let bytes = results
            .memory
            .get(variant)
            .map(|own| own.reloaded as f64 / MIB);
        add(
            &format!("memory of a VM after load and ten reloads, {title}"),
            memory,
            bytes,
            "MiB",
        );
    }
    for shape in ["get", "get-20-10", "form-2k", "json-2k"] {
        let (Some(large), Some(default)) =
            (results.find(shape, "large"), results.find(shape, "default"))
        else {
            continue;
        };
        // Round by round, so that what disturbs a round disturbs both.
        let rounds = large.rounds.iter().zip(&default.rounds);
        let more = rounds.map(|(large, default)| 100.0 * (large.cpu / default.cpu - 1.0));
        add(
            &format!(
                "the large policy, {}: more CPU than with `{{}}`",
                large.title
            ),
            10.0,
            Some(crate::results::median(more.collect())),
            "%",
        );
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn a_bar_is_met_or_not() {
        let met = |added: f64, noop: f64| {
            let results = results(&[
                ("get", "none", 30.0),
                ("get", "noop", 30.0 + noop),
                ("get", "default", 30.0 + added),
            ]);
            let bars = bars(&results);
            let of = |what: &str| {
                bars.iter()
                    .find(|bar| bar.what.starts_with(what))
                    .map(Bar::met)
            };
            (of("CPU added, small GET"), of("CPU added, small GET, to"))
        };
        assert_eq!(met(9.9, 2.0), (Some(true), Some(true)));
        assert_eq!(met(10.1, 2.0), (Some(false), Some(false)));
        assert_eq!(met(9.9, 1.9), (Some(true), Some(false)));
    }

    #[test]
    fn what_was_not_measured_has_no_bar() {
        let results = results(&[("get", "none", 30.0)]);
        let whats: Vec<String> = bars(&results).into_iter().map(|bar| bar.what).collect();
        assert_eq!(whats, ["module", "module, gzipped"]);
    }
}
