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
