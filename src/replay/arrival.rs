//! In which order, and how many at a time, a recording's inputs arrive.

use crate::history::HistoryError;
use lehr_domain::event::{Event, Inputs, Revised};
use lehr_domain::{EventMs, Reading, SpanMs};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Every reading and dated event arrives late by a random delay up to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffle {
    pub seed: u64,
    pub max_delay: SpanMs,
}

type Batches = Box<dyn Iterator<Item = Result<Inputs, HistoryError>>>;

/// The recording in ticks of `batch` readings: as recorded, streaming; or shuffled, in memory.
pub fn batches(
    recorded: impl Iterator<Item = Result<Inputs, HistoryError>> + 'static,
    batch: usize,
    shuffle: Option<Shuffle>,
) -> Result<Batches, HistoryError> {
    match shuffle {
        None => Ok(Box::new(Rebatched { recorded, batch, held: None, at: 0 })),
        Some(shuffle) => Ok(Box::new(shuffled(recorded, batch, shuffle)?.map(Ok))),
    }
}

/// Cuts and joins recorded ticks to `batch` readings each. Events go in with the first readings of theirs.
struct Rebatched<I> {
    recorded: I,
    batch: usize,
    /// A recorded tick that is not used up, from row `at` on.
    held: Option<Inputs>,
    at: usize,
}

impl<I: Iterator<Item = Result<Inputs, HistoryError>>> Iterator for Rebatched<I> {
    type Item = Result<Inputs, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut out = Inputs::default();
        loop {
            let mut held = match self.held.take() {
                Some(held) => held,
                None => match self.recorded.next() {
                    Some(Ok(next)) => {
                        self.at = 0;
                        next
                    }
                    Some(Err(error)) => return Some(Err(error)),
                    None => return (!out.readings.is_empty() || !out.events.is_empty()).then_some(Ok(out)),
                },
            };
            out.now = out.now.max(held.now);
            out.events.append(&mut held.events);
            let rows = (self.batch - out.readings.len()).min(held.readings.len() - self.at);
            let range = self.at..self.at + rows;
            out.readings.sensor.extend_from_slice(&held.readings.sensor[range.clone()]);
            out.readings.at.extend_from_slice(&held.readings.at[range.clone()]);
            out.readings.value.extend_from_slice(&held.readings.value[range.clone()]);
            out.readings.status.extend_from_slice(&held.readings.status[range.clone()]);
            out.readings.revision.extend_from_slice(&held.readings.revision[range]);
            self.at += rows;
            if self.at < held.readings.len() {
                self.held = Some(held);
            }
            if out.readings.len() == self.batch {
                return Some(Ok(out));
            }
        }
    }
}

enum Arriving {
    Reading(Reading),
    Event(Revised),
}

/// When an event happened; `None` for configuration, which is there from the beginning.
fn dated(event: &Event) -> Option<EventMs> {
    match event {
        Event::Setpoint(row) => Some(row.at),
        Event::State(row) => Some(row.at),
        Event::Audit(row) => Some(row.at),
        _ => event.event_time(),
    }
}

fn shuffled(
    recorded: impl Iterator<Item = Result<Inputs, HistoryError>>,
    batch: usize,
    shuffle: Shuffle,
) -> Result<impl Iterator<Item = Inputs>, HistoryError> {
    let mut rng = ChaCha8Rng::seed_from_u64(shuffle.seed);
    let mut delay = move || SpanMs(rng.random_range(0..=shuffle.max_delay.0));
    let mut configuration = Vec::new();
    let mut arriving: Vec<(EventMs, Arriving)> = Vec::new();
    for inputs in recorded {
        let inputs = inputs?;
        arriving.extend(inputs.readings.iter().map(|row| (row.at + delay(), Arriving::Reading(row))));
        for row in inputs.events {
            match dated(&row.event) {
                Some(at) => arriving.push((at + delay(), Arriving::Event(row))),
                None => configuration.push(row),
            }
        }
    }
    arriving.sort_by_key(|(arrival, _)| *arrival);
    let mut arriving = arriving.into_iter();
    let mut configuration = Some(configuration);
    Ok(std::iter::from_fn(move || {
        let mut out = Inputs { events: configuration.take().unwrap_or_default(), ..Inputs::default() };
        while out.readings.len() < batch {
            match arriving.next() {
                Some((arrival, Arriving::Reading(row))) => {
                    out.now = arrival;
                    out.readings.push(row);
                }
                Some((_, Arriving::Event(row))) => out.events.push(row),
                None => break,
            }
        }
        (!out.readings.is_empty() || !out.events.is_empty()).then_some(out)
    }))
}
