//! A tiny plant and the people in it: two lines, five sensors, everything that can be submitted. Retention is so
//! short that rows leave while it runs.

use crate::runtime::{RuntimeOptions, Submission};
use lehr_dataflows::base::Retention;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::event::ErrorRow;
use lehr_domain::machine::{MachineState, Setpoint, StateChange};
use lehr_domain::operator::{AlertSubject, AuditEntry, OperatorAction, OperatorEvent};
use lehr_domain::rule::{Check, Rule, Severity, Subject};
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{
    EdgeId, Event, EventMs, LineId, Micro, ParameterId, PerMille, ProductId, Reading, RuleId, SensorId, SpanMs, Status,
    UnitId,
};
use lehr_queries::Snapshot;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;

const CATALOGUE: &str = r#"
[plant]
name = "tiny"
time_zone = "UTC"
shift_starts = ["06:00", "18:00"]
lines = ["A", "B"]

[[equipment]]
name = "furnace"
stage = "melting"
lag_min = "1m"
lag_max = "4m"

[[product]]
name = "bottle"
planned_run_time = "4s"

[[sensor]]
parameter = "temperature"
equipment = "furnace"
unit = "°C"
period = "10s"
span = [0.0, 2000.0]
target = 1500.0
sigma = 2.0

[[sensor]]
parameter = "pressure"
equipment = "furnace"
unit = "kPa"
period = "10s"
span = [0.0, 500.0]
target = 100.0
sigma = 1.0
lines = ["A"]

[[rule]]
name = "too hot"
watch = "temperature"
severity = "HIGH"
message = "too hot"
advice = "less gas"
check = "high"
limit = 1510.0
deadband = 2.0

[[rule]]
name = "silent"
watch = "every sensor"
severity = "LOW"
message = "silent"
advice = "look"
check = "stale"
after = "2m"

[[rule]]
name = "defects"
watch = "every line"
severity = "MEDIUM"
message = "defects"
advice = "look"
check = "defect_rate"
limit = 0.2
minutes = 5
min_units = 2
"#;

/// Registered while it runs.
const MORE: &str = r#"
[plant]
name = "tiny"
time_zone = "UTC"
shift_starts = ["06:00", "18:00"]
lines = ["A", "B"]

[[equipment]]
name = "lehr"
stage = "annealing"
lag_min = "0s"
lag_max = "2m"

[[sensor]]
parameter = "speed"
equipment = "lehr"
unit = "m/min"
period = "10s"
span = [0.0, 50.0]
target = 20.0
"#;

const KNOWLEDGE: &str = r#"
[[edge]]
cause = { parameter = "temperature" }
effect = { defect = "crack" }
direction = "high"
threshold = 1520.0
confidence = 0.9
lag_min = "0s"
lag_max = "10m"
mechanism = "heat"
advice = "less gas"
"#;

/// Some time on a working day.
const START: EventMs = EventMs(1_767_600_000_000);
/// Sensors that may be registered; one more is never.
const SENSORS: u32 = 5;

pub fn options(workers: usize) -> RuntimeOptions {
    RuntimeOptions {
        data: PathBuf::new(),
        workers,
        graph: GraphConfig {
            pane_width: SpanMs::minutes(1),
            retention: Retention { panes: SpanMs::minutes(20), events: SpanMs::minutes(40) },
            seal_after: SpanMs::FOREVER,
        },
        catalogue: Catalogue::parse(CATALOGUE).expect("a good catalogue"),
        knowledge: KNOWLEDGE.to_owned(),
        simulated_clock: true,
        salvage: false,
        sizes: Default::default(),
    }
}

/// What goes on in the plant, whatever becomes of Lehr.
pub struct Plant {
    pub now: EventMs,
    /// Submissions made so far: each carries its number as its offset.
    submitted: u64,
}

