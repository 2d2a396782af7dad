//! Random traces for the tests: sensors that drift, jump, freeze and fall silent, with panes that come late, are
//! corrected or go, and rules, set-points and definitions that are edited on the way.

use super::{Found, Told, detectors};
use crate::Rows;
use crate::tables::PaneRow;
use lehr_domain::event::SensorDef;
use lehr_domain::machine::Setpoint;
use lehr_domain::moments::Moments;
use lehr_domain::rule::{Check, Rule, Severity, Subject};
use lehr_domain::{EquipmentId, EventMs, LineId, Micro, ParameterId, PerMille, RuleId, SensorId, SpanMs, Status};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

pub const WIDTH: SpanMs = SpanMs::minutes(1);
const SIGMA: i64 = 1000;
const SENSORS: u32 = 3;

/// A row of any input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Given {
    Pane(PaneRow),
    Sensor(SensorId, SensorDef),
    Rule(RuleId, Rule),
    Setpoint(Setpoint),
    Clock(LineId, EventMs),
}

pub fn graph(given: Rows<'_, Given>) -> Rows<'_, Found> {
    macro_rules! only {
        ($pattern:pat => $row:expr) => {
            given.clone().flat_map(|given| if let $pattern = given { Some($row) } else { None })
        };
    }
    // What is carried is not what the definitions speak of: the tests of restarts see to it. What twins are told the
    // tests of the whole graph do.
    let told = Told {
        panes: only!(Given::Pane(pane) => pane),
        sensors: only!(Given::Sensor(id, def) => (id, def)),
        rules: only!(Given::Rule(id, rule) => (id, rule)),
        setpoints: only!(Given::Setpoint(row) => row),
        line_clocks: only!(Given::Clock(line, at) => (line, at)),
        carried: given.clone().filter(|_| false).map(|_| unreachable!("nothing is carried")),
        modelled: given.filter(|_| false).map(|_| unreachable!("nothing is modelled")),
    };
    let detected = detectors(told, WIDTH);
    detected.conditions.map(Found::Condition).concat(detected.deviating.map(Found::Deviating))
}

fn def(sensor: u32, rng: &mut ChaCha8Rng) -> SensorDef {
    SensorDef {
        name: format!("sensor {sensor}"),
        line: LineId(u16::from(rng.random_bool(0.3))),
        equipment: EquipmentId(0),
        parameter: ParameterId(sensor as u16 % 2),
        unit: "°C".into(),
        period: SpanMs::seconds(10),
        span: (Micro(0), Micro(1)),
        target: (sensor != 1).then_some(Micro(100_000)),
        sigma: (sensor == 0).then_some(Micro(SIGMA)),
    }
}

fn checks() -> Vec<Check> {
    let mut checks = vec![
        Check::High { limit: Micro(103_000), deadband: Micro(2_000) },
        Check::Low { limit: Micro(97_000), deadband: Micro(2_000) },
        Check::High { limit: Micro(101_000), deadband: Micro(1_000_000) },
        Check::RateOfChange { per_minute: Micro(3_000) },
        Check::Variation { limit: Micro(4_000) },
        Check::Ewma { lambda: PerMille(50), width: PerMille(2700) },
        Check::Ewma { lambda: PerMille(200), width: PerMille(3000) },
        Check::Cusum { slack: PerMille(500), threshold: PerMille(5000) },
        Check::Cusum { slack: PerMille(0), threshold: PerMille(20_000) },
        Check::Drift { band: Micro(1_500) },
        Check::Stale { after: SpanMs::minutes(3) },
        Check::Stuck { panes: 4 },
        Check::BadQuality { share: PerMille(250) },
    ];
    checks.extend((1..=8).map(|rule| Check::Nelson { rule }));
    checks.extend((1..=4).map(|rule| Check::WesternElectric { rule }));
    checks
}

fn rule(index: usize, check: Check, rng: &mut ChaCha8Rng) -> Rule {
    let subject = match rng.random_range(0..6) {
        0 => Subject::Sensor(SensorId(rng.random_range(0..SENSORS))),
        1 => Subject::Parameter(ParameterId(rng.random_range(0..2))),
        _ => Subject::EverySensor,
    };
    Rule {
        name: format!("rule {index}"),
        enabled: rng.random_bool(0.95),
        subject,
        check,
        severity: Severity::Low,
        on_delay: [1, 1, 2, 3][rng.random_range(0..4)],
        off_delay: [1, 1, 2, 5][rng.random_range(0..4)],
        suppress_when_stopped: false,
        message: ["one text", "another"][rng.random_range(0..2)].into(),
        advice: String::new(),
    }
}

/// How a sensor behaves for a while.
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

fn mood(rng: &mut ChaCha8Rng) -> (Mood, i64) {
    let side = if rng.random_bool(0.5) { 1 } else { -1 };
    match rng.random_range(0..12) {
        0 => (Mood::Shift(side * 2 * SIGMA), 15),
        1 => (Mood::Trend(side * SIGMA / 2), 10),
        2 => (Mood::Alternating, 18),
        3 => (Mood::Calm, 20),
        4 => (Mood::Mixture, 12),
        5 => (Mood::Frozen, 7),
        6 => (Mood::Restless, 4),
        7 => (Mood::Failing, 5),
        8 => (Mood::Silent, if rng.random_bool(0.2) { 70 } else { 6 }),
        9 => (Mood::Shift(side * 4 * SIGMA), 2),
        _ => (Mood::Noise, 25),
    }
}

fn noise(rng: &mut ChaCha8Rng, sigma: i64) -> i64 {
    (0..12).map(|_| rng.random_range(-sigma..=sigma)).sum::<i64>() / 2
}

fn pane(rng: &mut ChaCha8Rng, sensor: SensorId, start: EventMs, mood: Mood, age: i64) -> PaneRow {
    let side = if age % 2 == 0 { 1 } else { -1 };
    let level = 100_000
        + match mood {
            Mood::Shift(by) => by + noise(rng, SIGMA / 2),
            Mood::Trend(by) => by * age,
            Mood::Alternating => side * SIGMA / 2,
            Mood::Calm => noise(rng, SIGMA / 8),
            Mood::Mixture => side * 2 * SIGMA,
            Mood::Frozen => 500,
            Mood::Noise | Mood::Restless | Mood::Failing | Mood::Silent => noise(rng, SIGMA),
        };
    let width = match mood {
        Mood::Frozen => 0,
        Mood::Restless => 4 * SIGMA,
        _ => SIGMA / 2,
    };
    let bad = if matches!(mood, Mood::Failing) || rng.random_bool(0.03) { rng.random_range(1..6) } else { 0 };
    let good = if bad > 3 { 0 } else { rng.random_range(1..6) };
    let mut moments = Moments::starting(start);
    for i in 0..good {
        moments.append(start + SpanMs(i * 10_000), Micro(level + rng.random_range(-width..=width)));
    }
    let last_reading = start + SpanMs(rng.random_range(50_000..60_000));
    PaneRow { sensor_id: sensor, start, bad, uncertain: 0, last_reading, status: Status::Ok, moments }
}

/// What a trace does besides growing.
#[derive(Clone, Copy)]
pub struct Habits {
    /// Rules, set-points and definitions are edited, panes deleted.
    pub edits: bool,
    /// Panes grow late by up to so many.
    pub late: usize,
}

/// The rows that are there after each tick.
pub fn trace(seed: u64, ticks: usize, habits: Habits) -> Vec<BTreeSet<Given>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let mut defs: BTreeMap<u32, SensorDef> = (0..SENSORS).map(|sensor| (sensor, def(sensor, rng))).collect();
    let checks = checks();
    let mut rules: Vec<Rule> = checks.iter().enumerate().map(|(i, check)| rule(i, *check, rng)).collect();
    let mut setpoints: BTreeMap<(SensorId, EventMs), Micro> = BTreeMap::new();
    let mut panes: BTreeMap<(SensorId, EventMs), PaneRow> = BTreeMap::new();
    let mut withheld: Vec<PaneRow> = Vec::new();
    let mut clocks: BTreeMap<LineId, EventMs> = BTreeMap::new();
    let mut moods: Vec<(Mood, i64, i64)> = vec![(Mood::Noise, 40, 0); SENSORS as usize];
    let (mut now, mut snapshots) = (0_i64, Vec::new());
    for _ in 0..ticks {
        for minute in 0..4 {
            for sensor in 0..SENSORS {
                let (current, left, age) = moods[sensor as usize];
                moods[sensor as usize] = if left == 0 {
                    let (next, length) = mood(rng);
                    (next, length, 0)
                } else {
                    (current, left - i64::from(minute > 0), age + i64::from(minute > 0))
                };
                // The first minute of a tick is the last of the tick before: the open pane goes on.
                let start = EventMs((now + minute) * WIDTH.0);
                let (current, _, age) = moods[sensor as usize];
                if matches!(current, Mood::Silent) {
                    continue;
                }
                let new = pane(rng, SensorId(sensor), start, current, age);
                if withheld.len() < habits.late && rng.random_bool(0.1) {
                    withheld.push(new);
                } else {
                    panes.insert((new.sensor_id, start), new);
                }
            }
        }
        now += 3;
        if !withheld.is_empty() && rng.random_bool(0.3) {
            let late = withheld.swap_remove(rng.random_range(0..withheld.len()));
            panes.insert((late.sensor_id, late.start), late);
        }
        if rng.random_bool(0.3) {
            let sensor = SensorId(rng.random_range(0..SENSORS));
            let start = EventMs(rng.random_range((now - 100).max(0)..=now) * WIDTH.0);
            if panes.contains_key(&(sensor, start)) {
                let (mood, _) = mood(rng);
                panes.insert((sensor, start), pane(rng, sensor, start, mood, 3));
            }
        }
        if habits.edits {
            edit(rng, now, &mut defs, &mut rules, &mut setpoints, &mut panes);
        }
        for line in [LineId(0), LineId(1)] {
            let latest =
                panes.values().filter(|pane| defs[&pane.sensor_id.0].line == line).map(|pane| pane.start).max();
            let clock = clocks.entry(line).or_insert(EventMs(0));
            *clock = latest.map_or(*clock, |latest| (*clock).max(latest + WIDTH));
        }
        let mut given: BTreeSet<Given> = panes.values().cloned().map(Given::Pane).collect();
        given.extend(defs.iter().map(|(sensor, def)| Given::Sensor(SensorId(*sensor), def.clone())));
        given.extend(rules.iter().enumerate().map(|(i, rule)| Given::Rule(RuleId(i as u32), rule.clone())));
        given.extend(
            setpoints
                .iter()
                .map(|((sensor, at), value)| Given::Setpoint(Setpoint { sensor: *sensor, at: *at, value: *value })),
        );
        given.extend(clocks.iter().map(|(line, at)| Given::Clock(*line, *at)));
        snapshots.push(given);
    }
    snapshots
}

