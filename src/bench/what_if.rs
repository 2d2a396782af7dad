//! Questions to the digital twin over HTTP, and scenarios through the graphs, together and alone.

use super::report::{Figure, Report};
use super::stage::{BEGIN, Stage};
use super::{BenchError, late};
use crate::twin::{Twins, consequences};
use lehr_domain::{LineId, SpanMs};
use lehr_twin::{Setting, series};
use serde_json::{Value, json};
use std::time::Instant;

/// What is asked about: the first line of the plant.
const LINE: LineId = LineId(0);
const LINE_NAME: &str = "Line_A";
const AHEAD: SpanMs = SpanMs::hours(24);

#[derive(Clone, Copy, Debug)]
pub struct WhatIfOptions {
    /// Plant time that the twin has followed before.
    pub state: SpanMs,
    pub repeats: usize,
    /// Scenarios that run through the graphs.
    pub scenarios: usize,
    pub workers: usize,
    pub seed: u64,
}

pub fn run(options: &WhatIfOptions, progress: impl Fn(SpanMs)) -> Result<Report, BenchError> {
    let WhatIfOptions { state, repeats, scenarios, workers, seed } = *options;
    let stage = Stage::open(None, workers)?;
    late::live(&stage, seed, BEGIN + state, progress)?;
    let mut figures = Vec::new();
    // The first question folds all that was seen; it is told apart.
    figures.push(Figure::ms("first look at the line's state", [looks(&stage)?]));
    let shown = (0..repeats).map(|_| looks(&stage)).collect::<Result<Vec<_>, _>>()?;
    figures.push(Figure::ms("state of the line, over HTTP", shown));
    for (name, consequences) in [("a day ahead, over HTTP", false), ("the same with consequences", true)] {
        let mut took = Vec::new();
        for repeat in 0..repeats {
            let body = json!({
                "line": LINE_NAME, "mode": "one", "duration": "24h", "consequences": consequences,
                "settings": [{ "parameter": "belt_speed", "value": belt(repeat, repeats) }],
            });
            let begun = Instant::now();
            let request = ureq::post(format!("http://{}/api/digital-twin/what-if", stage.address));
            let request = request.header("authorization", format!("Bearer {}", stage.token));
            let answer: Value = request.send_json(body).map_err(Box::new)?.body_mut().read_json().map_err(Box::new)?;
            took.push(begun.elapsed());
            if answer["scenario"]["rate_per_h"].as_f64() == answer["baseline"]["rate_per_h"].as_f64() {
                return Err(BenchError::Setup("another belt speed must give another rate".into()));
            }
        }
        figures.push(Figure::ms(name, took));
    }
    figures.extend(through_graphs(&stage, scenarios)?);
    let settings =
        [("state_hours", state.0 as f64 / 3_600_000.0), ("scenarios", scenarios as f64), ("workers", workers as f64)];
    Ok(Report { bench: "what-if", settings: settings.into(), figures })
}

/// Belt speeds of a sweep, none of them the present one.
fn belt(place: usize, of: usize) -> f64 {
    120.0 + 25.0 * place as f64 / of as f64
}

fn looks(stage: &Stage) -> Result<std::time::Duration, BenchError> {
    let begun = Instant::now();
    let request = ureq::get(format!("http://{}/api/digital-twin/shadow-state?line={LINE_NAME}", stage.address));
    let request = request.header("authorization", format!("Bearer {}", stage.token));
    let answer: Value = request.call().map_err(Box::new)?.body_mut().read_json().map_err(Box::new)?;
    let took = begun.elapsed();
    if answer["lines"].as_array().is_none_or(Vec::is_empty) {
        return Err(BenchError::Setup("the twin has seen nothing".into()));
    }
    Ok(took)
}

/// Scenarios of a day all at once, and one after the other.
fn through_graphs(stage: &Stage, scenarios: usize) -> Result<[Figure; 2], BenchError> {
    let snapshot = stage.runtime.snapshot();
    let failed = |error: &dyn std::error::Error| BenchError::Setup(error.to_string());
    let state = Twins::default().state(&snapshot, LINE).map_err(|error| failed(&error))?;
    let setting = |place| Setting { parameter: "belt_speed".into(), value: belt(place, scenarios) };
    let minutes = (0..scenarios).map(|place| series(&state, &[setting(place)], AHEAD));
    let minutes = minutes.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
    let begun = Instant::now();
    let together = consequences(&snapshot, LINE, &minutes);
    let shared = begun.elapsed().as_secs_f64() * 1e3 / scenarios as f64;
    let mut alone = Vec::new();
    for (minutes, expected) in minutes.chunks(1).zip(&together) {
        let begun = Instant::now();
        let found = consequences(&snapshot, LINE, minutes);
        alone.push(begun.elapsed().as_secs_f64() * 1e3);
        if found.first() != Some(expected) {
            return Err(BenchError::Setup("a scenario alone differs from the same among others".into()));
        }
    }
    Ok([
        Figure::of("a scenario among all, on all processors", "ms", vec![shared]),
        Figure::of("a scenario in a graph of its own", "ms", alone),
    ])
}
