//! The digital twin: what it believes of the lines, how far it is to be trusted, and what-if.

use super::App;
use super::components;
use super::error::{ApiError, Problem};
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{self, NOT_BLANK, SPAN, answer, integer, list, nullable, number, object, row, text, time};
use crate::auth::Role;
use crate::twin::{Consequences, Period, Question, TwinError};
use lehr_dataflows::tables::{AlertRow, KpiRow, RootCauseRow, TwinFindingRow};
use lehr_domain::names::Names;
use lehr_domain::unit::DefectType;
use lehr_domain::{EventMs, LineId, Micro, SpanMs};
use lehr_queries::Snapshot;
use lehr_queries::arrow::row_to_json;
use lehr_twin::{
    BAND_90, Changes, Compromise, Constraint, Estimate, Finding, Horizon, Outcome, Parameter, Range, ScenarioError,
    Setting, State, View, Weights, WhatIf, limits,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Instant;
use warp::http::Method;

/// Set-points of one question: as many as a line has, and some.
pub const SETTINGS_MOST: usize = 32;
const VALUE_MOST: f64 = Micro::MAX_UNITS;
/// Findings shown a line; all are in the table.
const FINDINGS_MOST: usize = 20;

/// How far ahead is looked when nothing is said.
pub const AHEAD: SpanMs = SpanMs::hours(6);

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// One set-point changed: `settings` has one.
    One,
    /// Several at once: `settings`.
    Several,
    /// The best combination within `ranges` and `constraints`.
    Best,
    /// The recorded period from `from` to `to` with `settings`.
    Replay,
    /// `parameter` walked towards `until` to the first failure.
    Stress,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedSetting {
    #[schemars(length(min = 1, max = 100))]
    pub parameter: String,
    /// In the sensor's unit.
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    pub value: f64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskedRange {
    #[schemars(length(min = 1, max = 100))]
    parameter: String,
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    low: f64,
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    high: f64,
}

/// What is good; the control agent's reward when absent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskedWeights {
    /// Loss for a defect rate of one.
    #[schemars(range(min = 0.0, max = VALUE_MOST))]
    defects: f64,
    /// Gain for one unit per hour.
    #[schemars(range(min = 0.0, max = VALUE_MOST))]
    rate: f64,
    /// Loss for one kW.
    #[schemars(range(min = 0.0, max = VALUE_MOST))]
    energy: f64,
}

/// Bounds on the means over the period.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskedConstraints {
    /// Share of units.
    #[schemars(range(min = 0.0, max = 1.0))]
    defect_rate_at_most: Option<f64>,
    /// Units per hour.
    #[schemars(range(min = 0.0, max = VALUE_MOST))]
    rate_at_least: Option<f64>,
    /// kW.
    #[schemars(range(min = 0.0, max = VALUE_MOST))]
    energy_at_most: Option<f64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[schemars(length(min = 1, max = 100), regex(pattern = NOT_BLANK))]
    line: String,
    mode: Mode,
    #[schemars(length(max = SETTINGS_MOST))]
    settings: Option<Vec<AskedSetting>>,
    #[schemars(length(max = SETTINGS_MOST))]
    ranges: Option<Vec<AskedRange>>,
    weights: Option<AskedWeights>,
    constraints: Option<AskedConstraints>,
    #[schemars(length(min = 1, max = 100))]
    parameter: Option<String>,
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    until: Option<f64>,
    /// How far ahead, `6h` when absent; a week at most.
    #[schemars(regex(pattern = SPAN))]
    duration: Option<String>,
    /// Whether the alerts, key figures and root causes are told that the scenario and the baseline would have.
    consequences: Option<bool>,
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    to: Option<String>,
}

pub fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/api/digital-twin/shadow-state",
            "digital twin",
            "What the twin believes of each line, what it expects, and how its forecasts did.",
            shadow_state,
        )
        .line()
        .answers(answer([("lines", list(line_schema()))]))
        .heavy(),
        Route::change(
            Method::POST,
            "/api/digital-twin/what-if",
            "digital twin",
            "What would happen, or would have happened, with other set-points. Changes nothing.",
            Role::Viewer,
            what_if,
        )
        .body(schema::of::<Asked>())
        .answers(answer_schema())
        .problems(&[Problem::NotFound, Problem::Conflict])
        .heavy(),
    ]
}

