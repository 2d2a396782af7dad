//! What a store of readings is promised, with the threads of a running system and a real folder.

use super::super::Followers;
use super::{ReadingsStore, readings_table};
use crate::history::Inputs;
use crate::journal::{Journal, JournalError, Options};
use crate::runtime::{Runtime, RuntimeOptions, Sizes, Submission};
use async_trait::async_trait;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::names::Names;
use lehr_domain::table::Cell;
use lehr_domain::{EventMs, Micro, Reading, ReadingBatch, SensorId, SpanMs, Status, Tick};
use lehr_targets::{Delta, Table, Target, TargetError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// By sensor, time and revision: value and status.
type Rows = BTreeMap<(String, EventMs, i64), (f64, String)>;

/// What is elsewhere, and outlives every Lehr.
#[derive(Default)]
struct Notebook {
    holds: Tick,
    rows: Rows,
    applied: usize,
    again: usize,
}

/// A way to it: fails now and then, before or after the notebook has what it was given.
struct Pen {
    notebook: Arc<Mutex<Notebook>>,
    keeps_tick: bool,
    rng: ChaCha8Rng,
}

#[async_trait]
impl Target for Pen {
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        assert_eq!(tables.iter().map(|table| &**table).collect::<Vec<_>>(), [&readings_table()]);
        Ok(self.keeps_tick.then_some(self.notebook.lock().unwrap().holds))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        let mut notebook = self.notebook.lock().unwrap();
        if self.rng.random_bool(0.2) {
            return Err(TargetError::Away("before".into()));
        }
        if self.keeps_tick {
            assert_eq!(delta.after, notebook.holds, "a gap, or the same twice");
        }
        for change in delta.tables.iter().flat_map(|table| &table.changes) {
            assert!(change.appeared);
            let [Cell::Text(sensor), Cell::Time(at), Cell::Int(revision), Cell::Float(value), Cell::Text(status)] =
                &change.row[..]
            else {
                panic!("{change:?}")
            };
            let old = notebook.rows.insert((sensor.clone(), *at, *revision), (*value, status.clone()));
            notebook.again += usize::from(old.is_some());
        }
        notebook.applied += 1;
        notebook.holds = delta.tick;
        if self.rng.random_bool(0.2) { Err(TargetError::Away("after".into())) } else { Ok(()) }
    }
}

fn options(data: &Path) -> RuntimeOptions {
    RuntimeOptions {
        data: data.to_owned(),
        workers: 1,
        graph: GraphConfig::default(),
        catalogue: Catalogue::parse(lehr_domain::catalogue::DEFAULT).unwrap(),
        knowledge: String::new(),
        simulated_clock: true,
        salvage: false,
        // Segments close, move to history, and lie behind checkpoints.
        sizes: Sizes { segment_bytes: 4096, checkpoint_rows: 500 },
    }
}

fn submission(rng: &mut ChaCha8Rng, now: &mut EventMs) -> Submission {
    *now = *now + SpanMs(rng.random_range(0..90_000));
    let reading = |rng: &mut ChaCha8Rng| Reading {
        sensor: SensorId(rng.random_range(0..5)),
        // Also the same again, and out of order.
        at: *now - SpanMs(rng.random_range(0..4) * 1000),
        revision: 0,
        value: Micro(rng.random_range(0..1_500) * 1_000_000),
        status: Status::Ok,
    };
    let readings: ReadingBatch = (0..rng.random_range(0..40)).map(|_| reading(rng)).collect();
    Submission { source: "test".into(), readings, now: Some(*now), ..Submission::default() }
}

/// All that was ever taken, from the disk.
fn taken(data: &Path, names: &Names) -> Rows {
    let mut rows = BTreeMap::new();
    for inputs in Inputs::open(data).unwrap() {
        for reading in inputs.unwrap().readings.iter() {
            let key = (names.sensor(reading.sensor).to_owned(), reading.at, reading.revision as i64);
            let value = (reading.value.to_f64(), reading.status.text().to_owned());
            let row = rows.entry(key).or_insert_with(|| value.clone());
            if value.0 > row.0 {
                *row = value;
            }
        }
    }
    rows
}

/// A runtime that was dropped lets go of its journal when its thread has ended.
fn wait_for_journal(data: &Path) {
    while let Err(JournalError::Locked { .. }) = Journal::open(data, Options::default()) {
        std::thread::yield_now();
    }
}

/// Lives with the store, without it, and with one that comes late and has to be filled from the beginning.
fn live(seed: u64, keeps_tick: bool) {
    println!("seed {seed}, a store that keeps {} tick", if keeps_tick { "its" } else { "no" });
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let (data, marks) = (dir.path().join("data"), dir.path().join("data/stores"));
    std::fs::create_dir_all(&marks).unwrap();
    let notebooks: [Arc<Mutex<Notebook>>; 2] = Default::default();
    let mut now = EventMs(1_800_000_000_000);
    for life in 0..5 {
        // The threads of a life that is over end after the part under way.
        while notebooks.iter().any(|notebook| Arc::strong_count(notebook) > 1) {
            std::thread::yield_now();
        }
        let mut followers = Followers::default();
        let mut add = |name: &str, notebook: &Arc<Mutex<Notebook>>, seed: u64| {
            let rng = ChaCha8Rng::seed_from_u64(seed);
            let pen = Pen { notebook: notebook.clone(), keeps_tick, rng };
            followers.readings.push(ReadingsStore::new(name, Box::new(pen), &marks).unwrap());
        };
        if life != 1 {
            add("early", &notebooks[0], rng.random());
        }
        if life >= 3 {
            add("late", &notebooks[1], rng.random());
        }
        wait_for_journal(&data);
        let runtime = Runtime::start_with(options(&data), followers, |_| {}).unwrap();
        let mut last = Tick(0);
        for _ in 0..60 {
            let receipt = runtime.submit_blocking(submission(&mut rng, &mut now)).unwrap();
            last = receipt.wait().unwrap().tick;
        }
        if life % 2 == 0 {
            runtime.checkpoint().unwrap();
        }
        // The last life is waited for; the others end at whatever moment.
        if life < 4 {
            continue;
        }
        while runtime.sinks().iter().any(|store| store.position < last) {
            std::thread::yield_now();
        }
        let taken = taken(&data, &runtime.snapshot().names);
        assert!(taken.len() > 1000, "vacuous: {} readings", taken.len());
        for notebook in &notebooks {
            let notebook = notebook.lock().unwrap();
            println!("{} readings in {} deltas, {} of them again", taken.len(), notebook.applied, notebook.again);
            assert!(notebook.rows == taken, "{} rows instead of {}", notebook.rows.len(), taken.len());
            assert!(!keeps_tick || notebook.again == 0);
        }
    }
}

#[test]
fn a_store_of_readings_has_each_once_whenever_it_comes_and_whatever_fails() {
    let seeds = std::env::var("LEHR_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
    for seed in 1..=seeds {
        live(seed, seed % 2 == 1);
    }
}
