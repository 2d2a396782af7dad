//! Random definitions: what people configure.

use super::{ChaCha8Rng, SENSORS};
use lehr_domain::calendar::Calendar;
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::event::SensorDef;
use lehr_domain::finding::FindingKind;
use lehr_domain::machine::{MachineState, Product};
use lehr_domain::rule::{Check, Rule, Severity, Subject};
use lehr_domain::unit::{Defect, DefectType};
use lehr_domain::{EquipmentId, LineId, Micro, ParameterId, PerMille, SensorId, SpanMs};
use rand::RngExt;

/// Where sensors are in normal operation, and how much they vary.
pub const LEVEL: i64 = 100_000;
pub const SIGMA: i64 = 1_000;

pub const PARAMETERS: u16 = 3;
pub fn pick<T: Clone>(rng: &mut ChaCha8Rng, from: &[T]) -> T {
    from[rng.random_range(0..from.len())].clone()
}

/// Sensors of even number are on line 0, unless they are moved.
pub fn sensor(rng: &mut ChaCha8Rng, id: u32) -> SensorDef {
    let moved = rng.random_bool(0.1);
    SensorDef {
        name: format!("sensor {id}"),
        line: LineId((id % 2) as u16 ^ u16::from(moved)),
        equipment: EquipmentId(rng.random_range(0..3)),
        parameter: ParameterId(id as u16 / 2 % PARAMETERS),
        unit: "°C".into(),
        period: SpanMs::seconds(20),
        span: (Micro(0), Micro(1_000_000)),
        target: (id % 3 != 1).then_some(Micro(LEVEL)),
        sigma: matches!(id, 0 | 3 | 5).then_some(Micro(SIGMA + rng.random_range(-1..=1) * SIGMA / 5)),
    }
}

/// Every second check of sensors, because each costs time, and all of lines.
pub fn checks(rng: &mut ChaCha8Rng, seed: u64) -> Vec<Check> {
    let mut all = vec![
        Check::High { limit: Micro(LEVEL + 3 * SIGMA), deadband: Micro(2 * SIGMA) },
        Check::Low { limit: Micro(LEVEL - 3 * SIGMA), deadband: Micro(2 * SIGMA) },
        Check::High { limit: Micro(LEVEL + SIGMA), deadband: Micro(1000 * SIGMA) },
        Check::RateOfChange { per_minute: Micro(3 * SIGMA) },
        Check::Variation { limit: Micro(4 * SIGMA) },
        Check::Ewma { lambda: PerMille(50), width: PerMille(2700) },
        Check::Ewma { lambda: PerMille(200), width: PerMille(3000) },
        Check::Cusum { slack: PerMille(500), threshold: PerMille(5000) },
        Check::Drift { band: Micro(SIGMA) },
        Check::Stale { after: SpanMs::minutes(3) },
        Check::Stuck { panes: 4 },
        Check::BadQuality { share: PerMille(250) },
    ];
    all.extend((1..=8).map(|rule| Check::Nelson { rule }));
    all.extend((1..=4).map(|rule| Check::WesternElectric { rule }));
    let mut checks: Vec<Check> = all.into_iter().skip((seed % 2) as usize).step_by(2).collect();
    let (minutes, min_units) = (rng.random_range(2..9), rng.random_range(1..4));
    let limit = PerMille(rng.random_range(3..7) * 100);
    checks.extend([
        Check::DefectRate { limit, minutes, min_units },
        Check::QualityScore { limit, minutes, min_units },
        Check::DefectCount { defect: DefectType::ALL[rng.random_range(0..7)], per_minute: Micro(100_000), minutes },
        Check::LineState { state: MachineState::Down },
        Check::LineState { state: MachineState::ALL[rng.random_range(0..4)] },
    ]);
    checks.extend(FindingKind::ALL.map(|kind| Check::Twin { kind }));
    checks
}

/// The check, or one like it with another limit.
pub fn rule(rng: &mut ChaCha8Rng, check: Check) -> Rule {
    let by = rng.random_range(-1..=1) * SIGMA / 2;
    let check = match check {
        Check::High { limit, deadband } => Check::High { limit: Micro(limit.0 + by), deadband },
        Check::Low { limit, deadband } => Check::Low { limit: Micro(limit.0 + by), deadband },
        Check::Drift { band } => Check::Drift { band: Micro((band.0 + by).max(SIGMA / 2)) },
        other => other,
    };
    let subject = match rng.random_range(0..6) {
        _ if check.of_line() => Subject::EveryLine,
        0 => Subject::Sensor(SensorId(rng.random_range(0..SENSORS))),
        1 => Subject::Parameter(ParameterId(rng.random_range(0..PARAMETERS))),
        _ => Subject::EverySensor,
    };
    Rule {
        name: "rule".into(),
        enabled: rng.random_bool(0.93),
        subject,
        check,
        severity: pick(rng, &Severity::ALL),
        on_delay: pick(rng, &[1, 1, 2, 3]),
        off_delay: pick(rng, &[1, 1, 2, 4]),
        suppress_when_stopped: rng.random_bool(0.5),
        message: pick(rng, &["one text".to_owned(), "another".to_owned()]),
        advice: pick(rng, &["look".to_owned(), "listen".to_owned()]),
    }
}

pub fn edge(rng: &mut ChaCha8Rng) -> Edge {
    let direction =
        pick(rng, &[Direction::High, Direction::High, Direction::Low, Direction::Low, Direction::Variation]);
    let threshold = match direction {
        Direction::High => LEVEL + 7 * SIGMA,
        Direction::Low => LEVEL - 7 * SIGMA,
        Direction::Variation => 8 * SIGMA,
    };
    let lag_min = rng.random_range(0..25);
    let parameter = |rng: &mut ChaCha8Rng| Node::Parameter(ParameterId(rng.random_range(0..PARAMETERS)));
    Edge {
        cause: if rng.random_bool(0.1) { Node::Equipment(EquipmentId(0)) } else { parameter(rng) },
        effect: if rng.random_bool(0.4) { parameter(rng) } else { Node::Defect(pick(rng, &DefectType::ALL)) },
        direction,
        threshold: pick(rng, &[None, Some(Micro(threshold)), Some(Micro(LEVEL))]),
        confidence: PerMille(rng.random_range(500..=1000)),
        lag_min: SpanMs::minutes(lag_min),
        lag_max: SpanMs::minutes(lag_min + rng.random_range(0..40)),
        mechanism: pick(rng, &["heat".to_owned(), "cold".to_owned()]),
        advice: pick(rng, &["cool".to_owned(), "warm".to_owned()]),
    }
}

pub fn defect(rng: &mut ChaCha8Rng) -> Defect {
    let edge = |rng: &mut ChaCha8Rng| rng.random_range(0..200);
    Defect {
        defect: pick(rng, &DefectType::ALL),
        score: PerMille(rng.random_range(0..=1000)),
        bounds: [edge(rng), edge(rng), edge(rng), edge(rng)],
    }
}

pub fn product(rng: &mut ChaCha8Rng) -> Product {
    Product { name: "jar".into(), planned_run_time: SpanMs(rng.random_range(1..9) * 500) }
}

/// Three calendars; the last one cannot be used.
pub fn calendar(which: usize) -> Calendar {
    let (zone, starts): (&str, &[u16]) =
        [("Europe/Berlin", &[360, 840, 1320][..]), ("UTC", &[7, 719]), ("Mars/Olympus", &[0])][which];
    Calendar { time_zone: zone.into(), shift_starts: starts.to_vec() }
}
