//! A recorded day of the plant, enlarged, through every graph: from the recording alone as `lehr replay` does,
//! and through the runtime with the journal on and an fsync per tick.

use super::BenchError;
use super::report::{Figure, Report};
use super::stage::{BEGIN, Stage, catalogue};
use crate::journal::Reader;
use crate::recording::{GenerateOptions, generate};
use crate::replay::{ReplayOptions, replay};
use crate::runtime::Submission;
use lehr_domain::{EventMs, SpanMs};
use std::path::Path;
use std::time::Instant;

/// Readings a tick of the replay.
const BATCH: usize = 100_000;

#[derive(Clone, Copy, Debug)]
pub struct PipelineOptions {
    pub sensors: usize,
    pub duration: SpanMs,
    pub workers: usize,
    pub repeats: usize,
    pub seed: u64,
}

pub fn run(options: &PipelineOptions, progress: impl Fn(EventMs)) -> Result<Report, BenchError> {
    let folder = tempfile::tempdir()?;
    let recording = folder.path().join("recording");
    let generated = generate(
        &GenerateOptions {
            out: recording.clone(),
            truth: None,
            seed: options.seed,
            start: BEGIN,
            duration: options.duration,
            faults: Vec::new(),
            faults_per_day: 0.0,
            campaign: false,
            pictures: None,
            catalogue: catalogue(Some(options.sensors))?,
            knowledge: lehr_causal::DEFAULT.to_owned(),
        },
        progress,
    )?;
    let (mut replayed, mut journalled) = (Vec::new(), Vec::new());
    for _ in 0..options.repeats {
        let replay = replay(
            &ReplayOptions {
                recording: recording.clone(),
                out: folder.path().join("tables"),
                workers: options.workers,
                batch: BATCH,
                shuffle: None,
                fold_late: false,
                scorer: None,
                inspector: None,
                deployed: Vec::new(),
            },
            |_| (),
        )?;
        replayed.push(replay.readings_per_second / 1e6);
        journalled.push(generated.readings as f64 / through(&recording, options)? / 1e6);
    }
    let settings = [
        ("sensors", options.sensors as f64),
        ("hours", options.duration.0 as f64 / 3_600_000.0),
        ("readings", generated.readings as f64),
        ("workers", options.workers as f64),
    ];
    Ok(Report {
        bench: "pipeline",
        settings: settings.into(),
        figures: vec![
            Figure::of("replay, journal off", "M readings/s", replayed),
            Figure::of("runtime, journal on, fsync per tick", "M readings/s", journalled),
        ],
    })
}

/// Seconds from the first submission until all of the recording is visible.
fn through(recording: &Path, options: &PipelineOptions) -> Result<f64, BenchError> {
    let stage = Stage::open(Some(options.sensors), options.workers)?;
    let (mut last, begun) = (None, Instant::now());
    for inputs in Reader::open(recording)? {
        let inputs = inputs?;
        last = Some(stage.feed(Submission {
            source: "bench".into(),
            readings: inputs.readings,
            events: inputs.events.into_iter().map(|row| row.event).collect(),
            now: Some(inputs.now),
            ..Submission::default()
        })?);
    }
    if let Some(last) = last {
        last.wait()?;
    }
    Ok(begun.elapsed().as_secs_f64())
}
