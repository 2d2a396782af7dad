//! The table `readings`: every reading that the journal holds up to a tick, streamed.
//!
//! Corrected values stand in place of those they replaced. A reading that is later than all before it of its
//! sensor replaces nothing; only the others can, and they are few. So a first pass over the journal notes the
//! identities of those others, and a second one gives every other reading as it comes, and the best of each
//! noted identity at the end. Memory: the noted readings, and one batch.

use crate::journal::{JournalError, Reader};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Reading, ReadingBatch, SensorId, Tick};
use lehr_queries::history::{ReadingBatches, ReadingsScan, ReadingsSource, reading_batch_to_arrow};
use lehr_queries::{QueryError, Snapshot};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Readings of a batch.
const BATCH: usize = 8_192;

/// Readings out of order that are noted: 64 bytes each.
const NOTED_MOST: usize = 2_000_000;

type Identity = (SensorId, EventMs);

#[derive(Debug)]
pub struct JournalReadings {
    data: PathBuf,
    up_to: Tick,
    names: Arc<Names>,
}

impl JournalReadings {
    /// The readings behind a snapshot.
    pub fn new(data: PathBuf, snapshot: &Snapshot) -> JournalReadings {
        JournalReadings { data, up_to: snapshot.tick, names: snapshot.names.clone() }
    }

    fn ticks(&self) -> Result<impl Iterator<Item = Result<ReadingBatch, QueryError>> + Send + use<>, QueryError> {
        let failed = |error: JournalError| QueryError::Internal(format!("the journal cannot be read: {error}"));
        let reader = Reader::open(&self.data).map_err(failed)?.up_to(self.up_to);
        Ok(reader.map(move |inputs| inputs.map(|inputs| inputs.readings).map_err(failed)))
    }
}

impl ReadingsSource for JournalReadings {
    fn scan(&self, scan: &ReadingsScan) -> ReadingBatches {
        // Before the first tick there is no journal to read.
        if self.up_to == Tick(0) {
            return Box::new(std::iter::empty());
        }
        let wanted = Wanted::new(scan, &self.names);
        let scanned = noted(&wanted, || self.ticks()).and_then(|noted| Ok(Scanned::new(wanted, noted, self.ticks()?)));
        match scanned {
            Ok(scanned) => {
                let names = self.names.clone();
                Box::new(scanned.map(move |batch| reading_batch_to_arrow(&batch?, &names)))
            }
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    }
}

/// Which readings a scan needs.
#[derive(Clone, Debug)]
struct Wanted {
    from: EventMs,
    to: EventMs,
    /// `Some(None)`: a sensor that is not known.
    sensor: Option<Option<SensorId>>,
    limit: usize,
}

impl Wanted {
    fn new(scan: &ReadingsScan, names: &Names) -> Wanted {
        Wanted {
            from: scan.from.unwrap_or(EventMs::MIN),
            to: scan.to.unwrap_or(EventMs::MAX),
            sensor: scan.sensor_id.as_ref().map(|name| names.sensor_id(name)),
            limit: scan.limit.unwrap_or(usize::MAX),
        }
    }

    fn has(&self, reading: &Reading) -> bool {
        let of_sensor = self.sensor.is_none_or(|sensor| sensor == Some(reading.sensor));
        of_sensor && self.from <= reading.at && reading.at < self.to
    }
}

fn identity(reading: &Reading) -> Identity {
    (reading.sensor, reading.at)
}

/// The identities that may have several readings, none of them read yet.
fn noted<I>(
    wanted: &Wanted,
    ticks: impl FnOnce() -> Result<I, QueryError>,
) -> Result<HashMap<Identity, Option<Reading>>, QueryError>
where
    I: Iterator<Item = Result<ReadingBatch, QueryError>>,
{
    let mut newest: HashMap<SensorId, EventMs> = HashMap::new();
    let mut noted = HashMap::new();
    for batch in ticks()? {
        for reading in batch?.iter().filter(|reading| wanted.has(reading)) {
            let last = newest.entry(reading.sensor).or_insert(EventMs::MIN);
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

struct Scanned<I> {
    wanted: Wanted,
    noted: HashMap<Identity, Option<Reading>>,
    ticks: I,
    batch: ReadingBatch,
    given: usize,
    /// What was noted, once the ticks are through.
    rest: Option<std::vec::IntoIter<Reading>>,
}

impl<I: Iterator<Item = Result<ReadingBatch, QueryError>>> Scanned<I> {
    fn new(wanted: Wanted, noted: HashMap<Identity, Option<Reading>>, ticks: I) -> Scanned<I> {
        Scanned { wanted, noted, ticks, batch: ReadingBatch::default(), given: 0, rest: None }
    }

    fn take_tick(&mut self, readings: &ReadingBatch) {
        for reading in readings.iter().filter(|reading| self.wanted.has(reading)) {
            match self.noted.get_mut(&identity(&reading)) {
                None => self.batch.push(reading),
                // The order of readings is that of who holds: revision, then value, then status.
                Some(best) => *best = (*best).max(Some(reading)),
            }
        }
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
}

impl<I: Iterator<Item = Result<ReadingBatch, QueryError>>> Iterator for Scanned<I> {
    type Item = Result<ReadingBatch, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.batch.len() < BATCH && self.given < self.wanted.limit {
            match self.ticks.next() {
                Some(Ok(readings)) => self.take_tick(&readings),
                Some(Err(error)) => return Some(Err(error)),
                None if self.take_rest() => {}
                None => break,
            }
        }
        if self.batch.is_empty() || self.given >= self.wanted.limit {
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
            for (from, to, sensor) in [(None, None, None), (Some(100), Some(300), None), (None, None, Some("?"))] {
                let scan = ReadingsScan {
                    from: from.map(EventMs),
                    to: to.map(EventMs),
                    sensor_id: sensor.map(str::to_owned),
                    limit: None,
                };
                let wanted = Wanted::new(&scan, &Names::default());
                let noted = noted(&wanted, || Ok(ticks.iter().cloned().map(Ok))).unwrap();
                let scanned = Scanned::new(wanted.clone(), noted, ticks.iter().cloned().map(Ok));
                let mut given: Vec<Reading> =
                    scanned.flat_map(|batch| batch.unwrap().iter().collect::<Vec<_>>()).collect();
                given.sort_by_key(identity);
                let expected: Vec<Reading> = held.values().filter(|reading| wanted.has(reading)).copied().collect();
                assert_eq!(given, expected, "seed {seed}, {scan:?}");
            }
        }
    }
}
