//! Everything but readings that may come to pass at a plant.

use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::event::ErrorRow;
use lehr_domain::machine::{MachineState, Setpoint, StateChange};
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::operator::{AuditEntry, OperatorAction, OperatorEvent};
use lehr_domain::recommendation::{Band, Decision, Expected, Origin, Recommendation, Resolution, Step};
use lehr_domain::rule::{Check, Rule, Severity, Subject};
use lehr_domain::scenario::{Scenario, Settings};
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{
    EdgeId, Event, EventMs, LineId, Micro, ParameterId, PerMille, ProductId, RecommendationId, RuleId, ScenarioId,
    SensorId, SpanMs, UnitId,
};
use lehr_queries::Snapshot;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

pub fn any(now: EventMs, shown: &Snapshot, rng: &mut ChaCha8Rng) -> Event {
    let line = LineId(rng.random_range(0..2));
    let at = now - SpanMs::seconds(rng.random_range(0..1200));
    match rng.random_range(0..17) {
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
        10 => operator(now, shown, rng),
        11 => {
            Event::Scenario(ScenarioId(rng.random_range(0..3)), rng.random_bool(0.8).then(|| scenario(now, line, rng)))
        }
        12 => recommendation(now, line, rng),
        13 => decision(now, shown, rng),
        14 => deployment(at, rng),
        15 => Event::Model(ModelKind::Forecaster, version(rng), Box::new(registration(now))),
        _ => Event::Error(ErrorRow {
            id: 0,
            at: now,
            source: "plant".to_owned(),
            reason: "unreadable".to_owned(),
            hash: rng.random(),
            sample: "?".to_owned(),
        }),
    }
}

/// Somebody acts on an alert that is shown.
fn operator(now: EventMs, shown: &Snapshot, rng: &mut ChaCha8Rng) -> Event {
    let alerts: Vec<_> = shown.alerts.iter().collect();
    let Some(alert) = alerts.choose(rng) else {
        return Event::Audit(AuditEntry {
            id: 0,
            at: now,
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
        OperatorAction::Shelve { until: now + SpanMs::minutes(5) },
        OperatorAction::Unshelve,
        OperatorAction::Dismiss,
        OperatorAction::Note,
        OperatorAction::Respond,
    ];
    Event::Operator(OperatorEvent {
        id: 0,
        alert: alert.alert_id,
        about: alert.subject(),
        at: now,
        action: actions.choose(rng).expect("there are actions").clone(),
        by: "ada".to_owned(),
        reason: "seen".to_owned(),
    })
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

fn version(rng: &mut ChaCha8Rng) -> ModelVersion {
    ModelVersion::new(1, rng.random_range(0..3), 0)
}

fn registration(at: EventMs) -> Registration {
    let text = || "as it is".to_owned();
    Registration {
        digest: text(),
        bytes: 1,
        trained: text(),
        data: text(),
        schema: text(),
        metrics: text(),
        by: "ada".to_owned(),
        at,
        note: String::new(),
    }
}

fn deployment(at: EventMs, rng: &mut ChaCha8Rng) -> Event {
    let model = *[ModelKind::Forecaster, ModelKind::Graph, ModelKind::Ensemble].choose(rng).expect("there are three");
    let version = rng.random_bool(0.9).then(|| version(rng));
    let (by, reason) = ("ada".to_owned(), String::new());
    Event::Deployment(Box::new(Deployment { model, alias: Alias::Production, at, version, by, reason }))
}

fn scenario(made_at: EventMs, line: LineId, rng: &mut ChaCha8Rng) -> Scenario {
    let value = Micro(rng.random_range(1490..1530) * 1_000_000);
    let settings = Settings(vec![(ParameterId(0), value)]);
    Scenario { name: "hotter".to_owned(), line, duration: SpanMs::hours(6), settings, by: "ada".to_owned(), made_at }
}

fn recommendation(made_at: EventMs, line: LineId, rng: &mut ChaCha8Rng) -> Event {
    let to = Micro(rng.random_range(1490..1530) * 1_000_000);
    let band = Band { value: Micro(2_000), low: Micro(1_000), high: Micro(3_000) };
    let row = Recommendation {
        line,
        steps: vec![Step { parameter: ParameterId(0), from: Micro::units(1500), to }],
        origin: *Origin::ALL.choose(rng).expect("there are origins"),
        by: "ada".to_owned(),
        made_at,
        reason: "fewer cracks".to_owned(),
        expected: Expected {
            over: SpanMs::hours(6),
            defect_rate: band,
            quality_score: band,
            rate_per_h: band,
            energy_kw: band,
            effect_min: rng.random_bool(0.5).then_some(band),
            unseen: rng.random_bool(0.5),
        },
        large: rng.random_bool(0.2),
    };
    Event::Recommendation(row.id(), Box::new(row))
}

/// Somebody decides on what was proposed, also on what is decided; or on what nobody knows.
fn decision(at: EventMs, shown: &Snapshot, rng: &mut ChaCha8Rng) -> Event {
    let rows: Vec<_> = shown.recommendations.iter().collect();
    let recommendation = rows.choose(rng).map_or(RecommendationId(rng.random()), |row| row.recommendation_id);
    let resolution = *Resolution::ALL.choose(rng).expect("there are resolutions");
    Event::Decision(Decision { id: 0, recommendation, at, resolution, by: "bob".to_owned(), reason: "so".to_owned() })
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
