//! The table `readings`: the journal's readings, streamed.

use crate::journal::Reader;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Reading, ReadingBatch, SensorId, Tick};
use lehr_queries::QueryError;
use lehr_queries::history::{ReadingBatches, ReadingsScan, ReadingsSource, reading_batch_to_arrow};
use std::path::PathBuf;
use std::sync::Arc;

/// Readings of the journal below `data`, up to and including `last`.
#[derive(Clone, Debug)]
pub struct JournalReadings {
    pub data: PathBuf,
    pub last: Tick,
    pub names: Arc<Names>,
}

/// Rows that a batch should have: smaller ticks are joined, so that a query does not pay per tick.
const BATCH_ROWS: usize = 8192;

fn failed(error: &crate::journal::JournalError) -> QueryError {
    QueryError::Internal(format!("the journal cannot be read: {error}"))
}

impl ReadingsSource for JournalReadings {
    fn scan(&self, scan: &ReadingsScan) -> ReadingBatches {
        let reader = match Reader::open(&self.data) {
            Ok(reader) => reader,
            Err(error) => return Box::new(std::iter::once(Err(failed(&error)))),
        };
        let sensor = match scan.sensor_id.as_deref() {
            None => None,
            Some(name) => match self.names.sensor_id(name) {
                Some(id) => Some(id),
                None => return Box::new(std::iter::empty()),
            },
        };
        let wanted = Wanted { sensor, from: scan.from, to: scan.to };
        let names = self.names.clone();
        let mut left = scan.limit.unwrap_or(usize::MAX);
        let mut reader = reader.up_to(self.last);
        Box::new(std::iter::from_fn(move || {
            let mut batch = ReadingBatch::default();
            while batch.len() < BATCH_ROWS && left > 0 {
                match reader.next() {
                    Some(Ok(inputs)) => {
                        let rows = inputs.readings.iter().filter(|row| wanted.has(row)).take(left);
                        let before = batch.len();
                        rows.for_each(|row| batch.push(row));
                        left -= batch.len() - before;
                    }
                    Some(Err(error)) => return Some(Err(failed(&error))),
                    None => break,
                }
            }
            (!batch.is_empty()).then(|| reading_batch_to_arrow(&batch, &names))
        }))
    }
}

struct Wanted {
    sensor: Option<SensorId>,
    from: Option<EventMs>,
    to: Option<EventMs>,
}

impl Wanted {
    fn has(&self, row: &Reading) -> bool {
        self.sensor.is_none_or(|sensor| row.sensor == sensor)
            && self.from.is_none_or(|from| row.at >= from)
            && self.to.is_none_or(|to| row.at < to)
    }
}
