//! Pictures of ware: delivered by cameras, and shown.

use super::App;
use super::error::{ApiError, Problem};
use super::health::component;
use super::intake::Mistakes;
use super::look;
use super::params::Kind;
use super::route::{Answer, Call, Reply, Route};
use super::schema::{HASH, UNIT, Wrong, answer, text};
use crate::auth::Role;
use crate::pictures::{Figures, PictureError, Pictures};
use crate::runtime::Submission;
use lehr_dataflows::tables::UnitRow;
use lehr_domain::picture::{Content, Picture};
use lehr_domain::{Event, UnitId};
use serde_json::{Value, json};
use std::time::Duration;
use warp::http::Method;

const TAG: &str = "pictures";

/// How long a picture waits to be looked at before an event names it: one takes some 50 ms, so that forty may be before it.
/// After that it is looked at within its tick.
const LOOKED_AT_MOST: Duration = Duration::from_secs(2);

pub fn routes() -> Vec<Route> {
    vec![
        Route::get(
            "/api/pictures/{content}",
            TAG,
            "A picture of ware. The oldest leave when there are too many.",
            show,
        )
        .segment("content", Kind::Pattern(HASH), "SHA-256 of its file.")
        .answers_only(&["image/png"]),
        Route::change(
            Method::POST,
            "/api/units/{unit}/picture",
            TAG,
            "Takes a camera's picture of a unit that is known. One that came before is replaced.",
            Role::Operator,
            take,
        )
        .segment("unit", Kind::Pattern(UNIT), "The unit.")
        .picture("224 × 224 pixels, red, green and blue of 8 bits each.")
        .answers(answer([("unit", text()), ("content", text())]))
        .heavy(),
    ]
}

async fn show(app: App, call: Call) -> Answer {
    let content: Content = call.path[0].parse().map_err(|_| ApiError::not_found("the picture"))?;
    let pictures: Pictures = app.pictures().pictures().clone();
    let bytes = tokio::task::spawn_blocking(move || pictures.get(content)).await.map_err(ApiError::internal)??;
    Ok(Reply::Lasting { content_type: "image/png", bytes: bytes.into() })
}

async fn take(app: App, call: Call) -> Answer {
    let Some(unit) = known(&app, &call.path[0]) else {
        let message = format!("unit {} is not known: send it first", call.path[0]);
        return Err(refused(&app, &call, ApiError::field(Problem::NotFound, "unit", message)).await?);
    };
    let (store, file) = (app.pictures().clone(), call.rows.clone());
    let put = move || -> Result<Content, PictureError> {
        let content = store.put(&file)?;
        // Else its tick would be held for that, and with it all that the tick takes in.
        store.settle(content, LOOKED_AT_MOST);
        Ok(content)
    };
    let content = match tokio::task::spawn_blocking(put).await.map_err(ApiError::internal)? {
        Ok(content) => content,
        Err(error @ (PictureError::TooLarge { .. } | PictureError::NoPicture(_))) => {
            return Err(refused(&app, &call, error.into()).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let picture = Picture { unit: unit.unit_id, line: unit.production_line, at: unit.at, content };
    submit(&app, vec![Event::Picture(picture)]).await?;
    let members = json!({ "unit": unit.unit_id.0.to_string(), "content": content.to_string() });
    Ok(look::answer(&app.runtime().snapshot(), members).into())
}

fn known(app: &App, number: &str) -> Option<UnitRow> {
    let unit = UnitId(number.parse().ok()?);
    app.runtime().snapshot().units.get(|row| row.unit_id.cmp(&unit)).cloned()
}

/// Pictures are what machines measure: there is no line of the audit trail for each.
async fn submit(app: &App, events: Vec<Event>) -> Result<(), ApiError> {
    let submission = Submission { source: "http".into(), events, ..Submission::default() };
    app.runtime().apply(submission).await?;
    Ok(())
}

/// Keeps what could not be taken as a row of `errors`, and gives the refusal back.
async fn refused(app: &App, call: &Call, error: ApiError) -> Result<ApiError, ApiError> {
    let mut mistakes = Mistakes::new("http", app.runtime().now());
    let row = json!({ "picture_of": call.path[0], "bytes": call.rows.len() });
    let wrong = Wrong { field: error.field.clone().unwrap_or_default(), message: error.message.clone() };
    mistakes.add(0, &row, &wrong);
    submit(app, mistakes.into_events()).await?;
    Ok(error)
}

pub fn health(app: &App) -> Value {
    let Figures { pictures, bytes, left, failures, failing, .. } = app.pictures().figures();
    let mut detail = format!("{pictures} pictures, {:.1} MB", bytes as f64 / 1e6);
    if left > 0 {
        detail.push_str(&format!("; {left} left by the bound since the start"));
    }
    if failures > 0 {
        detail.push_str(&format!("; {failures} could not be written or read, lehr verify says which are damaged"));
    }
    match failing {
        None => component("pictures", "ok", detail, 0),
        Some(why) => component("pictures", "degraded", format!("no picture can be kept: {why}; {detail}"), 0),
    }
}
