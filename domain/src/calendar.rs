//! Shifts, days and weeks in plant time.

use crate::{EventMs, SpanMs};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// The stretch over which KPIs are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Scope {
    Hour = 0,
    Shift = 1,
    Day = 2,
    Week = 3,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::Hour, Scope::Shift, Scope::Day, Scope::Week];

    pub fn text(self) -> &'static str {
        match self {
            Scope::Hour => "hour",
            Scope::Shift => "shift",
            Scope::Day => "day",
            Scope::Week => "week",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.text() == text)
    }
}

/// One stretch of a scope: `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Period {
    pub scope: Scope,
    pub start: EventMs,
    pub end: EventMs,
}

/// The plant's time zone and the times of day at which shifts begin. Days begin at midnight and weeks on
/// Monday, plant time; a shift runs until the next one begins, so shifts cover the day. On days when clocks
/// change, a shift that would begin in the gap begins when the gap ends, and hours stay whole UTC hours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Calendar {
    /// IANA name, for instance `Europe/Berlin`.
    pub time_zone: String,
    /// Minutes after midnight, ascending, at least one.
    pub shift_starts: Vec<u16>,
}

/// Why a calendar cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCalendar {
    #[error("time zone '{0}' is not known; use an IANA name such as Europe/Berlin")]
    TimeZone(String),
    #[error("shift starts must be ascending minutes of the day (0 to 1439), at least one")]
    Shifts,
}

/// A calendar with its time zone looked up: answers in which periods an instant lies.
#[derive(Clone, Debug)]
pub struct Periods {
    zone: TimeZone,
    shift_starts: Vec<u16>,
}

impl Calendar {
    pub fn periods(&self) -> Result<Periods, BadCalendar> {
        let zone = TimeZone::get(&self.time_zone).map_err(|_| BadCalendar::TimeZone(self.time_zone.clone()))?;
        let ascending = self.shift_starts.windows(2).all(|pair| pair[0] < pair[1]);
        if self.shift_starts.is_empty() || !ascending || self.shift_starts.iter().any(|minute| *minute >= 1440) {
            return Err(BadCalendar::Shifts);
        }
        Ok(Periods { zone, shift_starts: self.shift_starts.clone() })
    }
}

impl Periods {
    /// The period of `scope` that holds `at`. `None` for instants outside years −9999 to 9999.
    pub fn at(&self, scope: Scope, at: EventMs) -> Option<Period> {
        let (start, end) = match scope {
            Scope::Hour => {
                let start = at.floor(SpanMs::hours(1));
                (start, start + SpanMs::hours(1))
            }
            Scope::Shift => self.shift(at)?,
            Scope::Day => {
                let date = self.date(at)?;
                (self.midnight(date)?, self.midnight(date.tomorrow().ok()?)?)
            }
            Scope::Week => {
                let date = self.date(at)?;
                let since_monday = i64::from(date.weekday().since(Weekday::Monday));
                let monday = date.checked_sub(since_monday.days()).ok()?;
                (self.midnight(monday)?, self.midnight(monday.checked_add(7.days()).ok()?)?)
            }
        };
        Some(Period { scope, start, end })
    }

    fn date(&self, at: EventMs) -> Option<Date> {
        let stamp = Timestamp::from_millisecond(at.0).ok()?;
        Some(self.zone.to_datetime(stamp).date())
    }

    fn midnight(&self, date: Date) -> Option<EventMs> {
        self.instant(date, 0)
    }

    fn instant(&self, date: Date, minute: u16) -> Option<EventMs> {
        let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
        let zoned = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(EventMs(zoned.timestamp().as_millisecond()))
    }

    fn shift(&self, at: EventMs) -> Option<(EventMs, EventMs)> {
        let today = self.date(at)?;
        // The shift at `at` began yesterday or today, and ends today or tomorrow.
        let mut starts = Vec::with_capacity(self.shift_starts.len() * 3);
        for date in [today.yesterday().ok()?, today, today.tomorrow().ok()?] {
            for minute in &self.shift_starts {
                starts.push(self.instant(date, *minute)?);
            }
        }
        let next = starts.partition_point(|start| *start <= at);
        Some((*starts.get(next.checked_sub(1)?)?, *starts.get(next)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Periods {
        let calendar = Calendar { time_zone: "Europe/Berlin".into(), shift_starts: vec![360, 840, 1320] };
        calendar.periods().expect("a good calendar")
    }

    fn period(scope: Scope, at: &str) -> String {
        let found = berlin().at(scope, EventMs::parse(at).unwrap()).unwrap();
        format!("{} {}", found.start, found.end)
    }

    #[test]
    fn a_night_shift_spans_midnight() {
        assert_eq!(period(Scope::Shift, "2026-01-31T02:00:00Z"), "2026-01-30T21:00:00.000Z 2026-01-31T05:00:00.000Z");
        assert_eq!(period(Scope::Shift, "2026-01-31T05:00:00Z"), "2026-01-31T05:00:00.000Z 2026-01-31T13:00:00.000Z");
    }

    #[test]
    fn the_day_on_which_clocks_change_has_23_hours() {
        assert_eq!(period(Scope::Day, "2026-03-29T10:00:00Z"), "2026-03-28T23:00:00.000Z 2026-03-29T22:00:00.000Z");
    }

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(period(Scope::Week, "2026-02-01T10:00:00Z"), "2026-01-25T23:00:00.000Z 2026-02-01T23:00:00.000Z");
    }

    #[test]
    fn every_instant_lies_in_its_periods() {
        let periods = berlin();
        for hour in 0..24 * 400 {
            let at = EventMs(1_767_225_600_000 + hour * 3_600_000 + 1_234_567);
            for scope in Scope::ALL {
                let found = periods.at(scope, at).unwrap();
                assert!(found.start <= at && at < found.end, "{scope:?} of {at}: {found:?}");
            }
        }
    }

    #[test]
    fn a_calendar_without_shifts_or_zone_is_refused() {
        let bad = Calendar { time_zone: "Mars/Olympus".into(), shift_starts: vec![0] };
        assert!(matches!(bad.periods(), Err(BadCalendar::TimeZone(_))));
        let bad = Calendar { time_zone: "UTC".into(), shift_starts: vec![60, 60] };
        assert_eq!(bad.periods().unwrap_err(), BadCalendar::Shifts);
    }
}
