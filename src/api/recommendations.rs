//! Changes of set-points that are proposed: the list, and how one gets onto it. Nothing here reaches the plant.

use super::App;
use super::change::{Audit, apply};
use super::digital_twin::{AHEAD, AskedSetting, SETTINGS_MOST};
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::scenarios::{question, settings};
use super::schema::{self, NOT_BLANK, SPAN, TEXT_MOST, answer, boolean, integer, list, number, object, row, text};
use crate::auth::Role;
use lehr_dataflows::tables::RecommendationRow;
use lehr_domain::control;
use lehr_domain::names::Names;
use lehr_domain::recommendation::{Band, Expected, Origin, Recommendation, RecommendationState, Step};
use lehr_domain::scenario::Settings;
use lehr_domain::{Event, EventMs, LineId, Micro, RecommendationId, SpanMs};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use lehr_twin::{Estimate, Parameter, State};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use warp::http::Method;

/// Recommendations of an answer: open ones first, then the newest; how many there are in all is told too.
const LISTED_MOST: usize = 500;
/// Open ones of a line: more than a shift can weigh against each other.
const OPEN_MOST: usize = 20;
/// Of all lines together, decided ones included, which leave with the other events of their time: 1 kB each.
const KEPT_MOST: usize = 5_000;

const STATES: &[&str] = &["proposed", "approved", "rejected", "withdrawn"];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Given {
    #[schemars(length(min = 1, max = 100))]
    line: String,
    /// Set-points as they would be. What they are now, and what the twin expects, is found by the server.
    #[schemars(length(min = 1, max = SETTINGS_MOST))]
    settings: Vec<AskedSetting>,
    /// How far ahead the twin looks, `6h` when absent; a week at most.
    #[schemars(regex(pattern = SPAN))]
    duration: Option<String>,
    /// Why, for whoever decides.
    #[schemars(length(min = 1, max = TEXT_MOST), regex(pattern = NOT_BLANK))]
    reason: String,
}

pub fn routes() -> Vec<Route> {
    let path = "/api/recommendations";
    vec![
        Route::get(
            path,
            "recommendations",
            "Proposed changes of set-points, open ones first. Lehr makes none: approved ones are carried out by hand.",
            recommendations,
        )
        .line()
        .query("state", Kind::SomeOf(STATES), "These states alone.")
        .answers(answer([("recommendations", list(recommendation_schema())), ("total", integer())])),
        Route::change(
            Method::POST,
            path,
            "recommendations",
            "Proposes a change of set-points; the twin tells what to expect of it. Changes nothing on the plant.",
            Role::Operator,
            propose,
        )
        .body(schema::of::<Given>())
        .answers(answer([("recommendation", recommendation_schema())]))
        .problems(&[Problem::NotFound, Problem::Conflict])
        .heavy(),
    ]
}

/// Of one recommendation: the row, and its steps one by one.
pub fn recommendation_schema() -> Value {
    let step = object([
        ("parameter", text()),
        ("unit", text()),
        ("from", number()),
        ("to", number()),
        // Greater than a change that needs no person with the right to approve it.
        ("large", boolean()),
    ]);
    json!({ "allOf": [row::<RecommendationRow>(), object([("changes", list(step))])] })
}

pub fn recommendation_json(row: &RecommendationRow, names: &Names) -> Value {
    let step = |Step { parameter, from, to }: &Step| {
        json!({
            "parameter": names.parameter(*parameter),
            "unit": names.unit(row.production_line, *parameter),
            "from": from.to_f64(),
            "to": to.to_f64(),
            "large": is_large(names.parameter(*parameter), *from, *to),
        })
    };
    let mut json = row_to_json(row, names);
    json["changes"] = row.steps.iter().map(step).collect();
    json
}

pub fn is_large(parameter: &str, from: Micro, to: Micro) -> bool {
    control::limit(parameter).is_some_and(|limit| limit.is_large(from, to))
}

pub fn find(snapshot: &Snapshot, id: RecommendationId) -> Result<&RecommendationRow, ApiError> {
    let found = snapshot.recommendations.get(|row| row.recommendation_id.cmp(&id));
    found.ok_or_else(|| ApiError::not_found(format!("recommendation {id}")))
}

/// The set-point that the twin believes to be in force.
pub fn in_force(state: &State, parameter: &str) -> Option<Micro> {
    Micro::from_f64(state.setpoint(Parameter::parse(parameter)?)?).ok()
}

async fn recommendations(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let line = look::line(&call.query, &snapshot.names)?;
    let states = call.query.some("state");
    let wanted = |row: &&RecommendationRow| {
        line.is_none_or(|line| row.production_line == line)
            && states.is_none_or(|states| states.iter().any(|state| state == row.state.text()))
    };
    let mut rows: Vec<&RecommendationRow> = snapshot.recommendations.iter().filter(wanted).collect();
    let open = |row: &RecommendationRow| row.state == RecommendationState::Proposed;
    rows.sort_by_key(|row| (!open(row), Reverse((row.made_at, row.recommendation_id))));
    let total = rows.len();
    rows.truncate(LISTED_MOST);
    let shown: Vec<Value> = rows.into_iter().map(|row| recommendation_json(row, &snapshot.names)).collect();
    Ok(look::answer(&snapshot, json!({ "recommendations": shown, "total": total })).into())
}

