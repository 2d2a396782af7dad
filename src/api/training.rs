//! Trainings as jobs.

use super::App;
use super::change::{Audit, apply};
use super::error::{ApiError, Problem};
use super::models::{CHANGES_MODELS, KINDS};
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, NOT_BLANK, SPAN, TEXT_MOST, integer, list, nullable, number, object, text, time};
use crate::registry::Changed;
use crate::registry::training::{Job, JobState, Order, SIMULATED_MOST, Simulated};
use lehr_domain::model::ModelKind;
use lehr_domain::{EventMs, SpanMs};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use warp::http::Method;

const TAG: &str = "models";

/// What can be trained.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Trained {
    Forecaster,
    Graph,
    Ensemble,
    Inspector,
}

impl Trained {
    fn kind(self) -> ModelKind {
        match self {
            Trained::Forecaster => ModelKind::Forecaster,
            Trained::Graph => ModelKind::Graph,
            Trained::Ensemble => ModelKind::Ensemble,
            Trained::Inspector => ModelKind::Inspector,
        }
    }
}

/// How much is simulated to learn from. Few plants make a model for trying things out, of no figures that mean anything.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Data {
    #[schemars(range(min = 3, max = SIMULATED_MOST.plants))]
    plants: u32,
    /// That each plant is watched.
    #[schemars(range(min = 1, max = SIMULATED_MOST.days))]
    days: u32,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Retrain {
    model: Trained,
    /// Time for training, 24h at most. Making the data and holding the model against others come on top.
    #[schemars(regex(pattern = SPAN))]
    budget: String,
    /// Of a forecaster or graph model; as much as those that come with Lehr learned from when it is left out.
    data: Option<Data>,
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

pub fn routes() -> Vec<Route> {
    let id = Kind::Int(1, i64::from(u32::MAX));
    vec![
        Route::change(
            Method::POST,
            "/api/models/retrain",
            TAG,
            "Trains a new version. It is registered as the challenger of the one in production, and not promoted.",
            CHANGES_MODELS,
            retrain,
        )
        .body(schema::of::<Retrain>())
        .answers(job_schema())
        .problems(&[Problem::TooMany]),
        Route::get("/api/models/jobs", TAG, "Trainings of this run of the server, the newest first.", jobs)
            .answers(object([("jobs", list(job_schema()))])),
        Route::get("/api/models/jobs/{id}", TAG, "How a training fares, and what came of it.", job)
            .segment("id", id, "The training.")
            .answers(job_schema()),
        Route::change(
            Method::DELETE,
            "/api/models/jobs/{id}",
            TAG,
            "Takes a training back: one that runs is ended, and leaves nothing.",
            CHANGES_MODELS,
            cancel,
        )
        .segment("id", id, "The training.")
        .query("reason", Kind::Text(TEXT_MOST), "Why it is taken back.")
        .answers(job_schema())
        .problems(&[Problem::Conflict]),
    ]
}

fn job_schema() -> Value {
    let progress = object([
        ("stage", text()),
        ("share", nullable(number())),
        ("epochs", integer()),
        ("epochs_most", nullable(integer())),
        ("loss", nullable(number())),
    ]);
    object([
        ("job_id", integer()),
        ("model", json!({ "type": "string", "enum": KINDS })),
        ("state", json!({ "type": "string", "enum": JobState::TEXTS })),
        ("progress", progress),
        // Wall time, like the times below.
        ("estimated_end", nullable(time())),
        ("budget_s", integer()),
        ("data", nullable(object([("plants", integer()), ("days", integer())]))),
        ("version", nullable(text())),
        ("error", nullable(text())),
        ("by", text()),
        ("reason", text()),
        ("asked_at", time()),
        ("began_at", nullable(time())),
        ("ended_at", nullable(time())),
    ])
}

fn wall(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    EventMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).to_string()
}

fn job_json(job: &Job) -> Value {
    let (Order { model, budget, data }, progress) = (job.order, &job.progress);
    json!({
        "job_id": job.id,
        "model": model.text(),
        "state": job.state.text(),
        "progress": {
            "stage": progress.stage,
            "share": progress.share,
            "epochs": progress.epochs,
            "epochs_most": progress.epochs_most,
            "loss": progress.loss,
        },
        "estimated_end": job.estimated_end.map(wall),
        "budget_s": budget.as_secs(),
        "data": data.map(|Simulated { plants, days }| json!({ "plants": plants, "days": days })),
        "version": job.version.map(|version| version.to_string()),
        "error": job.error,
        "by": job.changed.by,
        "reason": job.changed.reason,
        "asked_at": wall(job.asked),
        "began_at": job.began.map(wall),
        "ended_at": job.ended.map(wall),
    })
}

async fn retrain(app: App, call: Call) -> Answer {
    let Retrain { model, budget, data, reason } = call.json()?;
    let budget = SpanMs::parse(&budget).map_err(|error| ApiError::bad("budget", error.to_string()))?;
    let budget = Duration::from_millis(budget.0.unsigned_abs());
    let data = data.map(|Data { plants, days }| Simulated { plants, days });
    let order = Order { model: model.kind(), budget, data };
    let reason = reason.trim().to_owned();
    let job = app.training().ask(order, Changed::new(call.by(), reason.as_str()))?;
    let shown = job_json(&job);
    let audit = Audit {
        by: call.by(),
        action: "model.retrain".into(),
        subject: order.model.to_string(),
        after: json!({ "job": job.id, "budget_s": shown["budget_s"], "data": shown["data"] }),
        reason,
        ..Audit::default()
    };
    apply(&app, Vec::new(), audit).await?;
    Ok(shown.into())
}

async fn jobs(app: App, _call: Call) -> Answer {
    let jobs: Vec<Value> = app.training().jobs().iter().map(job_json).collect();
    Ok(json!({ "jobs": jobs }).into())
}

fn id(call: &Call) -> Result<u64, ApiError> {
    call.path[0].parse().map_err(|_| ApiError::not_found(format!("training {}", call.path[0])))
}

async fn job(app: App, call: Call) -> Answer {
    Ok(job_json(&app.training().job(id(&call)?)?).into())
}

async fn cancel(app: App, call: Call) -> Answer {
    let job = app.training().cancel(id(&call)?)?;
    let audit = Audit {
        by: call.by(),
        action: "model.retrain.cancel".into(),
        subject: job.order.model.to_string(),
        before: json!({ "job": job.id }),
        reason: call.query.text("reason").unwrap_or_default().to_owned(),
        ..Audit::default()
    };
    apply(&app, Vec::new(), audit).await?;
    Ok(job_json(&job).into())
}
