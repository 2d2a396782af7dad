//! Stores elsewhere that follow the tables, and how each gets on.

use super::App;
use super::health::component;
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{answer, integer, list, nullable, object, text, time};
use crate::sinks::SinkStatus;
use serde_json::{Value, json};

pub fn routes() -> Vec<Route> {
    let store = object([
        ("name", text()),
        ("kind", text()),
        ("address", text()),
        ("position", integer()),
        ("behind", integer()),
        ("waiting", integer()),
        ("oldest", nullable(time())),
        ("delivered", integer()),
        ("error", nullable(text())),
    ]);
    vec![
        Route::get("/api/stores", "system", "Every store that follows the tables, and how far it is.", stores)
            .answers(answer([("stores", list(store))])),
    ]
}

async fn stores(app: App, _call: Call) -> Answer {
    let snapshot = app.runtime().snapshot();
    let shown = app.runtime().sinks().into_iter().map(|sink| {
        let config = app.options().stores.iter().find(|store| store.name() == sink.name);
        let (kind, address) = config.map_or(("files", String::new()), |store| (store.kind(), store.address()));
        json!({
            "name": sink.name,
            "kind": kind,
            "address": address,
            "position": sink.position.0,
            "behind": snapshot.tick.0.saturating_sub(sink.position.0),
            "waiting": sink.waiting,
            "oldest": sink.oldest.map(|at| at.to_string()),
            "delivered": sink.delivered,
            "error": sink.failure,
        })
    });
    let shown: Vec<Value> = shown.collect();
    Ok(look::answer(&snapshot, json!({ "stores": shown })).into())
}

/// Each as a part of the system's health. One that is away is trouble; one that is only behind is not.
pub fn health(app: &App) -> Vec<Value> {
    let newest = app.runtime().snapshot().tick.0;
    let part = |sink: SinkStatus| {
        let behind = newest.saturating_sub(sink.position.0);
        let (status, detail) = match (&sink.failure, sink.oldest) {
            (Some(why), _) => ("degraded", why.clone()),
            (None, Some(oldest)) => ("ok", format!("tick {}; waiting since {oldest}", sink.position.0)),
            (None, None) => ("ok", format!("tick {}", sink.position.0)),
        };
        component(&format!("stores.{}", sink.name), status, detail, behind)
    };
    app.runtime().sinks().into_iter().map(part).collect()
}
