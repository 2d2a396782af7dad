//! Whether memory stays where it is: many days of the plant at full speed, with a retention that is soon full. A single
//! look says little, because allocators give back with some delay and a merge of files takes what it needs for a second;
//! the mean of a day's looks, one for each ten minutes of plant time, says what is kept.

use super::BenchError;
use super::report::{Figure, Report};
use super::stage::{BEGIN, let_go, runtime_options};
use crate::runtime::{Runtime, Submission};
use lehr_dataflows::base::Retention;
use lehr_domain::SpanMs;
use lehr_plant::{PlantConfig, PlantSim};

/// Plant time of a submission.
const STEP: SpanMs = SpanMs::minutes(10);
/// The days before this one fill what is kept.
const FIRST_DAY: i64 = 3;

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
        let (mut last, mut resident) = (None, Vec::new());
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
            resident.push(resident_mb()?);
            progress(plant.now() - BEGIN);
        }
        if let Some(last) = last {
            last.wait()?;
        }
        if day + 1 >= FIRST_DAY {
            memory.push(mean(&resident));
            rows.push(runtime.snapshot().rows() as f64);
        }
    }
    let whole = mean(&memory);
    let drift: Vec<f64> = memory.iter().map(|resident| 100.0 * (resident / whole - 1.0).abs()).collect();
    let half = memory.len() / 2;
    let growth = 100.0 * (mean(&memory[half..]) / mean(&memory[..half]) - 1.0);
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
            Figure::of("resident memory, mean of each day, from day 3 on", "MB", memory),
            Figure::of("distance from the mean of these days", "%", drift),
            Figure::of("rows of all tables at the end of a day", "rows", rows),
        ],
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Memory of this process, megabytes.
fn resident_mb() -> std::io::Result<f64> {
    const PAGE_BYTES: f64 = 4096.0;
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.map(|pages| pages * PAGE_BYTES / 1e6).ok_or_else(|| std::io::Error::other("statm has no second field"))
}
