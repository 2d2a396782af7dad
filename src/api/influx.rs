//! Points that are pushed as to InfluxDB 2: Telegraf and other agents need only another address and token.

use super::App;
use super::dispatch::utf_8;
use super::error::ApiError;
use super::intake::Mistakes;
use super::params::Kind;
use super::route::{Answer, Call, Reply, Route};
use super::schema::Wrong;
use crate::auth::Role;
use crate::runtime::{Submission, refusal};
use lehr_influx::{Mistake, Precision};
use serde_json::Value;
use warp::http::Method;

pub fn routes() -> Vec<Route> {
    vec![
        Route::change(
            Method::POST,
            "/api/v2/write",
            "readings",
            "Takes readings in InfluxDB's line protocol. A bad point never drops the rest, but is answered with 400.",
            Role::Operator,
            take,
        )
        .query("bucket", Kind::Text(200), "As clients of InfluxDB send it; not looked at.")
        .query("org", Kind::Text(200), "As clients of InfluxDB send it; not looked at.")
        .query("precision", Kind::OneOf(&["ns", "us", "ms", "s"]), "Unit of the times; ns when absent.")
        .lines("Points: measurement,tag=value field=value time. docs/sources/http.md says which sensor a field is.")
        .answers_nothing()
        .heavy(),
    ]
}

async fn take(app: App, call: Call) -> Answer {
    let text = utf_8(&call.rows)?;
    let precision = call.query.text("precision").and_then(Precision::parse).unwrap_or_default();
    let (names, now) = (app.runtime().snapshot().names.clone(), app.runtime().now());
    let taken = lehr_influx::read(text, precision, &names, now, |reading| refusal(reading, now, &names));
    let mut mistakes = Mistakes::new("influx", now);
    for Mistake { point, field, message, sent } in taken.mistakes {
        mistakes.add(point, &Value::from(sent), &Wrong { field, message });
    }
    let (count, listed) = (mistakes.count(), mistakes.listed());
    let submission = Submission {
        source: "influx".into(),
        readings: taken.readings,
        events: mistakes.into_events(),
        ..Submission::default()
    };
    let closed = app.runtime().apply(submission).await?;
    // The gate may refuse one more when plant time has moved on since.
    let refused = count + closed.admitted.refused;
    match listed.first() {
        _ if refused == 0 => Ok(Reply::Nothing),
        // As InfluxDB says it, so that agents log it and do not send the same again.
        Some(first) => Err(ApiError::bad(
            "body",
            format!(
                "partial write: {} fields were taken, {refused} were not; of point {}: {} {}",
                closed.admitted.taken, first["index"], first["field"], first["message"]
            ),
        )),
        None => Err(ApiError::bad("body", format!("partial write: the times of {refused} fields cannot be"))),
    }
}
