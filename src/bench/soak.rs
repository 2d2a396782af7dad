//! Whether memory stays where it is: many days of the plant at full speed, with a retention that is soon full.

use super::BenchError;
use super::report::{Figure, Report};
use super::stage::{BEGIN, catalogue};
use crate::runtime::{Runtime, RuntimeOptions, Submission};
use lehr_dataflows::base::Retention;
use lehr_dataflows::graph::GraphConfig;
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
    let retention = Retention { panes: options.retention, events: options.retention };
    let runtime = Runtime::start(
        RuntimeOptions {
            data: folder.path().join("data"),
            workers: options.workers,
            graph: GraphConfig { retention, ..GraphConfig::default() },
            catalogue: catalogue(None)?,
            knowledge: lehr_causal::DEFAULT.to_owned(),
            simulated_clock: true,
            salvage: false,
            sizes: Default::default(),
        },
        |_| (),
    )?;
    let config = PlantConfig {
        seed: options.seed,
        start: BEGIN,
        faults_per_day: options.faults_per_day,
        ..PlantConfig::default()
    };
    let mut plant = PlantSim::new(&runtime.snapshot().names.clone(), config)?;
    let (mut memory, mut rows, mut readings) = (Vec::new(), Vec::new(), 0);
    for day in 0..options.days {
        let (mut resident, mut last) = (Vec::new(), None);
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
        resident.sort_by(f64::total_cmp);
        if day + 1 >= FIRST_DAY {
            memory.push(resident[resident.len() / 2]);
            rows.push(runtime.snapshot().rows() as f64);
        }
    }
    let first = memory.first().copied().unwrap_or(f64::NAN);
    let drift: Vec<f64> = memory.iter().map(|resident| 100.0 * (resident / first - 1.0)).collect();
    let settings = [
        ("days", options.days as f64),
        ("retention, days", options.retention.0 as f64 / 86_400_000.0),
        ("readings", readings as f64),
        ("workers", options.workers as f64),
        ("last day against day 3, %", drift.last().copied().unwrap_or(f64::NAN)),
    ];
    Ok(Report {
        bench: "soak",
        settings: settings.into(),
        figures: vec![
            Figure::of("resident memory, median of a day, from day 3 on", "MB", memory),
            Figure::of("against day 3", "%", drift),
            Figure::of("rows of all tables at the end of a day", "rows", rows),
        ],
    })
}

/// Memory of this process, megabytes.
fn resident_mb() -> std::io::Result<f64> {
    const PAGE_BYTES: f64 = 4096.0;
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.map(|pages| pages * PAGE_BYTES / 1e6).ok_or_else(|| std::io::Error::other("statm has no second field"))
}
