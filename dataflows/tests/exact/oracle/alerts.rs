//! Alerts one by one, each field by its own definition; and how many there were.

use super::base::Base;
use lehr_dataflows::alerts::WITHDRAWN_KEPT;
use lehr_dataflows::tables::{AlertMetricRow, AlertRow, AlertState, ConditionRow, MachineStateRow};
use lehr_domain::ids::stable_hash;
use lehr_domain::machine::MachineState;
use lehr_domain::operator::{AlertSubject, OperatorAction, OperatorEvent};
use lehr_domain::rule::{Check, Rule, Severity};
use lehr_domain::{AlertId, EventMs, LineId, RuleId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

pub fn alerts(
    base: &Base,
    conditions: &BTreeSet<ConditionRow>,
    states: &BTreeSet<MachineStateRow>,
    clocks: &BTreeMap<LineId, EventMs>,
) -> BTreeSet<AlertRow> {
    let facts = Facts {
        base,
        rules: base.rules(),
        conditions: conditions.iter().map(|row| (id_of(row), row)).collect(),
        states,
        clocks,
    };
    let mut events: BTreeMap<AlertId, Vec<&OperatorEvent>> = BTreeMap::new();
    for event in base.operator() {
        events.entry(event.alert).or_default().push(event);
    }
    events.values_mut().for_each(|events| events.sort_by_key(|event| (event.at, event.id)));
    let ids: BTreeSet<AlertId> = facts.conditions.keys().chain(events.keys()).copied().collect();
    ids.into_iter().filter_map(|id| facts.alert(id, events.get(&id).map_or(&[], Vec::as_slice))).collect()
}

fn id_of(row: &ConditionRow) -> AlertId {
    let watched = row.sensor_id.map_or((1 << 32) + u64::from(row.production_line.0), |sensor| sensor.0.into());
    AlertId(stable_hash(&[row.rule_id.0.into(), watched, row.start.0 as u64]))
}

struct Facts<'a> {
    base: &'a Base,
    rules: BTreeMap<RuleId, &'a Rule>,
    conditions: BTreeMap<AlertId, &'a ConditionRow>,
    states: &'a BTreeSet<MachineStateRow>,
    clocks: &'a BTreeMap<LineId, EventMs>,
}

