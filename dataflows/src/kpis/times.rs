//! Machine time in pieces: intervals of machine states, up to the line's clock, cut at every UTC hour.
//!
//! The open interval grows with the clock. Cut into hours, only the piece in which the clock stands changes;
//! whatever sums the pieces up redoes one hour a minute and not the weeks since the line was started.
//!
//! Machine states never leave, but the pieces made of them do, when units of their time have left.

use crate::operators::{KeyState, per_key};
use crate::tables::MachineStateRow;
use crate::{Diff, Rows};
use lehr_domain::machine::MachineState;
use lehr_domain::{EventMs, LineId, ProductId, SpanMs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Of one interval only its last days count, to whole UTC days: more than the units' retention of five weeks,
/// and at most 61 · 24 pieces. It bounds a replay that keeps everything.
pub const LONGEST_INTERVAL: SpanMs = SpanMs::days(60);

/// The step in which the clock is followed.
const CLOCK_STEP: SpanMs = SpanMs::minutes(1);
const PIECE: SpanMs = SpanMs::hours(1);

/// A stretch of machine time within one UTC hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Piece {
    pub from: EventMs,
    pub to: EventMs,
    pub state: MachineState,
    pub product: ProductId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Interval {
    end: Option<EventMs>,
    state: MachineState,
    product: ProductId,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Fact {
    Interval(EventMs, Interval),
    Clock(EventMs),
    /// Before this, at a full hour, units have left.
    Left(EventMs),
}

/// Per line the pieces of machine time up to its clock, rounded down to the minute. A line without a clock has
/// none; what begins after the clock has not happened yet, and what is before `left` has left.
pub fn time_pieces<'s>(
    states: Rows<'s, MachineStateRow>,
    clocks: Rows<'s, (LineId, EventMs)>,
    left: Rows<'s, (LineId, EventMs)>,
) -> Rows<'s, (LineId, Piece)> {
    let intervals = states.map(|row| {
        let interval = Interval { end: row.end, state: row.state, product: row.product };
        (row.production_line, Fact::Interval(row.start, interval))
    });
    let clocks = clocks.map(|(line, at)| (line, Fact::Clock(at.floor(CLOCK_STEP))));
    let left = left.map(|(line, at)| (line, Fact::Left(at)));
    per_key(intervals.concat(clocks).concat(left), "machine time", step)
}

#[derive(Default)]
struct Times {
    intervals: BTreeMap<EventMs, Interval>,
    clock: Option<EventMs>,
    left: Option<EventMs>,
}

impl KeyState for Times {
    fn is_idle(&self) -> bool {
        self.intervals.is_empty() && self.clock.is_none() && self.left.is_none()
    }
}

/// What a moved clock touches: of the intervals that reach past `reach`, the pieces from `from` on.
#[derive(Clone, Copy)]
struct Moved {
    reach: EventMs,
    from: EventMs,
}

impl Moved {
    const EVERYTHING: Moved = Moved { reach: EventMs::MIN, from: EventMs::MIN };

    fn between(before: Option<EventMs>, after: Option<EventMs>) -> Option<Moved> {
        if before == after {
            return None;
        }
        let (Some(before), Some(after)) = (before, after) else {
            return Some(Moved::EVERYTHING);
        };
        let reach = before.min(after);
        // On a new day the longest intervals lose their first day.
        let same_day = before.pane(SpanMs::days(1)) == after.pane(SpanMs::days(1));
        Some(Moved { reach, from: if same_day { reach.floor(PIECE) } else { EventMs::MIN } })
    }
}

impl Times {
    fn apply(&mut self, changes: &[(Fact, Diff)]) {
        for (fact, diff) in changes {
            if let Fact::Interval(start, interval) = fact
                && *diff < 0
                && self.intervals.get(start) == Some(interval)
            {
                self.intervals.remove(start);
            }
        }
        for (fact, diff) in changes {
            if let Fact::Interval(start, interval) = fact
                && *diff > 0
            {
                self.intervals.insert(*start, *interval);
            }
        }
        self.clock = clock_after(self.clock, changes);
        self.left = left_after(self.left, changes);
    }

    fn pieces(&self, changed: &BTreeSet<EventMs>, moved: Option<Moved>, mut push: impl FnMut(Piece)) {
        let Some(clock) = self.clock else { return };
        let left = self.left.unwrap_or(EventMs::MIN);
        for start in changed {
            if let Some(interval) = self.intervals.get(start) {
                interval.pieces(*start, clock, left, &mut push);
            }
        }
        let Some(Moved { reach, from }) = moved else { return };
        let reaching = self.intervals.iter().rev().take_while(|(_, held)| held.end.is_none_or(|end| end > reach));
        for (start, interval) in reaching.filter(|(start, _)| !changed.contains(start)) {
            interval.pieces(*start, clock, from.max(left), &mut push);
        }
    }
}

/// The value of a kind of fact that occurs once at most.
fn after(
    before: Option<EventMs>,
    changes: &[(Fact, Diff)],
    value: impl Fn(&Fact) -> Option<EventMs>,
) -> Option<EventMs> {
    let changed = |up: bool| changes.iter().filter(|(_, diff)| (*diff > 0) == up).find_map(|(fact, _)| value(fact));
    changed(true).or(if changed(false).is_some() { None } else { before })
}

fn clock_after(before: Option<EventMs>, changes: &[(Fact, Diff)]) -> Option<EventMs> {
    after(before, changes, |fact| if let Fact::Clock(at) = fact { Some(*at) } else { None })
}

fn left_after(before: Option<EventMs>, changes: &[(Fact, Diff)]) -> Option<EventMs> {
    after(before, changes, |fact| if let Fact::Left(at) = fact { Some(*at) } else { None })
}

impl Interval {
    fn pieces(&self, start: EventMs, clock: EventMs, since: EventMs, push: &mut impl FnMut(Piece)) {
        let end = self.end.map_or(clock, |end| end.min(clock));
        let first = start.max(end.floor(SpanMs::days(1)) - LONGEST_INTERVAL);
        let mut from = first.max(since);
        while from < end {
            let to = end.min(from.floor(PIECE) + PIECE);
            push(Piece { from, to, state: self.state, product: self.product });
            from = to;
        }
    }
}

fn step(line: &LineId, times: &mut Times, changes: &[(Fact, Diff)], out: &mut Vec<((LineId, Piece), Diff)>) {
    let starts = changes.iter().filter_map(|(fact, _)| match fact {
        Fact::Interval(start, _) => Some(*start),
        Fact::Clock(_) | Fact::Left(_) => None,
    });
    let changed: BTreeSet<EventMs> = starts.collect();
    // Once an hour, of pieces that are no more than retention has hours.
    let moved = if left_after(times.left, changes) != times.left {
        Some(Moved::EVERYTHING)
    } else {
        Moved::between(times.clock, clock_after(times.clock, changes))
    };
    times.pieces(&changed, moved, |piece| out.push(((*line, piece), -1)));
    times.apply(changes);
    times.pieces(&changed, moved, |piece| out.push(((*line, piece), 1)));
}
