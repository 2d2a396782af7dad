//! Readings to their owners, as columns, grouped by sensor.

use super::source::Columns;
use lehr_dataflows::graph::owner_of_sensor;
use lehr_domain::{Micro, ReadingBatch, SensorId, Status};

pub(super) struct Scattered {
    /// By worker.
    pub batches: Vec<ReadingBatch>,
    pub refused: usize,
}

/// Where the next reading of a sensor goes.
#[derive(Clone, Copy, Default)]
struct Slot {
    owner: u32,
    row: u32,
}

/// Sensors have dense ids. An id beyond this is a mistake, which must not cost gigabytes of slots.
const SENSORS_AT_MOST: i32 = 1 << 20;

/// Splits readings by the worker that owns their sensor. In a batch the readings of a sensor lie together, in their
/// order of arrival: a counting sort, two passes over the columns, so that panes work on one sensor at a time.
///
/// What is no measurement is refused and counted; everything else goes on.
pub(super) fn scatter(columns: &Columns, workers: usize) -> Scattered {
    let counts = count(&columns.sensor);
    let mut filled = vec![0_u32; workers];
    let mut slots = Vec::with_capacity(counts.len());
    for (sensor, count) in counts.iter().enumerate() {
        let owner = owner_of_sensor(SensorId(sensor as u32), workers);
        slots.push(Slot { owner: owner as u32, row: filled[owner] });
        filled[owner] += count;
    }
    let mut batches: Vec<ReadingBatch> = filled.iter().map(|rows| zeroed(*rows as usize)).collect();
    for (sensor, (slot, count)) in slots.iter().zip(&counts).enumerate() {
        let from = slot.row as usize;
        batches[slot.owner as usize].sensor[from..from + *count as usize].fill(sensor as u32);
    }

    let mut refused = Vec::new();
    for ((sensor, at), value) in columns.sensor.iter().zip(&columns.at).zip(&columns.value) {
        let slot = &mut slots[index_of(*sensor)];
        let (owner, row) = (slot.owner as usize, slot.row as usize);
        slot.row += 1;
        let batch = &mut batches[owner];
        batch.at[row] = *at;
        match Micro::from_f64(*value) {
            Ok(value) if (0..SENSORS_AT_MOST).contains(sensor) => batch.value[row] = value.0,
            _ => refused.push((owner, row)),
        }
    }
    let count = refused.len();
    remove(&mut batches, refused);
    Scattered { batches, refused: count }
}

/// Readings by sensor.
fn count(sensors: &[i32]) -> Vec<u32> {
    let mut counts: Vec<u32> = Vec::new();
    for sensor in sensors {
        let index = index_of(*sensor);
        if index >= counts.len() {
            counts.resize(index + 1, 0);
        }
        counts[index] += 1;
    }
    counts
}

/// Where a sensor's slot is; what is no sensor stands with the first one until it is refused.
fn index_of(sensor: i32) -> usize {
    if (0..SENSORS_AT_MOST).contains(&sensor) { sensor as usize } else { 0 }
}

/// A batch of `rows` readings with nothing in them. Status and revision stay as they are: the input has neither.
fn zeroed(rows: usize) -> ReadingBatch {
    ReadingBatch {
        sensor: vec![0; rows],
        at: vec![0; rows],
        value: vec![0; rows],
        status: vec![Status::Ok as u8; rows],
        revision: vec![0; rows],
    }
}

/// Takes the named rows out. Rare, so that it need not be fast.
#[cold]
fn remove(batches: &mut [ReadingBatch], mut rows: Vec<(usize, usize)>) {
    rows.sort_unstable();
    for (owner, row) in rows.into_iter().rev() {
        let batch = &mut batches[owner];
        batch.sensor.remove(row);
        batch.at.remove(row);
        batch.value.remove(row);
        batch.status.remove(row);
        batch.revision.remove(row);
    }
}
