//! For tests: alerts one by one, each field by its own definition.

use super::life::{WITHDRAWN_ADVICE, WITHDRAWN_MESSAGE};
use super::*;
use crate::tables::AlertState;
use lehr_domain::ids::stable_hash;
use lehr_domain::machine::MachineState;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One row of any of the base collections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Input {
    Condition(ConditionRow),
    Rule(RuleId, Rule),
    Sensor(SensorId, SensorDef),
    State(MachineStateRow),
    Operator(OperatorEvent),
    Clock(LineId, EventMs),
}

pub(super) fn id_of(row: &ConditionRow) -> AlertId {
    let watched = row.sensor_id.map_or(4_294_967_296 + u64::from(row.production_line.0), |sensor| sensor.0.into());
    AlertId(stable_hash(&[row.rule_id.0.into(), watched, row.start.0 as u64]))
}

/// The alerts that there must be.
pub(super) fn oracle(inputs: &BTreeSet<Input>) -> BTreeSet<AlertRow> {
    let rules: BTreeMap<RuleId, &Rule> = inputs
        .iter()
        .filter_map(|row| if let Input::Rule(id, rule) = row { Some((*id, rule)) } else { None })
        .collect();
    let conditions: BTreeMap<AlertId, &ConditionRow> = inputs
        .iter()
        .filter_map(|row| if let Input::Condition(row) = row { Some((id_of(row), row)) } else { None })
        .filter(|(_, row)| rules.contains_key(&row.rule_id))
        .collect();
    let events: Vec<&OperatorEvent> =
        inputs.iter().filter_map(|row| if let Input::Operator(event) = row { Some(event) } else { None }).collect();
    let ids: BTreeSet<AlertId> = conditions.keys().copied().chain(events.iter().map(|event| event.alert)).collect();
    ids.into_iter()
        .filter_map(|id| expected(id, conditions.get(&id).copied(), &conditions, &rules, &events, inputs))
        .collect()
}

fn expected(
    id: AlertId,
    condition: Option<&ConditionRow>,
    conditions: &BTreeMap<AlertId, &ConditionRow>,
    rules: &BTreeMap<RuleId, &Rule>,
    events: &[&OperatorEvent],
    inputs: &BTreeSet<Input>,
) -> Option<AlertRow> {
    let mut events: Vec<&OperatorEvent> = events.iter().filter(|event| event.alert == id).copied().collect();
    events.sort_by_key(|event| (event.at, event.id));
    let clock = |line: Option<LineId>| {
        let clocks = inputs.iter().filter_map(|row| if let Input::Clock(l, at) = row { Some((*l, *at)) } else { None });
        clocks.filter(|(of, _)| line.is_none_or(|line| line == *of)).map(|(_, at)| at).max()
    };
    let first_of = |action: &OperatorAction| events.iter().find(|event| event.action == *action);
    let last = |kinds: &dyn Fn(&OperatorAction) -> bool| events.iter().rfind(|event| kinds(&event.action));
    let active = condition.is_some_and(|row| row.end.is_none());
    let shelving = |action: &OperatorAction| {
        matches!(
            action,
            OperatorAction::Shelve { .. } | OperatorAction::ShelveOneShot { .. } | OperatorAction::Unshelve
        )
    };
    let shelved_until = last(&shelving).and_then(|event| {
        let running = |until: EventMs| clock(Some(event.about.line)).is_none_or(|clock| clock < until).then_some(until);
        match event.action {
            OperatorAction::Shelve { until } => running(until),
            OperatorAction::ShelveOneShot { until } if active => running(until),
            _ => None,
        }
    });
    let service = last(&|action| matches!(action, OperatorAction::OutOfService | OperatorAction::ReturnToService));
    let stopped = condition.is_some_and(|row| {
        let during = inputs.iter().any(|input| match input {
            Input::State(state) => {
                state.production_line == row.production_line
                    && state.state != MachineState::Production
                    && state.start <= row.start
                    && state.end.is_none_or(|end| row.start < end)
            }
            _ => false,
        });
        during && rules[&row.rule_id].suppress_when_stopped
    });
    let acknowledged = first_of(&OperatorAction::Acknowledge);
    let state = if condition.is_none() {
        AlertState::Withdrawn
    } else if first_of(&OperatorAction::Dismiss).is_some() {
        AlertState::Dismissed
    } else if service.is_some_and(|event| event.action == OperatorAction::OutOfService) {
        AlertState::OutOfService
    } else if shelved_until.is_some() {
        AlertState::Shelved
    } else if stopped {
        AlertState::Suppressed
    } else if active {
        if acknowledged.is_some() { AlertState::ActiveAcknowledged } else { AlertState::ActiveUnacknowledged }
    } else if acknowledged.is_some() {
        AlertState::Normal
    } else {
        AlertState::ReturnedUnacknowledged
    };
    let about = match condition {
        Some(row) => AlertSubject {
            rule: row.rule_id,
            line: row.production_line,
            sensor: row.sensor_id,
            raised_at: row.start,
            severity: rules[&row.rule_id].severity,
        },
        None => events.first()?.about,
    };
    if condition.is_none() && clock(None).is_some_and(|clock| clock >= about.raised_at + SpanMs::days(7)) {
        return None;
    }
    let place = inputs.iter().find_map(|row| match row {
        Input::Sensor(id, def) if Some(*id) == about.sensor => Some((def.equipment, def.parameter)),
        _ => None,
    });
    let earlier = conditions.values().filter(|other| {
        let same = (other.rule_id, other.production_line, other.sensor_id) == (about.rule, about.line, about.sensor);
        same && other.start <= about.raised_at && other.start >= about.raised_at - SpanMs::minutes(5)
    });
    let compares =
        condition.filter(|row| !matches!(rules[&row.rule_id].check, Check::LineState { .. } | Check::Twin { .. }));
    Some(AlertRow {
        alert_id: id,
        raised_at: about.raised_at,
        cleared_at: condition.map_or(Some(about.raised_at), |row| row.end),
        severity: about.severity,
        state,
        production_line: about.line,
        sensor_id: about.sensor,
        equipment_id: place.map(|(equipment, _)| equipment),
        parameter_name: place.map(|(_, parameter)| parameter),
        rule_id: about.rule,
        message: condition.map_or(WITHDRAWN_MESSAGE.into(), |row| rules[&row.rule_id].message.clone()),
        recommended_action: condition.map_or(WITHDRAWN_ADVICE.into(), |row| rules[&row.rule_id].advice.clone()),
        peak: compares.map(|row| row.peak),
        limit: compares.map(|row| row.limit),
        acknowledged: acknowledged.is_some(),
        acknowledged_at: acknowledged.map(|event| event.at),
        acknowledged_by: acknowledged.map(|event| event.by.clone()),
        shelved_until: shelved_until.filter(|_| state == AlertState::Shelved),
        responded_at: first_of(&OperatorAction::Respond).map(|event| event.at),
        note: events.iter().rfind(|event| !event.reason.is_empty()).map(|event| event.reason.clone()),
        events: events.len() as i64,
        chattering: condition.is_some() && earlier.count() >= 3,
    })
}
