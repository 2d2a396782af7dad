//! Counters in the text form that Prometheus reads. Few enough to be written by hand.

use super::App;
use super::route::{Answer, Call, Reply, Route};
use crate::histogram::Histogram;
use crate::sinks::SinkStatus;
use lehr_tags::{Link, Standing};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a rate is kept before it is measured again.
const RATE_OVER: Duration = Duration::from_secs(1);

/// What happened on one route.
#[derive(Debug, Default)]
pub struct RouteStats {
    method: String,
    path: &'static str,
    /// By first digit of the status, from 1.
    classes: [AtomicU64; 5],
    took: Histogram,
}

impl RouteStats {
    pub fn note(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        self.classes[class].fetch_add(1, Ordering::Relaxed);
        self.took.note(took);
    }
}

/// Counters of the doors. Those of the runtime and the WebSocket are read where they are kept.
#[derive(Debug, Default)]
pub struct Metrics {
    routes: Mutex<Vec<Arc<RouteStats>>>,
    rate: Mutex<Option<Rate>>,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    measured: Instant,
    count: u64,
    per_s: f64,
}

impl Metrics {
    pub fn route(&self, method: &str, path: &'static str) -> Arc<RouteStats> {
        let stats = Arc::new(RouteStats { method: method.into(), path, ..RouteStats::default() });
        self.routes.lock().expect("nobody panics while they hold the routes").push(stats.clone());
        stats
    }

    /// How fast a counter grows, between the two last times that this was asked.
    pub fn per_second(&self, count: u64, uptime_s: f64) -> f64 {
        let mut held = self.rate.lock().expect("nobody panics while they hold the rate");
        let now = Instant::now();
        let per_s = match *held {
            None => count as f64 / uptime_s.max(1.0),
            Some(last) if now - last.measured < RATE_OVER => return last.per_s,
            Some(last) => count.saturating_sub(last.count) as f64 / (now - last.measured).as_secs_f64(),
        };
        *held = Some(Rate { measured: now, count, per_s });
        per_s
    }
}

pub fn routes() -> Vec<Route> {
    let types = &["text/plain; version=0.0.4"];
    vec![Route::get("/metrics", "system", "Counters in the text form of Prometheus.", metrics).answers_only(types)]
}

async fn metrics(app: App, _call: Call) -> Answer {
    let bytes = exposition(&app).into();
    Ok(Reply::Bytes { content_type: "text/plain; version=0.0.4", bytes })
}

