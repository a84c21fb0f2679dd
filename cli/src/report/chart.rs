//! The geometry of the charts: numbers in, coordinates out. The page draws them as SVG.

use serde::Serialize;

use super::summary::Row;

/// Width of every chart, in units of the page's own; text in it is 12 units high, which is readable where the whole is as
/// wide as a phone.
const WIDTH: f64 = 400.0;
/// Room for the numbers of the axis.
const LEFT: f64 = 40.0;
/// Room for the half of the last day's name that is wider than its bar.
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const HEIGHT: f64 = 150.0;
/// Days that have room for their name.
const NAMED_DAYS: usize = 7;

/// Bars that stand, one a day, with what was blocked below what was monitored.
#[derive(Debug, Serialize)]
pub(super) struct Trend {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    base: f64,
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
}

#[derive(Debug, Serialize)]
struct Bar {
    name: String,
    x: f64,
    width: f64,
    middle: f64,
    /// Top and height of each half.
    blocked: (f64, f64),
    monitored: (f64, f64),
    label: Option<String>,
    blocked_count: u64,
    monitored_count: u64,
}

#[derive(Debug, Serialize)]
struct Tick {
    y: f64,
    value: u64,
}

/// Bars that lie, one below the other, each under its name.
#[derive(Debug, Serialize)]
pub(super) struct Lying {
    width: f64,
    height: f64,
    bars: Vec<LyingBar>,
}

#[derive(Debug, Serialize)]
struct LyingBar {
    name: String,
    text_y: f64,
    y: f64,
    blocked: f64,
    monitored: f64,
    blocked_count: u64,
    monitored_count: u64,
    count: u64,
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A number not below another that is easily read, and so is its half: one digit and zeros.
fn nice(most: u64) -> u64 {
    let mut unit = 1_u64;
    loop {
        for factor in [1, 2, 3, 4, 5, 6, 8] {
            let value = unit.saturating_mul(factor);
            if value >= most {
                return value.max(2);
            }
        }
        unit = unit.saturating_mul(10);
    }
}

impl Trend {
    pub(super) fn new(days: &[Row]) -> Self {
        let most = nice(days.iter().map(Row::stopped).max().unwrap_or(0));
        let base = TOP + HEIGHT;
        let scale = HEIGHT / most as f64;
        let step = (WIDTH - LEFT - RIGHT) / days.len().max(1) as f64;
        let width = (step * 0.7).max(1.0);
        // Names of days stand where they have room, the last one always.
        let every = days.len().div_ceil(NAMED_DAYS).max(1);
        let bars = days
            .iter()
            .enumerate()
            .map(|(index, day)| {
                let x = LEFT + step * index as f64 + (step - width) / 2.0;
                let blocked = day.blocked as f64 * scale;
                let monitored = day.monitored as f64 * scale;
                let named = (days.len() - 1 - index).is_multiple_of(every);
                Bar {
                    name: day.name.clone(),
                    x: round(x),
                    width: round(width),
                    middle: round(x + width / 2.0),
                    blocked: (round(base - blocked), round(blocked)),
                    monitored: (round(base - blocked - monitored), round(monitored)),
                    // Month and day.
                    label: named.then(|| day.name.chars().skip(5).collect()),
                    blocked_count: day.blocked,
                    monitored_count: day.monitored,
                }
            })
            .collect();
        let ticks = [0, most / 2, most]
            .map(|value| Tick {
                y: round(base - value as f64 * scale),
                value,
            })
            .into();
        Self {
            width: WIDTH,
            height: base + 22.0,
            left: LEFT,
            right: WIDTH,
            base,
            bars,
            ticks,
        }
    }
}

impl Lying {
    pub(super) fn new(rows: &[Row], most: usize) -> Self {
        const ROW: f64 = 34.0;
        let longest = rows.iter().map(Row::stopped).max().unwrap_or(0).max(1) as f64;
        let bars: Vec<_> = rows
            .iter()
            .take(most)
            .enumerate()
            .map(|(index, row)| {
                let top = ROW * index as f64;
                let length = |count: u64| round(count as f64 / longest * WIDTH);
                LyingBar {
                    name: row.name.clone(),
                    text_y: top + 13.0,
                    y: top + 18.0,
                    blocked: length(row.blocked),
                    monitored: length(row.monitored),
                    blocked_count: row.blocked,
                    monitored_count: row.monitored,
                    count: row.stopped(),
                }
            })
            .collect();
        Self {
            width: WIDTH,
            height: ROW * bars.len() as f64,
            bars,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (most, expected) in [
            (0, 2),
            (1, 2),
            (3, 3),
            (5, 5),
            (7, 8),
            (9, 10),
            (41, 50),
            (1001, 2000),
        ] {
            assert_eq!(nice(most), expected, "{most}");
        }
        assert!(nice(u64::MAX) > 0);
    }
}
