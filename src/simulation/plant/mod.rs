//! A tiny plant and the people in it: two lines, five sensors, everything that can be submitted. Retention is so
//! short that rows leave while it runs, and panes are sealed so soon that many readings come later.

mod camera;
mod events;
mod foreteller;

use crate::runtime::{RuntimeOptions, Submission};
use crate::twin;
use lehr_dataflows::base::Retention;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::{EventMs, Micro, Reading, SensorId, SpanMs, Status};
use lehr_queries::Snapshot;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;

/// Half an hour before midnight, so that in most runs a day ends, and what history has of it is merged.
const START: EventMs = EventMs(1_767_655_800_000);
/// Sensors that may be registered; one more is never.
pub const SENSORS: u32 = 5;

const RETAINED_MINUTES: i64 = 20;
/// Panes that there can be: of each sensor those of the retention, those by which clocks may be ahead, the two at the ends.
pub const PANES_MOST: usize = SENSORS as usize * (RETAINED_MINUTES as usize + 5 + 2);

pub fn graph() -> GraphConfig {
    GraphConfig {
        pane_width: SpanMs::minutes(1),
        retention: Retention { panes: SpanMs::minutes(RETAINED_MINUTES), events: SpanMs::minutes(40) },
        seal_after: SpanMs::minutes(2),
        twin: Some(twin::MODEL),
        scorer: Some(&foreteller::Foreteller),
        inspector: Some(&camera::Looker),
    }
}

pub fn options(workers: usize) -> RuntimeOptions {
    RuntimeOptions {
        data: PathBuf::new(),
        workers,
        graph: graph(),
        catalogue: catalogue(include_str!("catalogue.toml")),
        knowledge: include_str!("knowledge.toml").to_owned(),
        simulated_clock: true,
        salvage: false,
        sizes: Default::default(),
    }
}

fn catalogue(text: &str) -> Catalogue {
    Catalogue::parse(text).expect("a good catalogue")
}

/// What goes on in the plant, whatever becomes of Lehr.
pub struct Plant {
    pub now: EventMs,
    /// Submissions made so far: each carries its number as its offset.
    submitted: u64,
    camera: camera::Camera,
}

impl Plant {
    pub fn new(seed: u64) -> Plant {
        Plant { now: START, submitted: 0, camera: camera::Camera::new(seed) }
    }

    /// Time goes on: mostly a little, now and then so far that panes leave.
    pub fn advance(&mut self, rng: &mut ChaCha8Rng) {
        let span = match rng.random_range(0..20) {
            0 => SpanMs::minutes(rng.random_range(5..30)),
            1..4 => SpanMs::minutes(rng.random_range(1..4)),
            _ => SpanMs::seconds(rng.random_range(1..30)),
        };
        self.now = self.now + span;
    }

    /// Something is submitted. `shown` is what people see.
    pub fn submission(&mut self, shown: &Snapshot, rng: &mut ChaCha8Rng) -> Submission {
        self.submitted += 1;
        let mut submission = Submission {
            source: "plant".to_owned(),
            now: rng.random_bool(0.8).then_some(self.now),
            offset: Some(self.submitted),
            ..Submission::default()
        };
        for _ in 0..rng.random_range(0..8) {
            let reading = self.reading(rng);
            submission.readings.push(reading);
            if rng.random_bool(0.1) {
                submission.readings.push(reading);
            }
        }
        for _ in 0..rng.random_range(0..3) {
            submission.events.push(events::any(self.now, shown, rng));
        }
        submission.events.extend(self.camera.events(self.now));
        if rng.random_bool(0.02) {
            submission.register = Some(catalogue(include_str!("more.toml")));
        }
        submission
    }

    /// In order, out of order, late, too late, ahead, before all clocks; now and then a correction.
    fn reading(&self, rng: &mut ChaCha8Rng) -> Reading {
        let behind = match rng.random_range(0..20) {
            0 => SpanMs::minutes(rng.random_range(15..45)),
            1..5 => SpanMs::minutes(rng.random_range(0..15)),
            5 => SpanMs::minutes(-rng.random_range(1..10)),
            6 if rng.random_bool(0.2) => SpanMs::days(4000),
            _ => SpanMs::seconds(rng.random_range(0..60)),
        };
        // On a grid, so that readings of the same moment, corrections, are frequent.
        let at = (self.now - behind).floor(SpanMs::seconds(10));
        let hot = at.pane(SpanMs::minutes(3)) % 3 == 0;
        let value = 1_500_000_000 + rng.random_range(-3..=3) * 1_000_000 + if hot { 15_000_000 } else { 0 };
        Reading {
            sensor: SensorId(rng.random_range(0..=SENSORS)),
            at,
            revision: if rng.random_bool(0.1) { rng.random_range(1..1000) } else { 0 },
            value: Micro(value),
            status: if rng.random_bool(0.1) { Status::Error } else { Status::Ok },
        }
    }
}
