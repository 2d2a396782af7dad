//! What must hold: the durable ticks, run once through one worker, tick by tick and without a crash.

use super::Violation;
use crate::history::Journalled;
use crate::runtime::{Closed, Inline, Work, learn};
use lehr_dataflows::for_all_tables;
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::tables::*;
use lehr_domain::event::Inputs;
use lehr_domain::names::Names;
use lehr_domain::table::Row;
use lehr_domain::{Event, Reading, Tick};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The crash-free run. It never forgets, so that whatever reappears can be compared.
pub struct Model {
    /// Ticks that are durable; the first one is tick 1.
    ticks: Vec<Arc<Inputs>>,
    /// As of each of them; the first one is of tick 0.
    snapshots: Vec<Arc<Snapshot>>,
    engine: Inline,
    names: Arc<Names>,
    /// Number of the last submission that is durable.
    submission: u64,
    /// Submissions of which somebody was told that they are visible, and in which tick.
    acknowledged: BTreeMap<u64, Tick>,
    /// The last tick that was shown to anybody.
    shown: Tick,
    /// The last tick of which a checkpoint was made.
    checkpointed: Tick,
}

impl Model {
    /// `graph` must never seal panes: the model has no history to look anything up in.
    pub fn new(graph: GraphConfig) -> Model {
        Model {
            ticks: Vec::new(),
            snapshots: vec![Arc::new(Snapshot::empty())],
            engine: Inline::new(graph),
            names: Arc::default(),
            submission: 0,
            acknowledged: BTreeMap::new(),
            shown: Tick(0),
            checkpointed: Tick(0),
        }
    }

    pub fn durable(&self) -> Tick {
        Tick(self.ticks.len() as u64)
    }

    pub fn snapshot(&self, tick: Tick) -> Option<&Arc<Snapshot>> {
        self.snapshots.get(tick.0 as usize)
    }

    pub fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// A tick became durable.
    pub fn append(&mut self, inputs: Arc<Inputs>) -> Result<(), Violation> {
        if inputs.tick != self.durable().next() {
            return violation(format!("tick {} follows {}", inputs.tick.0, self.durable().0));
        }
        for (_, number) in &inputs.offsets {
            if *number <= self.submission {
                return violation(format!("submission {number} was journalled after {}", self.submission));
            }
            self.submission = *number;
        }
        learn(&mut self.names, &inputs.events);
        let changes = self.engine.run(&Arc::new(Work::Tick(inputs.clone(), Default::default())));
        let before = self.snapshots.last().expect("there is one of tick 0");
        let after = before.apply(inputs.tick, inputs.now, inputs.wall, &self.names, &changes);
        let after = after.map_err(|error| Violation(format!("the crash-free run cannot publish: {error}")))?;
        self.snapshots.push(Arc::new(after.marked(inputs.low_water)));
        self.ticks.push(inputs);
        Ok(())
    }

    /// The journal was read after a restart. `in_flight` is what may have become durable unnoticed.
    pub fn recovered(&mut self, read: Vec<Inputs>, in_flight: Option<Arc<Inputs>>) -> Result<(), Violation> {
        self.check_ticks(&read)?;
        let more: Vec<Arc<Inputs>> = read.into_iter().skip(self.ticks.len()).map(Arc::new).collect();
        if more.iter().any(|inputs| Some(inputs) != in_flight.as_ref()) {
            return violation(format!("{} ticks after a restart that nobody closed", more.len()));
        }
        more.into_iter().try_for_each(|inputs| self.append(inputs))
    }

    /// Whether all durable ticks are there as they were journalled, perhaps more. Readings that were moved to history
    /// come back sorted.
    pub fn check_ticks(&self, read: &[Inputs]) -> Result<(), Violation> {
        if read.len() < self.ticks.len() {
            return violation(format!("{} durable ticks, {} left", self.ticks.len(), read.len()));
        }
        let different = self.ticks.iter().zip(read).find(|(known, read)| sorted(known) != sorted(read));
        match different {
            None => Ok(()),
            Some((known, _)) => violation(format!("tick {} has other inputs than it had", known.tick.0)),
        }
    }

    /// Whether a look-up of all readings up to the last durable tick gives each once.
    pub fn check_readings(&self, found: Vec<Journalled>) -> Result<(), Violation> {
        let of_tick = |inputs: &Arc<Inputs>| {
            let tick = inputs.tick;
            inputs.readings.iter().map(move |reading| Journalled { reading, tick }).collect::<Vec<_>>()
        };
        let mut expected: Vec<Journalled> = self.ticks.iter().flat_map(of_tick).collect();
        expected.sort_unstable();
        if found == expected {
            return Ok(());
        }
        violation(format!("a look-up finds {} readings, or others than the {} journalled", found.len(), expected.len()))
    }

