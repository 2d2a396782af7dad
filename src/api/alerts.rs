//! Alerts, and everything about one of them.

use super::App;
use super::error::ApiError;
use super::look;
use super::params::Kind;
use super::root_cause::{self, root_cause_schema};
use super::route::{Answer, Call, Route};
use super::schema::{HEX_ID, answer, integer, list, object, row};
use super::sensors::{point_schema, sensor_schema, series};
use lehr_dataflows::tables::{AlertRow, ConditionRow, OperatorEventRow, RootCauseRow};
use lehr_domain::causal::Node;
use lehr_domain::rule::Check;
use lehr_domain::{AlertId, EventMs, SensorId, SpanMs};
use lehr_queries::Snapshot;
use serde_json::{Value, json};

/// Alerts of an answer; the newest are given, and how many there are in all.
const ALERTS_MOST: usize = 500;
/// Alerts that were active within this long, when the request does not say.
const ALERTS_OVER: SpanMs = SpanMs::hours(24);

const SEVERITIES: &[&str] = &["CRITICAL", "HIGH", "MEDIUM", "LOW"];
pub const STATES: &[&str] = &[
    "active_unacknowledged",
    "active_acknowledged",
    "returned_unacknowledged",
    "normal",
    "shelved",
    "suppressed",
    "out_of_service",
    "dismissed",
    "withdrawn",
];

/// What is shown of signals around an alert: an hour before, half an hour after.
const SIGNAL_BEFORE: SpanMs = SpanMs::hours(1);
const SIGNAL_AFTER: SpanMs = SpanMs::minutes(30);
/// The longest stretch of a signal: an alert that lasts for days is shown by its beginning.
const SIGNAL_MOST: SpanMs = SpanMs::hours(12);
const SIGNAL_POINTS: usize = 360;
/// Signals of an investigation: the alert's own, and those of its likely causes.
const SIGNALS_MOST: usize = 4;

pub fn routes() -> Vec<Route> {
    let signal = object([("sensor", sensor_schema()), ("points", list(point_schema()))]);
    let investigation = answer([
        ("alert", row::<AlertRow>()),
        ("events", list(row::<OperatorEventRow>())),
        ("signals", list(signal)),
        ("root_causes", list(root_cause_schema())),
        ("conditions", list(row::<ConditionRow>())),
    ]);
    vec![
        Route::get("/api/alerts", "alerts", "Alerts that were active within a time range, newest first.", alerts)
            .query("severity_filter", Kind::SomeOf(SEVERITIES), "These severities alone.")
            .query("time_range", Kind::Span, "How far back; 24h when absent.")
            .query("acknowledged", Kind::Bool, "Acknowledged ones, or those that are not.")
            .query("state", Kind::SomeOf(STATES), "These states alone.")
            .line()
            .answers(answer([("alerts", list(row::<AlertRow>())), ("total", integer())])),
        Route::get(
            "/api/alerts/{id}",
            "alerts",
            "All about an alert: signals, likely causes, what people did.",
            investigate,
        )
        .segment("id", Kind::Pattern(HEX_ID), "The alert.")
        .answers(investigation)
        .heavy(),
    ]
}

/// The alert that a path names.
pub fn find<'s>(snapshot: &'s Snapshot, id: &str) -> Result<&'s AlertRow, ApiError> {
    let unknown = || ApiError::not_found(format!("alert '{id}'"));
    let number = u64::from_str_radix(id, 16).map_err(|_| unknown())?;
    snapshot.alerts.get(|row| row.alert_id.cmp(&AlertId(number))).ok_or_else(unknown)
}

async fn alerts(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let query = &call.query;
    let line = look::line(query, &snapshot.names)?;
    let from = snapshot.now - query.span("time_range").unwrap_or(ALERTS_OVER);
    let listed = |name: &str, text: &str| query.some(name).is_none_or(|some| some.iter().any(|one| one == text));
    let wanted = |row: &&AlertRow| {
        row.cleared_at.is_none_or(|end| end >= from)
            && line.is_none_or(|line| row.production_line == line)
            && query.flag("acknowledged").is_none_or(|wanted| row.acknowledged == wanted)
            && listed("severity_filter", row.severity.text())
            && listed("state", row.state.text())
    };
    let mut rows: Vec<&AlertRow> = snapshot.alerts.iter().filter(wanted).collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.raised_at, row.alert_id)));
    let total = rows.len();
    rows.truncate(ALERTS_MOST);
    Ok(look::answer(&snapshot, json!({ "alerts": look::rows(rows, &snapshot.names), "total": total })).into())
}

