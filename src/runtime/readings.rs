//! The table `readings`: every reading that is kept up to a tick, streamed.
//!
//! Corrected values stand in place of those they replaced. What history covers comes from its files, each sensor and
//! time once. The rest, the tail, is still in journal segments, in the order in which it came: there, a reading that is
//! later than all before it of its sensor replaces nothing; only the others can, and they are few. So a first pass over
//! the tail notes the identities of those others, and a second pass over all gives every other reading as it comes,
//! and the best of each noted identity at the end. Memory: the noted readings, one batch, and a page of each file of a
//! day.

use crate::history::{History, HistoryError, Manifest, Wanted};
use crate::journal::{JournalError, Reader};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Reading, ReadingBatch, SensorId, Tick};
use lehr_queries::history::{ReadingBatches, ReadingsScan, ReadingsSource, reading_batch_to_arrow};
use lehr_queries::{QueryError, Snapshot};
use rustc_hash::FxHashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Readings of a batch.
const BATCH: usize = 8_192;

/// Readings out of order that are noted: 64 bytes each.
const NOTED_MOST: usize = 2_000_000;

type Identity = (SensorId, EventMs);
type Noted = FxHashMap<Identity, Option<Reading>>;

/// The readings behind a snapshot.
#[derive(Debug)]
pub struct KeptReadings {
    data: PathBuf,
    history: Arc<History>,
    up_to: Tick,
    names: Arc<Names>,
}

impl KeptReadings {
    pub fn new(data: PathBuf, history: Arc<History>, snapshot: &Snapshot) -> KeptReadings {
        KeptReadings { data, history, up_to: snapshot.tick, names: snapshot.names.clone() }
    }

    /// The ticks that `view` does not cover. Their segments stay as long as it is held.
    fn tail(
        &self,
        view: &Arc<Manifest>,
    ) -> Result<impl Iterator<Item = Result<ReadingBatch, QueryError>> + Send + use<>, QueryError> {
        let failed = |error: JournalError| unreadable(error.into());
        let mut reader = Reader::open(&self.data).map_err(failed)?.from(view.first_uncovered()).up_to(self.up_to);
        let view = view.clone();
        Ok(std::iter::from_fn(move || {
            let recorded = match reader.record()?.map_err(failed) {
                Ok(recorded) => recorded,
                Err(error) => return Some(Err(error)),
            };
            if view.covers(recorded.inputs.tick) {
                return Some(Ok(ReadingBatch::default()));
            }
            match recorded.removed {
                Some(removed) if removed.rows > 0 => {
                    Some(Err(unreadable(HistoryError::Moved { file: "a segment".into() })))
                }
                _ => Some(Ok(recorded.inputs.readings)),
            }
        }))
    }

    fn scanned(
        &self,
        scan: &ReadingsScan,
    ) -> Result<impl Iterator<Item = Result<ReadingBatch, QueryError>> + Send + use<>, QueryError> {
        let wanted = Wanted {
            sensor: scan.sensor_id.as_ref().map(|name| self.names.sensor_id(name).unwrap_or(SensorId(u32::MAX))),
            from: scan.from.unwrap_or(EventMs::MIN),
            to: scan.to.unwrap_or(EventMs::MAX),
            up_to: self.up_to,
        };
        let view = self.history.view();
        let noted = noted(&wanted, |sensor| newest(&view, sensor), self.tail(&view)?)?;
        let (tail, kept) = (self.tail(&view)?, self.history.kept(view, wanted));
        let kept = kept.map(|reading| reading.map_err(unreadable));
        Ok(Scanned::new(wanted, noted, tail, kept, scan.limit.unwrap_or(usize::MAX)))
    }
}

fn unreadable(error: HistoryError) -> QueryError {
    let kind = if error.is_damage() { QueryError::Damaged } else { QueryError::Internal };
    kind(format!("the readings cannot be read: {error}"))
}

/// No reading in files of this sensor is later.
fn newest(view: &Manifest, sensor: SensorId) -> EventMs {
    let holds = |sensors: (u32, u32)| sensors.0 <= sensor.0 && sensor.0 <= sensors.1;
    view.files.iter().filter(|file| holds(file.sensors)).map(|file| EventMs(file.at.1)).max().unwrap_or(EventMs::MIN)
}

