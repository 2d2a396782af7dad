//! Edits of the causal graph. Open root-cause answers follow at once, because edges are rows.

use super::App;
use super::change::{Audit, apply};
use super::dispatch::checked;
use super::error::{ApiError, Problem};
use super::graph::{edge_of, graph_of};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, NOT_BLANK, TEXT_MOST, answer, row};
use crate::auth::Role;
use lehr_dataflows::tables::EdgeRow;
use lehr_domain::causal::{Direction, Edge, Node};
use lehr_domain::names::Names;
use lehr_domain::unit::DefectType;
use lehr_domain::{EdgeId, Event, Micro, PerMille, SpanMs};
use lehr_queries::Snapshot;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;
use warp::http::Method;

/// Seconds of the longest lag.
const LAG_MOST_S: f64 = 86_400.0;
/// Magnitude of the greatest threshold.
const VALUE_MOST: f64 = Micro::MAX_UNITS;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Way {
    High,
    Low,
    Variation,
}

/// An edge as a request gives it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Equipment or parameter.
    #[schemars(length(min = 1, max = 64))]
    cause: String,
    /// Parameter or defect type.
    #[schemars(length(min = 1, max = 64))]
    effect: String,
    /// In which way the cause deviates.
    direction: Way,
    /// Value at which the effect is established.
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    threshold: Option<f64>,
    /// How sure it is, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    confidence: f64,
    /// Least seconds from cause to effect.
    #[schemars(range(min = 0.0, max = LAG_MOST_S))]
    lag_min_s: f64,
    /// Most seconds from cause to effect.
    #[schemars(range(min = 0.0, max = LAG_MOST_S))]
    lag_max_s: f64,
    /// Why the one leads to the other.
    #[schemars(length(max = TEXT_MOST))]
    mechanism: String,
    /// What to do.
    #[schemars(length(max = TEXT_MOST))]
    advice: String,
    /// Why the graph is changed.
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

pub fn routes() -> Vec<Route> {
    let (path, tag) = ("/api/knowledge-graph/edges/{id}", "knowledge graph");
    let after = answer([("edge", row::<EdgeRow>())]);
    let problems = &[Problem::NotFound, Problem::Conflict];
    let id = || Kind::Int(0, i64::from(u32::MAX));
    vec![
        Route::change(Method::POST, "/api/knowledge-graph/edges", tag, "Adds an edge.", Role::Engineer, add)
            .body(schema::of::<Given>())
            .answers(after.clone())
            .problems(problems),
        Route::change(Method::PUT, path, tag, "Replaces an edge.", Role::Engineer, replace)
            .segment("id", id(), "The edge.")
            .body(schema::of::<Given>())
            .answers(after.clone())
            .problems(problems),
        Route::change(Method::DELETE, path, tag, "Removes an edge; answers with what it was.", Role::Engineer, remove)
            .segment("id", id(), "The edge.")
            .required("reason", Kind::Text(TEXT_MOST), "Why the graph is changed.")
            .answers(after),
    ]
}

fn node(field: &'static str, name: &str, names: &Names) -> Result<Node, ApiError> {
    let equipment = || names.equipment_id(name).map(Node::Equipment);
    let parameter = || names.parameter_id(name).map(Node::Parameter);
    let found = DefectType::parse(name).map(Node::Defect).or_else(parameter).or_else(equipment);
    found.ok_or_else(|| ApiError::unknown(field, "equipment, parameter or defect type", name))
}

impl Given {
    /// From what is the body of no request: refused as such a body would be.
    pub fn checked(value: Value) -> Result<Given, ApiError> {
        static SCHEMA: LazyLock<Value> = LazyLock::new(schema::of::<Given>);
        let value = checked(&SCHEMA, value)?;
        serde_json::from_value(value).map_err(|error| ApiError::bad("edge", error.to_string()))
    }

