//! Where readings come from, and how each source stands.

use super::App;
use super::health::component;
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, number, object, text, time};
use lehr_tags::{Link, Standing};
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    let last = object([("tag", text()), ("value", number()), ("at", time())]);
    let source = object([
        ("name", text()),
        ("protocol", text()),
        ("address", text()),
        ("state", json!({ "type": "string", "enum": ["connecting", "connected", "away"] })),
        ("since", nullable(time())),
        ("error", nullable(text())),
        ("messages", integer()),
        ("readings", integer()),
        ("unchanged", integer()),
        ("missed", integer()),
        ("refused", integer()),
        ("connections", integer()),
        ("last", nullable(last)),
    ]);
    vec![
        Route::get("/api/sources", "system", "Every configured source, and how it stands.", sources)
            .answers(answer([("sources", list(source))])),
    ]
}

async fn sources(app: App, _call: Call) -> Answer {
    let shown: Vec<Value> = app.options().sources.standings().iter().map(shown).collect();
    Ok(look::answer(&app.runtime().snapshot(), json!({ "sources": shown })).into())
}

fn shown((standing, address): &(Standing, String)) -> Value {
    let (state, since, error) = match &standing.link {
        Link::Connecting => ("connecting", None, None),
        Link::Connected { since } => ("connected", Some(since), None),
        Link::Away { since, why } => ("away", Some(since), Some(why)),
    };
    let last = standing
        .last
        .as_ref()
        .map(|(tag, value, at)| json!({ "tag": tag, "value": value.to_f64(), "at": at.to_string() }));
    json!({
        "name": standing.name,
        "protocol": standing.protocol,
        "address": address,
        "state": state,
        "since": since.map(|at| at.to_string()),
        "error": error,
        "messages": standing.messages,
        "readings": standing.readings,
        "unchanged": standing.unchanged,
        "missed": standing.missed,
        "refused": standing.refused,
        "connections": standing.connections,
        "last": last,
    })
}

/// Each as a part of the system's health.
pub fn health(app: &App) -> Vec<Value> {
    let part = |(standing, _): &(Standing, String)| {
        let (status, detail) = match &standing.link {
            Link::Connecting => ("ok", "connecting".to_owned()),
            Link::Connected { since } => ("ok", format!("connected since {since}")),
            Link::Away { since, why } => ("degraded", format!("away since {since}: {why}")),
        };
        component(&format!("sources.{}", standing.name), status, detail, 0)
    };
    app.options().sources.standings().iter().map(part).collect()
}
