//! Readings and units that are pushed: the good are taken, the bad are told.

use super::fixture::{Fixture, close, minute};
use crate::auth::Role;
use lehr_domain::SpanMs;
use serde_json::{Value, json};

fn push(fixture: &Fixture, path: &str, content_type: &str, body: &str) -> Value {
    let bearer = format!("Bearer {}", fixture.token(Role::Operator));
    let headers = [("authorization", bearer.as_str()), ("content-type", content_type)];
    let got = fixture.send("POST", path, &headers, Some(body.as_bytes()));
    assert_eq!(got.status, 200, "{}", got.text);
    got.json()
}

#[test]
fn bad_rows_are_told_and_never_drop_the_rest() {
    let fixture = Fixture::run();
    let good = |at: i64, value: f64| {
        let at = minute(at) + SpanMs::seconds(40);
        json!({ "timestamp": at.to_string(), "sensor_id": "Line_A.belt_speed", "value": value, "unit": "m/min" })
    };
    let with = |name: &str, value: Value| {
        let mut row = good(1, 1.0);
        row[name] = value;
        row
    };
    let mut nameless = good(1, 1.0);
    nameless.as_object_mut().unwrap().remove("sensor_id");
    let rows = json!([
        good(10, 160.0),
        with("sensor_id", json!("Line_A.luck")),
        with("value", json!("fast")),
        with("value", json!(1e300)),
        with("timestamp", json!("noon")),
        with("timestamp", json!(minute(100_000).to_string())),
        with("status", json!("FINE")),
        with("unit", json!("knots")),
        with("production_line", json!("Line_B")),
        with("colour", json!("red")),
        nameless,
        7,
        good(11, 161.0),
        with("timestamp", json!(minute(-20 * 1440).to_string())),
    ]);
    let got = push(&fixture, "/api/readings", "application/json", &rows.to_string());
    assert_eq!((&got["accepted"], &got["rejected"], &got["late"]), (&json!(2), &json!(11), &json!(1)), "{got:#}");
    let fields: Vec<&str> =
        got["errors"].as_array().unwrap().iter().map(|row| row["field"].as_str().unwrap()).collect();
    let expected = [
        "sensor_id",
        "value",
        "value",
        "timestamp",
        "timestamp",
        "status",
        "unit",
        "production_line",
        "colour",
        "sensor_id",
        "",
    ];
    assert_eq!(fields, expected);
    let (from, to) = (minute(10), minute(11));
    let series = fixture.get(&format!("/api/sensors/Line_A.belt_speed/series?from={from}&to={to}"));
    assert_eq!(series["points"][0]["mean"], 155.0, "the late reading is part of its pane");
    let sql = json!({ "query": "SELECT (SELECT count(*) FROM errors WHERE source = 'http') AS errors, (SELECT count(*) FROM late) AS late" });
    let counts = fixture.call("POST", "/api/sql", Role::Viewer, Some(&sql)).json();
    assert_eq!(counts["rows"], json!([[11, 1]]), "{counts}");
}

#[test]
fn readings_come_as_lines_too() {
    let fixture = Fixture::run();
    let line = |second: i64| {
        let at = minute(20) + SpanMs::seconds(second);
        json!({ "timestamp": at.to_string(), "sensor_id": "Line_A.belt_speed", "value": 150 }).to_string()
    };
    let body = format!("{}\n\nnot json\n{}\n", line(41), line(42));
    let got = push(&fixture, "/api/readings", "application/x-ndjson", &body);
    assert_eq!((&got["accepted"], &got["rejected"]), (&json!(2), &json!(1)), "{got}");
    assert_eq!(got["errors"][0]["index"], 1);
}

#[test]
fn a_corrected_unit_restates_the_key_figures() {
    let fixture = Fixture::run();
    let good = || fixture.get("/api/kpis/cards")["cards"]["quality_rate"]["value"].clone();
    assert!(close(&good(), 140.0 / 150.0));
    let unit = |id: u64, line: &str| {
        json!({ "unit_id": id, "line": line, "timestamp": minute(id as i64).to_string(), "product": "bottle_330",
            "verdict": "good", "defects": [] })
    };
    let wrong = json!({ "unit_id": 3, "line": "Line_A", "timestamp": minute(3).to_string(), "product": "bottle_330",
        "verdict": "scrap", "defects": [{ "type": "dent" }] });
    let rows = json!([unit(90, "Line_A"), unit(91, "Line_A"), unit(92, "Line_Z"), wrong]);
    let got = push(&fixture, "/api/units", "application/json", &rows.to_string());
    assert_eq!((&got["accepted"], &got["rejected"]), (&json!(2), &json!(2)), "{got}");
    assert_eq!(got["errors"][0]["field"], "line");
    assert_eq!(got["errors"][1]["field"], "defects[0].type");
    assert!(close(&good(), 142.0 / 150.0), "{}", good());
}
