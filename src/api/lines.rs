//! The lines at a glance.

use super::App;
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, object, row, text, time};
use lehr_dataflows::tables::{AlertRow, AlertState, KpiRow, MachineStateRow};
use lehr_domain::LineId;
use lehr_domain::calendar::Scope;
use lehr_domain::rule::Severity;
use lehr_queries::Snapshot;
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    let alerts = object([
        ("CRITICAL", integer()),
        ("HIGH", integer()),
        ("MEDIUM", integer()),
        ("LOW", integer()),
        ("unacknowledged", integer()),
    ]);
    let line = object([
        ("line", text()),
        ("clock", nullable(time())),
        ("state", nullable(row::<MachineStateRow>())),
        ("product", nullable(text())),
        ("kpi_shift", nullable(row::<KpiRow>())),
        ("kpi_hour", nullable(row::<KpiRow>())),
        ("alerts", alerts),
    ]);
    let schema = answer([("lines", list(line)), ("time_zone", text())]);
    vec![Route::get("/api/lines", "lines", "State, key figures and open alerts of each line.", lines).answers(schema)]
}

async fn lines(app: App, _call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let lines: Vec<Value> = snapshot.names.lines().map(|(line, name)| line_json(&snapshot, line, name)).collect();
    let time_zone = &app.runtime().options().catalogue.plant.time_zone;
    Ok(look::answer(&snapshot, json!({ "lines": lines, "time_zone": time_zone })).into())
}

/// Whether an operator ought to know of it.
pub fn is_open(alert: &AlertRow) -> bool {
    matches!(
        alert.state,
        AlertState::ActiveUnacknowledged | AlertState::ActiveAcknowledged | AlertState::ReturnedUnacknowledged
    )
}

/// Whether an operator has yet to look at it.
pub fn is_unacknowledged(alert: &AlertRow) -> bool {
    matches!(alert.state, AlertState::ActiveUnacknowledged | AlertState::ReturnedUnacknowledged)
}

fn line_json(snapshot: &Snapshot, line: LineId, name: &str) -> Value {
    let names = &*snapshot.names;
    let clock = snapshot.clocks.get(|row| row.production_line.cmp(&line)).map(|row| row.at);
    let state = snapshot.machine_states.range(|row| row.production_line.cmp(&line)).rev().find(|row| row.end.is_none());
    let open: Vec<&AlertRow> =
        snapshot.alerts.iter().filter(|alert| alert.production_line == line && is_open(alert)).collect();
    let mut alerts = json!({ "unacknowledged": open.iter().filter(|alert| is_unacknowledged(alert)).count() });
    for severity in Severity::ALL {
        alerts[severity.text()] = open.iter().filter(|alert| alert.severity == severity).count().into();
    }
    json!({
        "line": name,
        "clock": clock.map(|at| at.to_string()),
        "state": look::maybe_row(state, names),
        "product": state.map(|row| names.product(row.product)),
        "kpi_shift": look::maybe_row(look::kpi(snapshot, Scope::Shift, line, snapshot.now), names),
        "kpi_hour": look::maybe_row(look::kpi(snapshot, Scope::Hour, line, snapshot.now), names),
        "alerts": alerts,
    })
}