fn edit(
    rng: &mut ChaCha8Rng,
    now: i64,
    defs: &mut BTreeMap<u32, SensorDef>,
    rules: &mut [Rule],
    setpoints: &mut BTreeMap<(SensorId, EventMs), Micro>,
    panes: &mut BTreeMap<(SensorId, EventMs), PaneRow>,
) {
    let sensor = rng.random_range(0..SENSORS);
    let recent = EventMs(rng.random_range((now - 150).max(0)..=now) * WIDTH.0 + rng.random_range(0..2) * 30_000);
    match rng.random_range(0..12) {
        0..3 => {
            let index = rng.random_range(0..rules.len());
            rules[index] = rule(index, rules[index].check, rng);
        }
        3 => {
            let value = Micro(100_000 + rng.random_range(-2..=2) * SIGMA);
            setpoints.insert((SensorId(sensor), recent), value);
        }
        4 => {
            if let Some(key) = setpoints.keys().nth(rng.random_range(0..setpoints.len().max(1))).copied() {
                setpoints.remove(&key);
            }
        }
        5 if rng.random_bool(0.2) => {
            defs.insert(sensor, def(sensor, rng));
        }
        6..8 => {
            // The oldest pane stays: it would count as gone by retention.
            let start = EventMs((recent.0 / WIDTH.0) * WIDTH.0);
            let oldest = panes.keys().find(|(of, _)| of.0 == sensor).copied();
            if oldest != Some((SensorId(sensor), start)) {
                panes.remove(&(SensorId(sensor), start));
            }
        }
        _ => {}
    }
}
