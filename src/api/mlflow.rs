//! The registry as clients of MLflow read it: models by name, versions, aliases, and where a file is.
//!
//! Names of models are the kinds. Versions are semantic ones, texts as MLflow's are. What MLflow would have changed through
//! its own paths is changed through `/api/models`.

use super::App;
use super::error::{ApiError, Problem};
use super::models::{blocking, named};
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{list, object, text};
use crate::registry::{Aliases, FileState, Registry};
use lehr_dataflows::tables::ModelRow;
use lehr_domain::model::{Alias, ModelKind};
use lehr_queries::Snapshot;
use serde_json::{Value, json};

const TAG: &str = "mlflow";
/// Versions of an answer.
const VERSIONS_MOST: usize = 1_000;

pub fn routes() -> Vec<Route> {
    let model = || object([("name", text()), ("latest_versions", list(json!({ "type": "object" })))]);
    let version = || object([("name", text()), ("version", text()), ("status", text())]);
    let name =
        |route: Route| route.required("name", Kind::Text(64), "Kind of the model.").problems(&[Problem::NotFound]);
    let number = |route: Route| name(route).required("version", Kind::Text(32), "Its version.");
    let search = |route: Route| {
        let route = route.query("filter", Kind::Text(200), "`name='KIND'`, or nothing.");
        let route = route.query("max_results", Kind::Int(1, 1_000_000), "As clients send it; not looked at.");
        let route = route.query("order_by", Kind::Text(200), "As clients send it; not looked at.");
        route.query("page_token", Kind::Text(200), "As clients send it; all is on the first page.")
    };
    vec![
        name(Route::get("/api/2.0/mlflow/registered-models/get", TAG, "A model with its versions.", |app, call| {
            answer(app, call, |registry, snapshot, call| {
                let kind = kind(required(call, "name")?)?;
                Ok(json!({ "registered_model": model_json(registry, snapshot, kind) }))
            })
        }))
        .answers(object([("registered_model", model())])),
        search(Route::get(
            "/api/2.0/mlflow/registered-models/search",
            TAG,
            "Models that have versions.",
            |app, call| {
                answer(app, call, |registry, snapshot, call| {
                    let wanted = filter(call)?;
                    let there = |kind: &ModelKind| versions(snapshot, *kind).next().is_some();
                    let kinds = ModelKind::ALL.into_iter().filter(|kind| wanted.is_none_or(|wanted| wanted == *kind));
                    let models = kinds.filter(there).map(|kind| model_json(registry, snapshot, kind));
                    Ok(json!({ "registered_models": models.collect::<Vec<_>>() }))
                })
            },
        ))
        .answers(object([("registered_models", list(model()))])),
        name(Route::get(
            "/api/2.0/mlflow/registered-models/alias",
            TAG,
            "The version that an alias means.",
            |app, call| {
                answer(app, call, |registry, snapshot, call| {
                    let (name, alias) = (required(call, "name")?, required(call, "alias")?);
                    let meant = Aliases::of(snapshot, kind(name)?).meant(alias);
                    let meant = meant.ok_or_else(|| ApiError::unknown("alias", "alias", alias))?;
                    let row = named(snapshot, name, &meant.to_string())?;
                    Ok(json!({ "model_version": version_json(registry, snapshot, &row) }))
                })
            },
        ))
        .required("alias", Kind::Text(64), "production, previous or challenger.")
        .answers(object([("model_version", version())])),
        number(Route::get("/api/2.0/mlflow/model-versions/get", TAG, "A version.", |app, call| {
            answer(app, call, |registry, snapshot, call| {
                let row = named(snapshot, required(call, "name")?, required(call, "version")?)?;
                Ok(json!({ "model_version": version_json(registry, snapshot, &row) }))
            })
        }))
        .answers(object([("model_version", version())])),
        search(Route::get("/api/2.0/mlflow/model-versions/search", TAG, "Versions, the newest first.", |app, call| {
            answer(app, call, |registry, snapshot, call| {
                let wanted = filter(call)?;
                let kinds = ModelKind::ALL.into_iter().filter(|kind| wanted.is_none_or(|wanted| wanted == *kind));
                let rows = kinds.flat_map(|kind| versions(snapshot, kind)).take(VERSIONS_MOST);
                let rows: Vec<Value> = rows.map(|row| version_json(registry, snapshot, row)).collect();
                Ok(json!({ "model_versions": rows }))
            })
        }))
        .answers(object([("model_versions", list(version()))])),
        number(Route::get("/api/2.0/mlflow/model-versions/get-download-uri", TAG, "Where a file is.", |app, call| {
            answer(app, call, |_, snapshot, call| {
                let row = named(snapshot, required(call, "name")?, required(call, "version")?)?;
                Ok(json!({ "artifact_uri": source(&row) }))
            })
        }))
        .answers(object([("artifact_uri", text())])),
    ]
}

