//! The day of a row.

use lehr_domain::table::{Cell, ColumnType};
use lehr_domain::{EventMs, SpanMs};
use lehr_targets::Table;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What readers of such layouts take for "none".
const NONE: &str = "__HIVE_DEFAULT_PARTITION__";

const DAY_MS: i64 = 86_400_000;

/// A day of UTC in the years 0 to 9999, as days since the epoch. None for rows without a time, or with one beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Day(Option<i64>);

impl Day {
    pub const NONE: Day = Day(None);

    pub fn of(time: EventMs) -> Day {
        let day = time.0.div_euclid(DAY_MS);
        // An instant of other years has another text.
        Day(date(day).map(|_| day))
    }

    /// That of the first column of times.
    pub fn of_row(table: &Table, row: &[Cell]) -> Day {
        let place = table.columns.iter().position(|column| column.kind == ColumnType::Time);
        match place.and_then(|place| row.get(place)) {
            Some(Cell::Time(time)) => Day::of(*time),
            _ => Day::NONE,
        }
    }

    /// Whether it ended so long before. One that is none never ends.
    pub fn over(self, now: EventMs, since: SpanMs) -> bool {
        self.0.is_some_and(|day| EventMs((day + 1) * DAY_MS) + since <= now)
    }
}

/// Year, month and day.
fn date(day: i64) -> Option<String> {
    let text = EventMs(day.checked_mul(DAY_MS)?).to_string();
    (text.len() == 24 && text.ends_with("T00:00:00.000Z")).then(|| text[..10].to_owned())
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.and_then(date).unwrap_or_else(|| NONE.to_owned()))
    }
}

impl From<Day> for String {
    fn from(day: Day) -> String {
        day.to_string()
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Day, String> {
        if text == NONE {
            return Ok(Day::NONE);
        }
        let day = EventMs::parse(&format!("{text}T00:00:00Z")).map(Day::of).map_err(|error| error.to_string())?;
        if day.to_string() == text { Ok(day) } else { Err(format!("'{text}' is no day")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar_and_read_as_they_are_written() {
        let year = 31_556_952_000_i64;
        for ms in (-2200 * year..9000 * year).step_by(86_399_999 * 1013).chain([i64::MIN, -1, 0, i64::MAX]) {
            let (day, time) = (Day::of(EventMs(ms)), EventMs(ms).to_string());
            let expected = if time.len() == 24 && time.as_bytes()[4] == b'-' { &time[..10] } else { NONE };
            assert_eq!(day.to_string(), expected, "{ms}");
            assert_eq!(Day::try_from(day.to_string()), Ok(day));
        }
        for text in ["2026-02-30", "2026-1-1", "today", "+002026-01-01", ""] {
            assert!(Day::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_is_over_at_its_end() {
        let day = Day::of(EventMs(0));
        assert!(!day.over(EventMs(DAY_MS - 1), SpanMs(0)));
        assert!(day.over(EventMs(DAY_MS), SpanMs(0)));
        assert!(!day.over(EventMs(DAY_MS), SpanMs(1)));
        assert!(!Day::NONE.over(EventMs::MAX, SpanMs(0)));
    }
}
