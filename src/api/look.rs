//! What several areas look up in a snapshot.

use super::error::ApiError;
use super::params::Values;
use lehr_dataflows::tables::{KpiRow, RuleRow, SensorRow};
use lehr_domain::calendar::Scope;
use lehr_domain::names::Names;
use lehr_domain::rule::{Check, Subject};
use lehr_domain::table::Row;
use lehr_domain::{EventMs, LineId, Micro, ProductId, SensorId, SpanMs};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use serde_json::{Value, json};

/// Longest period of a scope: a week in which clocks are put back.
const PERIOD_MOST: SpanMs = SpanMs(7 * 86_400_000 + 3_600_000);

/// The line that the parameter `line` names, if it is given.
pub fn line(values: &Values, names: &Names) -> Result<Option<LineId>, ApiError> {
    let Some(name) = values.text("line") else { return Ok(None) };
    names.line_id(name).map(Some).ok_or_else(|| ApiError::unknown("line", "line", name))
}

/// The time range of the parameters `from` and `to`: to plant time, from so long before it.
pub fn range(values: &Values, now: EventMs, over: SpanMs) -> (EventMs, EventMs) {
    let to = values.time("to").unwrap_or(now);
    (values.time("from").unwrap_or(to - over), to)
}

pub fn rows<'a, R: Row>(rows: impl IntoIterator<Item = &'a R>, names: &Names) -> Vec<Value> {
    rows.into_iter().map(|row| row_to_json(row, names)).collect()
}

pub fn maybe_row<R: Row>(row: Option<&R>, names: &Names) -> Value {
    row.map_or(Value::Null, |row| row_to_json(row, names))
}

/// The answer's members, and which tick they are of.
pub fn answer(snapshot: &Snapshot, mut members: Value) -> Value {
    members["tick"] = snapshot.tick.0.into();
    members["now"] = snapshot.now.to_string().into();
    members
}

/// The key figures of the period that holds `at`.
pub fn kpi(snapshot: &Snapshot, scope: Scope, line: LineId, at: EventMs) -> Option<&KpiRow> {
    let earliest = at - PERIOD_MOST;
    let position = |row: &KpiRow| {
        let start = match row.start {
            start if start < earliest => std::cmp::Ordering::Less,
            start if start > at => std::cmp::Ordering::Greater,
            _ => std::cmp::Ordering::Equal,
        };
        row.scope.cmp(&scope).then(start)
    };
    let of = |row: &&KpiRow| row.production_line == line && row.product == ProductId::ALL && at < row.end;
    snapshot.kpis.range(position).rev().find(of)
}

pub fn sensor(snapshot: &Snapshot, id: SensorId) -> Option<&SensorRow> {
    snapshot.sensors.get(|row| row.sensor_id.cmp(&id))
}

/// What the sensor's quantity ought to be at an instant.
pub fn setpoint(snapshot: &Snapshot, sensor: &SensorRow, at: EventMs) -> Option<Micro> {
    let given = snapshot.setpoints.range(|row| row.sensor_id.cmp(&sensor.sensor_id)).rev().find(|row| row.start <= at);
    given.map(|row| row.value).or(sensor.target)
}

fn watches(rule: &RuleRow, sensor: &SensorRow) -> bool {
    match rule.subject {
        Subject::Sensor(id) => id == sensor.sensor_id,
        Subject::Parameter(id) => id == sensor.parameter_name,
        Subject::EverySensor => true,
        Subject::EveryLine => false,
    }
}

/// The fixed limits that enabled rules set for a sensor.
pub fn limits(snapshot: &Snapshot, sensor: &SensorRow) -> Vec<Value> {
    let rules = snapshot.rules.iter().filter(|rule| rule.enabled && watches(rule, sensor));
    rules
        .filter_map(|rule| {
            let (side, value) = match rule.condition {
                Check::High { limit, .. } => ("high", limit),
                Check::Low { limit, .. } => ("low", limit),
                _ => return None,
            };
            let value = value.to_f64();
            Some(json!({ "rule": rule.name, side: value, "value": value, "severity": rule.severity.text() }))
        })
        .collect()
}

/// A sensor with what is known of it now.
pub fn sensor_json(snapshot: &Snapshot, sensor: &SensorRow) -> Value {
    let names = &*snapshot.names;
    let latest = snapshot.latest.get(|row| row.sensor_id.cmp(&sensor.sensor_id));
    let mut json = row_to_json(sensor, names);
    json["latest"] = maybe_row(latest, names);
    json["setpoint"] = setpoint(snapshot, sensor, snapshot.now).map(Micro::to_f64).into();
    json["limits"] = limits(snapshot, sensor).into();
    json
}