async fn investigate(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let alert = find(&snapshot, &call.path[0])?;
    let names = &*snapshot.names;
    let events = snapshot.operator_events.iter().filter(|row| row.alert_id == alert.alert_id);
    let conditions = snapshot.conditions.range(|row| {
        let line = row.production_line.cmp(&alert.production_line);
        row.rule_id.cmp(&alert.rule_id).then(line).then(row.sensor_id.cmp(&alert.sensor_id))
    });
    let near =
        |row: &&ConditionRow| row.start >= alert.raised_at - SIGNAL_MOST && row.start <= alert.raised_at + SIGNAL_MOST;
    let width = app.runtime().options().graph.pane_width;
    let causes = causes_of(&snapshot, alert);
    let mut sensors: Vec<SensorId> = alert.sensor_id.into_iter().collect();
    for cause in &causes {
        if !sensors.contains(&cause.sensor_id) && sensors.len() < SIGNALS_MOST {
            sensors.push(cause.sensor_id);
        }
    }
    let range = signal_range(alert, &causes, snapshot.now);
    let signals: Vec<Value> = sensors
        .into_iter()
        .filter_map(|id| {
            let sensor = look::sensor(&snapshot, id)?;
            let points = series(&snapshot, id, range, SIGNAL_POINTS, width).1;
            Some(json!({ "sensor": look::sensor_json(&snapshot, sensor), "points": points }))
        })
        .collect();
    let causes: Vec<Value> = causes.into_iter().map(|row| root_cause::cause_json(&snapshot, row, width)).collect();
    let members = json!({
        "alert": look::rows([alert], names)[0],
        "events": look::rows(events, names),
        "signals": signals,
        "root_causes": causes,
        "conditions": look::rows(conditions.filter(near), names),
    });
    Ok(look::answer(&snapshot, members).into())
}

/// From before the earliest evidence until after the alert.
fn signal_range(alert: &AlertRow, causes: &[&RootCauseRow], now: EventMs) -> (EventMs, EventMs) {
    let first = causes.iter().map(|row| row.evidence_from).fold(alert.raised_at, EventMs::min);
    let last = alert.cleared_at.unwrap_or(now).max(alert.raised_at) + SIGNAL_AFTER;
    let from = first - SIGNAL_BEFORE;
    (from, last.min(alert.raised_at + SIGNAL_MOST).max(from))
}

/// What an alert may come from: causes of the incident on its parameter, or of the defects that its rule counts.
fn causes_of<'s>(snapshot: &'s Snapshot, alert: &AlertRow) -> Vec<&'s RootCauseRow> {
    let rule = snapshot.rules.get(|row| row.rule_id.cmp(&alert.rule_id));
    let check = rule.map(|rule| rule.condition);
    let over = match check {
        Some(
            Check::DefectRate { minutes, .. }
            | Check::DefectCount { minutes, .. }
            | Check::QualityScore { minutes, .. },
        ) => SpanMs::minutes(i64::from(minutes)),
        _ => SpanMs(0),
    };
    let explains = |effect: Node| match (alert.parameter_name, check, effect) {
        (Some(parameter), _, Node::Parameter(other)) => parameter == other,
        (None, Some(Check::DefectCount { defect, .. }), Node::Defect(other)) => defect == other,
        (None, Some(Check::DefectRate { .. } | Check::QualityScore { .. }), Node::Defect(_)) => true,
        _ => false,
    };
    let first = (alert.raised_at - over).floor(root_cause::INCIDENT);
    let last = alert.raised_at.floor(root_cause::INCIDENT);
    let wanted = |row: &&RootCauseRow| (first..=last).contains(&row.incident) && explains(row.effect);
    let rows = snapshot.root_causes.range(|row| row.production_line.cmp(&alert.production_line)).filter(wanted);
    let mut rows: Vec<&RootCauseRow> = rows.collect();
    rows.sort_by_key(|row| root_cause::order(row));
    // The same cause of several incidents of one alert is told once.
    let mut seen = Vec::new();
    rows.retain(|row| {
        let fresh = !seen.contains(&(row.edge_id, row.sensor_id));
        seen.push((row.edge_id, row.sensor_id));
        fresh
    });
    rows.truncate(root_cause::CAUSES_MOST);
    rows
}