async fn answer(
    app: App,
    call: Call,
    say: impl FnOnce(&Registry, &Snapshot, &Call) -> Result<Value, ApiError> + Send + 'static,
) -> Answer {
    Ok(blocking(&app, move |registry, snapshot| say(registry, &snapshot, &call)).await?.into())
}

fn required<'c>(call: &'c Call, name: &str) -> Result<&'c str, ApiError> {
    call.query.text(name).ok_or_else(|| ApiError::bad(name, format!("parameter {name} is missing")))
}

fn kind(name: &str) -> Result<ModelKind, ApiError> {
    ModelKind::parse(name).ok_or_else(|| ApiError::unknown("name", "model", name))
}

/// The kind that a filter asks for; all without one.
fn filter(call: &Call) -> Result<Option<ModelKind>, ApiError> {
    let Some(text) = call.query.text("filter") else { return Ok(None) };
    let name = text.trim().strip_prefix("name").map(|rest| rest.trim_start()).and_then(|rest| rest.strip_prefix('='));
    let quoted = name.map(str::trim).and_then(|name| name.strip_prefix('\'')?.strip_suffix('\''));
    let quoted = quoted.ok_or_else(|| ApiError::bad("filter", "filter must be name='KIND', or not be there"))?;
    kind(quoted).map(Some)
}

/// The versions of a kind, the newest first.
fn versions(snapshot: &Snapshot, model: ModelKind) -> impl Iterator<Item = &ModelRow> {
    snapshot.models.range(move |row| row.model.cmp(&model)).rev()
}

fn model_json(registry: &Registry, snapshot: &Snapshot, model: ModelKind) -> Value {
    let rows: Vec<&ModelRow> = versions(snapshot, model).take(VERSIONS_MOST).collect();
    let aliases = Aliases::of(snapshot, model);
    let named = ["previous"].into_iter().chain(Alias::ALL.map(Alias::text));
    let named = named.filter_map(|name| Some(json!({ "alias": name, "version": aliases.meant(name)?.to_string() })));
    json!({
        "name": model.text(),
        "creation_timestamp": rows.iter().map(|row| row.registered_at.0).min(),
        "last_updated_timestamp": rows.iter().map(|row| row.registered_at.0).max(),
        "aliases": named.collect::<Vec<_>>(),
        "latest_versions": rows.iter().take(1).map(|row| version_json(registry, snapshot, row)).collect::<Vec<_>>(),
    })
}

fn version_json(registry: &Registry, snapshot: &Snapshot, row: &ModelRow) -> Value {
    let tag = |key: &str, value: &str| json!({ "key": key, "value": value });
    json!({
        "name": row.model.text(),
        "version": row.version.to_string(),
        "creation_timestamp": row.registered_at.0,
        "last_updated_timestamp": row.registered_at.0,
        "user_id": row.by,
        "description": row.note,
        "current_stage": "None",
        "source": source(row),
        "run_id": "",
        "status": if registry.state(row) == FileState::Ready { "READY" } else { "FAILED_REGISTRATION" },
        "aliases": Aliases::of(snapshot, row.model).names(row.version),
        "tags": [tag("digest", &row.digest), tag("schema", &row.schema), tag("data", &row.data)],
    })
}

/// The path of the file on this server.
fn source(row: &ModelRow) -> String {
    format!("/api/models/{}/{}/file", row.model, row.version)
}
