//! What models foretell of each line, what they say of its sensors, and what drives a forecast.

use super::App;
use super::error::{ApiError, Problem};
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, number, object, row, text, time};
use crate::registry::seen;
use lehr_dataflows::forecasts::Terms;
use lehr_dataflows::tables::{ForecastRow, SensorVerdictRow};
use lehr_domain::{LineId, SensorId, SpanMs};
use lehr_queries::Snapshot;
use serde_json::{Map, Value, json};
use std::cmp::Reverse;

/// Rows of an answer: a week of a line, a forecast a minute.
const ROWS_MOST: i64 = 10_080;
/// Rows when the request does not say: a shift of a line.
const ROWS: i64 = 480;
/// How far back when the request does not say.
const OVER: SpanMs = SpanMs::hours(8);

/// Names of the horizons, shortest first.
const HORIZONS: [&str; 3] = ["1h", "4h", "24h"];

const TAG: &str = "predictions";

pub fn routes() -> Vec<Route> {
    let by_horizon = || object(HORIZONS.map(|name| (name, number())));
    let sensor = object([("parameter_name", text()), ("sensor_id", nullable(text())), ("effect", by_horizon())]);
    let drivers = answer([
        ("line", text()),
        ("at", time()),
        ("version", text()),
        ("probability", by_horizon()),
        ("sensors", list(sensor)),
        ("attention", list(number())),
    ]);
    vec![
        Route::get(
            "/api/predictions",
            TAG,
            "Forecasts of defect events, the newest first, and what came.",
            predictions,
        )
        .line()
        .range("Start of the time range; eight hours before its end when absent.")
        .query("limit", Kind::Int(1, ROWS_MOST), "The most rows; 480 when absent.")
        .answers(answer([("predictions", list(row::<ForecastRow>())), ("total", integer())]))
        .heavy(),
        Route::get(
            "/api/predictions/sensors",
            TAG,
            "Which sensors fail or see something odd, as a model says.",
            sensors,
        )
        .line()
        .answers(answer([("sensors", list(row::<SensorVerdictRow>()))])),
        Route::get(
            "/api/predictions/drivers",
            TAG,
            "What each sensor did to a forecast: how much more likely it makes an event than its mean would.",
            drivers_of,
        )
        .required("line", Kind::Text(64), "Production line.")
        .query("at", Kind::Time, "The forecast's time; the latest when absent.")
        .answers(drivers)
        .problems(&[Problem::NotFound, Problem::Conflict, Problem::Unavailable])
        .heavy(),
    ]
}

async fn predictions(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let line = look::line(&call.query, &snapshot.names)?;
    let (from, to) = look::range(&call.query, snapshot.now, OVER);
    // What was foretold in this very minute belongs to "until now".
    let wanted =
        |row: &&ForecastRow| line.is_none_or(|line| row.production_line == line) && row.at >= from && row.at <= to;
    let mut rows: Vec<&ForecastRow> = snapshot.forecasts.iter().filter(wanted).collect();
    rows.sort_by_key(|row| (Reverse(row.at), row.production_line));
    let total = rows.len();
    rows.truncate(call.query.int("limit").unwrap_or(ROWS).unsigned_abs() as usize);
    let members = json!({ "predictions": look::rows(rows, &snapshot.names), "total": total });
    Ok(look::answer(&snapshot, members).into())
}

async fn sensors(app: App, call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let line = look::line(&call.query, &snapshot.names)?;
    let of = |sensor: SensorId| snapshot.names.sensor_def(sensor).map(|def| def.line);
    let wanted = |row: &&SensorVerdictRow| line.is_none_or(|line| of(row.sensor_id) == Some(line));
    let rows = look::rows(snapshot.sensor_verdicts.iter().filter(wanted), &snapshot.names);
    Ok(look::answer(&snapshot, json!({ "sensors": rows })).into())
}

/// The forecast that is asked about.
fn forecast<'s>(snapshot: &'s Snapshot, line: LineId, call: &Call) -> Result<&'s ForecastRow, ApiError> {
    let mut rows = snapshot.forecasts.range(|row| row.production_line.cmp(&line));
    let (found, which) = match call.query.time("at") {
        Some(at) => (rows.find(|row| row.at == at), format!("a forecast at {at}")),
        None => (rows.next_back(), "a forecast".to_owned()),
    };
    let line = snapshot.names.line(line);
    found.ok_or_else(|| ApiError::field(Problem::NotFound, "at", format!("{which} of {line} is not there")))
}

async fn drivers_of(app: App, call: Call) -> Answer {
    let answered = super::models::blocking(&app, move |registry, snapshot| {
        let line = look::line(&call.query, &snapshot.names)?.ok_or_else(|| ApiError::bad("line", "line is missing"))?;
        let row = forecast(&snapshot, line, &call)?;
        let opener = registry.opener();
        let columns = opener.columns();
        let seen = seen(&snapshot, line, columns, Terms::PLANT.window, row.at);
        let attribution = opener.attribute(row.version, &seen.window)?;
        let mut effects: Vec<_> = columns.iter().zip(&seen.sensors).zip(&attribution.sensors).collect();
        // The most telling of the middle horizon first.
        effects.sort_by(|(_, left), (_, right)| right[1].abs().total_cmp(&left[1].abs()));
        let sensor = |((parameter, sensor), effect): ((&&str, &Option<SensorId>), &[f32; 3])| {
            json!({
                "parameter_name": parameter,
                "sensor_id": sensor.map(|sensor| snapshot.names.sensor(sensor)),
                "effect": by_horizon(effect),
            })
        };
        let members = json!({
            "line": snapshot.names.line(line),
            "at": row.at.to_string(),
            "version": row.version.to_string(),
            "probability": by_horizon(&attribution.forecast.probability),
            "sensors": effects.into_iter().map(sensor).collect::<Vec<_>>(),
            "attention": attribution.forecast.attention,
        });
        Ok(look::answer(&snapshot, members))
    });
    Ok(answered.await?.into())
}

fn by_horizon(values: &[f32; 3]) -> Value {
    let named = HORIZONS.into_iter().zip(values).map(|(name, value)| (name.to_owned(), f64::from(*value).into()));
    Value::Object(named.collect::<Map<_, _>>())
}
