//! The readings that hold, from files: of each sensor and time the best that was journalled up to a tick.

use super::manifest::{FileEntry, Manifest};
use super::merge::Merged;
use super::reader::{self, Rows, Span};
use super::{Files, History, HistoryError};
use crate::journal::storage::Storage;
use lehr_domain::{EventMs, Reading, SensorId, Tick};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Which readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// `None`: of all sensors.
    pub sensor: Option<SensorId>,
    pub from: EventMs,
    /// Without it.
    pub to: EventMs,
    pub up_to: Tick,
}

impl Wanted {
    pub fn has(&self, reading: &Reading) -> bool {
        self.sensor.is_none_or(|sensor| sensor == reading.sensor) && self.from <= reading.at && reading.at < self.to
    }

    fn meets(&self, span: Span) -> bool {
        let sensor = self.sensor.is_none_or(|sensor| span.sensors.0 <= sensor.0 && sensor.0 <= span.sensors.1);
        sensor && self.from.0 <= span.at.1 && span.at.0 < self.to.0 && span.ticks.0 <= self.up_to.0
    }
}

/// Day by day, each sensor and time once, by sensor and time within a day. A sensor's line may have changed, so that all
/// files of a day are merged whatever their line. Memory: a page of each file of one day.
pub struct Kept<J, H> {
    history: Arc<History<J, H>>,
    /// Held so that its files stay.
    _view: Arc<Manifest>,
    wanted: Wanted,
    days: VecDeque<Vec<FileEntry>>,
    day: Option<Merged<Rows>>,
    best: Option<Reading>,
}

impl<J: Storage, H: Files> History<J, H> {
    /// What holds of the files of `view`. Readings that `lehr rebuild` folded in are among them.
    pub fn kept(self: &Arc<Self>, view: Arc<Manifest>, wanted: Wanted) -> Kept<J, H> {
        let mut days: BTreeMap<i64, Vec<FileEntry>> = BTreeMap::new();
        for file in view.files.iter().filter(|file| wanted.meets(Span::from(*file))) {
            days.entry(file.day()).or_default().push(file.clone());
        }
        let days = days.into_values().collect();
        Kept { history: self.clone(), _view: view, wanted, days, day: None, best: None }
    }
}

impl<J: Storage, H: Files> Kept<J, H> {
    fn read(&mut self) -> Result<Option<Reading>, HistoryError> {
        loop {
            let Some(day) = &mut self.day else {
                let Some(files) = self.days.pop_front() else { return Ok(None) };
                let History { files: storage, footers, .. } = &*self.history;
                let wanted = self.wanted;
                let open = |file| reader::open(storage, footers, file, |span| wanted.meets(span));
                self.day = Some(Merged::of(files.iter().map(open).collect::<Result<_, _>>()?));
                continue;
            };
            let Some(row) = day.next() else {
                self.day = None;
                if let Some(best) = self.best.take() {
                    return Ok(Some(best));
                }
                continue;
            };
            let row = row?;
            if row.tick > self.wanted.up_to || !self.wanted.has(&row.reading) {
                continue;
            }
            // Rows of the same sensor and time are neighbours, the one that holds last.
            let before = self.best.replace(row.reading);
            if let Some(before) =
                before.filter(|before| (before.sensor, before.at) != (row.reading.sensor, row.reading.at))
            {
                return Ok(Some(before));
            }
        }
    }
}

impl<J: Storage, H: Files> Iterator for Kept<J, H> {
    type Item = Result<Reading, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
