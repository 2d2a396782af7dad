//! Whether all is well, and who is asking.

use super::App;
use super::look;
use super::route::{Answer, Call, Route};
use super::schema::{answer, list, number, object, text, time};
use lehr_domain::EventMs;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

/// Ticks that may be durable but not visible before it counts as trouble: at 20 ticks a second, 5 s.
const LAG_OK: u64 = 100;

pub fn routes() -> Vec<Route> {
    let component = object([("name", text()), ("status", status()), ("detail", text()), ("behind", number())]);
    let health = answer([
        ("status", status()),
        ("version", text()),
        ("wall", time()),
        ("uptime_s", number()),
        ("lag", object([("ticks", number())])),
        ("readings_per_s", number()),
        ("components", list(component)),
    ]);
    let me = object([("name", text()), ("role", text())]);
    vec![
        Route::get("/api/health", "system", "Whether all is well, and what is behind by how much.", health_now)
            .open()
            .answers(health),
        Route::get("/api/me", "system", "Whose token this is.", me_now).answers(me),
    ]
}

fn status() -> Value {
    json!({ "type": "string", "enum": ["ok", "degraded", "failing"] })
}

pub fn component(name: &str, status: &str, detail: impl Into<String>, behind: u64) -> Value {
    json!({ "name": name, "status": status, "detail": detail.into(), "behind": behind })
}

async fn health_now(app: App, _call: Call) -> Answer {
    let runtime = app.runtime();
    let snapshot = runtime.snapshot();
    let stats = runtime.stats();
    let failure = stats.failure();
    let durable = stats.durable.load(Ordering::Relaxed);
    let lag = durable.saturating_sub(stats.published.load(Ordering::Relaxed));
    let report = runtime.open_report();

    let journal = match (&failure, report.damaged.is_empty()) {
        (Some(why), _) => component("journal", "failing", why.as_str(), 0),
        (None, false) => component("journal", "degraded", format!("damaged: {}", report.damaged.join(", ")), 0),
        (None, true) => component("journal", "ok", format!("{durable} ticks durable"), 0),
    };
    let dataflow = match (&failure, lag) {
        (Some(why), _) => component("dataflow", "failing", why.as_str(), lag),
        (None, lag) if lag > LAG_OK => component("dataflow", "degraded", "ticks wait for the workers", lag),
        (None, lag) => component("dataflow", "ok", format!("{} workers", runtime.options().workers), lag),
    };
    let source = match &app.options().faults {
        Some(plant) => component("sources.plant", "ok", format!("{} open faults", plant.list().len()), 0),
        None => component("sources.http", "ok", "readings come through the API", 0),
    };
    let clients = app.hub().stats().clients.load(Ordering::Relaxed);
    let mut components = vec![
        journal,
        dataflow,
        source,
        component("store", "ok", "embedded", 0),
        component("websocket", "ok", format!("{clients} clients"), 0),
    ];
    components.extend(super::components::health(app.components()));
    components.extend(super::sources::health(&app));
    components.extend(super::stores::health(&app));
    components.push(super::models::health(&app).await?);
    components.extend(super::models::archives(&app));
    components.push(super::pictures::health(&app));
    let status = ["failing", "degraded"].into_iter().find(|bad| components.iter().any(|part| part["status"] == *bad));
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let rate = app.metrics().per_second(stats.readings.load(Ordering::Relaxed), runtime.uptime_s());
    let health = json!({
        "status": status.unwrap_or("ok"),
        "version": env!("CARGO_PKG_VERSION"),
        "wall": EventMs(since.as_millis() as i64).to_string(),
        "uptime_s": runtime.uptime_s(),
        "lag": { "ticks": lag },
        "readings_per_s": rate,
        "components": components,
    });
    Ok(look::answer(&snapshot, health).into())
}

async fn me_now(_app: App, call: Call) -> Answer {
    let role = call.who.as_ref().map_or("", |who| who.role.text());
    Ok(json!({ "name": call.by(), "role": role }).into())
}
