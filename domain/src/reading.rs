//! Sensor readings, one at a time and in columns.

use crate::{EventMs, Micro, SensorId};
use serde::{Deserialize, Serialize};

/// What the device says of its own value. Higher is worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[repr(u8)]
pub enum Status {
    /// Good: counted.
    #[default]
    Ok = 0,
    /// Uncertain (for instance beyond the calibrated span): counted, and shown as uncertain.
    Warning = 1,
    /// Good value of a process in a critical condition: counted.
    Critical = 2,
    /// Bad (device fault, no communication): kept, but no part of any statistic.
    Error = 3,
}

impl Status {
    /// By code.
    pub const ALL: [Status; 4] = [Status::Ok, Status::Warning, Status::Critical, Status::Error];

    /// Whether the value enters statistics.
    pub fn counts(self) -> bool {
        self != Status::Error
    }

    pub fn text(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::Warning => "WARNING",
            Status::Critical => "CRITICAL",
            Status::Error => "ERROR",
        }
    }

    pub fn parse(text: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.text().eq_ignore_ascii_case(text))
    }

    pub fn from_u8(code: u8) -> Option<Status> {
        // Once a reading: a table of four costs less than a search.
        Status::ALL.get(usize::from(code)).copied()
    }
}

/// One measurement. Sensor and event time identify it; of several with the same identity the one with the
/// highest revision holds, and among equal revisions the greatest value, then the worst status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reading {
    pub sensor: SensorId,
    pub at: EventMs,
    pub revision: u64,
    pub value: Micro,
    pub status: Status,
}

/// Readings in columns of equal length: the form in which they are journalled and folded into panes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReadingBatch {
    /// [`SensorId`].
    pub sensor: Vec<u32>,
    /// [`EventMs`].
    pub at: Vec<i64>,
    /// [`Micro`].
    pub value: Vec<i64>,
    /// [`Status`] codes.
    pub status: Vec<u8>,
    /// Revisions.
    pub revision: Vec<u64>,
}

impl ReadingBatch {
    pub fn with_capacity(rows: usize) -> ReadingBatch {
        ReadingBatch {
            sensor: Vec::with_capacity(rows),
            at: Vec::with_capacity(rows),
            value: Vec::with_capacity(rows),
            status: Vec::with_capacity(rows),
            revision: Vec::with_capacity(rows),
        }
    }

    pub fn len(&self) -> usize {
        self.sensor.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sensor.is_empty()
    }

    pub fn push(&mut self, reading: Reading) {
        self.sensor.push(reading.sensor.0);
        self.at.push(reading.at.0);
        self.value.push(reading.value.0);
        self.status.push(reading.status as u8);
        self.revision.push(reading.revision);
    }

    /// The reading at `row`. An unknown status code reads as the worst status.
    pub fn get(&self, row: usize) -> Reading {
        Reading {
            sensor: SensorId(self.sensor[row]),
            at: EventMs(self.at[row]),
            revision: self.revision[row],
            value: Micro(self.value[row]),
            status: Status::from_u8(self.status[row]).unwrap_or(Status::Error),
        }
    }

    /// Adds the readings of another batch behind these.
    pub fn append(&mut self, mut other: ReadingBatch) {
        self.sensor.append(&mut other.sensor);
        self.at.append(&mut other.at);
        self.value.append(&mut other.value);
        self.status.append(&mut other.status);
        self.revision.append(&mut other.revision);
    }

    /// The readings at `rows`, column by column: no reading is put together on the way.
    pub fn select(&self, rows: &[u32]) -> ReadingBatch {
        fn column<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
            rows.iter().map(|row| values[*row as usize]).collect()
        }
        ReadingBatch {
            sensor: column(&self.sensor, rows),
            at: column(&self.at, rows),
            value: column(&self.value, rows),
            status: column(&self.status, rows),
            revision: column(&self.revision, rows),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Reading> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }
}

impl FromIterator<Reading> for ReadingBatch {
    fn from_iter<I: IntoIterator<Item = Reading>>(readings: I) -> ReadingBatch {
        let readings = readings.into_iter();
        let mut batch = ReadingBatch::with_capacity(readings.size_hint().0);
        for reading in readings {
            batch.push(reading);
        }
        batch
    }
}
