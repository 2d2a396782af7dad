//! One pane of one sensor.

use super::packed;
use crate::tables::PaneRow;
use lehr_domain::moments::Moments;
use lehr_domain::{EventMs, Micro, SensorId, Status};

/// One reading inside a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    pub revision: u64,
    pub value: i64,
    /// Milliseconds since the start of the pane.
    pub offset: u32,
    pub status: u8,
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

/// A pane: its readings in time order, and the sums over a prefix of them. Sums are made when a row is asked
/// for, all new readings in one go: appending touches nothing but the readings.
pub(super) struct Pane {
    pub start: i64,
    /// Event time of the last reading; before `start` while there is none.
    pub last_at: i64,
    pub readings: Readings,
    /// Whether it is on the list of changed panes.
    pub dirty: bool,
    /// Whether its row is out there.
    pub shown: bool,
    /// So many readings, from the first on, are in the sums.
    summed: usize,
    sums: Sums,
}

pub(super) enum Readings {
    Open(Vec<Sample>),
    Packed(Box<[u8]>),
    /// Gone: only the sums are left, until the readings are given back.
    Sealed,
}

#[derive(Clone, Copy, PartialEq)]
struct Sums {
    moments: Moments,
    bad: u32,
    uncertain: u32,
    last_reading: i64,
    last_status: Status,
}

impl Sums {
    fn starting(start: i64) -> Sums {
        let moments = Moments::starting(EventMs(start));
        Sums { moments, bad: 0, uncertain: 0, last_reading: start - 1, last_status: Status::Ok }
    }

    /// Adds readings later than all before.
    fn append(&mut self, start: i64, samples: &[Sample]) {
        for sample in samples {
            let status = sample.status();
            if status.counts() {
                self.moments.append(EventMs(start + i64::from(sample.offset)), Micro(sample.value));
                self.uncertain += u32::from(status == Status::Warning);
            } else {
                self.bad += 1;
            }
        }
        if let Some(last) = samples.last() {
            self.last_reading = start + i64::from(last.offset);
            self.last_status = last.status();
        }
    }

    fn row(&self, sensor: SensorId) -> PaneRow {
        PaneRow {
            sensor_id: sensor,
            start: self.moments.origin,
            bad: self.bad,
            uncertain: self.uncertain,
            last_reading: EventMs(self.last_reading),
            status: self.last_status,
            moments: self.moments,
        }
    }
}

impl Pane {
    pub fn new(start: i64, expected: usize) -> Pane {
        Pane {
            start,
            last_at: start - 1,
            readings: Readings::Open(Vec::with_capacity(expected)),
            dirty: false,
            shown: false,
            summed: 0,
            sums: Sums::starting(start),
        }
    }

    /// A pane of which only the row is known. It is not shown yet.
    pub fn sealed(row: &PaneRow) -> Pane {
        let sums = Sums {
            moments: row.moments,
            bad: row.bad,
            uncertain: row.uncertain,
            last_reading: row.last_reading.0,
            last_status: row.status,
        };
        Pane {
            start: row.start.0,
            last_at: row.last_reading.0,
            readings: Readings::Sealed,
            dirty: false,
            shown: false,
            summed: 0,
            sums,
        }
    }

    /// Puts a reading into its place; `false` when another of the same time holds.
    pub fn insert(&mut self, sample: Sample) -> bool {
        let at = self.start + i64::from(sample.offset);
        let last_at = self.last_at;
        let readings = self.open();
        if at > last_at {
            readings.push(sample);
            self.last_at = at;
            return true;
        }
        let index = match readings.binary_search_by_key(&sample.offset, |held| held.offset) {
            Ok(index) if readings[index].precedence() >= sample.precedence() => return false,
            Ok(index) => {
                readings[index] = sample;
                index
            }
            Err(index) => {
                readings.insert(index, sample);
                index
            }
        };
        if index < self.summed {
            self.summed = 0;
        }
        true
    }

    /// The readings, unpacked.
    ///
    /// # Panics
    ///
    /// When the pane is sealed: whoever feeds panes gives back a sealed pane's readings before it changes.
    fn open(&mut self) -> &mut Vec<Sample> {
        if let Readings::Packed(bytes) = &self.readings {
            self.readings = Readings::Open(packed::unpack(bytes));
        }
        match &mut self.readings {
            Readings::Open(readings) => readings,
            Readings::Packed(_) => unreachable!("just unpacked"),
            Readings::Sealed => panic!("the pane at {} is sealed: its readings must be given back first", self.start),
        }
    }

    /// Gives a sealed pane its readings back, sorted by time and each time once. Its sums stay as they are.
    pub fn reopen(&mut self, readings: Vec<Sample>) {
        debug_assert!(matches!(self.readings, Readings::Sealed), "only a sealed pane lacks its readings");
        let mut sums = Sums::starting(self.start);
        sums.append(self.start, &readings);
        // What history holds is the truth. Where the sums differ, history was damaged and salvaged since they
        // were made; the row is then restated by what is left.
        let same = sums == self.sums;
        self.summed = if same { readings.len() } else { 0 };
        self.last_at = sums.last_reading;
        self.readings = Readings::Open(readings);
    }

    /// Packs the readings; they are unpacked when a late one comes. A pane whose row is still to be asked for
    /// stays open.
    pub fn pack(&mut self) {
        if let (Readings::Open(readings), false) = (&self.readings, self.dirty) {
            self.readings = Readings::Packed(packed::pack(readings));
        }
    }

    pub fn is_sealed(&self) -> bool {
        matches!(self.readings, Readings::Sealed)
    }

    /// Lets the readings go. The sums must be up to date: ask for the row before.
    pub fn seal(&mut self) {
        self.readings = Readings::Sealed;
        self.summed = 0;
    }

    /// Readings held, when they are open.
    pub fn open_len(&self) -> usize {
        if let Readings::Open(readings) = &self.readings { readings.len() } else { 0 }
    }

    /// The row as it was when it was last asked for.
    pub fn shown_row(&self, sensor: SensorId) -> PaneRow {
        self.sums.row(sensor)
    }

    /// The row as of now.
    pub fn row(&mut self, sensor: SensorId) -> PaneRow {
        if let Readings::Open(readings) = &self.readings {
            if self.summed == 0 {
                self.sums = Sums::starting(self.start);
            }
            self.sums.append(self.start, &readings[self.summed..]);
            self.summed = readings.len();
        }
        self.sums.row(sensor)
    }
}
