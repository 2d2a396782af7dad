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
        match Timestamp::from_millisecond(self.0) {
            Ok(stamp) => write!(f, "{stamp:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
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