impl Facts<'_> {
    /// `events` are those that name it, in order of time.
    fn alert(&self, id: AlertId, events: &[&OperatorEvent]) -> Option<AlertRow> {
        let condition = self.conditions.get(&id).copied();
        let rule = condition.map(|row| self.rules[&row.rule_id]);
        let about = match condition.zip(rule) {
            Some((row, rule)) => AlertSubject {
                rule: row.rule_id,
                line: row.production_line,
                sensor: row.sensor_id,
                raised_at: row.start,
                severity: rule.severity,
            },
            None => events.first()?.about,
        };
        let plant_clock = self.clocks.values().max();
        if condition.is_none() && plant_clock.is_some_and(|clock| *clock >= about.raised_at + WITHDRAWN_KEPT) {
            return None;
        }
        let first_of = |action: &OperatorAction| events.iter().find(|event| event.action == *action);
        let acknowledged = first_of(&OperatorAction::Acknowledge);
        let active = condition.is_some_and(|row| row.end.is_none());
        let shelved_until = self.shelved_until(events, active);
        let state = match condition {
            None => AlertState::Withdrawn,
            Some(_) if first_of(&OperatorAction::Dismiss).is_some() => AlertState::Dismissed,
            Some(_) if out_of_service(events) => AlertState::OutOfService,
            Some(_) if shelved_until.is_some() => AlertState::Shelved,
            Some(row) if self.suppressed(row) => AlertState::Suppressed,
            Some(_) if active && acknowledged.is_some() => AlertState::ActiveAcknowledged,
            Some(_) if active => AlertState::ActiveUnacknowledged,
            Some(_) if acknowledged.is_some() => AlertState::Normal,
            Some(_) => AlertState::ReturnedUnacknowledged,
        };
        let sensors = self.base.sensors();
        let place = about.sensor.and_then(|sensor| sensors.get(&sensor).copied());
        let compared = condition
            .filter(|_| rule.is_some_and(|rule| !matches!(rule.check, Check::LineState { .. } | Check::Twin { .. })));
        let text = |of_rule: fn(&Rule) -> &String, withdrawn: &str| {
            rule.map_or(withdrawn.to_owned(), |rule| of_rule(rule).clone())
        };
        Some(AlertRow {
            alert_id: id,
            raised_at: about.raised_at,
            cleared_at: condition.map_or(Some(about.raised_at), |row| row.end),
            severity: about.severity,
            state,
            production_line: about.line,
            sensor_id: about.sensor,
            equipment_id: place.map(|def| def.equipment),
            parameter_name: place.map(|def| def.parameter),
            rule_id: about.rule,
            message: text(|rule| &rule.message, "withdrawn by corrected data"),
            recommended_action: text(|rule| &rule.advice, "nothing to do: what was reported did not happen"),
            peak: compared.map(|row| row.peak),
            limit: compared.map(|row| row.limit),
            acknowledged: acknowledged.is_some(),
            acknowledged_at: acknowledged.map(|event| event.at),
            acknowledged_by: acknowledged.map(|event| event.by.clone()),
            shelved_until: shelved_until.filter(|_| state == AlertState::Shelved),
            responded_at: first_of(&OperatorAction::Respond).map(|event| event.at),
            note: events.iter().rfind(|event| !event.reason.is_empty()).map(|event| event.reason.clone()),
            events: events.len() as i64,
            chattering: condition.is_some_and(|row| self.chatters(row)),
        })
    }

    /// Until when the last shelving lasts, if it does by the clock of the alert's line.
    fn shelved_until(&self, events: &[&OperatorEvent], active: bool) -> Option<EventMs> {
        let last = events.iter().rfind(|event| {
            let OperatorEvent { action, .. } = event;
            matches!(action, OperatorAction::Shelve { .. } | OperatorAction::ShelveOneShot { .. })
                || *action == OperatorAction::Unshelve
        })?;
        let until = match last.action {
            OperatorAction::Shelve { until } => until,
            OperatorAction::ShelveOneShot { until } if active => until,
            _ => return None,
        };
        self.clocks.get(&last.about.line).is_none_or(|clock| *clock < until).then_some(until)
    }

    /// Raised while its line stood still, by a rule that is silent then.
    fn suppressed(&self, row: &ConditionRow) -> bool {
        self.rules[&row.rule_id].suppress_when_stopped
            && self.states.iter().any(|state| {
                state.production_line == row.production_line
                    && state.state != MachineState::Production
                    && state.start <= row.start
                    && state.end.is_none_or(|end| row.start < end)
            })
    }

    /// At least the third of its rule and subject within five minutes.
    fn chatters(&self, row: &ConditionRow) -> bool {
        let subject = |row: &ConditionRow| (row.rule_id, row.production_line, row.sensor_id);
        let recent = row.start - SpanMs::minutes(5)..=row.start;
        self.conditions.values().filter(|other| subject(other) == subject(row) && recent.contains(&other.start)).count()
            >= 3
    }
}

fn out_of_service(events: &[&OperatorEvent]) -> bool {
    let moved = events
        .iter()
        .rfind(|event| matches!(event.action, OperatorAction::OutOfService | OperatorAction::ReturnToService));
    moved.is_some_and(|event| event.action == OperatorAction::OutOfService)
}

const HOUR: i64 = 3_600_000;
const TEN_MINUTES: i64 = 600_000;

pub fn metrics(alerts: &BTreeSet<AlertRow>) -> BTreeSet<AlertMetricRow> {
    let hour_of = |alert: &AlertRow| (alert.production_line, alert.raised_at.0.div_euclid(HOUR) * HOUR);
    let hours: BTreeSet<_> = alerts.iter().map(hour_of).collect();
    let row = |(line, hour): (LineId, i64)| {
        let (silent, raised): (Vec<&AlertRow>, Vec<&AlertRow>) = alerts
            .iter()
            .filter(|alert| hour_of(alert) == (line, hour))
            .partition(|alert| alert.state == AlertState::Suppressed);
        let count = |severity: Severity| raised.iter().filter(|alert| alert.severity == severity).count() as i64;
        let within = |start: i64| {
            raised.iter().filter(|alert| (start..start + TEN_MINUTES).contains(&alert.raised_at.0)).count() as i64
        };
        let peak = (0..6).map(|stretch| within(hour + stretch * TEN_MINUTES)).max().unwrap_or(0);
        AlertMetricRow {
            production_line: line,
            start: EventMs(hour),
            raised: raised.len() as i64,
            critical: count(Severity::Critical),
            high: count(Severity::High),
            medium: count(Severity::Medium),
            low: count(Severity::Low),
            chattering: raised.iter().filter(|alert| alert.chattering).count() as i64,
            peak_10_min: peak,
            flood: peak >= 10,
            suppressed: silent.len() as i64,
        }
    };
    hours.into_iter().map(row).collect()
}