    /// A checkpoint of this tick was said to be durable.
    pub fn checkpointed(&mut self, tick: Tick) {
        self.checkpointed = tick;
    }

    pub fn newest_checkpoint(&self) -> Tick {
        self.checkpointed
    }

    /// Whether the newest checkpoint after a restart is one that there may be.
    pub fn check_checkpoint(&self, newest: Tick) -> Result<(), Violation> {
        if newest < self.checkpointed || newest > self.durable() {
            let (promised, durable) = (self.checkpointed.0, self.durable().0);
            return violation(format!(
                "the newest checkpoint is of tick {}, one of {promised} was made, {durable} is durable",
                newest.0
            ));
        }
        Ok(())
    }

    /// Somebody was told that submission `number` is visible.
    pub fn acknowledge(&mut self, number: u64, closed: Closed) -> Result<(), Violation> {
        let Closed { tick, admitted } = closed;
        let Some(inputs) = tick.0.checked_sub(1).and_then(|index| self.ticks.get(index as usize)) else {
            return violation(format!("submission {number} was acknowledged in tick {}, which is not durable", tick.0));
        };
        if !inputs.offsets.iter().any(|(_, offset)| *offset == number) {
            return violation(format!("submission {number} was acknowledged in tick {}, which lacks it", tick.0));
        }
        let late = inputs.events.iter().filter(|row| matches!(row.event, Event::Late(_))).count();
        if admitted.taken > inputs.readings.len() || admitted.late > late || tick > self.shown {
            return violation(format!("submission {number} was told {closed:?}, which is not so"));
        }
        self.acknowledged.insert(number, tick);
        Ok(())
    }

    /// A snapshot was published.
    pub fn published(&mut self, snapshot: &Snapshot) -> Result<(), Violation> {
        self.shown = self.shown.max(snapshot.tick);
        let Some(expected) = self.snapshot(snapshot.tick) else {
            return violation(format!("tick {} was published, {} is durable", snapshot.tick.0, self.durable().0));
        };
        let times = |snapshot: &Snapshot| (snapshot.now, snapshot.wall, snapshot.low_water);
        if times(snapshot) != times(expected) || snapshot.names != expected.names {
            return violation(format!("tick {}: published under another time, or other names", snapshot.tick.0));
        }
        self.check_tables(snapshot, "the snapshot")
    }

    /// Whether all tables are those of the crash-free run at the same tick.
    pub fn check_tables(&self, found: &Snapshot, who: &str) -> Result<(), Violation> {
        let Some(expected) = self.snapshot(found.tick) else {
            return violation(format!("{who} is at tick {}, {} is durable", found.tick.0, self.durable().0));
        };
        match difference(found, expected) {
            None => Ok(()),
            Some(difference) => violation(format!("tick {}: {who} has {difference}", found.tick.0)),
        }
    }
}

fn sorted(inputs: &Inputs) -> Inputs {
    let mut readings: Vec<Reading> = inputs.readings.iter().collect();
    readings.sort_unstable();
    Inputs { readings: readings.into_iter().collect(), ..inputs.clone() }
}

fn violation<T>(text: String) -> Result<T, Violation> {
    Err(Violation(text))
}

macro_rules! declare_comparison {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// Where two snapshots differ first.
        fn difference(found: &Snapshot, expected: &Snapshot) -> Option<String> {
            $( if found.$field != expected.$field {
                let more = found.$field.iter().find(|row| !expected.$field.iter().any(|other| other == *row));
                let less = expected.$field.iter().find(|row| !found.$field.iter().any(|other| other == *row));
                return Some(format!("other rows in {}: {more:?} in place of {less:?}", $row::TABLE));
            } )*
            None
        }

        /// Every row as a log of changes shows it.
        pub fn lines(snapshot: &Snapshot) -> Vec<(String, String)> {
            let mut lines = Vec::new();
            $( for row in snapshot.$field.iter().filter(|_| $row::KEY > 0) {
                lines.push(($row::TABLE.to_owned(), row_to_json(row, &snapshot.names).to_string()));
            } )*
            lines.sort();
            lines
        }

        /// Rows of each table.
        pub fn count_rows(snapshot: &Snapshot, into: &mut BTreeMap<&'static str, usize>) {
            $( *into.entry($row::TABLE).or_default() += snapshot.$field.len(); )*
        }
    };
}
for_all_tables!(declare_comparison);
