//! Neighbouring ticks of a journal made into larger ones, so that a day of small ticks is replayed in seconds.
//!
//! The inputs of a joined tick are the same set, and between two ticks in which nothing leaves by retention the
//! outputs depend on that set alone. What leaves, however, leaves a trace (an alert keeps the start that its first
//! panes gave it), so that it matters whether an edit came before or after. So a tick in which something may leave
//! is given alone, as it was.

use crate::journal::FIRST_TICK;
use lehr_dataflows::base::Retention;
use lehr_domain::event::Inputs;
use lehr_domain::{EventMs, Tick};
use std::collections::BTreeSet;

/// Rows that one joined tick holds at most.
const JOINED_ROWS: usize = 200_000;

/// An iterator over joined ticks, each under the number of its last one. After an error it ends.
pub struct Joined<I> {
    ticks: I,
    last: Tick,
    apart: BTreeSet<Tick>,
    leaving: Leaving,
    held: Option<Held>,
    done: bool,
}

struct Held {
    inputs: Inputs,
    /// Nothing may be joined to it.
    closed: bool,
}

/// Joins `ticks`, which begin at the first of the journal or behind a state that is not known here, up to `last`.
/// A tick of `apart` is never joined with those behind it.
pub fn joined<I, E>(ticks: I, last: Tick, apart: BTreeSet<Tick>, retention: Retention) -> Joined<I>
where
    I: Iterator<Item = Result<Inputs, E>>,
{
    Joined { ticks, last, apart, leaving: Leaving::new(retention), held: None, done: false }
}

impl<I> Joined<I> {
    /// Takes in the next tick; gives what is whole by that.
    fn take(&mut self, next: Inputs) -> Option<Inputs> {
        let alone = self.leaving.may_leave(&next);
        let closed = alone || self.apart.contains(&next.tick);
        let Some(held) = self.held.as_mut() else {
            self.held = Some(Held { inputs: next, closed });
            return None;
        };
        let rows = held.inputs.readings.len() + held.inputs.events.len() + next.readings.len() + next.events.len();
        if held.closed || alone || rows > JOINED_ROWS {
            let whole = std::mem::replace(held, Held { inputs: next, closed });
            return Some(whole.inputs);
        }
        join(&mut held.inputs, next);
        held.closed = closed;
        None
    }
}

impl<I: Iterator<Item = Result<Inputs, E>>, E> Iterator for Joined<I> {
    type Item = Result<Inputs, E>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.done {
            match self.ticks.next() {
                Some(Ok(next)) if next.tick <= self.last => {
                    if let Some(whole) = self.take(next) {
                        return Some(Ok(whole));
                    }
                }
                Some(Err(error)) => {
                    (self.done, self.held) = (true, None);
                    return Some(Err(error));
                }
                Some(Ok(_)) | None => self.done = true,
            }
        }
        self.held.take().map(|held| Ok(held.inputs))
    }
}

/// Knows whether a tick may let something leave. Until a retention has passed nothing does; later something leaves
/// with nearly every move of the mark, so that being exact about it would gain nothing.
struct Leaving {
    retention: Retention,
    /// No row that ever came is older; `None` before the first tick.
    oldest: Option<EventMs>,
    low_water: EventMs,
}

impl Leaving {
    fn new(retention: Retention) -> Leaving {
        Leaving { retention, oldest: None, low_water: EventMs::MIN }
    }

    fn may_leave(&mut self, inputs: &Inputs) -> bool {
        let before = if inputs.tick == FIRST_TICK { EventMs::MAX } else { EventMs::MIN };
        let readings = inputs.readings.at.iter().map(|at| EventMs(*at));
        let events = inputs.events.iter().filter_map(|row| row.event.event_time());
        let oldest = readings.chain(events).fold(self.oldest.unwrap_or(before), EventMs::min);
        self.oldest = Some(oldest);
        let moved = inputs.low_water > self.low_water;
        self.low_water = self.low_water.max(inputs.low_water);
        moved && oldest < self.low_water - self.retention.panes.min(self.retention.events)
    }
}

fn join(inputs: &mut Inputs, next: Inputs) {
    inputs.tick = next.tick;
    inputs.now = inputs.now.max(next.now);
    inputs.wall = next.wall;
    inputs.low_water = inputs.low_water.max(next.low_water);
    inputs.readings.append(next.readings);
    inputs.events.extend(next.events);
    inputs.offsets.extend(next.offsets);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::JournalError;
    use lehr_domain::{Micro, Reading, SensorId, SpanMs, Status};

    const RETENTION: Retention = Retention { panes: SpanMs::minutes(10), events: SpanMs::minutes(20) };

    /// One reading of this minute, at a time when the mark is there too.
    fn tick(number: u64, minute: i64) -> Result<Inputs, JournalError> {
        let at = EventMs(0) + SpanMs::minutes(minute);
        let reading = Reading { sensor: SensorId(0), at, revision: 1, value: Micro(1), status: Status::Ok };
        Ok(Inputs { tick: Tick(number), low_water: at, readings: [reading].into_iter().collect(), ..Inputs::default() })
    }

    /// Last ticks of what they are joined into.
    fn ends(ticks: Vec<Result<Inputs, JournalError>>, apart: &[u64]) -> Vec<u64> {
        let apart = apart.iter().map(|tick| Tick(*tick)).collect();
        joined(ticks.into_iter(), Tick(100), apart, RETENTION).map(|inputs| inputs.unwrap().tick.0).collect()
    }

    #[test]
    fn ticks_are_joined_until_the_retention_has_passed_and_then_while_the_mark_stands_still() {
        let minutes = [0, 3, 6, 9, 11, 11, 11, 12, 12, 12];
        let ticks = minutes.iter().enumerate().map(|(index, minute)| tick(index as u64 + 1, *minute)).collect();
        assert_eq!(ends(ticks, &[]), [4, 5, 7, 8, 10], "ticks 5 and 8 may let something leave");
    }

    #[test]
    fn behind_an_unknown_state_every_move_of_the_mark_may_let_something_leave() {
        assert_eq!(ends(vec![tick(7, 1), tick(8, 1), tick(9, 1), tick(10, 2), tick(11, 2)], &[]), [7, 9, 10, 11]);
    }

    #[test]
    fn ticks_apart_are_joined_with_those_before_and_not_with_those_behind() {
        assert_eq!(ends(vec![tick(1, 1), tick(2, 1), tick(3, 1), tick(4, 1)], &[2]), [2, 4]);
    }

    #[test]
    fn nothing_follows_an_error() {
        let error = JournalError::Poisoned;
        let mut joined =
            joined(vec![tick(1, 1), Err(error), tick(2, 1)].into_iter(), Tick(9), BTreeSet::new(), RETENTION);
        assert!(joined.next().unwrap().is_err());
        assert!(joined.next().is_none());
    }
}
