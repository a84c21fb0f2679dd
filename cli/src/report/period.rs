//! Which records a report is about.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// The period that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// So many days (UTC), of which the last is that of the newest record.
    Newest(u32),
    /// From a second to another, both included.
    Between(i64, i64),
}

/// Reads the first second of a period.
pub(super) fn start(text: &str) -> Result<i64, String> {
    read(text, 0)
}

/// Reads the last second of a period; a day ends with its last.
pub(super) fn end(text: &str) -> Result<i64, String> {
    read(text, 1).map(|second| match text.parse::<Timestamp>() {
        Ok(_) => second,
        Err(_) => second - 1,
    })
}

fn read(text: &str, days: i64) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    let wrong =
        || "expected a day such as 2026-12-31, or a time such as 2026-12-31T12:00:00Z".to_owned();
    let date: Date = text.parse().map_err(|_| wrong())?;
    let date = date.checked_add(days.days()).map_err(|_| wrong())?;
    let time = date.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    Ok(time.timestamp().as_second())
}

/// The day of a second, in days since 1970-01-01 (UTC).
pub(super) const fn day_of(second: i64) -> i64 {
    second.div_euclid(86_400)
}

/// A day as it is written.
pub(super) fn day(day: i64) -> String {
    let text = Timestamp::from_second(day.saturating_mul(86_400)).map(|time| time.to_string());
    text.map(|text| text.chars().take(10).collect())
        .unwrap_or_default()
}

/// A second as it is written, to the minute.
pub(super) fn minute(second: i64) -> String {
    let text = Timestamp::from_second(second).map(|time| time.to_string());
    text.map(|text| text.chars().take(16).collect::<String>().replace('T', " "))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole() {
        assert_eq!(start("2026-11-20"), Ok(1_795_132_800));
        assert_eq!(end("2026-11-20"), Ok(1_795_132_800 + 86_399));
        assert_eq!(end("2026-11-20T00:00:05Z"), Ok(1_795_132_805));
        assert_eq!(start("2026-11-20T01:00:00+01:00"), Ok(1_795_132_800));
        assert!(start("yesterday").is_err());
        assert_eq!(day(day_of(1_795_132_800)), "2026-11-20");
        assert_eq!(minute(1_795_132_860), "2026-11-20 00:01");
    }
}
