//! From sensor to screen under load, open loop: readings are due at fixed times whatever the system does, and
//! latency counts from when a reading was due to when the frame that carries it has come to a WebSocket client.
//! When the system stalls, what is due meanwhile waits and counts (no coordinated omission).

use super::BenchError;
use super::pick::pick;
use super::report::{Figure, Report};
use super::screen::{Arrival, Screen};
use super::stage::{BEGIN, Stage};
use crate::live::Channel;
use crate::runtime::{Receipt, Submission};
use lehr_domain::event::{Event, SensorDef};
use lehr_domain::unit::{Unit, Verdict};
use lehr_domain::{EventMs, LineId, Micro, ProductId, Reading, ReadingBatch, SensorId, SpanMs, Status, Tick, UnitId};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a gateway gathers before it sends: a reading waits half of it on average, and that counts.
const SLOT: Duration = Duration::from_millis(1);
/// Readings that are due but not sent yet go in submissions of this many, so that catching up is not one tick.
const SUBMISSION_MOST: u64 = 20_000;
/// The first part of a run, in which caches and buffers grow, is not counted.
const WARM_UP: Duration = Duration::from_secs(2);
/// Readings per sensor and minute of the history that exists before.
const BEFORE_PER_MINUTE: i64 = 2;
/// Minutes of history in one submission.
const BEFORE_STEP: i64 = 10;

#[derive(Clone, Copy, Debug)]
pub struct LatencyOptions {
    pub readings_per_s: u64,
    pub sensors: usize,
    pub seconds: u64,
    pub workers: usize,
    /// Minutes of panes that exist before.
    pub history_minutes: i64,
}

/// What one submission held, and the tick that it went into.
struct Sent {
    readings: Range<u64>,
    receipt: Receipt,
}

pub fn run(options: &LatencyOptions) -> Result<Report, BenchError> {
    let stage = Stage::open(Some(options.sensors), options.workers)?;
    let plant = Plant::new(&stage, options.readings_per_s);
    let start = plant.fill(&stage, options.history_minutes)?;
    let screen = Screen::open(&stage)?;
    let total = options.readings_per_s * (options.seconds + WARM_UP.as_secs());

    let (sent, receipts) = mpsc::channel::<Sent>();
    let waiting = std::thread::spawn(move || -> Result<Vec<(Range<u64>, Tick)>, BenchError> {
        receipts.into_iter().map(|sent| Ok((sent.readings, sent.receipt.wait()?.tick))).collect()
    });
    let begun = Instant::now();
    let mut next = 0;
    while next < total {
        let due = total.min((begun.elapsed().as_secs_f64() * options.readings_per_s as f64) as u64);
        while next < due {
            let readings = next..due.min(next + SUBMISSION_MOST);
            next = readings.end;
            let receipt = stage.feed(plant.submission(start, readings.clone()))?;
            // The receiver ends only after this thread.
            let _ = sent.send(Sent { readings, receipt });
        }
        std::thread::sleep(SLOT);
    }
    drop(sent);
    let ticks = waiting.join().map_err(|_| BenchError::Setup("the thread that waits for ticks panicked".into()))??;
    let last = ticks.last().map_or(Tick(0), |(_, tick)| *tick);
    let mut arrivals = Vec::new();
    // Frames are told to this thread in the order in which they came.
    while arrivals.last().is_none_or(|arrival: &Arrival| arrival.tick < last) {
        arrivals.push(screen.wait(Channel::Sensors, arrivals.last().map_or(Tick(0), |one: &Arrival| one.tick.next()))?);
    }
    Ok(report(options, plant.sensors.len(), begun, &ticks, &arrivals))
}

