use super::oracle::{Input, id_of, oracle};
use super::*;
use crate::tables::AlertState;
use crate::trials::{assert_tracks, plant, run};
use lehr_domain::machine::MachineState;
use lehr_domain::rule::{Severity, Subject};
use lehr_domain::{EquipmentId, Micro, ParameterId, PerMille, ProductId};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};

fn graph<'s>(inputs: Rows<'s, Input>) -> Rows<'s, AlertRow> {
    let conditions = inputs.clone().flat_map(|row| if let Input::Condition(row) = row { Some(row) } else { None });
    let rules = inputs.clone().flat_map(|row| if let Input::Rule(id, rule) = row { Some((id, rule)) } else { None });
    let sensors = inputs.clone().flat_map(|row| if let Input::Sensor(id, def) = row { Some((id, def)) } else { None });
    let states = inputs.clone().flat_map(|row| if let Input::State(state) = row { Some(state) } else { None });
    let operator = inputs.clone().flat_map(|row| if let Input::Operator(event) = row { Some(event) } else { None });
    let clocks = inputs.flat_map(|row| if let Input::Clock(line, at) = row { Some((line, at)) } else { None });
    alerts(conditions, rules, sensors, states, operator, clocks)
}

fn rule(rng: &mut plant::ChaCha8Rng, id: u32) -> Rule {
    let check = match id {
        0 => Check::LineState { state: MachineState::Down },
        1 => Check::DefectRate { limit: PerMille(50), minutes: 15, min_units: 50 },
        _ => Check::High { limit: Micro::units(10), deadband: Micro(0) },
    };
    Rule {
        name: format!("rule {id}"),
        enabled: true,
        subject: if id < 2 { Subject::EveryLine } else { Subject::EverySensor },
        check,
        severity: Severity::ALL[rng.random_range(0..4)],
        on_delay: 1,
        off_delay: 1,
        suppress_when_stopped: rng.random_range(0..2) == 0,
        message: format!("message {}", rng.random_range(0..3)),
        advice: "advice".into(),
    }
}

fn sensor(id: u32) -> SensorDef {
    SensorDef {
        name: format!("sensor {id}"),
        line: LineId((id % 2) as u16),
        equipment: EquipmentId(id as u16 + 10),
        parameter: ParameterId(id as u16 + 20),
        unit: "°C".into(),
        period: SpanMs::seconds(1),
        span: (Micro(0), Micro::units(100)),
        target: None,
        sigma: None,
    }
}

fn condition(rng: &mut plant::ChaCha8Rng) -> ConditionRow {
    let rule_id = RuleId(rng.random_range(0..4));
    let sensor_id = (rule_id.0 >= 2).then(|| SensorId(rng.random_range(0..4)));
    let start = plant::instant(rng, 30).floor(SpanMs::minutes(1));
    ConditionRow {
        rule_id,
        production_line: sensor_id.map_or_else(|| plant::line(rng), |sensor| LineId((sensor.0 % 2) as u16)),
        sensor_id,
        start,
        end: (rng.random_range(0..2) == 0).then(|| start + SpanMs::minutes(rng.random_range(1..9))),
        panes: rng.random_range(1..9),
        peak: Micro(rng.random_range(11..20)),
        limit: Micro(10),
    }
}

fn action(rng: &mut plant::ChaCha8Rng) -> OperatorAction {
    let until = plant::instant(rng, 80);
    match rng.random_range(0..12) {
        0 | 1 => OperatorAction::Acknowledge,
        2 | 3 => OperatorAction::Shelve { until },
        4 | 5 => OperatorAction::ShelveOneShot { until },
        6 => OperatorAction::Unshelve,
        7 => OperatorAction::OutOfService,
        8 => OperatorAction::ReturnToService,
        9 => OperatorAction::Dismiss,
        10 => OperatorAction::Note,
        _ => OperatorAction::Respond,
    }
}

fn about(row: &ConditionRow, severity: Severity) -> AlertSubject {
    AlertSubject { rule: row.rule_id, line: row.production_line, sensor: row.sensor_id, raised_at: row.start, severity }
}

fn event(id: u64, row: &ConditionRow, at: EventMs, action: OperatorAction, reason: &str) -> OperatorEvent {
    OperatorEvent {
        id,
        alert: id_of(row),
        about: about(row, Severity::High),
        at,
        action,
        by: format!("operator {}", id % 3),
        reason: reason.into(),
    }
}