async fn propose(app: App, call: Call) -> Answer {
    let given: Given = call.json()?;
    let _edit = app.edits().lock().await;
    let snapshot = app.runtime().snapshot();
    let line = snapshot.names.line_id(&given.line);
    let line = line.ok_or_else(|| ApiError::unknown("line", "line", &given.line))?;
    let duration = match &given.duration {
        Some(text) => SpanMs::parse(text).map_err(|error| ApiError::bad("duration", error.to_string()))?,
        None => AHEAD,
    };
    let settings = settings(given.settings, &snapshot.names)?;
    has_room(&snapshot, line, &settings)?;
    let (asking, at) = (app.clone(), snapshot.clone());
    let weighed = tokio::task::spawn_blocking(move || weigh(&asking, &at, line, &settings, duration));
    let (steps, expected) = weighed.await.map_err(ApiError::internal)??;
    let large = steps.iter().any(|step| is_large(snapshot.names.parameter(step.parameter), step.from, step.to));
    let reason = given.reason.trim().to_owned();
    let made_at: EventMs = app.runtime().now();
    let proposal =
        Recommendation { line, steps, origin: Origin::WhatIf, by: call.by(), made_at, reason, expected, large };
    let id = proposal.id();
    if find(&snapshot, id).is_ok() {
        let message = "the same was proposed at this very instant of plant time; propose it again later";
        return Err(ApiError::field(Problem::Conflict, "settings", message));
    }
    let audit = Audit {
        by: call.by(),
        action: "recommendation.propose".into(),
        subject: format!("recommendation {id}"),
        after: recommendation_json(&RecommendationRow::new(id, proposal.clone(), None), &snapshot.names),
        reason: proposal.reason.clone(),
        ..Audit::default()
    };
    apply(&app, vec![Event::Recommendation(id, Box::new(proposal))], audit).await?;
    let after = app.runtime().snapshot();
    let shown = recommendation_json(find(&after, id)?, &after.names);
    Ok(look::answer(&after, json!({ "recommendation": shown })).into())
}

/// Whether there is room for one more, and nobody waits for an answer to the same already.
fn has_room(snapshot: &Snapshot, line: LineId, settings: &Settings) -> Result<(), ApiError> {
    let rows = snapshot.recommendations.iter();
    let open = rows.filter(|row| row.state == RecommendationState::Proposed && row.production_line == line);
    let open: Vec<&RecommendationRow> = open.collect();
    let same = |row: &&&RecommendationRow| {
        row.steps.iter().map(|step| (step.parameter, step.to)).eq(settings.0.iter().copied())
    };
    if let Some(row) = open.iter().find(same) {
        let message = format!("{} proposed the same, and it is open; decide on that one", row.by);
        return Err(ApiError::field(Problem::Conflict, "settings", message));
    }
    if open.len() >= OPEN_MOST {
        let message = format!("{OPEN_MOST} recommendations are open on this line; decide on one of them first");
        return Err(ApiError::field(Problem::Conflict, "line", message));
    }
    if snapshot.recommendations.len() >= KEPT_MOST {
        return Err(ApiError::conflict(format!("{KEPT_MOST} recommendations are kept; the oldest must leave first")));
    }
    Ok(())
}

/// From where to where each set-point goes, and what the twin expects of it. Takes its time.
fn weigh(
    app: &App,
    snapshot: &Snapshot,
    line: LineId,
    settings: &Settings,
    duration: SpanMs,
) -> Result<(Vec<Step>, Expected), ApiError> {
    let found = app.twins().ask(snapshot, line, question(settings, duration, snapshot))?;
    let state = app.twins().state(snapshot, line)?;
    let mut steps = Vec::new();
    for (parameter, to) in settings.0.iter().copied() {
        let name = snapshot.names.parameter(parameter);
        let from = in_force(&state, name);
        let from = from.ok_or_else(|| ApiError::conflict(format!("the set-point of {name} is not known")))?;
        if from == to {
            return Err(ApiError::bad("settings", format!("{name} stands at {to} already; leave it out")));
        }
        steps.push(Step { parameter, from, to });
    }
    let changes = &found.changes;
    let expected = Expected {
        over: duration,
        defect_rate: band(&changes.defect_rate)?,
        quality_score: band(&changes.quality_score)?,
        rate_per_h: band(&changes.rate_per_h)?,
        energy_kw: band(&changes.energy_kw)?,
        effect_min: found.time_to_effect_min.as_ref().map(band).transpose()?,
        unseen: !found.unseen.is_empty(),
    };
    Ok((steps, expected))
}

fn band(estimate: &Estimate) -> Result<Band, ApiError> {
    let micro = |value: f64| {
        Micro::from_f64(value).map_err(|error| ApiError::conflict(format!("what the twin expects {error}; ask less")))
    };
    Ok(Band { value: micro(estimate.value)?, low: micro(estimate.low)?, high: micro(estimate.high)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_route_knows_every_state() {
        assert_eq!(RecommendationState::ALL.map(RecommendationState::text), STATES);
    }
}
