//! Readings that are pushed over HTTP.

use super::App;
use super::body;
use super::body::reading::Row;
use super::error::ApiError;
use super::intake::{self, Mistakes};
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{self, Wrong, answer, integer, list, object, text};
use crate::auth::Role;
use crate::runtime::{Submission, refusal};
use lehr_domain::ReadingBatch;
use serde_json::{Value, json};
use warp::http::Method;

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
        let read = |row: Row| row.reading(&names, |reading| refusal(reading, now, &names));
        match body::row(&schema, &row).and_then(read) {
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
