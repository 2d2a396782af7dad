//! Ad hoc SQL over one snapshot, read-only.

use super::App;
use super::body::query::{Format, Moment, Query, ROWS_MOST, SECONDS_MOST};
use super::error::{ApiError, Problem};
use super::look;
use super::route::{Answer, Call, Reply, Route};
use super::schema::{self, answer, integer, list, nullable, number, object, text};
use crate::auth::Role;
use crate::runtime::AsOf;
use crate::runtime::KeptReadings;
use lehr_domain::{EventMs, Tick};
use lehr_queries::{Limits, Source, saved};
use serde_json::{Value, json};
use std::sync::Arc;
use warp::http::Method;

// What the body may ask for is what the engine gives.
const _: () = assert!(ROWS_MOST == Limits::MOST.rows && SECONDS_MOST as u64 == Limits::MOST.time.as_secs());

const CSV: &str = "text/csv; charset=utf-8";
const ARROW: &str = "application/vnd.apache.arrow.stream";

pub fn routes() -> Vec<Route> {
    let column = object([("name", text()), ("type", text())]);
    let result = answer([("columns", list(column)), ("rows", list(list(json!(true)))), ("elapsed_ms", number())]);
    let column = object([("name", text()), ("type", text()), ("doc", text())]);
    let table = object([("name", text()), ("doc", text()), ("rows", nullable(integer())), ("columns", list(column))]);
    let query = object([("name", text()), ("title", text()), ("about", text()), ("sql", text())]);
    vec![
        Route::change(Method::POST, "/api/sql", "sql", "Answers a query over one tick.", Role::Viewer, run)
            .body(schema::of::<Query>())
            .answers(result)
            .answers_also(&[CSV, ARROW])
            .problems(&[Problem::NotFound, Problem::Limit])
            .heavy(),
        Route::get("/api/sql/tables", "sql", "Tables and their columns.", tables)
            .answers(answer([("tables", list(table))]))
            .problems(&[Problem::TooMany]),
        Route::get("/api/sql/saved", "sql", "Queries that come with Lehr.", saved_queries)
            .answers(object([("saved", list(query))])),
    ]
}

async fn run(app: App, call: Call) -> Answer {
    let query: Query = call.json()?;
    let snapshot = match query.as_of {
        None => app.runtime().snapshot(),
        Some(Moment::Tick { tick }) => app.runtime().as_of(AsOf::Tick(Tick(tick))).await?,
        Some(Moment::Time { time }) => {
            let time = EventMs::parse(&time).map_err(|error| ApiError::bad("as_of.time", error.to_string()))?;
            app.runtime().as_of(AsOf::Time(time)).await?
        }
    };
    let asked = query.limits.unwrap_or_default();
    let standard = Limits::default();
    let limits =
        Limits { rows: asked.rows.unwrap_or(standard.rows), time: asked.time().unwrap_or(standard.time), ..standard };
    let history = KeptReadings::new(app.options().data.clone(), app.runtime().history().clone(), &snapshot);
    let source = Source { snapshot, history: Some(Arc::new(history)) };
    let result = app.queries().run(&query.query, &source, limits).await?;
    Ok(match query.format.unwrap_or_default() {
        Format::Json => {
            let mut json = result.to_json()?;
            json["elapsed_ms"] = (result.elapsed.as_secs_f64() * 1000.0).into();
            Reply::Json(json)
        }
        Format::Csv => Reply::Bytes { content_type: CSV, bytes: result.to_csv()?.into() },
        Format::Arrow => Reply::Bytes { content_type: ARROW, bytes: result.to_arrow_stream()?.into() },
    })
}

/// As SQL itself tells them, so that the two cannot differ.
async fn tables(app: App, _call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let history = KeptReadings::new(app.options().data.clone(), app.runtime().history().clone(), &snapshot);
    let source = Source { snapshot, history: Some(Arc::new(history)) };
    let ask = async |sql: &str| -> Result<Vec<Value>, ApiError> {
        let result = app.queries().run(sql, &source, Limits::default()).await?;
        Ok(result.to_json()?["rows"].as_array().cloned().unwrap_or_default())
    };
    let columns = ask("SELECT table_name, column_name, type, doc FROM columns ORDER BY table_name, position").await?;
    let tables = ask("SELECT table_name, doc, row_count FROM tables").await?;
    let describe = |table: &Value| {
        let own = columns.iter().filter(|column| column[0] == table[0]);
        let column = |column: &Value| json!({ "name": column[1], "type": column[2], "doc": column[3] });
        let columns: Vec<Value> = own.map(column).collect();
        json!({ "name": table[0], "doc": table[1], "rows": table[2], "columns": columns })
    };
    let tables: Vec<Value> = tables.iter().map(describe).collect();
    Ok(look::answer(&source.snapshot, json!({ "tables": tables })).into())
}

async fn saved_queries(_app: App, _call: Call) -> Answer {
    let query = |query: lehr_queries::SavedQuery| json!({ "name": query.name, "title": query.title, "about": query.about, "sql": query.sql });
    Ok(json!({ "saved": saved().into_iter().map(query).collect::<Vec<Value>>() }).into())
}
