//! What the journal promises, tested on a simulated disk and on a real one.

mod codec;
mod crashes;
mod damage;
mod disk;
mod racing;

use super::simulated::SimDisk;
use super::{Journal, JournalError, OpenReport, Options, Reader, Tick};
use lehr_domain::calendar::Calendar;
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::event::{EquipmentDef, ErrorRow, LateRow, Revised, SensorDef};
use lehr_domain::finding::FindingKind;
use lehr_domain::machine::{MachineState, Product, Setpoint, StateChange};
use lehr_domain::model::{Alias, Deployment, ModelKind, ModelVersion, Registration};
use lehr_domain::operator::{AlertSubject, AuditEntry, OperatorAction, OperatorEvent};
use lehr_domain::picture::{Content, Picture};
use lehr_domain::recommendation::{Band, Decision, Expected, Origin, Recommendation, Resolution, Step};
use lehr_domain::rule::{Check, Rule, Severity, Subject};
use lehr_domain::scenario::{Scenario, Settings};
use lehr_domain::unit::{Defect, DefectType, Unit, Verdict};
use lehr_domain::{
    AlertId, EdgeId, EquipmentId, Event, EventMs, Inputs, LineId, Micro, ParameterId, PerMille, ProductId, Reading,
    RecommendationId, RuleId, ScenarioId, SensorId, SpanMs, Status, UnitId,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Inputs of a tick: up to `rows` readings, and now and then events and offsets.
fn inputs(tick: u64, rows: usize, rng: &mut ChaCha8Rng) -> Inputs {
    let count = rng.random_range(0..=rows);
    let readings = (0..count)
        .map(|_| Reading {
            sensor: SensorId(rng.random_range(0..60)),
            at: EventMs(rng.random_range(-5..2_000_000_000_000)),
            revision: tick,
            value: Micro(rng.random()),
            status: Status::ALL[rng.random_range(0..4)],
        })
        .collect();
    let mut events = Vec::new();
    if rng.random_bool(0.3) {
        events.push(Revised { revision: tick, event: event(rng) });
    }
    let offsets = if rng.random_bool(0.3) { vec![("kafka/0".into(), rng.random())] } else { Vec::new() };
    let (now, wall, low_water) = (EventMs(tick as i64), EventMs(rng.random()), EventMs(-1));
    Inputs { tick: Tick(tick), now, wall, low_water, readings, events, offsets }
}

/// An event of every kind.
fn one_of_each() -> Vec<Event> {
    let (at, id) = (EventMs(-2), 300);
    let text = |text: &str| text.to_owned();
    let (lag_min, lag_max) = (SpanMs(10), SpanMs(20));
    let sensor = SensorDef {
        name: text("n"),
        line: LineId(1),
        equipment: EquipmentId(2),
        parameter: ParameterId(3),
        unit: text("u"),
        period: SpanMs(4),
        span: (Micro(5), Micro(6)),
        target: Some(Micro(7)),
        sigma: None,
    };
    let finding = Defect { defect: DefectType::Stain, score: PerMille(8), bounds: [1, 2, 3, 4] };
    let unit = Unit {
        unit: UnitId(id),
        line: LineId(1),
        at,
        product: ProductId(2),
        verdict: Verdict::Rework,
        defects: vec![finding],
    };
    let state = MachineState::Down;
    let (by, reason) = (text("b"), text("r"));
    let audit = AuditEntry {
        id,
        at,
        by: by.clone(),
        action: text("a"),
        subject: text("s"),
        before: text("0"),
        after: text("1"),
        reason: reason.clone(),
    };
    let (hash, sample, source) = (id, text("x"), text("m"));
    vec![
        Event::Line(LineId(1), text("l")),
        Event::Parameter(ParameterId(1), text("p")),
        Event::Equipment(EquipmentId(1), EquipmentDef { name: text("e"), stage: text("s"), lag_min, lag_max }),
        Event::Product(ProductId(1), Product { name: text("p"), planned_run_time: SpanMs(4000) }),
        Event::Sensor(SensorId(1), sensor),
        Event::Calendar(Calendar { time_zone: text("UTC"), shift_starts: vec![360, 840] }),
        Event::Rule(RuleId(1), Some(rule(Check::Stale { after: SpanMs::minutes(3) }))),
        Event::Edge(EdgeId(1), Some(edge())),
        Event::Setpoint(Setpoint { sensor: SensorId(1), at, value: Micro(9) }),
        Event::State(StateChange { line: LineId(1), at, state, product: ProductId(2), reason: reason.clone() }),
        Event::Unit(unit),
        Event::Operator(OperatorEvent {
            id,
            alert: AlertId(2),
            about: about(),
            at,
            action: OperatorAction::Shelve { until: EventMs(4) },
            by,
            reason: reason.clone(),
        }),
        Event::Audit(audit),
        Event::Error(ErrorRow { id, at, source, reason, hash, sample }),
        Event::Late(LateRow {
            sensor: SensorId(1),
            at,
            value: Micro(3),
            arrived: EventMs(4),
            status: Status::Warning,
            revision: 5,
        }),
        Event::Scenario(ScenarioId(1), Some(scenario())),
        Event::Recommendation(RecommendationId(id), Box::new(recommendation())),
        Event::Decision(Decision {
            id,
            recommendation: RecommendationId(2),
            at,
            resolution: Resolution::Withdraw,
            by: text("b"),
            reason: text("r"),
        }),
        Event::Model(ModelKind::Graph, ModelVersion::new(1, 2, 3), Box::new(registration())),
        Event::Deployment(Box::new(Deployment {
            model: ModelKind::Forecaster,
            alias: Alias::Challenger,
            at,
            version: Some(ModelVersion::new(4, 5, 6)),
            by: text("b"),
            reason: text("r"),
        })),
        Event::Picture(Picture { unit: UnitId(id), line: LineId(1), at, content: Content([7; Content::BYTES]) }),
    ]
}

fn registration() -> Registration {
    Registration {
        digest: "d".into(),
        bytes: 7,
        trained: "t".into(),
        data: "a".into(),
        schema: "s".into(),
        metrics: "m".into(),
        by: "b".into(),
        at: EventMs(8),
        note: "n".into(),
    }
}

fn scenario() -> Scenario {
    let settings = Settings(vec![(ParameterId(1), Micro(2))]);
    let (line, duration) = (LineId(1), SpanMs(3));
    Scenario { name: "n".into(), line, duration, settings, by: "b".into(), made_at: EventMs(4) }
}

fn recommendation() -> Recommendation {
    let band = |value: i64| Band { value: Micro(value), low: Micro(value - 1), high: Micro(value + 1) };
    Recommendation {
        line: LineId(1),
        steps: vec![Step { parameter: ParameterId(2), from: Micro(3), to: Micro(4) }],
        origin: Origin::Agent,
        by: "b".into(),
        made_at: EventMs(5),
        reason: "r".into(),
        expected: Expected {
            over: SpanMs(6),
            defect_rate: band(10),
            quality_score: band(20),
            rate_per_h: band(30),
            energy_kw: band(40),
            effect_min: Some(band(50)),
            unseen: true,
        },
        large: false,
    }
}

/// Any event.
fn event(rng: &mut ChaCha8Rng) -> Event {
    let mut events = one_of_each();
    events.extend(checks().map(|check| Event::Rule(RuleId(rng.random()), Some(rule(check)))));
    events.push(Event::Rule(RuleId(rng.random()), None));
    events.push(Event::Edge(EdgeId(rng.random()), None));
    events.push(Event::Line(LineId(rng.random()), "ä".repeat(rng.random_range(0..200))));
    events.swap_remove(rng.random_range(0..events.len()))
}

/// A check of every kind.
fn checks() -> [Check; 17] {
    let (limit, deadband, per_minute, band) = (Micro(-1), Micro(2), Micro(3), Micro(4));
    let (share, minutes, min_units) = (PerMille(50), 15, 20);
    [
        Check::High { limit, deadband },
        Check::Low { limit, deadband },
        Check::RateOfChange { per_minute },
        Check::Variation { limit },
        Check::Nelson { rule: 8 },
        Check::WesternElectric { rule: 4 },
        Check::Ewma { lambda: PerMille(200), width: PerMille(3000) },
        Check::Cusum { slack: PerMille(500), threshold: PerMille(5000) },
        Check::Drift { band },
        Check::Stale { after: SpanMs::minutes(3) },
        Check::Stuck { panes: 5 },
        Check::BadQuality { share },
        Check::DefectRate { limit: share, minutes, min_units },
        Check::DefectCount { defect: DefectType::Bubble, per_minute, minutes },
        Check::QualityScore { limit: share, minutes, min_units },
        Check::LineState { state: MachineState::Down },
        Check::Twin { kind: FindingKind::ModelDrift },
    ]
}

fn about() -> AlertSubject {
    let (rule, line, sensor) = (RuleId(4), LineId(1), Some(SensorId(3)));
    AlertSubject { rule, line, sensor, raised_at: EventMs(5), severity: Severity::High }
}

fn rule(check: Check) -> Rule {
    Rule {
        name: "furnace too hot".into(),
        enabled: true,
        subject: Subject::Sensor(SensorId(3)),
        check,
        severity: Severity::High,
        on_delay: 1,
        off_delay: 2,
        suppress_when_stopped: true,
        message: "furnace above limit".into(),
        advice: "lower the gas flow".into(),
    }
}

fn edge() -> Edge {
    Edge {
        cause: Node::Parameter(ParameterId(2)),
        effect: Node::Defect(DefectType::Crack),
        direction: Direction::High,
        threshold: Some(Micro::units(1600)),
        confidence: PerMille(850),
        lag_min: SpanMs::minutes(15),
        lag_max: SpanMs::minutes(30),
        mechanism: "thermal stress".into(),
        advice: "cool".into(),
    }
}

fn open(disk: &SimDisk, options: &Options) -> Result<(Journal<SimDisk>, OpenReport), JournalError> {
    Journal::recover(disk.clone(), options.clone())
}

fn segments_of(segment_bytes: u64) -> Options {
    Options { segment_bytes, salvage: false, ..Options::default() }
}

/// Everything that can be read, and the error at which it ended.
fn read_all(disk: &SimDisk) -> (Vec<Inputs>, Option<JournalError>) {
    let mut read = Vec::new();
    for inputs in Reader::over(disk.clone()) {
        match inputs {
            Ok(inputs) => read.push(inputs),
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

/// A journal of some groups of one to three ticks in several segments, and what is in it. Also returns the last
/// tick of each group.
fn sample(seed: u64, groups: usize, segment_bytes: u64) -> (SimDisk, Vec<Inputs>, Vec<u64>) {
    let mut rng = rng(seed);
    let disk = SimDisk::default();
    let (mut journal, _) = open(&disk, &segments_of(segment_bytes)).unwrap();
    let (mut written, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..groups {
        for _ in 0..rng.random_range(1..=3) {
            let inputs = inputs(journal.next().0, 3, &mut rng);
            journal.append(&inputs).unwrap();
            written.push(inputs);
        }
        ends.push(journal.sync().unwrap().0);
    }
    (disk, written, ends)
}
