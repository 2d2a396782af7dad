//! Readings that are pushed over HTTP.

use super::App;
use super::error::ApiError;
use super::intake::{self, Mistakes};
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{self, Wrong, answer, integer, list, object, text};
use crate::auth::Role;
use crate::runtime::{Submission, refusal};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Micro, Reading, ReadingBatch, Status};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use warp::http::Method;

const VALUE_MOST: f64 = Micro::MAX_UNITS;

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Said {
    Ok,
    Warning,
    Critical,
    Error,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Row {
    /// When it was measured.
    #[schemars(extend("format" = "date-time"))]
    timestamp: String,
    /// Name of the sensor.
    #[schemars(length(min = 1, max = 200))]
    sensor_id: String,
    #[schemars(range(min = -VALUE_MOST, max = VALUE_MOST))]
    value: f64,
    /// What the device says of it; OK when absent.
    status: Option<Said>,
    /// Of several readings of a sensor and time the highest revision holds; the tick's when absent or 0.
    revision: Option<u64>,
    /// Must be the sensor's, when given.
    unit: Option<String>,
    /// Must be the sensor's, when given.
    parameter_name: Option<String>,
    /// Must be the sensor's, when given.
    production_line: Option<String>,
}

pub fn routes() -> Vec<Route> {
    let schema = answer([
        ("accepted", integer()),
        ("rejected", integer()),
        ("late", integer()),
        ("errors", list(object([("index", integer()), ("field", text()), ("message", text())]))),
    ]);
    vec![
        Route::change(
            Method::POST,
            "/api/readings",
            "readings",
            "Takes readings: an array, or one a line. A bad row never drops the rest.",
            Role::Operator,
            take,
        )
        .rows(schema::of::<Row>())
        .answers(schema)
        .heavy(),
    ]
}

impl Row {
    fn reading(&self, names: &Names, now: EventMs) -> Result<Reading, Wrong> {
        let wrong = |field: &str, message: String| Wrong { field: field.into(), message };
        let unknown = || wrong("sensor_id", format!("'{}' is no known sensor", self.sensor_id));
        let sensor = names.sensor_id(&self.sensor_id).ok_or_else(unknown)?;
        let def = names.sensor_def(sensor).ok_or_else(unknown)?;
        for (field, given, known) in [
            ("unit", &self.unit, def.unit.as_str()),
            ("parameter_name", &self.parameter_name, names.parameter(def.parameter)),
            ("production_line", &self.production_line, names.line(def.line)),
        ] {
            if given.as_ref().is_some_and(|given| given != known) {
                return Err(wrong(field, format!("must be '{known}' for this sensor")));
            }
        }
        let at = EventMs::parse(&self.timestamp).map_err(|error| wrong("timestamp", error.to_string()))?;
        let reading = Reading {
            sensor,
            at,
            revision: self.revision.unwrap_or(0),
            value: Micro::from_f64(self.value).map_err(|error| wrong("value", error.to_string()))?,
            status: match self.status.unwrap_or(Said::Ok) {
                Said::Ok => Status::Ok,
                Said::Warning => Status::Warning,
                Said::Critical => Status::Critical,
                Said::Error => Status::Error,
            },
        };
        match refusal(&reading, now, names) {
            Some(why) => Err(wrong("timestamp", why)),
            None => Ok(reading),
        }
    }
}

async fn take(app: App, call: Call) -> Answer {
    let rows = intake::rows(&call)?;
    let schema = schema::of::<Row>();
    let (names, now) = (app.runtime().snapshot().names.clone(), app.runtime().now());
    let mut mistakes = Mistakes::new("http", now);
    let mut readings = ReadingBatch::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let row = match row {
            Ok(row) => row,
            Err(message) => {
                mistakes.add(index, &Value::Null, &Wrong { field: String::new(), message });
                continue;
            }
        };
        match intake::read::<Row>(&schema, &row).and_then(|row| row.reading(&names, now)) {
            Ok(reading) => readings.push(reading),
            Err(wrong) => mistakes.add(index, &row, &wrong),
        }
    }
    let (rejected, errors) = (mistakes.count(), mistakes.listed());
    let submission =
        Submission { source: "http".into(), readings, events: mistakes.into_events(), ..Submission::default() };
    let closed = app.runtime().apply(submission).await.map_err(ApiError::from)?;
    let members = json!({
        "accepted": closed.admitted.taken,
        // The gate may refuse one more when plant time has moved on since.
        "rejected": rejected + closed.admitted.refused,
        "late": closed.admitted.late,
        "errors": errors,
    });
    Ok(look::answer(&app.runtime().snapshot(), members).into())
}