impl ReadingsSource for KeptReadings {
    fn scan(&self, scan: &ReadingsScan) -> ReadingBatches {
        // Before the first tick there is no journal to read.
        if self.up_to == Tick(0) {
            return Box::new(std::iter::empty());
        }
        match self.scanned(scan) {
            Ok(scanned) => {
                let (names, scan) = (self.names.clone(), scan.clone());
                Box::new(scanned.map(move |batch| reading_batch_to_arrow(&batch?, &names, &scan)))
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

fn identity(reading: &Reading) -> Identity {
    (reading.sensor, reading.at)
}

/// The identities that may have several readings, none of them read yet. `newest` is the time up to which a sensor may
/// have readings outside of `ticks`.
fn noted(
    wanted: &Wanted,
    newest: impl Fn(SensorId) -> EventMs,
    ticks: impl Iterator<Item = Result<ReadingBatch, QueryError>>,
) -> Result<Noted, QueryError> {
    let mut last: FxHashMap<SensorId, EventMs> = FxHashMap::default();
    let mut noted = Noted::default();
    for batch in ticks {
        for reading in batch?.iter().filter(|reading| wanted.has(reading)) {
            let last = last.entry(reading.sensor).or_insert_with(|| newest(reading.sensor));
            if reading.at > *last {
                *last = reading.at;
                continue;
            }
            noted.insert(identity(&reading), None);
            if noted.len() > NOTED_MOST {
                return Err(QueryError::MemoryLimit(format!("more than {NOTED_MOST} readings came out of order")));
            }
        }
    }
    Ok(noted)
}

struct Scanned<I, K> {
    wanted: Wanted,
    noted: Noted,
    ticks: I,
    kept: K,
    batch: ReadingBatch,
    limit: usize,
    given: usize,
    /// What was noted, once all else is through.
    rest: Option<std::vec::IntoIter<Reading>>,
}

impl<I, K> Scanned<I, K>
where
    I: Iterator<Item = Result<ReadingBatch, QueryError>>,
    K: Iterator<Item = Result<Reading, QueryError>>,
{
    fn new(wanted: Wanted, noted: Noted, ticks: I, kept: K, limit: usize) -> Scanned<I, K> {
        Scanned { wanted, noted, ticks, kept, batch: ReadingBatch::default(), limit, given: 0, rest: None }
    }

    fn take(&mut self, reading: Reading) {
        if !self.noted.is_empty()
            && let Some(best) = self.noted.get_mut(&identity(&reading))
        {
            // The order of readings is that of who holds: revision, then value, then status.
            *best = (*best).max(Some(reading));
        } else {
            self.batch.push(reading);
        }
    }

    fn take_tick(&mut self, readings: &ReadingBatch) {
        let wanted = self.wanted;
        readings.iter().filter(|reading| wanted.has(reading)).for_each(|reading| self.take(reading));
    }

    /// Adds what was noted; `false` when there is no more.
    fn take_rest(&mut self) -> bool {
        let noted = &mut self.noted;
        let rest = self.rest.get_or_insert_with(|| {
            let mut best: Vec<Reading> = noted.drain().filter_map(|(_, best)| best).collect();
            best.sort();
            best.into_iter()
        });
        let before = self.batch.len();
        rest.by_ref().take(BATCH).for_each(|reading| self.batch.push(reading));
        self.batch.len() > before
    }

    /// Fills the batch a little; `false` when there is no more. The tail comes first: its segments may be converted by
    /// another process while a long answer is read.
    fn pull(&mut self) -> Result<bool, QueryError> {
        if self.rest.is_none() {
            if let Some(readings) = self.ticks.next() {
                self.take_tick(&readings?);
                return Ok(true);
            }
            if let Some(reading) = self.kept.next() {
                self.take(reading?);
                return Ok(true);
            }
        }
        Ok(self.take_rest())
    }
}

impl<I, K> Iterator for Scanned<I, K>
where
    I: Iterator<Item = Result<ReadingBatch, QueryError>>,
    K: Iterator<Item = Result<Reading, QueryError>>,
{
    type Item = Result<ReadingBatch, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.batch.len() < BATCH && self.given < self.limit {
            match self.pull() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Some(Err(error)),
            }
        }
        if self.batch.is_empty() || self.given >= self.limit {
            return None;
        }
        let batch = std::mem::take(&mut self.batch);
        self.given += batch.len();
        Some(Ok(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::{Micro, Status};
    use rand::{RngExt, SeedableRng};
    use std::collections::BTreeMap;

    fn random_ticks(seed: u64) -> Vec<ReadingBatch> {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        (1..60)
            .map(|tick| {
                (0..rng.random_range(0..40))
                    .map(|_| Reading {
                        sensor: SensorId(rng.random_range(0..3)),
                        at: EventMs(tick * 10 - rng.random_range(0..30)),
                        revision: rng.random_range(0..3),
                        value: Micro(rng.random_range(0..1000)),
                        status: Status::Ok,
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn every_identity_is_given_once_with_the_reading_that_holds() {
        for seed in 0..20 {
            let ticks = random_ticks(seed);
            let mut held: BTreeMap<Identity, Reading> = BTreeMap::new();
            for reading in ticks.iter().flat_map(ReadingBatch::iter) {
                let best = held.entry(identity(&reading)).or_insert(reading);
                *best = (*best).max(reading);
            }
            let replaced = ticks.iter().map(ReadingBatch::len).sum::<usize>() - held.len();
            assert!(replaced > 50, "seed {seed}: only {replaced} corrections");
            // The first ticks come from files, as if they were covered: each identity once.
            let covered = (seed as usize * 7) % 60;
            let (files, tail) = ticks.split_at(covered.min(ticks.len()));
            let mut kept: BTreeMap<Identity, Reading> = BTreeMap::new();
            for reading in files.iter().flat_map(ReadingBatch::iter) {
                let best = kept.entry(identity(&reading)).or_insert(reading);
                *best = (*best).max(reading);
            }
            let newest = |sensor| kept.keys().filter(|key| key.0 == sensor).map(|key| key.1).max();
            for (from, to, sensor) in [(None, None, None), (Some(100), Some(300), None), (None, None, Some(1))] {
                let wanted = Wanted {
                    sensor: sensor.map(SensorId),
                    from: from.map_or(EventMs::MIN, EventMs),
                    to: to.map_or(EventMs::MAX, EventMs),
                    up_to: Tick(u64::MAX),
                };
                let tail = || tail.iter().cloned().map(Ok);
                let noted = noted(&wanted, |sensor| newest(sensor).unwrap_or(EventMs::MIN), tail()).unwrap();
                let kept = kept.values().filter(|reading| wanted.has(reading)).copied().map(Ok);
                let scanned = Scanned::new(wanted, noted, tail(), kept, usize::MAX);
                let mut given: Vec<Reading> =
                    scanned.flat_map(|batch| batch.unwrap().iter().collect::<Vec<_>>()).collect();
                given.sort_by_key(identity);
                let expected: Vec<Reading> = held.values().filter(|reading| wanted.has(reading)).copied().collect();
                assert_eq!(given, expected, "seed {seed}, {wanted:?}");
            }
        }
    }
}