fn report(
    options: &LatencyOptions,
    sensors: usize,
    begun: Instant,
    ticks: &[(Range<u64>, Tick)],
    arrivals: &[Arrival],
) -> Report {
    let per_s = options.readings_per_s as f64;
    let counted = (WARM_UP.as_secs_f64() * per_s) as u64;
    let (mut latencies, mut tick_rows) = (Vec::new(), BTreeMap::<Tick, f64>::new());
    for (readings, tick) in ticks {
        let place = arrivals.partition_point(|arrival| arrival.tick < *tick);
        let arrived = arrivals[place].at.duration_since(begun).as_secs_f64();
        for reading in readings.clone().filter(|reading| *reading >= counted) {
            latencies.push((arrived - reading as f64 / per_s) * 1e3);
        }
        *tick_rows.entry(*tick).or_default() += (readings.end - readings.start) as f64;
    }
    let frames = arrivals.iter().map(|arrival| arrival.bytes as f64 / 1e3).collect();
    let settings = [
        ("readings_per_s", per_s),
        ("sensors", sensors as f64),
        ("seconds", options.seconds as f64),
        ("workers", options.workers as f64),
        ("history_minutes", options.history_minutes as f64),
    ];
    Report {
        bench: "latency",
        settings: settings.into(),
        figures: vec![
            Figure::of("reading due to frame arrived", "ms", latencies),
            Figure::of("readings of a tick", "rows", tick_rows.into_values().collect()),
            Figure::of("frame of the channel sensors", "kB", frames),
        ],
    }
}

/// Where the readings come from: every sensor in turn, near its set-point.
struct Plant {
    sensors: Vec<(SensorId, SensorDef)>,
    lines: Vec<LineId>,
    readings_per_s: u64,
}

impl Plant {
    fn new(stage: &Stage, readings_per_s: u64) -> Plant {
        let names = stage.runtime.snapshot().names.clone();
        let sensors = names.sensors().map(|(id, def)| (id, def.clone())).collect();
        Plant { sensors, lines: names.lines().map(|(line, _)| line).collect(), readings_per_s }
    }

    /// Gives every sensor some past; the plant time at which the run begins.
    fn fill(&self, stage: &Stage, minutes: i64) -> Result<EventMs, BenchError> {
        let events = stage.produce(BEGIN);
        stage.submit(Submission { source: "bench".into(), events, now: Some(BEGIN), ..Submission::default() })?;
        for first in (0..minutes).step_by(BEFORE_STEP as usize) {
            let mut readings = ReadingBatch::default();
            let until = minutes.min(first + BEFORE_STEP);
            for (minute, part) in
                (first..until).flat_map(|minute| (0..BEFORE_PER_MINUTE).map(move |part| (minute, part)))
            {
                let at = BEGIN + SpanMs::minutes(minute) + SpanMs(part * 60_000 / BEFORE_PER_MINUTE);
                self.sensors.iter().for_each(|(sensor, def)| readings.push(reading(*sensor, def, at)));
            }
            let now = Some(BEGIN + SpanMs::minutes(until));
            stage.submit(Submission { source: "bench".into(), readings, now, ..Submission::default() })?;
        }
        Ok(BEGIN + SpanMs::minutes(minutes))
    }

    fn due(&self, start: EventMs, reading: u64) -> EventMs {
        start + SpanMs((reading * 1000 / self.readings_per_s) as i64)
    }

    fn submission(&self, start: EventMs, readings: Range<u64>) -> Submission {
        let now = self.due(start, readings.end);
        let mut events = Vec::new();
        // A unit a second from each line, so that the graphs behind inspection have work too.
        let seconds = |reading: u64| reading / self.readings_per_s;
        for second in seconds(readings.start)..seconds(readings.end) {
            let unit = |(place, line): (usize, &LineId)| Unit {
                unit: UnitId(second * self.lines.len() as u64 + place as u64),
                line: *line,
                at: now,
                product: ProductId(0),
                verdict: Verdict::Good,
                defects: Vec::new(),
            };
            events.extend(self.lines.iter().enumerate().map(unit).map(Event::Unit));
        }
        let readings = readings
            .map(|number| {
                let (sensor, def) = &self.sensors[(number % self.sensors.len() as u64) as usize];
                reading(*sensor, def, self.due(start, number))
            })
            .collect();
        Submission { source: "bench".into(), readings, events, now: Some(now), ..Submission::default() }
    }
}

/// A value within one sigma of the set-point, or in the middle of the span.
fn reading(sensor: SensorId, def: &SensorDef, at: EventMs) -> Reading {
    let middle = def.target.map_or((def.span.0.0 + def.span.1.0) / 2, |target| target.0);
    let sigma = def.sigma.map_or(0, |sigma| sigma.0).max(1);
    let noise = pick(&[u64::from(sensor.0), at.0 as u64], 2 * sigma as u64 + 1) as i64 - sigma;
    Reading { sensor, at, revision: 0, value: Micro(middle + noise), status: Status::Ok }
}
