//! Bars that an evaluation must reach, so that a build can fail when detection gets worse. The format is
//! explained in `docs/evaluate.md`.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::labelled::Labelled;
use crate::selection::Selection;
use crate::tally::{Counted, Judged, Share, Source};
use crate::terminal::{Ink, Terminal};

/// The bars of one file, and what was counted for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bars {
    list: Vec<(Bar, Source)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    bars: Vec<Bar>,
}

/// One bar: which requests it is about, and what must be true of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bar {
    name: String,
    #[serde(default)]
    only: Selection,
    /// The share of attacks that must be blocked, 0 to 1.
    attacks: Option<f64>,
    /// The same for each category of attack.
    each_category: Option<f64>,
    /// Categories with fewer distinct payloads have no bar of their own.
    #[serde(default = "ten")]
    category_payloads: u64,
    /// Ordinary requests that may be blocked, as a number.
    benign: Option<u64>,
    /// Ordinary requests that may be blocked, as a share.
    benign_share: Option<f64>,
    /// What counts as a blocked payload.
    #[serde(default)]
    payloads: Reading,
}

const fn ten() -> u64 {
    10
}

/// What counts as a blocked payload.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reading {
    /// It is blocked in each request that carries it: whoever reaches a bar so reaches it by any
    /// other reading.
    #[default]
    Everywhere,
    /// Each payload counts once, by the share of its requests.
    Mean,
    /// It is blocked in one request at least.
    Anywhere,
}

/// What became of one bar.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Checked {
    bar: String,
    what: String,
    /// The share or number among requests.
    requests: f64,
    /// The same among distinct payloads.
    payloads: f64,
    /// Whether the two are numbers rather than shares.
    #[serde(skip)]
    absolute: bool,
    pub(crate) met: bool,
}

impl Bars {
    /// Reads a file of bars.
    ///
    /// # Errors
    /// If it cannot be read, or where it is wrong.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = std::fs::read(path).map_err(|error| Failure(format!("{name}: {error}")))?;
        let written: Written = serde_json::from_slice(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            let end = format!(" at line {line} column {column}");
            let text = text.strip_suffix(&end).unwrap_or(&text);
            Failure(format!("{name}:{line}:{column}: {text}"))
        })?;
        for bar in &written.bars {
            let shares = [bar.attacks, bar.each_category, bar.benign_share];
            if shares
                .iter()
                .flatten()
                .any(|share| !(0.0..=1.0).contains(share))
            {
                return Err(Failure(format!(
                    "{name}: bar `{}`: a share lies between 0 and 1",
                    bar.name
                )));
            }
        }
        Ok(Self {
            list: written
                .bars
                .into_iter()
                .map(|bar| (bar, Source::default()))
                .collect(),
        })
    }

    /// The bars that a request counts for.
    pub(crate) fn of(&self, labelled: &Labelled) -> Vec<usize> {
        self.list
            .iter()
            .enumerate()
            .filter(|(_, (bar, _))| bar.only.admits(labelled))
            .map(|(index, _)| index)
            .collect()
    }

    /// Counts a request for these bars.
    pub(crate) fn add(&mut self, bars: &[usize], judged: &Judged) {
        for index in bars {
            if let Some((_, source)) = self.list.get_mut(*index) {
                source.add(judged);
            }
        }
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What became of each. A bar of which no request was seen is not met.
    pub(crate) fn check(&self) -> Vec<Checked> {
        let mut out = Vec::new();
        for (bar, source) in &self.list {
            let whole = source.whole.counted();
            if let Some(wanted) = bar.attacks {
                out.push(bar.at_least("attacks".to_owned(), wanted, &whole.attacks));
            }
            if let Some(wanted) = bar.each_category {
                for (name, group) in &source.categories {
                    let attacks = group.counted().attacks;
                    if attacks.payloads_anywhere.total >= bar.category_payloads.max(1) {
                        out.push(bar.at_least(format!("attacks of {name}"), wanted, &attacks));
                    }
                }
            }
            let (requests, payloads) = (whole.benign.requests, whole.benign.payloads_anywhere);
            if let Some(most) = bar.benign {
                out.push(Checked {
                    bar: bar.name.clone(),
                    what: format!("benign at most {most}"),
                    requests: requests.blocked as f64,
                    payloads: payloads.blocked as f64,
                    absolute: true,
                    met: requests.total > 0 && requests.blocked <= most && payloads.blocked <= most,
                });
            }
            if let Some(most) = bar.benign_share {
                let met = |share: Share| share.total > 0 && share.ratio() <= most;
                out.push(Checked {
                    bar: bar.name.clone(),
                    what: format!("benign at most {:.1} %", 100.0 * most),
                    requests: requests.ratio(),
                    payloads: payloads.ratio(),
                    absolute: false,
                    met: met(requests) && met(payloads),
                });
            }
        }
        out
    }
}

impl Bar {
    fn at_least(&self, what: String, wanted: f64, counted: &Counted) -> Checked {
        let requests = counted.requests.ratio();
        let payloads = match self.payloads {
            Reading::Everywhere => counted.payloads_everywhere.ratio(),
            Reading::Mean => counted.payloads_mean,
            Reading::Anywhere => counted.payloads_anywhere.ratio(),
        };
        Checked {
            bar: self.name.clone(),
            what: format!("{what} at least {:.1} %", 100.0 * wanted),
            requests,
            payloads,
            absolute: false,
            met: counted.requests.total > 0 && requests >= wanted && payloads >= wanted,
        }
    }
}

/// Prints what became of the bars.
pub(crate) fn write(checked: &[Checked], terminal: &Terminal, out: &mut String) {
    let width = |text: fn(&Checked) -> &str| {
        checked
            .iter()
            .map(|one| text(one).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (first, second) = (width(|one| &one.bar).max(4), width(|one| &one.what));
    let head = format!(
        "\n{:<first$}  {:<second$}  {:>9}{:>10}",
        "bars", "", "requests", "payloads"
    );
    let _ = writeln!(out, "{}", terminal.ink(Ink::Faint, &head));
    for one in checked {
        let number = |value: f64| match one.absolute {
            true => format!("{value:.0}"),
            false => format!("{:.2} %", 100.0 * value),
        };
        let word = match one.met {
            true => terminal.ink(Ink::Good, "met"),
            false => terminal.ink(Ink::Bad, "missed"),
        };
        let _ = writeln!(
            out,
            "{:<first$}  {:<second$}  {:>9}{:>10}  {word}",
            one.bar,
            one.what,
            number(one.requests),
            number(one.payloads),
        );
    }
}
