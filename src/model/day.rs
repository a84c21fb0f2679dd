//! Days of the calendar, as policies write them and clocks count them.

use std::fmt;

/// A day of the Gregorian calendar in UTC, from 1970 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u32);

/// Seconds of a day; a clock that counts from 1970 knows no leap seconds.
const SECONDS: u64 = 86_400;
/// The last day that four digits can name, 9999-12-31.
const LAST: u32 = 2_932_896;

impl Day {
    /// The day on which a moment lies, in seconds since 1970-01-01 (UTC).
    pub fn of_seconds(seconds: u64) -> Self {
        let days = u32::try_from(seconds / SECONDS).unwrap_or(LAST);
        Self(days.min(LAST))
    }

    /// The first second of the day after this one.
    pub fn end(self) -> u64 {
        u64::from(self.0).saturating_add(1).saturating_mul(SECONDS)
    }

    /// Reads `2026-12-31`; `None` for what is no day, or none since 1970.
    ///
    /// By the era arithmetic of Hinnant, "chrono-Compatible Low-Level Date Algorithms", as the way back is.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (year.len(), month.len(), day.len()) != (4, 2, 2)
            || ![year, month, day].into_iter().all(digits)
        {
            return None;
        }
        let (year, month, day): (u32, u32, u32) =
            (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return None,
        };
        if year < 1970 || day == 0 || day > days {
            return None;
        }
        // Years begin in March, so that the odd day of a leap year is the last one.
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
        let shifted_month = (month + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        (era * 146_097 + day_of_era).checked_sub(719_468).map(Self)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.saturating_add(719_468);
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + u32::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_dates() {
        for (text, day) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(11_016)),
            ("2026-11-20", Some(20_777)),
            ("9999-12-31", Some(LAST)),
            ("1900-01-01", None),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-1-1", None),
            ("2026-+1-01", None),
            ("2026-12-31-1", None),
            ("tomorrow", None),
        ] {
            assert_eq!(Day::parse(text), day.map(Day), "{text}");
        }
    }

    #[test]
    fn every_day_reads_as_it_is_written() {
        for day in (0..=LAST).map(Day) {
            assert_eq!(Day::parse(&day.to_string()), Some(day));
        }
    }

    #[test]
    fn a_day_ends_at_midnight() {
        let day = Day::parse("2026-12-31").expect("a day");
        assert_eq!(Day::of_seconds(day.end() - 1), day);
        assert!(Day::of_seconds(day.end()) > day);
        assert_eq!(Day::of_seconds(u64::MAX).to_string(), "9999-12-31");
    }
}