fn exposition(app: &App) -> String {
    let mut out = String::new();
    let stats = app.runtime().stats();
    let counter = |value: &AtomicU64| value.load(Ordering::Relaxed);
    let live = app.hub().stats();
    let (durable, published) = (counter(&stats.durable), counter(&stats.published));
    let pictures = app.pictures().figures();
    let simple: [(&str, &str, &str, f64); 18] = [
        ("lehr_readings_total", "counter", "Readings taken.", counter(&stats.readings) as f64),
        ("lehr_readings_late_total", "counter", "Readings kept apart as late.", counter(&stats.late) as f64),
        ("lehr_readings_refused_total", "counter", "Readings refused.", counter(&stats.refused) as f64),
        ("lehr_events_total", "counter", "Events taken.", counter(&stats.events) as f64),
        ("lehr_ticks_total", "counter", "Ticks made durable.", durable as f64),
        ("lehr_tick", "gauge", "Last tick that is published.", published as f64),
        ("lehr_lag_ticks", "gauge", "Durable ticks that are not published.", durable.saturating_sub(published) as f64),
        ("lehr_plant_time_seconds", "gauge", "Plant time.", app.runtime().now().0 as f64 / 1000.0),
        ("lehr_websocket_clients", "gauge", "WebSocket clients.", counter(&live.clients) as f64),
        ("lehr_websocket_frames_total", "counter", "Messages sent.", counter(&live.frames) as f64),
        ("lehr_websocket_resets_total", "counter", "Clients put back to a snapshot.", counter(&live.resets) as f64),
        ("lehr_pictures", "gauge", "Pictures that are kept.", pictures.pictures as f64),
        ("lehr_pictures_bytes", "gauge", "Bytes of them.", pictures.bytes as f64),
        ("lehr_pictures_left_total", "counter", "Pictures that left by the bound.", pictures.left as f64),
        ("lehr_pictures_failed_total", "counter", "Pictures not written, or not read.", pictures.failures as f64),
        ("lehr_pictures_ahead_total", "counter", "Pictures inspected before their tick.", pictures.looked.ahead as f64),
        (
            "lehr_pictures_passed_over_total",
            "counter",
            "Pictures left to their tick, because too many waited.",
            pictures.looked.passed_over as f64,
        ),
        ("lehr_uptime_seconds", "gauge", "Since the start.", app.runtime().uptime_s()),
    ];
    // Writing to a text cannot fail.
    for (name, kind, help, value) in simple {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    sinks(&mut out, &app.runtime().sinks());
    sources(&mut out, app);
    let routes = app.metrics().routes.lock().expect("nobody panics while they hold the routes").clone();
    let _ = writeln!(out, "# HELP lehr_http_requests_total Requests.\n# TYPE lehr_http_requests_total counter");
    for route in &routes {
        for (class, count) in route.classes.iter().enumerate().filter(|(_, count)| counter(count) > 0) {
            let labels = format!("method=\"{}\",route=\"{}\",status=\"{}xx\"", route.method, route.path, class + 1);
            let _ = writeln!(out, "lehr_http_requests_total{{{labels}}} {}", counter(count));
        }
    }
    let name = "lehr_http_request_seconds";
    let _ = writeln!(out, "# HELP {name} Time to answer.\n# TYPE {name} histogram");
    for route in &routes {
        let labels = format!("method=\"{}\",route=\"{}\"", route.method, route.path);
        route.took.expose(&mut out, name, &labels);
    }
    let name = "lehr_tick_stage_seconds";
    let _ = writeln!(out, "# HELP {name} What a tick spent in each stage.\n# TYPE {name} histogram");
    for (stage, times) in [
        ("submitted_to_durable", &stats.times.durable),
        ("durable_to_closed", &stats.times.closed),
        ("closed_to_published", &stats.times.published),
        ("published_to_sent", &live.sent),
    ] {
        times.expose(&mut out, name, &format!("stage=\"{stage}\""));
    }
    out
}

fn sources(out: &mut String, app: &App) {
    let standings = app.options().sources.standings();
    if standings.is_empty() {
        return;
    }
    type Read = fn(&Standing) -> u64;
    let series: [(&str, &str, &str, Read); 5] = [
        ("lehr_source_connected", "gauge", "1 while the peer is connected.", |standing| {
            u64::from(matches!(standing.link, Link::Connected { .. }))
        }),
        ("lehr_source_messages_total", "counter", "Messages heard.", |standing| standing.messages),
        ("lehr_source_readings_total", "counter", "Readings passed on.", |standing| standing.readings),
        ("lehr_source_refused_total", "counter", "Inputs that could not be taken.", |standing| standing.refused),
        ("lehr_source_connections_total", "counter", "Connections made.", |standing| standing.connections),
    ];
    for (name, kind, help, read) in series {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (standing, _) in &standings {
            let source = standing.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = writeln!(out, "{name}{{source=\"{source}\"}} {}", read(standing));
        }
    }
}

fn sinks(out: &mut String, sinks: &[SinkStatus]) {
    if sinks.is_empty() {
        return;
    }
    let _ = writeln!(out, "# HELP lehr_sink_tick Last tick that a sink holds.\n# TYPE lehr_sink_tick gauge");
    for sink in sinks {
        let _ = writeln!(out, "lehr_sink_tick{{sink=\"{}\"}} {}", sink.name, sink.position.0);
    }
    let _ = writeln!(out, "# HELP lehr_sink_failing 1 while a sink fails.\n# TYPE lehr_sink_failing gauge");
    for sink in sinks {
        let _ = writeln!(out, "lehr_sink_failing{{sink=\"{}\"}} {}", sink.name, u8::from(sink.failure.is_some()));
    }
}