fn band() -> Value {
    object([("value", nullable(number())), ("low", nullable(number())), ("high", nullable(number()))])
}

fn numbers() -> Value {
    json!({ "type": "object", "additionalProperties": nullable(number()) })
}

fn outcome_schema() -> Value {
    object([
        ("defect_rate", nullable(number())),
        ("defect_rates", numbers()),
        ("quality_score", nullable(number())),
        ("rate_per_h", nullable(number())),
        ("energy_kw", nullable(number())),
    ])
}

fn setting_schema() -> Value {
    object([("parameter", text()), ("value", number())])
}

/// Of what-if.
pub fn answer_schema() -> Value {
    let changes = object([
        ("defect_rate", band()),
        ("defect_rates", json!({ "type": "object", "additionalProperties": band() })),
        ("quality_score", band()),
        ("rate_per_h", band()),
        ("energy_kw", band()),
    ]);
    let unseen = object([("parameter", text()), ("seen_low", nullable(number())), ("seen_high", nullable(number()))]);
    let failure = object([("at", number()), ("mode", text()), ("earliest", number()), ("latest", number())]);
    answer([
        ("line", text()),
        ("settings", list(setting_schema())),
        ("baseline", outcome_schema()),
        ("scenario", outcome_schema()),
        ("changes", changes),
        ("time_to_effect_min", nullable(band())),
        ("unseen", list(unseen)),
        ("front", list(object([("settings", list(setting_schema())), ("outcome", outcome_schema())]))),
        ("failure", nullable(failure)),
        ("assumptions", list(text())),
        ("consequences", nullable(object([("baseline", consequences_schema()), ("scenario", consequences_schema())]))),
        ("components", list(components::foreseen_schema())),
        ("elapsed_ms", number()),
    ])
}

fn consequences_schema() -> Value {
    object([
        ("alerts", list(row::<AlertRow>())),
        ("kpis", list(row::<KpiRow>())),
        ("root_causes", list(row::<RootCauseRow>())),
    ])
}

fn line_schema() -> Value {
    let value =
        object([("parameter", text()), ("unit", text()), ("value", nullable(number())), ("sd", nullable(number()))]);
    let control = object([
        ("parameter", text()),
        ("unit", text()),
        ("setpoint", number()),
        ("low", number()),
        ("high", number()),
    ]);
    let forecast = object([
        ("parameter", text()),
        ("horizon_min", integer()),
        ("mean", nullable(number())),
        ("low", nullable(number())),
        ("high", nullable(number())),
    ]);
    let accuracy = object([
        ("parameter", text()),
        ("horizon_min", integer()),
        ("n", integer()),
        ("rmse", nullable(number())),
        ("rmse_persistence", nullable(number())),
        ("bias", nullable(number())),
        ("coverage", nullable(number())),
    ]);
    let evidence = object([("parameter", text()), ("sigmas", nullable(number()))]);
    let deviation = object([
        ("kind", json!({ "type": "string", "enum": ["equipment", "model_drift", "sensor"] })),
        ("equipment_id", text()),
        ("parameter", text()),
        ("confidence", number()),
        ("evidence", list(evidence)),
    ]);
    object([
        ("line", text()),
        ("at", time()),
        ("learned", number()),
        ("values", list(value)),
        ("controls", list(control)),
        ("furnace", json!({ "type": "object" })),
        ("forming", json!({ "type": "object" })),
        ("annealing", json!({ "type": "object" })),
        ("quality", json!({ "type": "object" })),
        ("forecasts", list(forecast)),
        ("accuracy", list(accuracy)),
        ("deviation", nullable(deviation)),
        ("components", list(components::shown_schema())),
        ("findings", list(row::<TwinFindingRow>())),
    ])
}

