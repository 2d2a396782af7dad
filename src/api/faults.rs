//! Faults of the simulated plant: listed, injected, cleared.

use super::App;
use super::change::{Audit, apply};
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, NOT_BLANK, answer, boolean, integer, list, nullable, number, object, text, time};
use crate::auth::Role;
use lehr_domain::EventMs;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use warp::http::Method;

/// Faults of an answer. The plant bounds how many are open.
const FAULTS_MOST: usize = 1_000;
/// Characters of a fault's text.
const FAULT_MOST: usize = 200;

/// A kind of fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultKindInfo {
    pub kind: String,
    pub about: String,
}

/// An injected fault.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultInfo {
    pub id: u64,
    pub kind: String,
    pub line: String,
    pub sensor_id: Option<String>,
    pub severity: f64,
    pub begins: EventMs,
    /// `None`: until it is cleared.
    pub ends: Option<EventMs>,
    pub active: bool,
}

/// What the simulated plant lets one do.
pub trait FaultControl: Send + Sync {
    fn kinds(&self) -> Vec<FaultKindInfo>;
    fn list(&self) -> Vec<FaultInfo>;
    /// Injects a fault such as `furnace_overheat:Line_A@10m`; its start counts from plant time now.
    fn inject(&self, text: &str) -> Result<FaultInfo, String>;
    fn clear(&self, id: u64) -> Result<(), String>;
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// kind[(parameter)][:line][@start][+duration][*severity], for instance furnace_overheat:Line_A@10m.
    #[schemars(length(min = 1, max = FAULT_MOST), regex(pattern = NOT_BLANK))]
    fault: String,
}

pub fn routes() -> Vec<Route> {
    let kind = object([("kind", text()), ("about", text())]);
    let problems = &[Problem::NotFound, Problem::Conflict];
    vec![
        Route::get("/api/faults", "faults", "Faults of the simulated plant, and the kinds there are.", faults)
            .answers(answer([("faults", list(fault_schema())), ("kinds", list(kind))]))
            .problems(&[Problem::NotFound]),
        Route::change(Method::POST, "/api/faults", "faults", "Injects a fault.", Role::Engineer, inject)
            .body(schema::of::<Wanted>())
            .answers(answer([("fault", fault_schema())]))
            .problems(problems),
        Route::change(Method::DELETE, "/api/faults/{id}", "faults", "Clears a fault.", Role::Engineer, clear)
            .segment("id", Kind::Int(0, i64::MAX), "The fault.")
            .answers(answer([("cleared", integer())]))
            .problems(problems),
    ]
}

fn fault_schema() -> Value {
    object([
        ("id", integer()),
        ("kind", text()),
        ("line", text()),
        ("sensor_id", nullable(text())),
        ("severity", number()),
        ("begins", time()),
        ("ends", nullable(time())),
        ("active", boolean()),
    ])
}

fn fault_json(fault: &FaultInfo) -> Value {
    json!({
        "id": fault.id,
        "kind": fault.kind,
        "line": fault.line,
        "sensor_id": fault.sensor_id,
        "severity": fault.severity,
        "begins": fault.begins.to_string(),
        "ends": fault.ends.map(|end| end.to_string()),
        "active": fault.active,
    })
}

fn plant(app: &App) -> Result<Arc<dyn FaultControl>, ApiError> {
    let none = || ApiError::new(Problem::NotFound, "there is no simulated plant here that could have faults");
    app.options().faults.clone().ok_or_else(none)
}

async fn faults(app: App, _call: Call) -> Answer {
    let plant = plant(&app)?;
    let faults: Vec<Value> = plant.list().iter().take(FAULTS_MOST).map(fault_json).collect();
    let kinds = plant.kinds().into_iter().map(|kind| json!({ "kind": kind.kind, "about": kind.about }));
    let members = json!({ "faults": faults, "kinds": kinds.collect::<Vec<Value>>() });
    Ok(look::answer(&app.runtime().snapshot(), members).into())
}

async fn inject(app: App, call: Call) -> Answer {
    let wanted: Wanted = call.json()?;
    let plant = plant(&app)?;
    let refused = |message: String| ApiError::field(Problem::Conflict, "fault", message);
    let fault = plant.inject(wanted.fault.trim()).map_err(refused)?;
    let audit = Audit {
        by: call.by(),
        action: "fault.inject".into(),
        subject: format!("fault {}", fault.id),
        after: wanted.fault.into(),
        ..Audit::default()
    };
    apply(&app, Vec::new(), audit).await?;
    Ok(look::answer(&app.runtime().snapshot(), json!({ "fault": fault_json(&fault) })).into())
}

async fn clear(app: App, call: Call) -> Answer {
    let unknown = || ApiError::not_found(format!("fault {}", call.path[0]));
    let id: u64 = call.path[0].parse().map_err(|_| unknown())?;
    let plant = plant(&app)?;
    let known = plant.list().into_iter().find(|fault| fault.id == id).ok_or_else(unknown)?;
    plant.clear(id).map_err(|message| ApiError::field(Problem::Conflict, "id", message))?;
    let audit = Audit {
        by: call.by(),
        action: "fault.clear".into(),
        subject: format!("fault {id}"),
        before: fault_json(&known),
        ..Audit::default()
    };
    apply(&app, Vec::new(), audit).await?;
    Ok(look::answer(&app.runtime().snapshot(), json!({ "cleared": id })).into())
}
