//! Event time: when something happened, in milliseconds UTC.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};

/// An instant of event time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventMs(pub i64);

/// A length of time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpanMs(pub i64);

/// Why a text is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an ISO 8601 time such as 2026-01-31T06:00:00Z")]
pub struct NotATime {
    pub text: String,
}

/// Why a text is no span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a span such as 500ms, 30s, 10m, 24h or 7d")]
pub struct NotASpan {
    pub text: String,
}

impl EventMs {
    pub const MIN: EventMs = EventMs(i64::MIN);
    pub const MAX: EventMs = EventMs(i64::MAX);

    /// Reads ISO 8601 with an offset (`Z` or `+01:00`); fractions below a millisecond are cut.
    pub fn parse(text: &str) -> Result<EventMs, NotATime> {
        let stamp: Timestamp = text.trim().parse().map_err(|_| NotATime { text: text.into() })?;
        Ok(EventMs(stamp.as_millisecond()))
    }

    /// The start of the pane of the given width that holds this instant. Panes are aligned at the epoch.
    pub fn floor(self, width: SpanMs) -> EventMs {
        EventMs(self.0.saturating_sub(self.0.rem_euclid(width.0)))
    }

    /// The number of the pane of the given width that holds this instant.
    pub fn pane(self, width: SpanMs) -> i64 {
        self.0.div_euclid(width.0)
    }
}

impl SpanMs {
    /// Longer than anything lasts.
    pub const FOREVER: SpanMs = SpanMs(i64::MAX);

    pub const fn seconds(seconds: i64) -> SpanMs {
        SpanMs(seconds * 1000)
    }
    pub const fn minutes(minutes: i64) -> SpanMs {
        SpanMs(minutes * 60_000)
    }
    pub const fn hours(hours: i64) -> SpanMs {
        SpanMs(hours * 3_600_000)
    }
    pub const fn days(days: i64) -> SpanMs {
        SpanMs(days * 86_400_000)
    }

    /// Reads a number with one of the units `ms`, `s`, `m`, `h`, `d`.
    pub fn parse(text: &str) -> Result<SpanMs, NotASpan> {
        let bad = || NotASpan { text: text.into() };
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(bad)?;
        let (number, unit) = trimmed.split_at(split);
        let scale = match unit {
            "ms" => 1.0,
            "s" => 1e3,
            "m" | "min" => 6e4,
            "h" => 3.6e6,
            "d" => 8.64e7,
            _ => return Err(bad()),
        };
        let number: f64 = number.trim().parse().map_err(|_| bad())?;
        let ms = number * scale;
        if !(0.0..9e15).contains(&ms) {
            return Err(bad());
        }
        Ok(SpanMs(ms.round() as i64))
    }
}

impl fmt::Display for EventMs {
    /// ISO 8601, UTC, always with three decimals, so that texts sort as times do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.text() {
            return f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?);
        }
        match Timestamp::from_millisecond(self.0) {
            Ok(stamp) => write!(f, "{stamp:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl EventMs {
    /// The text of an instant in the years 0 to 9999. A frame of 1000 sensors holds thousands of them, so it does
    /// without calendars and time zones: days since the epoch become a date by the Gregorian cycle of 400 years,
    /// counted from 1 March so that the leap day comes last.
    fn text(self) -> Option<[u8; 24]> {
        const DAY_MS: i64 = 86_400_000;
        const CYCLE_DAYS: i64 = 146_097;
        /// From 0000-03-01 to the epoch.
        const EPOCH_DAYS: i64 = 719_468;
        let (days, ms) = (self.0.div_euclid(DAY_MS) + EPOCH_DAYS, self.0.rem_euclid(DAY_MS));
        let (cycle, day) = (days.div_euclid(CYCLE_DAYS), days.rem_euclid(CYCLE_DAYS));
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, january) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = cycle * 400 + year + january;
        if !(0..=9999).contains(&year) {
            return None;
        }
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut put = |end: usize, digits: usize, mut value: i64| {
            for place in (end - digits..end).rev() {
                text[place] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(4, 4, year);
        put(7, 2, month);
        put(10, 2, day);
        put(13, 2, ms / 3_600_000);
        put(16, 2, ms / 60_000 % 60);
        put(19, 2, ms / 1000 % 60);
        put(23, 3, ms % 1000);
        Some(text)
    }
}

impl Add<SpanMs> for EventMs {
    type Output = EventMs;
    fn add(self, span: SpanMs) -> EventMs {
        EventMs(self.0.saturating_add(span.0))
    }
}

impl Sub<SpanMs> for EventMs {
    type Output = EventMs;
    fn sub(self, span: SpanMs) -> EventMs {
        EventMs(self.0.saturating_sub(span.0))
    }
}

impl Sub<EventMs> for EventMs {
    type Output = SpanMs;
    fn sub(self, other: EventMs) -> SpanMs {
        SpanMs(self.0.saturating_sub(other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_print_as_iso_8601_in_utc() {
        let at = EventMs::parse("2026-01-31T07:00:00.25+01:00").expect("a time with an offset");
        assert_eq!(at.to_string(), "2026-01-31T06:00:00.250Z");
        assert!(EventMs::parse("yesterday").is_err());
    }

    #[test]
    fn texts_of_instants_are_those_of_the_calendar() {
        let year = 31_556_952_000_i64;
        let mut instants: Vec<i64> =
            vec![0, -1, 951_782_400_000, 951_868_799_999, -62_167_219_200_000, 253_402_207_200_000];
        // A step that meets every day of the year and time of day in turn, over all the years that are possible.
        instants.extend((-1970 * year..8000 * year).step_by(7_919_191_919));
        assert!(instants.len() > 30_000);
        for ms in instants {
            let stamp = Timestamp::from_millisecond(ms).expect("a year that the calendar knows");
            assert_eq!(EventMs(ms).to_string(), format!("{stamp:.3}"), "{ms}");
        }
        assert_eq!(EventMs::MAX.to_string(), format!("{}ms", i64::MAX));
    }

    #[test]
    fn panes_before_the_epoch_still_start_at_or_before_their_readings() {
        let width = SpanMs::minutes(1);
        assert_eq!(EventMs(-1).floor(width), EventMs(-60_000));
        assert_eq!(EventMs(59_999).floor(width), EventMs(0));
    }

    #[test]
    fn spans_need_a_unit() {
        assert_eq!(SpanMs::parse("1.5h"), Ok(SpanMs(5_400_000)));
        assert!(SpanMs::parse("10").is_err());
        assert!(SpanMs::parse("-1s").is_err());
    }
}
