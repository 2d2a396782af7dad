//! A late row to the screen: with days of state, a unit whose verdict is corrected until the corrected key
//! figures have come to a WebSocket client, and a late reading until its corrected pane has.

use super::BenchError;
use super::pick::pick;
use super::report::{Figure, Report};
use super::screen::Screen;
use super::stage::{BEGIN, Stage};
use crate::live::Channel;
use crate::runtime::Submission;
use lehr_domain::event::Event;
use lehr_domain::unit::{Unit, Verdict};
use lehr_domain::{EventMs, Micro, Reading, SpanMs, Status};
use lehr_plant::{PlantConfig, PlantSim};
use std::time::{Duration, Instant};

/// Plant time of one submission while the state is made.
const STEP: SpanMs = SpanMs::minutes(10);

#[derive(Clone, Copy, Debug)]
pub struct LateOptions {
    /// Plant time that has passed before.
    pub state: SpanMs,
    pub corrections: u64,
    pub workers: usize,
    pub seed: u64,
}

pub fn run(options: &LateOptions, progress: impl Fn(SpanMs)) -> Result<Report, BenchError> {
    let stage = Stage::open(None, options.workers)?;
    live(&stage, options.seed, BEGIN + options.state, progress)?;
    let screen = Screen::open(&stage)?;
    let (mut units, mut readings) = (Vec::new(), Vec::new());
    for number in 0..options.corrections {
        let event = Event::Unit(corrected(&stage, options.seed, number)?);
        let correction = Submission { source: "bench".into(), events: vec![event], ..Submission::default() };
        units.push(until_seen(&stage, &screen, correction, Channel::Quality)?);
        let reading = [late(&stage, options.seed, number)?].into_iter().collect();
        let correction = Submission { source: "bench".into(), readings: reading, ..Submission::default() };
        readings.push(until_seen(&stage, &screen, correction, Channel::Sensors)?);
    }
    let snapshot = stage.runtime.snapshot();
    let settings = [
        ("state_hours", options.state.0 as f64 / 3_600_000.0),
        ("workers", options.workers as f64),
        ("panes", snapshot.panes.len() as f64),
        ("units", snapshot.units.len() as f64),
    ];
    Ok(Report {
        bench: "late",
        settings: settings.into(),
        figures: vec![
            Figure::ms("corrected unit to key figures on a screen", units),
            Figure::ms("late reading to pane on a screen", readings),
        ],
    })
}

/// Lets the simulated plant run, as fast as the runtime takes it.
pub fn live(stage: &Stage, seed: u64, end: EventMs, progress: impl Fn(SpanMs)) -> Result<(), BenchError> {
    let names = stage.runtime.snapshot().names.clone();
    let config = PlantConfig { seed, start: BEGIN, ..PlantConfig::default() };
    let mut sim = PlantSim::new(&names, config)?;
    let mut last = None;
    while sim.now() < end {
        let now = end.min(sim.now() + STEP);
        let output = sim.advance(now);
        last = Some(stage.feed(Submission {
            source: "bench".into(),
            readings: output.readings,
            events: output.events,
            now: Some(now),
            ..Submission::default()
        })?);
        progress(now - BEGIN);
    }
    if let Some(last) = last {
        last.wait()?;
    }
    Ok(())
}

/// Submits, and waits for the frame of `channel` that carries it.
fn until_seen(
    stage: &Stage,
    screen: &Screen,
    submission: Submission,
    channel: Channel,
) -> Result<Duration, BenchError> {
    let begun = Instant::now();
    let closed = stage.feed(submission)?.wait()?;
    Ok(screen.wait(channel, closed.tick)?.at - begun)
}

/// Some unit without defects, with the other of the verdicts that such a unit may have.
fn corrected(stage: &Stage, seed: u64, number: u64) -> Result<Unit, BenchError> {
    let snapshot = stage.runtime.snapshot();
    let sound = || snapshot.units.iter().filter(|row| row.defects == 0);
    let count = sound().count() as u64;
    let row = (count > 0).then(|| sound().nth(pick(&[seed, number, 0], count) as usize)).flatten();
    let row = row.ok_or_else(|| BenchError::Setup("the plant made no unit; choose a longer --state".into()))?;
    let verdict = if row.verdict == Verdict::Good { Verdict::Rework } else { Verdict::Good };
    let (unit, line, at, product) = (row.unit_id, row.production_line, row.at, row.product);
    Ok(Unit { unit, line, at, product, verdict, defects: Vec::new() })
}

/// One more reading in some pane, at a time that no instrument of the plant reports at.
fn late(stage: &Stage, seed: u64, number: u64) -> Result<Reading, BenchError> {
    let snapshot = stage.runtime.snapshot();
    let place = pick(&[seed, number, 1], snapshot.panes.len().max(1) as u64) as usize;
    let pane = snapshot.panes.iter().nth(place);
    let pane = pane.ok_or_else(|| BenchError::Setup("the plant told nothing; choose a longer --state".into()))?;
    let at = pane.start + SpanMs(1 + pick(&[seed, number, 2], 997) as i64);
    let value = Micro(pane.moments.last.0 + pick(&[seed, number, 3], 1000) as i64);
    Ok(Reading { sensor: pane.sensor_id, at, revision: 0, value, status: Status::Ok })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_come_to_a_screen() {
        let options = LateOptions { state: SpanMs::hours(1), corrections: 3, workers: 1, seed: 7 };
        let report = run(&options, |_| ()).unwrap();
        assert!(report.settings["panes"] > 1000.0 && report.settings["units"] > 10.0, "{report}");
        assert!(report.figures.iter().all(|figure| figure.count == 3 && figure.max > 0.0), "{report}");
    }
}