fn trial(seed: u64) -> Vec<BTreeSet<Input>> {
    let mut rng = plant::rng(seed);
    let mut rules: BTreeMap<RuleId, Rule> = (0..4).map(|id| (RuleId(id), rule(&mut rng, id))).collect();
    let mut conditions: BTreeMap<AlertId, ConditionRow> = BTreeMap::new();
    let mut known: Vec<ConditionRow> = Vec::new();
    let mut states = BTreeMap::new();
    let mut events: Vec<OperatorEvent> = Vec::new();
    let mut snapshots = Vec::new();
    for tick in 0..30_u32 {
        for _ in 0..3 {
            // New ones, and old ones that end, go on after all, or come back.
            let again = rng.random_range(0..2) == 0 && !known.is_empty();
            let mut row = condition(&mut rng);
            if again {
                let old = &known[rng.random_range(0..known.len())];
                row = ConditionRow { end: row.end, peak: row.peak, ..old.clone() };
            }
            conditions.insert(id_of(&row), row.clone());
            known.push(row);
        }
        if rng.random_range(0..2) == 0 {
            let victim = conditions.keys().nth(rng.random_range(0..conditions.len())).copied();
            victim.map(|id| conditions.remove(&id));
        }
        for _ in 0..2 {
            let row = &known[rng.random_range(0..known.len())].clone();
            let at = plant::instant(&mut rng, 60);
            let reason = ["", "seen", "as planned"][rng.random_range(0..3)];
            let action = action(&mut rng);
            events.push(event(events.len() as u64, row, at, action, reason));
        }
        if rng.random_range(0..3) == 0 {
            let change = plant::state_change(&mut rng, 40);
            states.insert((change.line, change.at), change.state);
        }
        if rng.random_range(0..8) == 0 {
            let id = rng.random_range(0..4);
            rules.insert(RuleId(id), rule(&mut rng, id));
        }
        let mut rows: BTreeSet<Input> = conditions.values().cloned().map(Input::Condition).collect();
        rows.extend(rules.iter().map(|(id, rule)| Input::Rule(*id, rule.clone())));
        rows.extend((0..tick.min(4)).map(|id| Input::Sensor(SensorId(id), sensor(id))));
        rows.extend(events.iter().cloned().map(Input::Operator));
        for ((line, at), state) in &states {
            rows.insert(Input::State(MachineStateRow {
                production_line: *line,
                start: *at,
                end: states.keys().filter(|(other, later)| other == line && later > at).map(|(_, later)| *later).min(),
                state: *state,
                product: ProductId(0),
                reason: String::new(),
            }));
        }
        // The last tick is a week later for one line, so that its plant forgets what was withdrawn.
        let leap = if tick == 29 { SpanMs(SpanMs::days(7).0 + SpanMs::minutes(15).0) } else { SpanMs(0) };
        rows.insert(Input::Clock(LineId(0), plant::START + SpanMs(i64::from(tick) * 150_000) + leap));
        if tick > 4 {
            rows.insert(Input::Clock(LineId(1), plant::START + SpanMs(i64::from(tick) * 120_000)));
        }
        snapshots.push(rows);
    }
    snapshots
}

#[test]
fn alerts_equal_a_recomputation_after_every_tick_and_reach_every_state() {
    let (mut states, mut chattering, mut forgotten) = (BTreeMap::new(), 0, 0);
    for seed in 0..15 {
        let outputs = assert_tracks(seed, &trial(seed), graph, oracle);
        for row in outputs.iter().flatten() {
            *states.entry(row.state).or_insert(0) += 1;
            chattering += i32::from(row.chattering);
        }
        let withdrawn =
            |rows: &BTreeSet<AlertRow>| rows.iter().filter(|row| row.state == AlertState::Withdrawn).count();
        forgotten += withdrawn(&outputs[28]).saturating_sub(withdrawn(&outputs[29]));
    }
    for state in AlertState::ALL {
        assert!(states.get(&state).is_some_and(|count| *count > 20), "{state:?} was hardly reached: {states:?}");
    }
    assert!(chattering > 20 && forgotten > 20, "{chattering} chattering, {forgotten} forgotten: hardly tested");
}

