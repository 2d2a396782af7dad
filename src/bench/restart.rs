//! How long a start takes when much lies behind it: a data directory is filled at full speed, the system is dropped
//! without a word, as a kill would, and started again.

use super::BenchError;
use super::report::{Figure, Report};
use super::stage::{BEGIN, let_go, runtime_options};
use crate::journal::JournalError;
use crate::runtime::{Receipt, Runtime, RuntimeError, Submission};
use lehr_domain::{EventMs, ReadingBatch, SpanMs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Plant time behind the last checkpoint when the system is killed. At full speed the keeper makes fewer checkpoints a
/// day of the plant than it would at the plant's own pace, where none is older than this: writing one takes up to two
/// seconds, after which it rests a hundred times as long.
const BEHIND_CHECKPOINT: SpanMs = SpanMs::minutes(3);

/// Readings a submission.
const BATCH: usize = 100_000;
/// How often it is looked whether the process before has let go, or the keeper has caught up.
const PACE: Duration = Duration::from_millis(20);

#[derive(Clone, Debug)]
pub struct RestartOptions {
    pub sensors: usize,
    /// Readings a second of plant time.
    pub rate: u64,
    /// Plant time that has passed.
    pub duration: SpanMs,
    pub workers: usize,
    pub repeats: usize,
    /// Stays, and is not filled again when it is there; a temporary folder otherwise.
    pub data: Option<PathBuf>,
}

pub fn run(options: &RestartOptions, progress: impl Fn(SpanMs)) -> Result<Report, BenchError> {
    let folder = tempfile::tempdir()?;
    let data = options.data.clone().unwrap_or_else(|| folder.path().join("data"));
    let begun = Instant::now();
    let readings = if data.exists() { 0 } else { fill(&data, options, progress)? };
    let filled = begun.elapsed().as_secs_f64();
    let (mut seconds, mut replayed) = (Vec::new(), Vec::new());
    for _ in 0..options.repeats {
        let (runtime, took) = start(&data, options)?;
        seconds.push(took.as_secs_f64());
        replayed.push((runtime.snapshot().tick.0 - runtime.resumed().from.0) as f64);
    }
    let_go(&data);
    let settings = [
        ("sensors", options.sensors as f64),
        ("readings/s", options.rate as f64),
        ("hours", options.duration.0 as f64 / 3_600_000.0),
        ("readings", readings as f64),
        ("M readings/s while filling", readings as f64 / filled / 1e6),
        ("workers", options.workers as f64),
        ("MB on disk", bytes(&data)? as f64 / 1e6),
    ];
    Ok(Report {
        bench: "restart",
        settings: settings.into(),
        figures: vec![
            Figure::of("start to serving", "s", seconds),
            Figure::of("ticks replayed behind the checkpoint", "ticks", replayed),
        ],
    })
}

/// Starts as soon as the one before has let go of the journal; how long that took is not counted.
fn start(data: &Path, options: &RestartOptions) -> Result<(Runtime, Duration), BenchError> {
    loop {
        let begun = Instant::now();
        match Runtime::start(runtime_options(data, Some(options.sensors), options.workers)?, |_| ()) {
            Err(RuntimeError::Journal(JournalError::Locked { .. })) => std::thread::sleep(PACE),
            started => return Ok((started?, begun.elapsed())),
        }
    }
}

/// Every sensor in turn, evenly in time, with values that wander; gives how many readings there were.
fn fill(data: &Path, options: &RestartOptions, progress: impl Fn(SpanMs)) -> Result<u64, BenchError> {
    let (runtime, _) = start(data, options)?;
    let sensors = runtime.snapshot().sensors.len() as u64;
    let total = options.rate * options.duration.0.unsigned_abs() / 1000;
    let behind = total.saturating_sub(options.rate * BEHIND_CHECKPOINT.0.unsigned_abs() / 1000);
    let (mut last, mut noise, mut next) = (None, 7_u64, 0_u64);
    while next < total {
        if next == behind {
            caught_up(&runtime, last.take())?;
            runtime.checkpoint()?;
        }
        let mut readings = ReadingBatch::with_capacity(BATCH);
        let until = if next < behind { behind } else { total };
        let upto = (next + BATCH as u64).min(until);
        for number in next..upto {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            readings.sensor.push((number % sensors) as u32);
            readings.at.push(BEGIN.0 + (number * 1000 / options.rate) as i64);
            readings.value.push(100_000_000 + (noise >> 44) as i64);
            readings.status.push(0);
            readings.revision.push(0);
        }
        next = upto;
        let passed = SpanMs((next * 1000 / options.rate) as i64);
        let now = Some(EventMs(BEGIN.0 + passed.0));
        last = Some(runtime.submit_blocking(Submission {
            source: "bench".into(),
            readings,
            now,
            ..Submission::default()
        })?);
        progress(passed);
    }
    caught_up(&runtime, last)?;
    Ok(total)
}

/// Waits until `last` is visible and the keeper has nothing to convert: at the plant's pace it would keep up.
fn caught_up(runtime: &Runtime, last: Option<Receipt>) -> Result<(), BenchError> {
    last.map_or(Ok(()), |last| last.wait().map(drop))?;
    while !runtime.history().convertible().map_err(RuntimeError::from)?.is_empty() {
        std::thread::sleep(PACE);
    }
    Ok(())
}

fn bytes(folder: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        sum += if metadata.is_dir() { bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}
