//! The window job: count, mean, sample standard deviation, minimum and maximum per sensor and ten seconds of
//! event time, from a Parquet file of readings in order of arrival to a folder of Parquet files of results.
//!
//! ```text
//! worker 0: row groups (claimed) → scatter by owner ─┬─→ ticks → panes → answers → part-0.parquet
//!                                        queues      ╳
//! worker 1: row groups (claimed) → scatter by owner ─┴─→ ticks → panes → answers → part-1.parquet
//! ```
//!
//! The `panes` operator is the one of production: of repeated and corrected readings one holds, and a late
//! reading restates its pane. Each worker decodes whichever row group is next and hands the readings of
//! others over as columns, so that the dataflow exchanges nothing. A tick is a fixed number of row groups and
//! closes when all of them have come, so the results do not depend on who decoded what. The low-water mark is the
//! greatest event time of all ticks before: windows are sealed once it has passed them by the lateness of the input,
//! which is when other engines let theirs go.

mod answers;
mod scatter;
mod source;
mod worker;

use lehr_dataflows::panes::PaneConfig;
use lehr_domain::{EventMs, SpanMs};
use source::RowGroups;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use worker::{Shared, WindowWorker};

/// The job's windows.
pub const WIDTH: SpanMs = SpanMs::seconds(10);
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error("cannot read or write {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("cannot read or write {path} as Parquet: {source}")]
    Parquet { path: PathBuf, source: parquet::errors::ParquetError },
    #[error("{path} needs the required columns sensor (INT32), at (INT64) and value (DOUBLE), in this order")]
    Columns { path: PathBuf },
    #[error("a reading is of {at}, whose window was sealed already: raise the lateness above {lateness_ms} ms")]
    TooLate { at: EventMs, lateness_ms: i64 },
    #[error("the workers did not come to their end: {0}")]
    Workers(String),
    #[error("another worker failed, see its message")]
    Stopped,
}

/// How the job is run.
#[derive(Clone, Debug)]
pub struct WindowJob {
    pub input: PathBuf,
    /// A folder; made when it is not there.
    pub output: PathBuf,
    pub workers: usize,
    pub groups_per_tick: usize,
    /// How late a reading of the input may be.
    pub lateness: SpanMs,
}

impl WindowJob {
    fn panes(&self) -> PaneConfig {
        // A batch job has its end instead of a retention.
        PaneConfig { width: WIDTH, retention: SpanMs::FOREVER, seal_after: self.lateness }
    }
}

/// What came of it, summed over workers. Times are those of the worker that took longest.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    pub readings: usize,
    /// Readings that are no measurement (NaN, infinite, absurd, sensor below zero).
    pub refused: usize,
    pub answers: usize,
    pub ticks: usize,
    pub stages: Stages,
}

/// Where a worker's time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    pub decode: Duration,
    pub scatter: Duration,
    /// Steps of the dataflow: panes, and taking their rows.
    pub dataflow: Duration,
    pub write: Duration,
}

/// Runs the job to its end.
pub fn run(job: &WindowJob) -> Result<Report, WindowError> {
    std::fs::create_dir_all(&job.output).map_err(|source| WindowError::Io { path: job.output.clone(), source })?;
    let groups = RowGroups::open(&job.input)?.len();
    let shared = Arc::new(Shared::new(groups, job.workers));
    let own_job = job.clone();
    let guards = timely::execute(timely::Config::process(job.workers), move |worker| {
        WindowWorker::build(worker, &own_job, Arc::clone(&shared))?.run(worker, &own_job.output)
    })
    .map_err(WindowError::Workers)?;
    // The cause first, then the complaints of those that it stopped.
    let mut outcomes: Vec<_> = guards
        .join()
        .into_iter()
        .map(|joined| joined.map_err(WindowError::Workers).and_then(|report| report))
        .collect();
    outcomes.sort_by_key(|outcome| matches!(outcome, Err(WindowError::Stopped)));
    let mut report = Report::default();
    for outcome in outcomes {
        report.add(outcome?);
    }
    report.ticks = groups.div_ceil(job.groups_per_tick);
    Ok(report)
}

impl Report {
    fn add(&mut self, worker: Report) {
        self.readings += worker.readings;
        self.refused += worker.refused;
        self.answers += worker.answers;
        let (mine, theirs) = (&mut self.stages, worker.stages);
        mine.decode = mine.decode.max(theirs.decode);
        mine.scatter = mine.scatter.max(theirs.scatter);
        mine.dataflow = mine.dataflow.max(theirs.dataflow);
        mine.write = mine.write.max(theirs.write);
    }
}
