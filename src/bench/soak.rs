//! Whether memory stays where it is: many days of the plant at full speed, with a retention that is soon full.

use super::BenchError;
use super::report::{Figure, Report};
use super::stage::{BEGIN, let_go, runtime_options};
use crate::runtime::{Runtime, RuntimeError, Submission};
use lehr_dataflows::base::Retention;
use lehr_domain::SpanMs;
use lehr_plant::{PlantConfig, PlantSim};
use std::time::Duration;

/// Plant time of a submission.
const STEP: SpanMs = SpanMs::minutes(10);
/// The days before this one fill what is kept.
const FIRST_DAY: i64 = 3;
/// Memory is looked at so often at the end of a day, so long apart: allocators give back with some delay.
const SAMPLES: usize = 10;
const PACE: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug)]
pub struct SoakOptions {
    pub days: i64,
    /// Of panes and of events alike.
    pub retention: SpanMs,
    pub faults_per_day: f64,
    pub workers: usize,
    pub seed: u64,
}

pub fn run(options: &SoakOptions, progress: impl Fn(SpanMs)) -> Result<Report, BenchError> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let retention = Retention { panes: options.retention, events: options.retention };
    let mut settings = runtime_options(&data, None, options.workers)?;
    settings.graph.retention = retention;
    let runtime = Runtime::start(settings, |_| ())?;
    let config = PlantConfig {
        seed: options.seed,
        start: BEGIN,
        faults_per_day: options.faults_per_day,
        ..PlantConfig::default()
    };
    let mut plant = PlantSim::new(&runtime.snapshot().names.clone(), config)?;
    let (mut memory, mut rows, mut readings) = (Vec::new(), Vec::new(), 0);
    for day in 0..options.days {
        let mut last = None;
        let end = BEGIN + SpanMs::days(day + 1);
        while plant.now() < end {
            let output = plant.advance(end.min(plant.now() + STEP));
            readings += output.readings.len();
            let submission = Submission {
                source: "bench".into(),
                readings: output.readings,
                events: output.events,
                now: Some(plant.now()),
                ..Submission::default()
            };
            last = Some(runtime.submit_blocking(submission)?);
            progress(plant.now() - BEGIN);
        }
        if let Some(last) = last {
            last.wait()?;
        }
        if day + 1 >= FIRST_DAY {
            memory.push(at_rest_mb(&runtime)?);
            rows.push(runtime.snapshot().rows() as f64);
        }
    }
    let mean = memory.iter().sum::<f64>() / memory.len() as f64;
    let drift: Vec<f64> = memory.iter().map(|resident| 100.0 * (resident / mean - 1.0)).collect();
    let half = memory.len() / 2;
    let half_mean = |half: &[f64]| half.iter().sum::<f64>() / half.len() as f64;
    let growth = 100.0 * (half_mean(&memory[half..]) / half_mean(&memory[..half]) - 1.0);
    let settings = [
        ("days", options.days as f64),
        ("retention, days", options.retention.0 as f64 / 86_400_000.0),
        ("readings", readings as f64),
        ("workers", options.workers as f64),
        ("second half of the days against the first, %", growth),
    ];
    drop(runtime);
    let_go(&data);
    Ok(Report {
        bench: "soak",
        settings: settings.into(),
        figures: vec![
            Figure::of("resident memory at the end of a day, from day 3 on", "MB", memory),
            Figure::of("against the mean of these days", "%", drift),
            Figure::of("rows of all tables at the end of a day", "rows", rows),
        ],
    })
}

/// Memory once nothing is under way: what is kept, without what a day at full speed takes for minutes of real time.
fn at_rest_mb(runtime: &Runtime) -> Result<f64, BenchError> {
    let history = runtime.history();
    while !history.convertible().map_err(RuntimeError::from)?.is_empty() || history.merge_due(runtime.now()) {
        std::thread::sleep(PACE);
    }
    let mut least = f64::INFINITY;
    for _ in 0..SAMPLES {
        std::thread::sleep(PACE);
        least = least.min(resident_mb()?);
    }
    Ok(least)
}

/// Memory of this process, megabytes.
fn resident_mb() -> std::io::Result<f64> {
    const PAGE_BYTES: f64 = 4096.0;
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.map(|pages| pages * PAGE_BYTES / 1e6).ok_or_else(|| std::io::Error::other("statm has no second field"))
}
