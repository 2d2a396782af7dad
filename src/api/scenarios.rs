//! What-if scenarios that are kept, and how they compare from the present state on.

use super::App;
use super::change::{Audit, apply};
use super::digital_twin::{AskedSetting, SETTINGS_MOST, answer_schema, told};
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{self, NOT_BLANK, SPAN, TEXT_MOST, answer, list, row};
use crate::auth::Role;
use crate::twin::Question;
use lehr_dataflows::tables::ScenarioRow;
use lehr_domain::names::Names;
use lehr_domain::scenario::{Scenario, Settings};
use lehr_domain::{Event, LineId, Micro, ParameterId, ScenarioId, SpanMs};
use lehr_queries::Snapshot;
use lehr_twin::{Setting, WhatIf};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use warp::http::Method;

/// Scenarios that are kept at once.
const KEPT_MOST: usize = 500;
/// Scenarios of one comparison: as many as a screen has columns.
const COMPARED_MOST: usize = 20;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Given {
    /// For people; no other scenario may have it.
    #[schemars(length(min = 1, max = 100), regex(pattern = NOT_BLANK))]
    name: String,
    #[schemars(length(min = 1, max = 100))]
    line: String,
    #[schemars(length(min = 1, max = SETTINGS_MOST))]
    settings: Vec<AskedSetting>,
    /// How far ahead; a week at most.
    #[schemars(regex(pattern = SPAN))]
    duration: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Compared {
    #[schemars(length(min = 1, max = COMPARED_MOST))]
    scenarios: Vec<u32>,
}

pub fn routes() -> Vec<Route> {
    let path = "/api/digital-twin/scenarios";
    let tag = "digital twin";
    let one = answer([("scenario", row::<ScenarioRow>())]);
    let compared = json!({ "allOf": [answer_schema(), schema::object([("scenario_id", schema::integer()), ("name", schema::text())])] });
    vec![
        Route::get(path, tag, "Scenarios that are kept.", scenarios)
            .line()
            .answers(answer([("scenarios", list(row::<ScenarioRow>()))])),
        Route::change(Method::POST, path, tag, "Keeps a scenario.", Role::Operator, keep)
            .body(schema::of::<Given>())
            .answers(one.clone())
            .problems(&[Problem::NotFound, Problem::Conflict]),
        Route::change(
            Method::DELETE,
            "/api/digital-twin/scenarios/{id}",
            tag,
            "Removes a scenario; answers with what it was.",
            Role::Operator,
            remove,
        )
        .segment("id", Kind::Int(0, i64::from(u32::MAX)), "The scenario.")
        .query("reason", Kind::Text(TEXT_MOST), "Why it is removed.")
        .answers(one),
        Route::change(
            Method::POST,
            "/api/digital-twin/compare",
            tag,
            "Answers kept scenarios, each from the present state of its line on. Changes nothing.",
            Role::Viewer,
            compare,
        )
        .body(schema::of::<Compared>())
        .answers(answer([("answers", list(compared))]))
        .problems(&[Problem::NotFound, Problem::Conflict])
        .heavy(),
    ]
}

async fn scenarios(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let line = look::line(&call.query, &snapshot.names)?;
    let rows = snapshot.scenarios.iter().filter(|row| line.is_none_or(|line| row.production_line == line));
    let rows = look::rows(rows, &snapshot.names);
    Ok(look::answer(&snapshot, json!({ "scenarios": rows })).into())
}

/// What would be with these settings.
pub fn question(settings: &Settings, duration: SpanMs, snapshot: &Snapshot) -> Question {
    let setting = |(id, value): &(ParameterId, Micro)| Setting {
        parameter: snapshot.names.parameter(*id).to_owned(),
        value: value.to_f64(),
    };
    Question::Ahead { ask: WhatIf::Several(settings.0.iter().map(setting).collect()), duration }
}

/// The settings of a body, by parameter.
pub fn settings(given: Vec<AskedSetting>, names: &Names) -> Result<Settings, ApiError> {
    let mut settings = BTreeMap::new();
    for AskedSetting { parameter, value } in given {
        let id = names.parameter_id(&parameter);
        let id = id.ok_or_else(|| ApiError::unknown("parameter", "parameter", &parameter))?;
        let value = Micro::from_f64(value).map_err(|error| ApiError::bad("value", format!("{parameter} {error}")))?;
        if settings.insert(id, value).is_some() {
            return Err(ApiError::bad("parameter", format!("parameter '{parameter}' is given twice; give it once")));
        }
    }
    Ok(Settings(settings.into_iter().collect()))
}

/// What a body asks to be kept.
fn scenario(given: Given, line: LineId, snapshot: &Snapshot) -> Result<Scenario, ApiError> {
    let duration = SpanMs::parse(&given.duration).map_err(|error| ApiError::bad("duration", error.to_string()))?;
    Ok(Scenario {
        name: given.name.trim().to_owned(),
        line,
        duration,
        settings: settings(given.settings, &snapshot.names)?,
        by: String::new(),
        made_at: snapshot.now,
    })
}

/// Only what has an answer now is kept.
async fn keep(app: App, call: Call) -> Answer {
    let given: Given = call.json()?;
    let _edit = app.edits().lock().await;
    let snapshot = app.runtime().snapshot();
    let line = snapshot.names.line_id(&given.line);
    let line = line.ok_or_else(|| ApiError::unknown("line", "line", &given.line))?;
    let scenario = Scenario { by: call.by(), ..scenario(given, line, &snapshot)? };
    if snapshot.scenarios.len() >= KEPT_MOST {
        return Err(ApiError::conflict(format!("{KEPT_MOST} scenarios are kept; remove one first")));
    }
    if snapshot.scenarios.iter().any(|row| row.name == scenario.name) {
        let message = format!("a scenario '{}' is kept already; give another name", scenario.name);
        return Err(ApiError::field(Problem::Conflict, "name", message));
    }
    let asked = question(&scenario.settings, scenario.duration, &snapshot);
    let (asking, at) = (app.clone(), snapshot.clone());
    let answered = tokio::task::spawn_blocking(move || asking.twins().ask(&at, line, asked));
    answered.await.map_err(ApiError::internal)??;
    // One that was removed may not come back under its number: its audit trail is that of another.
    let used = snapshot.facts.iter().filter_map(|row| match &row.event {
        Event::Scenario(id, _) => Some(id.0 + 1),
        _ => None,
    });
    let id = ScenarioId(used.max().unwrap_or(1));
    let shown = look::rows([&ScenarioRow::new(id, scenario.clone())], &snapshot.names).remove(0);
    let audit = Audit {
        by: call.by(),
        action: "scenario.keep".into(),
        subject: format!("scenario {}", id.0),
        after: shown.clone(),
        ..Audit::default()
    };
    apply(&app, vec![Event::Scenario(id, Some(scenario))], audit).await?;
    Ok(look::answer(&app.runtime().snapshot(), json!({ "scenario": shown })).into())
}

fn find(snapshot: &Snapshot, id: ScenarioId) -> Result<&ScenarioRow, ApiError> {
    let found = snapshot.scenarios.get(|row| row.scenario_id.cmp(&id));
    found.ok_or_else(|| ApiError::not_found(format!("scenario {}", id.0)))
}

async fn remove(app: App, call: Call) -> Answer {
    let id: u32 = call.path[0].parse().map_err(|_| ApiError::not_found(format!("scenario {}", call.path[0])))?;
    let _edit = app.edits().lock().await;
    let snapshot = app.runtime().snapshot();
    let shown = look::rows([find(&snapshot, ScenarioId(id))?], &snapshot.names).remove(0);
    let audit = Audit {
        by: call.by(),
        action: "scenario.remove".into(),
        subject: format!("scenario {id}"),
        before: shown.clone(),
        reason: call.query.text("reason").unwrap_or_default().to_owned(),
        ..Audit::default()
    };
    apply(&app, vec![Event::Scenario(ScenarioId(id), None)], audit).await?;
    Ok(look::answer(&app.runtime().snapshot(), json!({ "scenario": shown })).into())
}

async fn compare(app: App, call: Call) -> Answer {
    let compared: Compared = call.json()?;
    let snapshot = app.runtime().snapshot();
    let answered = tokio::task::spawn_blocking(move || -> Result<Value, ApiError> {
        let mut answers = Vec::new();
        for id in compared.scenarios {
            let row = find(&snapshot, ScenarioId(id))?;
            let asked = question(&row.settings, row.duration_s, &snapshot);
            let mut members = told(&app, &snapshot, row.production_line, asked, false)?;
            members["scenario_id"] = id.into();
            members["name"] = row.name.as_str().into();
            answers.push(look::answer(&snapshot, members));
        }
        Ok(look::answer(&snapshot, json!({ "answers": answers })))
    });
    Ok(answered.await.map_err(ApiError::internal)??.into())
}
