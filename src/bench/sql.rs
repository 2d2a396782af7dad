//! Typical queries over HTTP, on live tables and on the history of readings.

use super::report::{Figure, Report};
use super::stage::{BEGIN, Stage};
use super::{BenchError, late};
use lehr_domain::SpanMs;
use serde_json::json;
use std::io::Read;
use std::time::Instant;

/// What people ask, by name.
const QUERIES: [(&str, &str); 6] = [
    ("live: count of panes", "SELECT count(*) FROM panes"),
    ("live: newest value of every sensor", "SELECT * FROM latest"),
    (
        "live: one sensor's last hour",
        "SELECT start, mean FROM panes WHERE sensor_id = 'Line_A.furnace_temperature' \
        AND start >= now() - INTERVAL '1 hour' ORDER BY start",
    ),
    (
        "live: mean and spread of every sensor",
        "SELECT sensor_id, avg(mean), max(max) - min(min) FROM panes \
        GROUP BY sensor_id",
    ),
    ("live: defects by kind and line", "SELECT production_line, defect_type, count(*) FROM defects GROUP BY 1, 2"),
    (
        "history: one sensor's readings of an hour",
        "SELECT count(*), avg(value) FROM readings \
        WHERE sensor_id = 'Line_A.furnace_temperature' AND at >= now() - INTERVAL '1 hour'",
    ),
];

#[derive(Clone, Copy, Debug)]
pub struct SqlOptions {
    /// Plant time that has passed before.
    pub state: SpanMs,
    pub repeats: usize,
    pub workers: usize,
    pub seed: u64,
}

pub fn run(options: &SqlOptions, progress: impl Fn(SpanMs)) -> Result<Report, BenchError> {
    let SqlOptions { state, repeats, workers, seed } = *options;
    let stage = Stage::open(None, workers)?;
    late::live(&stage, seed, BEGIN + state, progress)?;
    let mut figures = Vec::new();
    for (name, query) in QUERIES {
        let mut took = Vec::new();
        for _ in 0..repeats {
            let begun = Instant::now();
            let request = ureq::post(format!("http://{}/api/sql", stage.address));
            let request = request.header("authorization", format!("Bearer {}", stage.token));
            let mut answer = request.send_json(json!({ "query": query })).map_err(Box::new)?;
            answer.body_mut().as_reader().read_to_end(&mut Vec::new())?;
            took.push(begun.elapsed());
        }
        figures.push(Figure::ms(name, took));
    }
    let snapshot = stage.runtime.snapshot();
    let settings = [
        ("state_hours", state.0 as f64 / 3_600_000.0),
        ("workers", workers as f64),
        ("panes", snapshot.panes.len() as f64),
        ("readings", stage.runtime.stats().readings.load(std::sync::atomic::Ordering::Relaxed) as f64),
    ];
    Ok(Report { bench: "sql", settings: settings.into(), figures })
}
