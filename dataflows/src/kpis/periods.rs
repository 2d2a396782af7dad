//! In which hour, shift, day and week an instant lies, remembered from one instant to the next.

use lehr_domain::EventMs;
use lehr_domain::calendar::{Calendar, Period, Periods, Scope};

/// Looks up periods. Neighbouring instants mostly share their periods and time zones are slow to ask, so the
/// last answer of each scope is kept; that changes what it costs, never what it says.
#[derive(Default)]
pub struct PeriodLookup {
    calendar: Option<Calendar>,
    /// `None` for a calendar that cannot be used: nothing lies in its periods.
    periods: Option<Periods>,
    last: [Option<Period>; Scope::ALL.len()],
}

impl PeriodLookup {
    pub fn at(&mut self, calendar: &Calendar, scope: Scope, at: EventMs) -> Option<Period> {
        if self.calendar.as_ref() != Some(calendar) {
            let periods = calendar.periods().ok();
            *self = PeriodLookup { calendar: Some(calendar.clone()), periods, last: [None; Scope::ALL.len()] };
        }
        let last = &mut self.last[scope as usize];
        if !last.is_some_and(|period| period.start <= at && at < period.end) {
            *last = self.periods.as_ref()?.at(scope, at);
        }
        *last
    }

    /// `[from, to)` cut where periods of `scope` end. Empty when the calendar cannot be used.
    pub fn cut(
        &mut self,
        calendar: &Calendar,
        scope: Scope,
        from: EventMs,
        to: EventMs,
    ) -> Vec<(Period, EventMs, EventMs)> {
        let mut pieces = Vec::new();
        let mut at = from;
        while at < to {
            let Some(period) = self.at(calendar, scope, at) else { break };
            let end = period.end.min(to);
            pieces.push((period, at, end));
            at = end;
        }
        pieces
    }
}