impl Plant {
    pub fn new() -> Plant {
        Plant { now: START, submitted: 0 }
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
            submission.events.push(self.event(shown, rng));
        }
        if rng.random_bool(0.02) {
            submission.register = Some(Catalogue::parse(MORE).expect("a good catalogue"));
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

    fn event(&self, shown: &Snapshot, rng: &mut ChaCha8Rng) -> Event {
        let line = LineId(rng.random_range(0..2));
        let at = self.now - SpanMs::seconds(rng.random_range(0..1200));
        match rng.random_range(0..12) {
            0..5 => unit(line, at, rng),
            5..7 => Event::State(StateChange {
                line,
                at: at.floor(SpanMs::minutes(1)),
                state: *MachineState::ALL.choose(rng).expect("there are states"),
                product: ProductId(0),
                reason: "as it is".to_owned(),
            }),
            7 => Event::Setpoint(Setpoint {
                sensor: SensorId(rng.random_range(0..3)),
                at: at.floor(SpanMs::minutes(1)),
                value: Micro(rng.random_range(1490..1510) * 1_000_000),
            }),
            8 => Event::Rule(RuleId(rng.random_range(0..5)), rng.random_bool(0.8).then(|| rule(rng))),
            9 => Event::Edge(EdgeId(rng.random_range(0..3)), rng.random_bool(0.8).then(|| edge(rng))),
            10 => self.operator(shown, rng),
            _ => Event::Error(ErrorRow {
                id: 0,
                at: self.now,
                source: "plant".to_owned(),
                reason: "unreadable".to_owned(),
                hash: rng.random(),
                sample: "?".to_owned(),
            }),
        }
    }

    /// Somebody acts on an alert that is shown.
    fn operator(&self, shown: &Snapshot, rng: &mut ChaCha8Rng) -> Event {
        let alerts: Vec<_> = shown.alerts.iter().collect();
        let Some(alert) = alerts.choose(rng) else {
            return Event::Audit(AuditEntry {
                id: 0,
                at: self.now,
                by: "ada".to_owned(),
                action: "look".to_owned(),
                subject: "alerts".to_owned(),
                before: String::new(),
                after: String::new(),
                reason: "none there".to_owned(),
            });
        };
        let actions = [
            OperatorAction::Acknowledge,
            OperatorAction::Shelve { until: self.now + SpanMs::minutes(5) },
            OperatorAction::Unshelve,
            OperatorAction::Dismiss,
            OperatorAction::Note,
            OperatorAction::Respond,
        ];
        Event::Operator(OperatorEvent {
            id: 0,
            alert: alert.alert_id,
            about: AlertSubject {
                rule: alert.rule_id,
                line: alert.production_line,
                sensor: alert.sensor_id,
                raised_at: alert.raised_at,
                severity: alert.severity,
            },
            at: self.now,
            action: actions.choose(rng).expect("there are actions").clone(),
            by: "ada".to_owned(),
            reason: "seen".to_owned(),
        })
    }
}

fn unit(line: LineId, at: EventMs, rng: &mut ChaCha8Rng) -> Event {
    let bad = rng.random_bool(0.3);
    let defect = Defect { defect: DefectType::Crack, score: PerMille(900), bounds: [1, 2, 3, 4] };
    Event::Unit(Unit {
        // Few, so that units are inspected again.
        unit: UnitId(rng.random_range(0..500)),
        line,
        at,
        product: ProductId(0),
        verdict: if bad { Verdict::Scrap } else { Verdict::Good },
        defects: if bad { vec![defect] } else { Vec::new() },
    })
}

fn rule(rng: &mut ChaCha8Rng) -> Rule {
    let limit = Micro(rng.random_range(1495..1520) * 1_000_000);
    Rule {
        name: "edited".to_owned(),
        enabled: rng.random_bool(0.8),
        subject: Subject::Parameter(ParameterId(0)),
        check: Check::High { limit, deadband: Micro(1_000_000) },
        severity: Severity::Medium,
        on_delay: rng.random_range(1..3),
        off_delay: rng.random_range(1..3),
        suppress_when_stopped: rng.random_bool(0.3),
        message: "hot".to_owned(),
        advice: "less gas".to_owned(),
    }
}

fn edge(rng: &mut ChaCha8Rng) -> Edge {
    Edge {
        cause: Node::Parameter(ParameterId(rng.random_range(0..2))),
        effect: Node::Defect(DefectType::Crack),
        direction: if rng.random_bool(0.5) { Direction::High } else { Direction::Low },
        threshold: None,
        confidence: PerMille(rng.random_range(100..1000)),
        lag_min: SpanMs::minutes(rng.random_range(0..3)),
        lag_max: SpanMs::minutes(rng.random_range(3..15)),
        mechanism: "heat".to_owned(),
        advice: "less gas".to_owned(),
    }
}
