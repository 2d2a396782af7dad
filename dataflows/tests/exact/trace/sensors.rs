//! Raw readings: three a minute and sensor, in moods that make every check fire.

use super::definitions::{LEVEL, SIGMA};
use super::{ChaCha8Rng, START};
use lehr_domain::{EventMs, Micro, Reading, SensorId, SpanMs, Status, Tick};
use rand::RngExt;
use std::collections::BTreeMap;

const PERIOD: SpanMs = SpanMs::seconds(20);
const MINUTE: i64 = 60_000;
/// Readings on their way that overtake and are overtaken.
const WITHHELD_MOST: usize = 60;

/// How a sensor behaves for some minutes.
#[derive(Clone, Copy)]
enum Mood {
    Noise,
    Shift(i64),
    Trend(i64),
    Alternating,
    Calm,
    Mixture,
    Frozen,
    Restless,
    Failing,
    Silent,
}

struct Process {
    mood: Mood,
    minutes_left: i64,
    age: i64,
    level: i64,
}

pub struct Sensors {
    processes: Vec<Process>,
    withheld: Vec<Reading>,
    /// Of each sensor and time the reading that was sent last.
    pub sent: BTreeMap<(SensorId, EventMs), Reading>,
}

impl Sensors {
    pub fn new(count: u32) -> Sensors {
        let process = |_| Process { mood: Mood::Noise, minutes_left: 12, age: 0, level: LEVEL };
        Sensors { processes: (0..count).map(process).collect(), withheld: Vec::new(), sent: BTreeMap::new() }
    }

    /// The readings that arrive while event time goes from `from` to `until`.
    pub fn readings(&mut self, rng: &mut ChaCha8Rng, tick: Tick, from: EventMs, until: EventMs) -> Vec<Reading> {
        let mut arrived = Vec::new();
        let mut at = from;
        // After a leap there is nothing to tell of the time between.
        while at < until {
            for sensor in 0..self.processes.len() {
                if (at.0 - START.0) % MINUTE < PERIOD.0 {
                    self.processes[sensor].next_minute(rng);
                }
                let jitter = SpanMs(rng.random_range(0..PERIOD.0 / 1000) * 1000);
                let Some((value, status)) = self.processes[sensor].measure(rng) else { continue };
                let sensor = SensorId(sensor as u32);
                let reading = Reading { sensor, at: at + jitter, revision: tick.0, value, status };
                if self.withheld.len() < WITHHELD_MOST && rng.random_bool(0.06) {
                    self.withheld.push(reading);
                } else {
                    arrived.push(reading);
                }
            }
            at = at + PERIOD;
        }
        while !self.withheld.is_empty() && rng.random_bool(0.5) {
            let late = self.withheld.swap_remove(rng.random_range(0..self.withheld.len()));
            arrived.push(Reading { revision: tick.0, ..late });
        }
        for _ in 0..rng.random_range(0..4) {
            arrived.extend(self.another(rng, tick));
        }
        self.sent.extend(arrived.iter().map(|reading| ((reading.sensor, reading.at), *reading)));
        arrived
    }

    /// A reading of a time that was told already: the same again, a correction, or one that is outdated.
    fn another(&self, rng: &mut ChaCha8Rng, tick: Tick) -> Option<Reading> {
        let (_, old) = self.sent.iter().nth(rng.random_range(0..self.sent.len().max(1)))?;
        let value = Micro(LEVEL + noise(rng, 3 * SIGMA));
        Some(match rng.random_range(0..4) {
            0 => *old,
            1 => Reading { value, revision: tick.0, ..*old },
            2 => Reading { value, revision: 1 + rng.random_range(0..tick.0), ..*old },
            _ => Reading { status: Status::ALL[rng.random_range(0..4)], ..*old },
        })
    }
}

impl Process {
    fn next_minute(&mut self, rng: &mut ChaCha8Rng) {
        if self.minutes_left <= 0 {
            (self.mood, self.minutes_left) = mood(rng);
            self.age = 0;
        }
        self.minutes_left -= 1;
        self.age += 1;
        let side = if self.age % 2 == 0 { 1 } else { -1 };
        self.level = LEVEL
            + match self.mood {
                Mood::Shift(by) => by + noise(rng, SIGMA / 2),
                Mood::Trend(by) => by * self.age,
                Mood::Alternating => side * SIGMA * 2 / 3,
                Mood::Calm => noise(rng, SIGMA / 8),
                Mood::Mixture => side * 2 * SIGMA,
                Mood::Frozen => SIGMA / 2,
                Mood::Noise | Mood::Restless | Mood::Failing | Mood::Silent => noise(rng, SIGMA),
            };
    }

    fn measure(&self, rng: &mut ChaCha8Rng) -> Option<(Micro, Status)> {
        let width = match self.mood {
            Mood::Silent => return None,
            Mood::Frozen => 0,
            Mood::Restless => 5 * SIGMA,
            Mood::Noise => SIGMA / 2,
            _ => SIGMA / 8,
        };
        let failing = rng.random_bool(if matches!(self.mood, Mood::Failing) { 0.6 } else { 0.02 });
        let status = match rng.random_range(0..20) {
            _ if failing => Status::Error,
            0 => Status::Warning,
            1 => Status::Critical,
            _ => Status::Ok,
        };
        Some((Micro(self.level + rng.random_range(-width..=width)), status))
    }
}

fn mood(rng: &mut ChaCha8Rng) -> (Mood, i64) {
    let side = if rng.random_bool(0.5) { 1 } else { -1 };
    match rng.random_range(0..12) {
        0 => (Mood::Shift(side * 5 * SIGMA / 2), 12),
        1 => (Mood::Trend(side * SIGMA / 2), 10),
        2 => (Mood::Alternating, 18),
        3 => (Mood::Calm, 18),
        4 => (Mood::Mixture, 10),
        5 => (Mood::Frozen, 7),
        6 => (Mood::Restless, 4),
        7 => (Mood::Failing, 5),
        8 => (Mood::Silent, if rng.random_bool(0.15) { 70 } else { 6 }),
        9 => (Mood::Shift(side * 6 * SIGMA), 3),
        _ => (Mood::Noise, 12),
    }
}

/// Roughly normal, of that standard deviation.
fn noise(rng: &mut ChaCha8Rng, sigma: i64) -> i64 {
    (0..12).map(|_| rng.random_range(-sigma..=sigma)).sum::<i64>() / 2
}
