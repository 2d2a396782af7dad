//! Stands between the journal and the workers: when a reading comes for a pane that is sealed, it looks up the pane's
//! earlier readings, so that workers do no I/O and what they hold is a function of what they are fed.
//!
//! Which panes are sealed follows from the low-water mark of the tick before, here as in the operator. A tick with
//! such readings waits for the look-up, and so do those behind it: a few milliseconds for a few panes.

use super::RuntimeError;
use super::work::Work;
use crate::history::{Files, History, Range, Tree};
use crate::journal::storage::{Disk, Storage};
use lehr_dataflows::panes::PaneConfig;
use lehr_dataflows::restored::Base;
use lehr_domain::event::Inputs;
use lehr_domain::{Event, EventMs, ReadingBatch, SensorId, Tick};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) struct Reopening<J = Disk, H = Tree> {
    history: Arc<History<J, H>>,
    panes: PaneConfig,
    /// The low-water mark of the last tick that was handed on.
    mark: EventMs,
    /// The first tick that was not handed on.
    next: Tick,
}

impl<J: Storage, H: Files> Reopening<J, H> {
    /// Before the first tick.
    pub fn new(history: Arc<History<J, H>>, panes: PaneConfig) -> Reopening<J, H> {
        Reopening { history, panes, mark: EventMs::MIN, next: Tick(1) }
    }

    /// Goes on from a checkpoint: adds the readings of the panes that are not sealed.
    pub fn restore(&mut self, mut base: Base) -> Result<Base, RuntimeError> {
        (self.mark, self.next) = (base.low_water, base.tick.next());
        let sealed_until = self.panes.sealed_until(self.mark);
        let sensors = base.facts.iter().filter_map(|row| match row.event {
            Event::Sensor(sensor, _) => Some(sensor),
            _ => None,
        });
        let open = sensors.map(|sensor| Range { sensor, from: sealed_until, to: EventMs::MAX });
        base.readings = self.look_up(&open.collect::<Vec<_>>())?;
        Ok(base)
    }

    /// The work that a tick is. Ticks come in order; several may come joined under the number of the last.
    pub fn work(&mut self, inputs: Arc<Inputs>) -> Result<Work, RuntimeError> {
        let reopened = self.look_up(&self.sealed(&inputs.readings))?;
        self.mark = self.mark.max(inputs.low_water);
        self.next = inputs.tick.next();
        Ok(Work::Tick(inputs, reopened))
    }

    /// The sealed panes to which there are readings.
    fn sealed(&self, readings: &ReadingBatch) -> Vec<Range> {
        let sealed_until = self.panes.sealed_until(self.mark);
        let width = self.panes.width;
        let late = readings.at.iter().enumerate().filter(|(_, at)| **at < sealed_until.0);
        let panes: BTreeSet<(u32, EventMs)> =
            late.map(|(row, at)| (readings.sensor[row], EventMs(*at).floor(width))).collect();
        panes.into_iter().map(|(sensor, from)| Range { sensor: SensorId(sensor), from, to: from + width }).collect()
    }

    fn look_up(&self, wanted: &[Range]) -> Result<ReadingBatch, RuntimeError> {
        if wanted.is_empty() {
            return Ok(ReadingBatch::default());
        }
        let found = self.history.readings(wanted, self.next)?;
        Ok(found.into_iter().map(|journalled| journalled.reading).collect())
    }
}