    fn edge(&self, names: &Names) -> Result<Edge, ApiError> {
        let ms = |seconds: f64| SpanMs((seconds * 1000.0).round() as i64);
        let threshold = self.threshold.map(Micro::from_f64).transpose();
        Ok(Edge {
            cause: node("cause", &self.cause, names)?,
            effect: node("effect", &self.effect, names)?,
            direction: match self.direction {
                Way::High => Direction::High,
                Way::Low => Direction::Low,
                Way::Variation => Direction::Variation,
            },
            threshold: threshold.map_err(|error| ApiError::bad("threshold", format!("threshold {error}")))?,
            confidence: PerMille::from_f64(self.confidence),
            lag_min: ms(self.lag_min_s),
            lag_max: ms(self.lag_max_s),
            mechanism: self.mechanism.clone(),
            advice: self.advice.clone(),
        })
    }
}

fn id_of(call: &Call) -> Result<EdgeId, ApiError> {
    let unknown = || ApiError::not_found(format!("edge {}", call.path[0]));
    call.path[0].parse().map(EdgeId).map_err(|_| unknown())
}

fn find(snapshot: &Snapshot, id: EdgeId) -> Result<&EdgeRow, ApiError> {
    snapshot.edges.get(|row| row.edge_id.cmp(&id)).ok_or_else(|| ApiError::not_found(format!("edge {}", id.0)))
}

/// A change of the causal graph.
pub enum Change {
    Add(Given),
    Replace(EdgeId, Given),
    Remove(EdgeId, String),
}

async fn add(app: App, call: Call) -> Answer {
    answered(&app, &call, Change::Add(call.json()?)).await
}

async fn replace(app: App, call: Call) -> Answer {
    let given: Given = call.json()?;
    answered(&app, &call, Change::Replace(id_of(&call)?, given)).await
}

async fn remove(app: App, call: Call) -> Answer {
    let reason = call.query.text("reason").unwrap_or_default().to_owned();
    answered(&app, &call, Change::Remove(id_of(&call)?, reason)).await
}

async fn answered(app: &App, call: &Call, change: Change) -> Answer {
    let _edit = app.edits().lock().await;
    let edge = make(app, call.by(), change).await?;
    Ok(look::answer(&app.runtime().snapshot(), json!({ "edge": edge })).into())
}

/// Checks a change against the graph as it is, makes it, and gives the edge as it is then, or was before it was removed.
/// Whoever calls holds [`App::edits`].
pub async fn make(app: &App, by: String, change: Change) -> Result<Value, ApiError> {
    let snapshot = app.runtime().snapshot();
    let names = &*snapshot.names;
    let (action, id, before, after, reason) = match change {
        Change::Add(given) => {
            let graph = graph_of(&snapshot)?;
            let (id, edge) = (names.free_edge(), given.edge(names)?);
            graph.check(names, id, &edge)?;
            ("edge.add", id, None, Some(edge), given.reason)
        }
        Change::Replace(id, given) => {
            let (old, edge) = (edge_of(find(&snapshot, id)?), given.edge(names)?);
            graph_of(&snapshot)?.check(names, id, &edge)?;
            ("edge.update", id, Some(old), Some(edge), given.reason)
        }
        Change::Remove(id, reason) => ("edge.remove", id, Some(edge_of(find(&snapshot, id)?)), None, reason),
    };
    let row = |edge: &Option<Edge>| match edge {
        Some(edge) => look::rows([&row_of(id, edge.clone())], names).remove(0),
        None => Value::Null,
    };
    let shown = row(if after.is_some() { &after } else { &before });
    let audit = Audit {
        by,
        action: action.into(),
        subject: format!("edge {}", id.0),
        before: row(&before),
        after: row(&after),
        reason,
    };
    apply(app, vec![Event::Edge(id, after)], audit).await?;
    Ok(shown)
}

fn row_of(id: EdgeId, edge: Edge) -> EdgeRow {
    EdgeRow {
        edge_id: id,
        cause: edge.cause,
        effect: edge.effect,
        direction: edge.direction,
        threshold: edge.threshold,
        confidence: edge.confidence,
        lag_min_s: edge.lag_min,
        lag_max_s: edge.lag_max,
        mechanism: edge.mechanism,
        advice: edge.advice,
    }
}
