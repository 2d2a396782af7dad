//! How good models are: by their training, by what they foretold here and what came, and by what they found here and what
//! MIK-1 found.

use super::App;
use super::look;
use super::models::metrics;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, number, object, text, time};
use crate::registry::{Aliases, find, quality};
use lehr_dataflows::forecasts::Hits;
use lehr_dataflows::inspections::{Agreement, SEEN};
use lehr_domain::defect_event::DefectEvent;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_domain::unit::DefectType;
use lehr_domain::{LineId, SpanMs};
use lehr_queries::Snapshot;
use serde_json::{Value, json};

/// What is summed up beside the history.
const PERIODS: [(&str, SpanMs); 2] = [("day", SpanMs::days(1)), ("week", SpanMs::days(7))];

pub fn routes() -> Vec<Route> {
    let figures = || {
        object([
            ("horizon_s", number()),
            ("n", integer()),
            ("accuracy", nullable(number())),
            ("precision", nullable(number())),
            ("recall", nullable(number())),
            ("f1", nullable(number())),
            ("brier", nullable(number())),
            ("calibration_error", nullable(number())),
            ("prevalence", nullable(number())),
        ])
    };
    let agreement = || {
        object([
            ("defect_type", text()),
            ("pictures", integer()),
            ("both", integer()),
            ("inspector_only", integer()),
            ("mik1_only", integer()),
            ("neither", integer()),
            ("accuracy", nullable(number())),
            ("precision", nullable(number())),
            ("recall", nullable(number())),
            ("f1", nullable(number())),
            ("prevalence", nullable(number())),
        ])
    };
    let inspected = || object([("from", time()), ("defects", list(agreement()))]);
    let period = || object([("from", time()), ("horizons", list(figures()))]);
    let day = || object([("day", time()), ("version", text())]);
    let inspection = object([
        ("day", inspected()),
        ("week", inspected()),
        ("history", list(json!({ "allOf": [agreement(), day()] }))),
    ]);
    let model = object([
        ("model", text()),
        ("version", text()),
        ("metrics", json!({ "type": "object" })),
        // Of the last 24 hours and 7 days, from the begin of the first UTC day that they touch on.
        ("day", nullable(period())),
        ("week", nullable(period())),
        ("history", list(json!({ "allOf": [figures(), day()] }))),
        // Of an inspector: its pictures against MIK-1, by type of defect, over the same days.
        ("inspection", nullable(inspection)),
    ]);
    vec![
        Route::get(
            "/api/models/performance",
            "models",
            "Models in production: what training found, how their forecasts held, and how an inspector agrees with MIK-1, by UTC days.",
            performance,
        )
        .line()
        .answers(answer([("models", list(model))])),
    ]
}

fn figures(horizon: SpanMs, hits: &Hits) -> Value {
    json!({
        "horizon_s": horizon.0 as f64 / 1000.0,
        "n": hits.n(),
        "accuracy": hits.accuracy().to_f64(),
        "precision": hits.precision().to_f64(),
        "recall": hits.recall().to_f64(),
        "f1": hits.f1().to_f64(),
        "brier": hits.brier(),
        "calibration_error": hits.calibration_error(),
        "prevalence": lehr_domain::Ratio::new(hits.came(), hits.n()).to_f64(),
    })
}

async fn performance(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let line = look::line(&call.query, &snapshot.names)?;
    let shown = ModelKind::ALL.into_iter().filter_map(|model| {
        let version = Aliases::of(&snapshot, model).production?;
        Some(model_json(&snapshot, model, version, line))
    });
    let shown: Vec<Value> = shown.collect();
    Ok(look::answer(&snapshot, json!({ "models": shown })).into())
}

fn model_json(snapshot: &Snapshot, model: ModelKind, version: ModelVersion, line: Option<LineId>) -> Value {
    let history = quality::by_day(snapshot, model, line);
    let history = history.iter().map(|((day, version, horizon), hits)| {
        let mut json = figures(*horizon, hits);
        json["day"] = day.to_string().into();
        json["version"] = version.to_string().into();
        json
    });
    let trained = find(snapshot, model, version).map_or_else(|| json!({}), metrics);
    let mut json = json!({
        "model": model.text(),
        "version": version.to_string(),
        "metrics": trained,
        "history": history.collect::<Vec<_>>(),
    });
    json["inspection"] = match model {
        ModelKind::Inspector => inspection(snapshot, version, line),
        _ => Value::Null,
    };
    let foretells = matches!(model, ModelKind::Forecaster | ModelKind::Ensemble);
    for (name, over) in PERIODS {
        json[name] = match foretells {
            true => period(snapshot, (model, version), line, over),
            false => Value::Null,
        };
    }
    json
}

fn period(snapshot: &Snapshot, of: (ModelKind, ModelVersion), line: Option<LineId>, over: SpanMs) -> Value {
    let from = quality::first_day(snapshot.now, over);
    let sums = quality::since(snapshot, of, line, from);
    let horizons =
        DefectEvent::HORIZONS.map(|horizon| figures(horizon, &sums.get(&horizon).copied().unwrap_or_default()));
    json!({ "from": from.to_string(), "horizons": horizons })
}

fn agreement(defect: DefectType, sums: &Agreement) -> Value {
    json!({
        "defect_type": defect.text(),
        "pictures": sums.pictures(),
        "both": sums.both,
        "inspector_only": sums.inspector_only,
        "mik1_only": sums.mik1_only,
        "neither": sums.neither,
        "accuracy": sums.accuracy().to_f64(),
        "precision": sums.precision().to_f64(),
        "recall": sums.recall().to_f64(),
        "f1": sums.f1().to_f64(),
        "prevalence": sums.prevalence().to_f64(),
    })
}

/// How an inspector agrees with MIK-1.
fn inspection(snapshot: &Snapshot, version: ModelVersion, line: Option<LineId>) -> Value {
    let history = quality::agreement_by_day(snapshot, line);
    let history = history.iter().map(|((day, version, defect), sums)| {
        let mut json = agreement(*defect, sums);
        json["day"] = day.to_string().into();
        json["version"] = version.to_string().into();
        json
    });
    let mut json = json!({ "history": history.collect::<Vec<_>>() });
    for (name, over) in PERIODS {
        let from = quality::first_day(snapshot.now, over);
        let sums = quality::agreement_since(snapshot, version, line, from);
        let defects = SEEN.map(|defect| agreement(defect, &sums.get(&defect).copied().unwrap_or_default()));
        json[name] = json!({ "from": from.to_string(), "defects": defects });
    }
    json
}