async fn shadow_state(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let only = look::line(&call.query, &snapshot.names)?;
    let lines: Vec<LineId> =
        snapshot.names.lines().map(|(id, _)| id).filter(|id| only.is_none_or(|only| only == *id)).collect();
    let looked = tokio::task::spawn_blocking(move || -> Result<Value, ApiError> {
        let mut shown = Vec::new();
        for line in lines {
            match app.twins().state(&snapshot, line) {
                Ok(state) => shown.extend(line_json(&snapshot, line, &state).map(|mut json| {
                    json["components"] = components::shown(app.components(), line);
                    json
                })),
                // A line that has not begun is no error of who asks.
                Err(TwinError::Scenario(ScenarioError::NothingSeen)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(look::answer(&snapshot, json!({ "lines": shown })))
    });
    Ok(looked.await.map_err(ApiError::internal)??.into())
}

fn line_json(snapshot: &Snapshot, line: LineId, state: &State) -> Option<Value> {
    let view = state.view()?;
    let names = &snapshot.names;
    let unit = |parameter: Parameter| names.parameter_id(parameter.text()).map_or("", |id| names.unit(line, id));
    let values = Parameter::ALL.map(|parameter| {
        let index = parameter.index();
        json!({
            "parameter": parameter.text(),
            "unit": unit(parameter),
            "value": view.values[index],
            "sd": view.value_sd[index],
        })
    });
    let controls = Parameter::ALL.into_iter().filter_map(|parameter| {
        let (low, high) = limits(parameter);
        let setpoint = state.setpoint(parameter)?;
        let unit = unit(parameter);
        Some(json!({ "parameter": parameter.text(), "unit": unit, "setpoint": setpoint, "low": low, "high": high }))
    });
    let controls: Vec<Value> = controls.collect();
    let mut forecasts = Vec::new();
    for horizon in Horizon::ALL {
        for (parameter, forecast) in Parameter::ALL.into_iter().zip(state.forecast(horizon)) {
            let half = BAND_90 * forecast.sd;
            forecasts.push(json!({
                "parameter": parameter.text(),
                "horizon_min": horizon.minutes(),
                "mean": forecast.mean,
                "low": forecast.mean - half,
                "high": forecast.mean + half,
            }));
        }
    }
    let mut accuracy = Vec::new();
    for (parameter, scores) in Parameter::ALL.into_iter().zip(state.scores()) {
        for (horizon, score) in Horizon::ALL.into_iter().zip(scores) {
            accuracy.push(json!({
                "parameter": parameter.text(),
                "horizon_min": horizon.minutes(),
                "n": score.n,
                "rmse": score.rmse,
                "rmse_persistence": score.rmse_persistence,
                "bias": score.bias,
                "coverage": score.coverage,
            }));
        }
    }
    let View { at, learned, furnace, forming, annealing, quality, .. } = &view;
    let mut quality_json = json!(quality);
    for (name, rates) in [
        ("probability", quality.probability),
        ("probability_sd", quality.probability_sd),
        ("arriving", quality.arriving),
    ] {
        quality_json[name] = by_type(rates);
    }
    Some(json!({
        "line": names.line(line),
        "at": at.to_string(),
        "learned": learned,
        "values": values,
        "controls": controls,
        "furnace": furnace,
        "forming": forming,
        "annealing": annealing,
        "quality": quality_json,
        "forecasts": forecasts,
        "accuracy": accuracy,
        "deviation": state.diagnosis().map(deviation_json),
        "findings": findings_json(snapshot, line),
    }))
}

/// The newest first.
fn findings_json(snapshot: &Snapshot, line: LineId) -> Vec<Value> {
    let mut found: Vec<_> = snapshot.twin_findings.range(|row| row.production_line.cmp(&line)).collect();
    found.reverse();
    found.into_iter().take(FINDINGS_MOST).map(|row| row_to_json(row, &snapshot.names)).collect()
}

fn deviation_json(finding: &Finding) -> Value {
    let evidence =
        finding.evidence.iter().map(|(parameter, sigmas)| json!({ "parameter": parameter.text(), "sigmas": sigmas }));
    json!({
        "kind": finding.kind,
        "equipment_id": finding.equipment,
        "parameter": finding.parameter.text(),
        "confidence": finding.confidence,
        "evidence": evidence.collect::<Vec<Value>>(),
    })
}

/// An object by the names of the defect types.
fn by_type<T: Into<Value> + Copy>(rates: [T; DefectType::COUNT]) -> Value {
    let members = DefectType::ALL.into_iter().zip(rates);
    Value::Object(members.map(|(defect, rate)| (defect.text().to_owned(), rate.into())).collect::<Map<_, _>>())
}

async fn what_if(app: App, call: Call) -> Answer {
    let asked: Asked = call.json()?;
    let snapshot = app.runtime().snapshot();
    let line = snapshot.names.line_id(&asked.line);
    let line = line.ok_or_else(|| ApiError::unknown("line", "line", &asked.line))?;
    let consequences = asked.consequences.unwrap_or(false);
    let question = question(asked)?;
    let answered = tokio::task::spawn_blocking(move || -> Result<Value, ApiError> {
        Ok(look::answer(&snapshot, told(&app, &snapshot, line, question, consequences)?))
    });
    Ok(answered.await.map_err(ApiError::internal)??.into())
}

/// What is told of a question: takes its time.
pub fn told(
    app: &App,
    snapshot: &Snapshot,
    line: LineId,
    question: Question,
    consequences: bool,
) -> Result<Value, ApiError> {
    let begun = Instant::now();
    let ahead = match &question {
        Question::Ahead { duration, .. } if consequences => Some(*duration),
        _ => None,
    };
    // Of these modes the scenario is one series of minutes, which a unit can be run over.
    let series_of = match &question {
        Question::Ahead { ask: WhatIf::One(_) | WhatIf::Several(_), duration } => Some(*duration),
        _ => None,
    };
    let found = app.twins().ask(snapshot, line, question)?;
    let mut members = answer_json(&found);
    members["consequences"] = match ahead {
        Some(duration) => {
            let foreseen = app.twins().foresee(snapshot, line, &found.settings, duration)?;
            let [baseline, scenario] = foreseen.map(|found| consequences_json(&found, &snapshot.names));
            json!({ "baseline": baseline, "scenario": scenario })
        }
        None => Value::Null,
    };
    members["components"] = match series_of {
        Some(duration) if app.components().has(line) => {
            let (past, series) = app.twins().ahead_of(snapshot, line, &found.settings, duration)?;
            components::foreseen(&app.components().ahead(line, past, series))
        }
        _ => json!([]),
    };
    members["line"] = snapshot.names.line(line).into();
    members["elapsed_ms"] = (begun.elapsed().as_secs_f64() * 1000.0).into();
    Ok(members)
}

/// The question that a body asks. What its mode has no use for is refused, so that no field is given in vain.
fn question(asked: Asked) -> Result<Question, ApiError> {
    let Asked { mode, settings, ranges, weights, constraints, parameter, until, duration, from, to, .. } = asked;
    let consequences = asked.consequences;
    let (sets, best, stress, replay) = match mode {
        Mode::One | Mode::Several => (true, false, false, false),
        Mode::Best => (false, true, false, false),
        Mode::Replay => (true, false, false, true),
        Mode::Stress => (false, false, true, false),
    };
    for (field, given, wanted) in [
        ("settings", settings.is_some(), sets),
        ("ranges", ranges.is_some(), best),
        ("parameter", parameter.is_some(), stress),
        ("until", until.is_some(), stress),
        ("from", from.is_some(), replay),
        ("to", to.is_some(), replay),
    ] {
        if given != wanted {
            let message = if wanted { "is missing" } else { "does not belong to this mode; leave it out" };
            return Err(ApiError::bad(field, format!("{field} {message}")));
        }
    }
    for (field, given, wanted) in [
        ("consequences", consequences == Some(true), !replay),
        ("weights", weights.is_some(), best),
        ("constraints", constraints.is_some(), best),
        ("duration", duration.is_some(), !replay),
    ] {
        if given && !wanted {
            return Err(ApiError::bad(field, format!("{field} does not belong to this mode; leave it out")));
        }
    }
    let duration = match duration {
        Some(text) => SpanMs::parse(&text).map_err(|error| ApiError::bad("duration", error.to_string()))?,
        None => AHEAD,
    };
    let mut settings: Vec<Setting> = settings
        .unwrap_or_default()
        .into_iter()
        .map(|AskedSetting { parameter, value }| Setting { parameter, value })
        .collect();
    let ask = match mode {
        Mode::Replay => {
            let time = |field: &str, text: Option<String>| {
                let text = text.unwrap_or_default();
                EventMs::parse(&text).map_err(|error| ApiError::bad(field, error.to_string()))
            };
            let period = Period { from: time("from", from)?, to: time("to", to)? };
            return Ok(Question::Replay { period, settings });
        }
        Mode::One => match (settings.pop(), settings.is_empty()) {
            (Some(setting), true) => WhatIf::One(setting),
            _ => return Err(ApiError::bad("settings", "settings must have one entry in this mode")),
        },
        Mode::Several => WhatIf::Several(settings),
        Mode::Stress => WhatIf::Stress { parameter: parameter.unwrap_or_default(), until: until.unwrap_or(f64::NAN) },
        Mode::Best => {
            let over = ranges.unwrap_or_default().into_iter();
            let over = over.map(|AskedRange { parameter, low, high }| Range { parameter, low, high }).collect();
            let weights = weights.map(|AskedWeights { defects, rate, energy }| Weights { defects, rate, energy });
            let bounds = constraints.unwrap_or_default();
            let constraints = [
                bounds.defect_rate_at_most.map(Constraint::DefectRateAtMost),
                bounds.rate_at_least.map(Constraint::RateAtLeast),
                bounds.energy_at_most.map(Constraint::EnergyAtMost),
            ];
            let constraints = constraints.into_iter().flatten().collect();
            WhatIf::Best { over, weights: weights.unwrap_or_default(), constraints }
        }
    };
    Ok(Question::Ahead { ask, duration })
}

fn consequences_json(found: &Consequences, names: &Names) -> Value {
    json!({
        "alerts": look::rows(&found.alerts, names),
        "kpis": look::rows(&found.kpis, names),
        "root_causes": look::rows(&found.root_causes, names),
    })
}

/// What the twin said.
pub fn answer_json(found: &lehr_twin::Answer) -> Value {
    let unseen = found
        .unseen
        .iter()
        .map(|(parameter, low, high)| json!({ "parameter": parameter.text(), "seen_low": low, "seen_high": high }));
    let front = found
        .front
        .iter()
        .map(|Compromise { settings, outcome }| json!({ "settings": settings, "outcome": outcome_json(outcome) }));
    json!({
        "settings": found.settings,
        "baseline": outcome_json(&found.baseline),
        "scenario": outcome_json(&found.scenario),
        "changes": changes_json(&found.changes),
        "time_to_effect_min": found.time_to_effect_min,
        "unseen": unseen.collect::<Vec<Value>>(),
        "front": front.collect::<Vec<Value>>(),
        "failure": found.failure,
        "assumptions": found.assumptions,
    })
}

fn outcome_json(outcome: &Outcome) -> Value {
    let mut json = json!(outcome);
    json["defect_rates"] = by_type(outcome.defect_rates);
    json
}

fn changes_json(changes: &Changes) -> Value {
    let mut json = json!(changes);
    let bands =
        changes.defect_rates.map(|Estimate { value, low, high }| json!({ "value": value, "low": low, "high": high }));
    let members = DefectType::ALL.into_iter().zip(bands);
    json["defect_rates"] = Value::Object(members.map(|(defect, band)| (defect.text().to_owned(), band)).collect());
    json
}

impl From<TwinError> for ApiError {
    fn from(error: TwinError) -> ApiError {
        let message = error.to_string();
        let TwinError::Scenario(error) = error else {
            return match error {
                TwinError::Period { .. } => ApiError::bad("from", message),
                _ => ApiError::conflict(message),
            };
        };
        match error {
            ScenarioError::UnknownParameter { .. } => ApiError::field(Problem::NotFound, "parameter", message),
            ScenarioError::NotControlled { .. } | ScenarioError::Twice(_) => ApiError::bad("parameter", message),
            ScenarioError::NotANumber { field, .. }
            | ScenarioError::OutsideLimits { field, .. }
            | ScenarioError::Empty(field)
            | ScenarioError::TooMany { field, .. } => ApiError::bad(field, message),
            ScenarioError::EmptyRange { .. } => ApiError::bad("ranges", message),
            ScenarioError::Duration { .. } => ApiError::bad("duration", message),
            ScenarioError::Weight(_) => ApiError::bad("weights", message),
            ScenarioError::Constraint(_) => ApiError::bad("constraints", message),
            ScenarioError::RecordOrder(_) => ApiError::bad("from", message),
            ScenarioError::NothingSeen | ScenarioError::Infeasible { .. } => ApiError::conflict(message),
        }
    }
}