/// One alert: the condition's end (minutes after its start, if it ended), what was done (minute, action), the
/// line's clock, and the state in which that leaves it.
type Case = (&'static str, Option<i64>, Vec<(i64, OperatorAction)>, i64, AlertState);

#[test]
fn the_life_cycle_is_that_of_isa_18_2() {
    use AlertState::*;
    use OperatorAction::{Acknowledge, Dismiss, Note, OutOfService, Respond, ReturnToService, Unshelve};
    let minute = |minutes: i64| plant::START + SpanMs::minutes(minutes);
    let shelve = |until: i64| OperatorAction::Shelve { until: minute(until) };
    let once = |until: i64| OperatorAction::ShelveOneShot { until: minute(until) };
    let cases: Vec<Case> = vec![
        ("raised", None, vec![], 10, ActiveUnacknowledged),
        ("acknowledged while it lasts", None, vec![(1, Acknowledge)], 10, ActiveAcknowledged),
        ("returned before it was acknowledged", Some(5), vec![], 10, ReturnedUnacknowledged),
        ("acknowledged, then returned", Some(5), vec![(1, Acknowledge)], 10, Normal),
        ("returned, then acknowledged", Some(5), vec![(7, Acknowledge)], 10, Normal),
        ("acknowledged before it was raised", None, vec![(-1, Acknowledge)], 10, ActiveAcknowledged),
        ("a note and a response change nothing", None, vec![(1, Note), (2, Respond)], 10, ActiveUnacknowledged),
        ("shelved", None, vec![(1, shelve(20))], 10, Shelved),
        ("shelved, and its condition returned", Some(5), vec![(1, shelve(20))], 10, Shelved),
        ("shelved, and the time is over", None, vec![(1, shelve(10))], 10, ActiveUnacknowledged),
        ("shelved over its end", Some(5), vec![(1, shelve(10))], 10, ReturnedUnacknowledged),
        ("shelved and unshelved", None, vec![(1, shelve(20)), (2, Unshelve)], 10, ActiveUnacknowledged),
        ("shelved again for longer", None, vec![(1, shelve(9)), (2, shelve(20))], 10, Shelved),
        ("acknowledged, shelved, time over", None, vec![(1, Acknowledge), (2, shelve(9))], 10, ActiveAcknowledged),
        ("shelved once", None, vec![(1, once(20))], 10, Shelved),
        ("shelved once, and returned", Some(5), vec![(1, once(20))], 10, ReturnedUnacknowledged),
        ("shelved once, and the time is over", None, vec![(1, once(10))], 10, ActiveUnacknowledged),
        ("out of service", None, vec![(1, OutOfService)], 10, AlertState::OutOfService),
        ("out of service hides shelving", None, vec![(1, shelve(20)), (2, OutOfService)], 10, AlertState::OutOfService),
        ("returned to service", None, vec![(1, OutOfService), (2, ReturnToService)], 10, ActiveUnacknowledged),
        (
            "to service, still shelved",
            None,
            vec![(1, OutOfService), (2, shelve(20)), (3, ReturnToService)],
            10,
            Shelved,
        ),
        ("dismissed", None, vec![(1, Dismiss)], 10, Dismissed),
        ("dismissed for good", Some(5), vec![(1, Dismiss), (2, Acknowledge), (3, shelve(20))], 10, Dismissed),
    ];
    for (what, end, done, clock, state) in cases {
        let mut rng = plant::rng(1);
        let mut row = condition(&mut rng);
        (row.rule_id, row.sensor_id, row.production_line) = (RuleId(1), None, LineId(0));
        (row.start, row.end) = (minute(0), end.map(minute));
        let rule = Rule { suppress_when_stopped: false, ..rule(&mut rng, 1) };
        let mut rows = BTreeSet::from([
            Input::Condition(row.clone()),
            Input::Rule(RuleId(1), rule),
            Input::Clock(LineId(0), minute(clock)),
        ]);
        for (id, (at, action)) in done.into_iter().enumerate() {
            rows.insert(Input::Operator(event(id as u64, &row, minute(at), action, "")));
        }
        let outputs = run(1, &[rows], graph);
        let states: Vec<AlertState> = outputs[0].iter().map(|row| row.state).collect();
        assert_eq!(states, [state], "{what}");
    }
}

#[test]
fn a_false_alarm_that_late_data_takes_away_keeps_its_notes() {
    let mut rng = plant::rng(2);
    let row = ConditionRow {
        rule_id: RuleId(2),
        sensor_id: Some(SensorId(1)),
        production_line: LineId(1),
        ..condition(&mut rng)
    };
    let at = row.start + SpanMs::minutes(1);
    let plant = BTreeSet::from([
        Input::Rule(RuleId(2), Rule { suppress_when_stopped: false, ..rule(&mut rng, 2) }),
        Input::Sensor(SensorId(1), sensor(1)),
        Input::Clock(LineId(1), at),
    ]);
    let acted = BTreeSet::from([
        Input::Operator(event(1, &row, at, OperatorAction::Acknowledge, "")),
        Input::Operator(event(2, &row, at, OperatorAction::Note, "transmitter is being calibrated")),
    ]);
    let raised: BTreeSet<Input> = plant.iter().cloned().chain([Input::Condition(row.clone())]).collect();
    let handled: BTreeSet<Input> = raised.union(&acted).cloned().collect();
    let corrected: BTreeSet<Input> = plant.union(&acted).cloned().collect();
    let untouched = plant.clone();
    let outputs = run(1, &[raised.clone(), handled.clone(), corrected, handled, raised, untouched], graph);
    let told: Vec<_> = outputs
        .iter()
        .map(|rows| {
            rows.iter().map(|row| (row.state == AlertState::Withdrawn, row.acknowledged, row.note.clone(), row.events))
        })
        .map(Iterator::collect::<Vec<_>>)
        .collect();
    let note = Some("transmitter is being calibrated".to_owned());
    assert_eq!(
        told,
        [
            vec![(false, false, None, 0)],
            vec![(false, true, note.clone(), 2)],
            vec![(true, true, note.clone(), 2)],
            vec![(false, true, note, 2)],
            vec![(false, false, None, 0)],
            // Nobody had acted on it: it was never told of, and nothing remains.
            vec![],
        ]
    );
    let withdrawn = outputs[2].first().expect("told above");
    assert_eq!(withdrawn.equipment_id, Some(EquipmentId(11)), "a withdrawn alert still says where");
    assert_eq!((withdrawn.rule_id, withdrawn.severity), (RuleId(2), Severity::High));
}
