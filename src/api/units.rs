//! Inspected units that are pushed over HTTP: corrections of labels, and inspection machines without another
//! protocol.

use super::App;
use super::body;
use super::body::unit::Row;
use super::change::{Audit, apply};
use super::intake::{self, Mistakes};
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{self, Wrong, answer, integer, list, object, text};
use crate::auth::Role;
use lehr_domain::Event;
use serde_json::{Value, json};
use warp::http::Method;

pub fn routes() -> Vec<Route> {
    let schema = answer([
        ("accepted", integer()),
        ("rejected", integer()),
        ("errors", list(object([("index", integer()), ("field", text()), ("message", text())]))),
    ]);
    vec![
        Route::change(
            Method::POST,
            "/api/units",
            "units",
            "Takes units, or corrects them: an array, or one a line. A bad row never drops the rest.",
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
    let runtime = app.runtime();
    let (names, now) = (runtime.snapshot().names.clone(), runtime.now());
    let oldest = runtime.gate().low_water - runtime.options().graph.retention.events;
    let mut mistakes = Mistakes::new("http", now);
    let mut events = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        let row = match row {
            Ok(row) => row,
            Err(message) => {
                mistakes.add(index, &Value::Null, &Wrong { field: String::new(), message });
                continue;
            }
        };
        match body::row(&schema, &row).and_then(|row: Row| row.unit(&names, now, oldest)) {
            Ok(unit) => events.push(Event::Unit(unit)),
            Err(wrong) => mistakes.add(index, &row, &wrong),
        }
    }
    let members = json!({ "accepted": events.len(), "rejected": mistakes.count(), "errors": mistakes.listed() });
    let audit = Audit {
        by: call.by(),
        action: "units.push".into(),
        subject: format!("{} units", events.len()),
        after: members["accepted"].clone(),
        ..Audit::default()
    };
    events.extend(mistakes.into_events());
    apply(&app, events, audit).await?;
    Ok(look::answer(&app.runtime().snapshot(), members).into())
}
