//! The last ticks, so that a store that keeps up is fed from memory.

use lehr_domain::{Inputs, Tick};
use std::collections::VecDeque;
use std::sync::Arc;

/// Readings that are held: some seconds of a busy plant, 33 bytes each. What is older is on disk.
const MOST_ROWS: usize = 400_000;
/// Ticks that are held: minutes of an idle plant.
const MOST_TICKS: usize = 4096;

/// Ticks without gaps, each with the tick after which it goes; replayed ones may be several under one number.
#[derive(Default)]
pub struct Recent {
    ticks: VecDeque<(Tick, Arc<Inputs>)>,
    rows: usize,
    newest: Tick,
}

impl Recent {
    /// Takes the tick behind `after`.
    pub fn offer(&mut self, after: Tick, inputs: Arc<Inputs>) {
        if after != self.newest {
            self.ticks.clear();
            self.rows = 0;
        }
        self.newest = inputs.tick;
        self.rows += inputs.readings.len();
        self.ticks.push_back((after, inputs));
        while self.rows > MOST_ROWS || self.ticks.len() > MOST_TICKS {
            let Some((_, oldest)) = self.ticks.pop_front() else { break };
            self.rows -= oldest.readings.len();
        }
    }

    /// Everything up to here can be had, here or on disk.
    pub fn newest(&self) -> Tick {
        self.newest
    }

    /// Takes note of a tick whose readings are on disk alone.
    pub fn skip_to(&mut self, tick: Tick) {
        if tick > self.newest {
            (self.newest, self.rows) = (tick, 0);
            self.ticks.clear();
        }
    }

    /// The ticks behind `after`, as many as make a part of about `rows`; `None` when they are not here. Copies nothing:
    /// whoever offers the next tick waits meanwhile.
    pub fn behind(&self, after: Tick, rows: usize) -> Option<Vec<Arc<Inputs>>> {
        let from = self.ticks.binary_search_by_key(&after, |(begin, _)| *begin).ok()?;
        let mut found = 0;
        let enough = |inputs: &&Arc<Inputs>| {
            let more = found < rows;
            found += inputs.readings.len();
            more
        };
        Some(self.ticks.range(from..).map(|(_, inputs)| inputs).take_while(enough).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sinks::readings::table::Part;
    use lehr_domain::{EventMs, Micro, Reading, SensorId, Status};

    fn tick(tick: u64, rows: usize) -> Arc<Inputs> {
        let reading = |row: usize| Reading {
            sensor: SensorId(0),
            at: EventMs(row as i64),
            revision: tick,
            value: Micro(0),
            status: Status::Ok,
        };
        Arc::new(Inputs { tick: Tick(tick), readings: (0..rows).map(reading).collect(), ..Inputs::default() })
    }

    #[test]
    fn ticks_come_without_gaps_in_parts_and_old_ones_are_let_go() {
        let mut recent = Recent::default();
        let part = |recent: &Recent, after, rows| Some(Part::of(after, &recent.behind(after, rows)?));
        recent.skip_to(Tick(6));
        assert_eq!((recent.newest(), part(&recent, Tick(6), 10).is_none()), (Tick(6), true));
        (7..=9).for_each(|number| recent.offer(Tick(number - 1), tick(number, 5)));
        recent.offer(Tick(9), tick(12, 5));
        let bounds = |after| part(&recent, Tick(after), 10).map(|part| (part.after.0, part.tick.0, part.rows()));
        assert_eq!(bounds(6), Some((6, 8, 10)));
        assert_eq!(bounds(8), Some((8, 12, 10)));
        // Inside of a joined tick, before the first, behind the last.
        assert_eq!((bounds(10), bounds(5), bounds(12)), (None, None, None));

        recent.offer(Tick(12), tick(13, MOST_ROWS));
        assert!(part(&recent, Tick(9), 1).is_none(), "the bound on rows");
        assert!(part(&recent, Tick(12), 1).is_some());
        recent.offer(Tick(20), tick(21, 1));
        assert!(part(&recent, Tick(12), 1).is_none(), "a gap is not hidden");
    }
}
