//! Trained models: which there are, which of them score, and the changes of that.

use super::App;
use super::dispatch::utf_8;
use super::error::{ApiError, Problem};
use super::health::component;
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Reply, Route};
use super::schema::{self, NOT_BLANK, TEXT_MOST, answer, list, nullable, object, row, text};
use crate::auth::Role;
use crate::registry::{Aliases, Archive, Archived, Changed, Registry, RegistryError, Status, find};
use lehr_dataflows::tables::ModelRow;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;
use warp::http::Method;

/// Who may say which model scores, and have one trained.
pub const CHANGES_MODELS: Role = Role::Engineer;

pub const KINDS: &[&str] = &["forecaster", "graph", "ensemble", "inspector"];
/// Characters of the longest version.
const VERSION_MOST: usize = 32;

const TAG: &str = "models";

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Promote {
    /// Such as `1.0.2`.
    #[schemars(length(min = 1, max = VERSION_MOST))]
    version: String,
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RollBack {
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Challenge {
    /// Such as `1.0.2`; none any more when null.
    #[schemars(length(min = 1, max = VERSION_MOST))]
    version: Option<String>,
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

pub fn routes() -> Vec<Route> {
    let one = || answer([("model", model_schema())]);
    let kind = Kind::OneOf(KINDS);
    let version = Kind::Text(VERSION_MOST);
    let deploys =
        |route: Route| route.segment("model", kind, "Kind of the model.").answers(one()).problems(&[Problem::Conflict]);
    let detail =
        answer([("model", model_schema()), ("metrics", json!({ "type": "object" })), ("card", nullable(text()))]);
    vec![
        Route::get("/api/models", TAG, "Registered versions, the newest first, and which of them score.", models)
            .query("model", kind, "This kind alone.")
            .answers(answer([("models", list(model_schema()))])),
        Route::change(
            Method::POST,
            "/api/models/register",
            TAG,
            "Registers a version from its ONNX file, which says which one it is. Puts nothing into production.",
            CHANGES_MODELS,
            register,
        )
        .query("note", Kind::Text(TEXT_MOST), "Why, or where it comes from.")
        .file("The ONNX file, with the metadata that lehr-train writes.")
        .answers(one())
        .problems(&[Problem::Conflict])
        .heavy(),
        Route::get("/api/models/{model}/{version}", TAG, "A version, with its metrics and its card.", model)
            .segment("model", kind, "Kind of the model.")
            .segment("version", version, "Its version.")
            .answers(detail),
        Route::get("/api/models/{model}/{version}/file", TAG, "The ONNX file of a version.", file)
            .segment("model", kind, "Kind of the model.")
            .segment("version", version, "Its version.")
            .answers_only(&["application/octet-stream"])
            .problems(&[Problem::Conflict])
            .heavy(),
        Route::change(
            Method::PUT,
            "/api/models/{model}/{version}/card",
            TAG,
            "Gives a version another card.",
            CHANGES_MODELS,
            put_card,
        )
        .segment("model", kind, "Kind of the model.")
        .segment("version", version, "Its version.")
        .lines("The card, Markdown, 1 MiB at most.")
        .answers_nothing(),
        deploys(Route::change(
            Method::POST,
            "/api/models/{model}/promote",
            TAG,
            "Puts a version into production, from now on.",
            CHANGES_MODELS,
            promote,
        ))
        .body(schema::of::<Promote>()),
        deploys(Route::change(
            Method::POST,
            "/api/models/{model}/rollback",
            TAG,
            "Puts the version into production that was there before.",
            CHANGES_MODELS,
            roll_back,
        ))
        .body(schema::of::<RollBack>()),
        deploys(Route::change(
            Method::POST,
            "/api/models/{model}/challenger",
            TAG,
            "Names the version that is to be compared with production, or none.",
            CHANGES_MODELS,
            challenge,
        ))
        .body(schema::of::<Challenge>())
        .answers(answer([("model", nullable(model_schema()))])),
    ]
}

fn model_schema() -> Value {
    let aliases = list(json!({ "type": "string", "enum": ["production", "previous", "challenger"] }));
    let file = json!({ "type": "string", "enum": ["ready", "missing", "damaged"] });
    json!({ "allOf": [row::<ModelRow>(), object([("aliases", aliases), ("file", file)])] })
}

/// A version with what is known of it now. Looks at its file.
fn model_json(registry: &Registry, snapshot: &Snapshot, row: &ModelRow) -> Value {
    let mut json = row_to_json(row, &snapshot.names);
    json["aliases"] = Aliases::of(snapshot, row.model).names(row.version).into();
    json["file"] = registry.state(row).text().into();
    json
}

/// Work that waits for the disk or for a tick.
pub async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Registry, Arc<Snapshot>) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let (registry, snapshot) = (app.registry().clone(), app.runtime().snapshot());
    tokio::task::spawn_blocking(move || work(&registry, snapshot)).await.map_err(ApiError::internal)?
}

/// The kind that a path names.
pub fn kind(text: &str) -> Result<ModelKind, ApiError> {
    ModelKind::parse(text).ok_or_else(|| ApiError::not_found(format!("model '{text}'")))
}

fn version(text: &str) -> Result<ModelVersion, ApiError> {
    text.parse().map_err(|_| ApiError::not_found(format!("version '{text}'")))
}

/// The version that a body names.
fn asked(text: &str) -> Result<ModelVersion, ApiError> {
    text.parse().map_err(|error: lehr_domain::model::NoVersion| ApiError::bad("version", error.to_string()))
}

/// The version that a path names.
pub fn named(snapshot: &Snapshot, model: &str, number: &str) -> Result<ModelRow, ApiError> {
    let (model, version) = (kind(model)?, version(number)?);
    let found = find(snapshot, model, version).cloned();
    found.ok_or_else(|| ApiError::not_found(format!("{model} {version}")))
}

async fn models(app: App, call: Call) -> Answer {
    let wanted = call.query.text("model").map(kind).transpose()?;
    blocking(&app, move |registry, snapshot| {
        let mut rows: Vec<&ModelRow> =
            snapshot.models.iter().filter(|row| wanted.is_none_or(|model| row.model == model)).collect();
        rows.sort_by_key(|row| Reverse((row.registered_at, row.version, row.model)));
        let shown: Vec<Value> = rows.into_iter().map(|row| model_json(registry, &snapshot, row)).collect();
        Ok(look::answer(&snapshot, json!({ "models": shown })).into())
    })
    .await
}

async fn model(app: App, call: Call) -> Answer {
    blocking(&app, move |registry, snapshot| {
        let row = named(&snapshot, &call.path[0], &call.path[1])?;
        let members = json!({
            "model": model_json(registry, &snapshot, &row),
            "metrics": metrics(&row),
            "card": registry.card(row.model, row.version),
        });
        Ok(look::answer(&snapshot, members).into())
    })
    .await
}

/// What training found, as an object.
pub fn metrics(row: &ModelRow) -> Value {
    serde_json::from_str(&row.metrics).unwrap_or_else(|_| json!({}))
}

async fn file(app: App, call: Call) -> Answer {
    blocking(&app, move |registry, snapshot| {
        let row = named(&snapshot, &call.path[0], &call.path[1])?;
        Ok(Reply::Bytes { content_type: "application/octet-stream", bytes: registry.file(&row)?.into() })
    })
    .await
}

/// A version as it is after a change.
async fn shown(app: &App, model: ModelKind, version: ModelVersion) -> Answer {
    blocking(app, move |registry, snapshot| {
        let row = find(&snapshot, model, version).ok_or(RegistryError::Unknown { model, version })?;
        Ok(look::answer(&snapshot, json!({ "model": model_json(registry, &snapshot, row) })).into())
    })
    .await
}

async fn register(app: App, call: Call) -> Answer {
    let changed = Changed::new(call.by(), call.query.text("note").unwrap_or_default());
    let (model, version) =
        blocking(&app, move |registry, _| Ok(registry.register(&call.rows, None, &changed)?)).await?;
    shown(&app, model, version).await
}

async fn put_card(app: App, call: Call) -> Answer {
    blocking(&app, move |registry, snapshot| {
        let row = named(&snapshot, &call.path[0], &call.path[1])?;
        let text = utf_8(&call.rows)?;
        registry.put_card(row.model, row.version, text, &Changed::new(call.by(), ""))?;
        Ok(Reply::Nothing)
    })
    .await
}

async fn promote(app: App, call: Call) -> Answer {
    let Promote { version, reason } = call.json()?;
    let (model, version) = (kind(&call.path[0])?, asked(&version)?);
    let changed = Changed::new(call.by(), reason.trim());
    blocking(&app, move |registry, _| Ok(registry.promote(model, version, &changed)?)).await?;
    shown(&app, model, version).await
}

async fn roll_back(app: App, call: Call) -> Answer {
    let RollBack { reason } = call.json()?;
    let model = kind(&call.path[0])?;
    let changed = Changed::new(call.by(), reason.trim());
    let version = blocking(&app, move |registry, _| Ok(registry.roll_back(model, &changed)?)).await?;
    shown(&app, model, version).await
}

async fn challenge(app: App, call: Call) -> Answer {
    let Challenge { version, reason } = call.json()?;
    let (model, version) = (kind(&call.path[0])?, version.as_deref().map(asked).transpose()?);
    let changed = Changed::new(call.by(), reason.trim());
    blocking(&app, move |registry, _| Ok(registry.challenge(model, version, &changed)?)).await?;
    match version {
        Some(version) => shown(&app, model, version).await,
        None => Ok(look::answer(&app.runtime().snapshot(), json!({ "model": null })).into()),
    }
}

/// Models as a part of the system's health: degraded where one that is in production cannot score, or where there are
/// some and nothing to open them with.
pub async fn health(app: &App) -> Result<Value, ApiError> {
    blocking(app, |registry, snapshot| {
        let mut problems: Vec<String> = Vec::new();
        let mut scoring: Vec<String> = Vec::new();
        for model in ModelKind::ALL {
            let Some(version) = Aliases::of(&snapshot, model).production else { continue };
            let name = format!("{model} {version}");
            match find(&snapshot, model, version).map(|row| registry.state(row).text()) {
                Some("ready") => {}
                state => problems.push(format!("the file of {name} is {}", state.unwrap_or("not registered"))),
            }
            scoring.push(name);
        }
        let status = registry.opener().status();
        let failures: u64 = status.iter().map(|Status { failures, .. }| failures).sum();
        if !snapshot.models.is_empty() {
            let told = status.iter().filter_map(|Status { name, problem, .. }| Some((name, problem.as_ref()?)));
            problems.extend(told.map(|(name, problem)| format!("{name}: {problem}")));
        }
        if !problems.is_empty() {
            return Ok(component("models", "degraded", problems.join("; "), 0));
        }
        let mut detail = match scoring.is_empty() {
            true => "no model is in production".to_owned(),
            false => format!("in production: {}", scoring.join(", ")),
        };
        if let Some(Status { detail: library, .. }) = status.first() {
            detail.push_str(&format!("; {library}"));
        }
        if failures > 0 {
            detail.push_str(&format!("; {failures} failures since the start"));
        }
        Ok(component("models", "ok", detail, 0))
    })
    .await
}

/// Each store that has the files of models too, as a part of the system's health.
pub fn archives(app: &App) -> Vec<Value> {
    let part = |archive: &Arc<Archive>| {
        let Archived { versions, missing, restored, problem } = archive.archived();
        let mut detail = format!("it has {versions} of {} versions", versions + missing);
        if restored > 0 {
            detail.push_str(&format!("; files that came back since the start: {restored}"));
        }
        let (status, detail) = problem.map_or(("ok", detail), |problem| ("degraded", problem));
        component(&format!("models.{}", archive.store()), status, detail, missing as u64)
    };
    app.options().archives.iter().map(part).collect()
}
