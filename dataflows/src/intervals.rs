//! From stretches in which a check was violated to conditions, with delays: pure, and the same whatever the
//! order in which the stretches became known.
//!
//! A condition begins with the first unbroken run of stretches that is `on` long, and ends with the last
//! stretch before a clear time of at least `off`. A *group* is a maximal series of stretches with less clear
//! time than that between neighbours; each group gives at most one condition, on its own.

use lehr_domain::{EventMs, Micro, SpanMs};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// A stretch `[start, end)` in which the check was violated, by its start.
pub type Stretches = BTreeMap<EventMs, Stretch>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub end: EventMs,
    pub value: Micro,
}

/// How long it must hold to count, and how long be clear to be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    pub on: SpanMs,
    pub off: SpanMs,
}

/// A stretch of violation after delays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub start: EventMs,
    /// `None` while it lasts or the off-delay runs.
    pub end: Option<EventMs>,
    /// Time in violation since `start`.
    pub held: SpanMs,
    pub peak: Micro,
}

impl Delays {
    /// Whether a clear time parts two groups. Stretches that touch are never parted.
    fn over(self, last: EventMs, next: EventMs) -> bool {
        next - last >= self.off.max(SpanMs(1))
    }
}

/// The parts of `stretches` that must be looked at anew when those at `touched` came, went or changed: whole
/// groups, from first to last start.
pub fn regions(stretches: &Stretches, touched: &BTreeSet<EventMs>, delays: Delays) -> Vec<(EventMs, EventMs)> {
    let mut regions: Vec<(EventMs, EventMs)> = Vec::new();
    for at in touched {
        if regions.last().is_some_and(|(_, last)| at < last) {
            continue;
        }
        let first = stretches.range(..*at).next_back().map_or(*at, |(start, _)| group_first(stretches, *start, delays));
        let following = stretches.range((Excluded(*at), Unbounded)).next().map(|(start, _)| *start);
        let last = following.map_or(*at, |start| group_last(stretches, start, delays));
        match regions.last_mut().filter(|(_, previous)| first <= *previous) {
            Some((_, previous)) => *previous = last,
            None => regions.push((first, last)),
        }
    }
    regions
}

fn group_first(stretches: &Stretches, mut start: EventMs, delays: Delays) -> EventMs {
    for (earlier, stretch) in stretches.range(..start).rev() {
        if delays.over(stretch.end, start) {
            break;
        }
        start = *earlier;
    }
    start
}

fn group_last(stretches: &Stretches, start: EventMs, delays: Delays) -> EventMs {
    let (mut last, mut end) = (start, stretches.get(&start).map_or(start, |stretch| stretch.end));
    for (later, stretch) in stretches.range((Excluded(start), Unbounded)) {
        if delays.over(end, *later) {
            break;
        }
        (last, end) = (*later, stretch.end);
    }
    last
}

/// The conditions of whole groups of stretches, known up to `horizon`; `worse` picks the more extreme value.
pub fn intervals<'a>(
    stretches: impl Iterator<Item = (&'a EventMs, &'a Stretch)>,
    delays: Delays,
    horizon: EventMs,
    worse: impl Fn(Micro, Micro) -> Micro,
) -> Vec<Interval> {
    let mut found = Vec::new();
    // The unbroken run that is not long enough yet, or the condition that it became.
    let mut run: Option<(Interval, bool)> = None;
    let mut last = EventMs::MIN;
    for (start, stretch) in stretches {
        if let Some((interval, counts)) = run {
            if delays.over(last, *start) {
                found.extend(counts.then_some(Interval { end: Some(last), ..interval }));
                run = None;
            } else if !counts && *start > last {
                run = None;
            }
        }
        let fresh = Interval { start: *start, end: None, held: SpanMs(0), peak: stretch.value };
        let (interval, counts) = run.get_or_insert((fresh, false));
        interval.held = SpanMs(interval.held.0 + (stretch.end - *start).0);
        interval.peak = worse(interval.peak, stretch.value);
        *counts |= interval.held >= delays.on;
        last = stretch.end;
    }
    if let Some((interval, true)) = run {
        let end = delays.over(last, horizon).then_some(last);
        found.push(Interval { end, ..interval });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: SpanMs = SpanMs::minutes(1);

    /// Draws minutes: `x` violated, `.` clear. The horizon is the end of the drawing.
    fn drawn(picture: &str, on: i64, off: i64) -> String {
        let minute = |index: usize| EventMs(index as i64 * MINUTE.0);
        let violated = picture.char_indices().filter(|(_, mark)| *mark == 'x');
        let stretches: Stretches =
            violated.map(|(i, _)| (minute(i), Stretch { end: minute(i + 1), value: Micro(i as i64) })).collect();
        let delays = Delays { on: SpanMs::minutes(on), off: SpanMs::minutes(off) };
        let found = intervals(stretches.iter(), delays, minute(picture.len()), Micro::max);
        let text = |interval: &Interval| {
            let end = interval.end.map_or("…".to_owned(), |end| end.pane(MINUTE).to_string());
            format!(
                "{}-{end} held {} peak {}",
                interval.start.pane(MINUTE),
                interval.held.0 / MINUTE.0,
                interval.peak.0
            )
        };
        found.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn delays_are_applied_to_runs_and_gaps() {
        assert_eq!(drawn("..xx..x.", 1, 1), "2-4 held 2 peak 3, 6-7 held 1 peak 6");
        assert_eq!(drawn("..xx..x.", 1, 2), "2-4 held 2 peak 3, 6-… held 1 peak 6");
        assert_eq!(drawn("..xx..x.", 1, 3), "2-… held 3 peak 6");
        assert_eq!(
            drawn("x.xx.x..", 2, 2),
            "2-6 held 3 peak 5",
            "a broken run counts from where it became long enough"
        );
        assert_eq!(drawn("x.x.x.x.", 2, 3), "", "never long enough");
        assert_eq!(drawn("xxx", 3, 1), "0-… held 3 peak 2");
    }
}
