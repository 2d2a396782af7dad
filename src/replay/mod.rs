//! A recording through the same dataflow again, as fast as it can, and its outputs into files.
//!
//! The outputs depend on the set of inputs alone: whatever the number of workers, the size of batches, or
//! the order in which readings and events arrive, the files are the same, byte for byte. To hold to that,
//! nothing leaves by retention during a replay.

mod arrival;
mod output;
mod rebuild;

pub use arrival::Shuffle;
pub use rebuild::{RebuildOptions, RebuildSummary, rebuild};

use crate::history::{self, HistoryError};
use crate::journal::JournalError;
use crate::runtime::{RuntimeError, Work, Workers};
use crate::twin;
use lehr_dataflows::forecasts::Scorer;
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::inspections::Inspector;
use lehr_dataflows::tables::Changes;
use lehr_domain::event::{Inputs, Revised};
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion};
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, Tick};
use lehr_queries::QueryError;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// What to replay, and how.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    pub recording: PathBuf,
    pub out: PathBuf,
    pub workers: usize,
    /// Readings a tick.
    pub batch: usize,
    pub shuffle: Option<Shuffle>,
    /// Readings that came later than retention take part as if they had come in time.
    pub fold_late: bool,
    /// What scores lines, as models were deployed when it was recorded; `None`: nothing is scored.
    pub scorer: Option<&'static dyn Scorer>,
    /// What inspects pictures, likewise.
    pub inspector: Option<&'static dyn Inspector>,
    /// Versions that are in production from before the beginning on, until the recording deploys others.
    pub deployed: Vec<(ModelKind, ModelVersion)>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReplaySummary {
    pub readings: u64,
    pub events: u64,
    pub ticks: u64,
    /// From the first input to the last closed tick; neither reading a shuffled recording into memory nor
    /// writing files is counted.
    pub seconds: f64,
    pub readings_per_second: f64,
    pub workers: usize,
    /// Rows of each table.
    pub rows: std::collections::BTreeMap<&'static str, usize>,
}

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("{0} is no recording: it has no journal")]
    NoRecording(PathBuf),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error("cannot write the outputs")]
    Output(#[from] QueryError),
    #[error("cannot make the folder for the outputs")]
    Io(#[from] std::io::Error),
}

/// Ticks whose changes are added up before they are consolidated: bounds memory without sorting each tick.
const TICKS_GATHERED: usize = 64;
/// Ticks that may be inside the workers at once.
const TICKS_AHEAD: usize = 4;

/// Replays and writes `OUT/<table>.parquet` for every table. `progress` is told how many readings went in.
pub fn replay(options: &ReplayOptions, progress: impl Fn(u64)) -> Result<ReplaySummary, ReplayError> {
    if !options.recording.join("journal").is_dir() {
        return Err(ReplayError::NoRecording(options.recording.clone()));
    }
    std::fs::create_dir_all(&options.out)?;
    let fold = options.fold_late;
    let recorded = history::Inputs::open(&options.recording)?.map(move |inputs| {
        inputs.map(|mut inputs| {
            if fold {
                history::fold_late(&mut inputs);
            }
            inputs
        })
    });
    let batches = arrival::batches(recorded, options.batch.max(1), options.shuffle)?;
    let (twin, scorer, inspector) = (Some(twin::MODEL), options.scorer, options.inspector);
    let config = GraphConfig { twin, scorer, inspector, ..GraphConfig::FOREVER };
    let (workers, outputs) = Workers::start(options.workers, config)?;

    let mut names = Names::default();
    let mut gathered = Gathered { outputs, workers: workers.count(), total: Changes::default(), open: 0, since: 0 };
    let (mut readings, mut events, mut tick) = (0, 0, Tick(0));
    let begun = Instant::now();
    for inputs in batches {
        let mut inputs: Inputs = inputs?;
        tick = tick.next();
        if tick == Tick(1) {
            inputs.events.extend(options.deployed.iter().map(|(model, version)| deployed(*model, *version)));
        }
        inputs.tick = tick;
        readings += inputs.readings.len() as u64;
        events += inputs.events.len() as u64;
        inputs.events.iter().for_each(|row| names.apply(&row.event));
        workers.feed(&Arc::new(Work::tick(inputs)))?;
        gathered.open += 1;
        gathered.take_down_to(TICKS_AHEAD)?;
        progress(readings);
    }
    gathered.take_down_to(0)?;
    gathered.total.consolidate();
    let seconds = begun.elapsed().as_secs_f64();
    drop(workers);

    let rows = output::write(&options.out, &gathered.total, &names)?;
    let readings_per_second = if seconds > 0.0 { readings as f64 / seconds } else { 0.0 };
    Ok(ReplaySummary { readings, events, ticks: tick.0, seconds, readings_per_second, workers: options.workers, rows })
}

fn deployed(model: ModelKind, version: ModelVersion) -> Revised {
    let (alias, by, reason) = (Alias::Production, "lehr".to_owned(), "replay".to_owned());
    let row = Deployment { model, alias, at: EventMs(0), version: Some(version), by, reason };
    Revised { revision: 1, event: Event::Deployment(Box::new(row)) }
}

/// The changes of all ticks and workers, added up.
struct Gathered {
    outputs: std::sync::mpsc::Receiver<crate::runtime::Output>,
    workers: usize,
    total: Changes,
    /// Ticks that were fed and whose changes are not all here.
    open: usize,
    /// Ticks since the last consolidation.
    since: usize,
}

impl Gathered {
    fn take_down_to(&mut self, open: usize) -> Result<(), RuntimeError> {
        while self.open > open {
            for _ in 0..self.workers {
                let output = self.outputs.recv().map_err(|_| RuntimeError::Stopped("a worker has ended".into()))?;
                self.total.merge(output.changes);
            }
            self.open -= 1;
            self.since += 1;
            if self.since == TICKS_GATHERED {
                self.since = 0;
                self.total.consolidate();
            }
        }
        Ok(())
    }
}
