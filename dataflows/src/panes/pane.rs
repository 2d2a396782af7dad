//! One pane of one sensor.

use super::packed;
use crate::tables::PaneRow;
use lehr_domain::moments::Moments;
use lehr_domain::{EventMs, Micro, SensorId, Status};

/// One reading inside a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// Milliseconds since the start of the pane.
    pub offset: u32,
    pub status: u8,
    pub revision: u64,
    pub value: i64,
}

impl Sample {
    /// What decides between readings of the same time: the greatest holds.
    fn precedence(&self) -> (u64, i64, u8) {
        (self.revision, self.value, self.status)
    }

    fn status(&self) -> Status {
        Status::from_u8(self.status).unwrap_or(Status::Error)
    }
}

/// A pane: its readings in time order and their sums.
pub(super) struct Pane {
    pub start: i64,
    /// Event time of the last reading; before `start` while there is none.
    pub last_at: i64,
    /// Whether it is on the list of changed panes.
    pub dirty: bool,
    /// Whether the sums must be made anew, because a reading came that was not the last.
    stale: bool,
    readings: Readings,
    moments: Moments,
    bad: u32,
    uncertain: u32,
    last_status: Status,
}

enum Readings {
    Open(Vec<Sample>),
    Packed(Box<[u8]>),
}

impl Pane {
    pub fn new(start: i64) -> Pane {
        Pane {
            start,
            last_at: start - 1,
            dirty: false,
            stale: false,
            readings: Readings::Open(Vec::new()),
            moments: Moments::starting(EventMs(start)),
            bad: 0,
            uncertain: 0,
            last_status: Status::Ok,
        }
    }

    /// Appends a reading later than all others.
    #[inline]
    pub fn append(&mut self, sample: Sample) {
        self.open().push(sample);
        self.last_at = self.start + i64::from(sample.offset);
        if !self.stale {
            self.sum(sample);
        }
    }

    #[inline]
    fn sum(&mut self, sample: Sample) {
        let status = sample.status();
        self.last_status = status;
        if status.counts() {
            self.moments.append(EventMs(self.start + i64::from(sample.offset)), Micro(sample.value));
            self.uncertain += u32::from(status == Status::Warning);
        } else {
            self.bad += 1;
        }
    }

    /// Puts a reading into its place; `false` when another of the same time holds.
    pub fn insert(&mut self, sample: Sample) -> bool {
        if self.start + i64::from(sample.offset) > self.last_at {
            self.append(sample);
            return true;
        }
        let readings = self.open();
        match readings.binary_search_by_key(&sample.offset, |held| held.offset) {
            Ok(index) if readings[index].precedence() >= sample.precedence() => return false,
            Ok(index) => readings[index] = sample,
            Err(index) => readings.insert(index, sample),
        }
        self.stale = true;
        true
    }

    fn open(&mut self) -> &mut Vec<Sample> {
        if let Readings::Packed(bytes) = &self.readings {
            self.readings = Readings::Open(packed::unpack(bytes));
        }
        match &mut self.readings {
            Readings::Open(readings) => readings,
            Readings::Packed(_) => unreachable!("just opened"),
        }
    }

    /// Packs the readings; they are unpacked when a late one comes.
    pub fn pack(&mut self) {
        if let Readings::Open(readings) = &self.readings {
            self.readings = Readings::Packed(packed::pack(readings));
        }
    }

    /// The row that is out there. To be asked before the first change after an emission.
    pub fn published(&self, sensor: SensorId) -> PaneRow {
        debug_assert!(!self.dirty && !self.stale, "the sums are those of the last emission");
        self.as_row(sensor)
    }

    /// The row as of now.
    pub fn row(&mut self, sensor: SensorId) -> PaneRow {
        if self.stale {
            let readings = std::mem::take(self.open());
            self.stale = false;
            self.moments = Moments::starting(EventMs(self.start));
            self.bad = 0;
            self.uncertain = 0;
            for sample in &readings {
                self.sum(*sample);
            }
            self.readings = Readings::Open(readings);
        }
        self.as_row(sensor)
    }

    fn as_row(&self, sensor: SensorId) -> PaneRow {
        PaneRow {
            sensor_id: sensor,
            start: EventMs(self.start),
            bad: self.bad,
            uncertain: self.uncertain,
            last_reading: EventMs(self.last_at),
            status: self.last_status,
            moments: self.moments,
        }
    }
}
