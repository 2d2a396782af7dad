//! Mirrors of the causal graph in Neo4j: how each differs from Lehr's, and edits made there, to be taken over.
//!
//! An edit is known by a hash of what it says, so that what is imported is what somebody has seen. Importing is an edit of
//! edges like any other, with the same checks and the same entry in the audit trail.

use super::App;
use super::edges::{Change, Given, make};
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, HEX_ID, NOT_BLANK, answer, integer, list, nullable, object, row, text};
use crate::auth::Role;
use crate::causes::with_causes;
use crate::sinks::{StoreConfig, edges_table};
use lehr_dataflows::tables::EdgeRow;
use lehr_domain::EdgeId;
use lehr_domain::table::{Cell, Row};
use lehr_neo4j::{Config, Drift, Edit, Seen};
use lehr_queries::Snapshot;
use lehr_targets::{Table, TargetError, cell_to_json};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use warp::http::Method;

/// How long a mirror may take for all that a request asks of it. Somebody waits before a screen.
const MIRROR_MOST: Duration = Duration::from_secs(15);
/// Differences or edits in an answer: some 500 bytes each.
const LISTED_MOST: i64 = 1000;
/// Edits of one import: each is a tick of its own.
const IMPORTED_MOST: usize = 100;
/// Characters of a reason, to which the mirror's name is added.
const REASON_MOST: usize = 900;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Import {
    /// Ids of edits, carried out in this order.
    #[schemars(length(min = 1, max = IMPORTED_MOST), inner(regex(pattern = HEX_ID)))]
    edits: Vec<String>,
    /// Why the graph is changed.
    #[schemars(length(min = 1, max = REASON_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

pub fn routes() -> Vec<Route> {
    let tag = "knowledge graph";
    let mirror = object([
        ("name", text()),
        ("address", text()),
        ("position", integer()),
        ("behind", integer()),
        ("error", nullable(text())),
    ]);
    let field = object([("column", text()), ("lehr", Value::Bool(true)), ("mirror", Value::Bool(true))]);
    let differs = object([
        ("edge_id", nullable(integer())),
        ("cause", text()),
        ("effect", text()),
        ("what", text()),
        ("fields", list(field)),
    ]);
    let edit = object([
        ("id", text()),
        ("edit", text()),
        ("edge_id", nullable(integer())),
        ("edge", json!({ "type": ["object", "null"] })),
        ("why", nullable(text())),
    ]);
    let result =
        object([("id", text()), ("outcome", text()), ("message", text()), ("edge", nullable(row::<EdgeRow>()))]);
    let problems = &[Problem::Conflict, Problem::Unavailable];
    let store = || Kind::Text(64);
    let limited = |route: Route| route.query("limit", Kind::Int(1, LISTED_MOST), "How many at most; 100 when absent.");
    vec![
        Route::get(
            "/api/knowledge-graph/mirrors",
            tag,
            "Every store that mirrors the causal graph, and how far it is.",
            mirrors,
        )
        .answers(answer([("mirrors", list(mirror))])),
        limited(Route::get(
            "/api/knowledge-graph/mirrors/{store}/drift",
            tag,
            "What differs between Lehr's causal graph and a mirror, with the tick that the mirror holds.",
            drift,
        ))
        .segment("store", store(), "The mirror.")
        .problems(problems)
        .heavy()
        .answers(answer([("holds", integer()), ("total", integer()), ("drift", list(differs))])),
        limited(Route::get(
            "/api/knowledge-graph/mirrors/{store}/edits",
            tag,
            "What people changed in a mirror: changed, added and removed can be imported; unusable and overtaken say why not.",
            edits,
        ))
        .segment("store", store(), "The mirror.")
        .problems(problems)
        .heavy()
        .answers(answer([("holds", integer()), ("total", integer()), ("edits", list(edit))])),
        Route::change(
            Method::POST,
            "/api/knowledge-graph/mirrors/{store}/import",
            tag,
            "Takes over edits from a mirror, and says of each: imported, refused, overtaken, unusable or unknown.",
            Role::Engineer,
            import,
        )
        .segment("store", store(), "The mirror.")
        .body(schema::of::<Import>())
        .problems(problems)
        .heavy()
        .answers(answer([("imported", integer()), ("results", list(result))])),
    ]
}

/// A mirror by the name in the path.
fn find(app: &App, call: &Call) -> Result<Arc<dyn StoreConfig>, ApiError> {
    let name = &call.path[0];
    let found = app.options().stores.iter().find(|store| store.name() == name && store.mirror().is_some());
    found.cloned().ok_or_else(|| ApiError::not_found(format!("mirror {name}")))
}

/// The mirror as it is, unless it takes too long.
async fn look_at(store: &dyn StoreConfig) -> Result<Seen, ApiError> {
    let name = store.name();
    let config: &Config = store.mirror().ok_or_else(|| ApiError::not_found(format!("mirror {name}")))?;
    match tokio::time::timeout(MIRROR_MOST, Seen::of(config)).await {
        Ok(seen) => seen.map_err(|error| refused(name, &error)),
        Err(_) => {
            let message = format!("mirror {name}: {}: no answer within {} s", store.address(), MIRROR_MOST.as_secs());
            Err(ApiError::field(Problem::Unavailable, "store", message))
        }
    }
}

fn refused(name: &str, error: &TargetError) -> ApiError {
    let problem = match error {
        TargetError::Away(_) => Problem::Unavailable,
        TargetError::Refused(_) | TargetError::Differs { .. } => Problem::Conflict,
    };
    ApiError::field(problem, "store", format!("mirror {name}: {}", with_causes(error)))
}

/// Lehr's own edges as mirrors know them.
fn own(snapshot: &Snapshot) -> (Table, Vec<Vec<Cell>>) {
    (edges_table(), snapshot.edges.iter().map(|row| row.cells(&snapshot.names)).collect())
}

async fn mirrors(app: App, _call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let statuses = app.runtime().sinks();
    let stores = app.options().stores.iter().filter(|store| store.mirror().is_some());
    let shown = stores.map(|store| {
        let status = statuses.iter().find(|status| status.name == store.name());
        let position = status.map_or(0, |status| status.position.0);
        json!({
            "name": store.name(),
            "address": store.address(),
            "position": position,
            "behind": snapshot.tick.0.saturating_sub(position),
            "error": status.and_then(|status| status.failure.clone()),
        })
    });
    let shown: Vec<Value> = shown.collect();
    Ok(look::answer(&snapshot, json!({ "mirrors": shown })).into())
}

/// As many as an answer may list.
fn limit(call: &Call) -> usize {
    call.query.int("limit").unwrap_or(100).unsigned_abs() as usize
}

async fn drift(app: App, call: Call) -> Answer {
    let store = find(&app, &call)?;
    let seen = look_at(&*store).await?;
    let snapshot = app.runtime().snapshot();
    let (table, rows) = own(&snapshot);
    let all = seen.drift(&table, &rows).map_err(|error| refused(store.name(), &error))?;
    let shown: Vec<Value> = all.iter().take(limit(&call)).map(difference).collect();
    Ok(look::answer(&snapshot, json!({ "holds": seen.tick().0, "total": all.len(), "drift": shown })).into())
}

fn difference(drift: &Drift) -> Value {
    let field = |field: &lehr_neo4j::Difference| json!({ "column": field.column, "lehr": cell_to_json(&field.lehr), "mirror": cell_to_json(&field.mirror) });
    let fields: Vec<Value> = drift.fields.iter().map(field).collect();
    json!({
        "edge_id": drift.edge_id,
        "cause": drift.cause,
        "effect": drift.effect,
        "what": drift.what,
        "fields": fields,
    })
}

async fn edits(app: App, call: Call) -> Answer {
    let store = find(&app, &call)?;
    let seen = look_at(&*store).await?;
    let snapshot = app.runtime().snapshot();
    let all = identified(&seen, &snapshot).map_err(|error| refused(store.name(), &error))?;
    let shown: Vec<Value> = all.iter().take(limit(&call)).map(|(id, edit)| described(id, edit)).collect();
    Ok(look::answer(&snapshot, json!({ "holds": seen.tick().0, "total": all.len(), "edits": shown })).into())
}

/// Edits, each with its id: a hash of what was done, whether Lehr has overtaken it or not. Of several that are the same,
/// each has another.
fn identified(seen: &Seen, snapshot: &Snapshot) -> Result<Vec<(String, Edit)>, TargetError> {
    let (table, rows) = own(snapshot);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let done = seen.all_edits().into_iter().map(|edit| {
        let text = serde_json::to_string(&edit).unwrap_or_else(|_| format!("{edit:?}"));
        let time = times.entry(text.clone()).or_default();
        *time += 1;
        let hash = Sha256::digest(format!("{time}{text}"));
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>()
    });
    Ok(done.zip(seen.edits(&table, &rows)?).collect())
}

fn described(id: &str, edit: &Edit) -> Value {
    let (kind, edge_id, edge, why) = match edit {
        Edit::Changed { edge_id, edge } => ("changed", Some(*edge_id), Some(edge), None),
        Edit::Added { edge } => ("added", None, Some(edge), None),
        Edit::Removed { edge_id } => ("removed", Some(*edge_id), None, None),
        Edit::Unusable { edge_id, why } => ("unusable", *edge_id, None, Some(why)),
        Edit::Overtaken { edge_id, why } => ("overtaken", *edge_id, None, Some(why)),
    };
    json!({ "id": id, "edit": kind, "edge_id": edge_id, "edge": edge, "why": why })
}

/// Stops at what is no fault of an edit, such as that Lehr takes no inputs; what was imported by then is overtaken when it
/// is asked for again.
async fn import(app: App, call: Call) -> Answer {
    let Import { edits, reason } = call.json()?;
    let store = find(&app, &call)?;
    let name = store.name();
    // Before anybody who edits is kept waiting.
    let seen = look_at(&*store).await?;
    let reason = format!("{reason} (edited in the mirror {name})");
    let _edit = app.edits().lock().await;
    let all = identified(&seen, &app.runtime().snapshot()).map_err(|error| refused(name, &error))?;
    let mut known: BTreeMap<String, Edit> = all.into_iter().collect();
    let mut results = Vec::new();
    let mut imported = 0;
    for id in edits {
        let (outcome, message, edge) = match known.remove(&id) {
            None => {
                let message = "no such edit is in the mirror now, or it was named twice: read the edits again";
                ("unknown", message.to_owned(), Value::Null)
            }
            Some(Edit::Unusable { why, .. }) => ("unusable", why, Value::Null),
            Some(Edit::Overtaken { why, .. }) => ("overtaken", why, Value::Null),
            Some(edit) => match take_over(&app, call.by(), edit, &reason).await {
                Ok(edge) => {
                    imported += 1;
                    ("imported", String::new(), edge)
                }
                Err(error) if is_of_the_edit(error.problem) => ("refused", error.message, Value::Null),
                Err(error) => return Err(error),
            },
        };
        results.push(json!({ "id": id, "outcome": outcome, "message": message, "edge": edge }));
    }
    let snapshot = app.runtime().snapshot();
    Ok(look::answer(&snapshot, json!({ "imported": imported, "results": results })).into())
}

/// Makes an edit one of Lehr's; gives the edge as it is then, or was before it was removed.
async fn take_over(app: &App, by: String, edit: Edit, reason: &str) -> Result<Value, ApiError> {
    let number =
        |edge_id: i64| u32::try_from(edge_id).map(EdgeId).map_err(|_| ApiError::not_found(format!("edge {edge_id}")));
    let given = |edge: lehr_neo4j::Edge| {
        let mut value = serde_json::to_value(edge).map_err(ApiError::internal)?;
        value["reason"] = reason.into();
        Given::checked(value)
    };
    let change = match edit {
        Edit::Changed { edge_id, edge } => Change::Replace(number(edge_id)?, given(edge)?),
        Edit::Added { edge } => Change::Add(given(edge)?),
        Edit::Removed { edge_id } => Change::Remove(number(edge_id)?, reason.to_owned()),
        Edit::Unusable { why, .. } | Edit::Overtaken { why, .. } => return Err(ApiError::conflict(why)),
    };
    make(app, by, change).await
}

/// Whether the edit is to blame, and not what Lehr is in.
fn is_of_the_edit(problem: Problem) -> bool {
    matches!(problem, Problem::BadRequest | Problem::NotFound | Problem::Conflict | Problem::Limit)
}
