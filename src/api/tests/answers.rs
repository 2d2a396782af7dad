//! What is answered about a plant that has run, and that it is as described.

use super::fixture::{BEGIN, Fixture, MINUTES, close, minute};
use crate::api::areas;
use crate::api::route::Route;
use crate::api::schema::{check, components};
use crate::auth::Role;
use lehr_domain::EventMs;
use serde_json::{Value, json};

fn route(method: &str, path: &str) -> Route {
    let path = path.split('?').next().unwrap();
    let routes = areas().into_iter().flatten();
    routes.filter(|route| route.method == method).find(|route| route.captures(path).is_some()).unwrap()
}

/// A GET whose answer must be as described.
fn get(fixture: &Fixture, path: &str) -> Value {
    let answer = fixture.get(path);
    let schema = route("GET", path).answers.json.unwrap();
    check(&schema, &answer, &components()).unwrap_or_else(|wrong| panic!("{path}: {wrong:?}\n{answer:#}"));
    answer
}

#[test]
fn every_answer_is_as_described_also_of_an_empty_plant() {
    let (empty, run) = (Fixture::empty(), Fixture::run());
    let mut asked = 0;
    for route in areas().iter().flatten().filter(|route| route.method == "GET") {
        let asks = route.query.iter().any(|param| param.required);
        let path = match route.path {
            "/api/knowledge-graph/intervention" => "/api/knowledge-graph/intervention?defect_type=crack",
            _ if route.answers.json.is_none() || !route.segments.is_empty() || asks => continue,
            path => path,
        };
        let role = Role::Admin;
        for fixture in [&empty, &run] {
            let got = fixture.call("GET", path, role, None);
            assert_eq!(got.status, 200, "{path}: {}", got.text);
            let schema = route.answers.json.as_ref().unwrap();
            check(schema, &got.json(), &components()).unwrap_or_else(|wrong| panic!("{path}: {wrong:?}"));
            asked += 1;
        }
    }
    assert!(asked >= 30, "only {asked} answers were looked at");
}

#[test]
fn lines_and_sensors_show_the_present_state() {
    let fixture = Fixture::run();
    let lines = get(&fixture, "/api/lines");
    let line = &lines["lines"][0];
    assert_eq!((line["line"].as_str(), line["state"]["state"].as_str()), (Some("Line_A"), Some("production")));
    assert_eq!(line["clock"], minute(MINUTES).to_string());
    assert_eq!(lines["now"], minute(MINUTES).to_string());
    assert!(line["kpi_shift"]["inspected"].as_i64().unwrap() > 0, "{line}");
    let sensors = get(&fixture, "/api/sensors?line=Line_A");
    let of = |name: &str| {
        let sensors = sensors["sensors"].as_array().unwrap();
        sensors.iter().find(|sensor| sensor["sensor_id"] == name).unwrap_or_else(|| panic!("no {name}")).clone()
    };
    let furnace = of("Line_A.furnace_temperature");
    assert_eq!((&furnace["latest"]["status"], &furnace["setpoint"]), (&json!("OK"), &json!(1520.0)));
    let limits = furnace["limits"].as_array().unwrap();
    let high = limits.iter().find(|limit| limit["high"].is_number()).unwrap();
    assert_eq!(
        (&high["high"], &high["value"], &high["severity"]),
        (&json!(1600.0), &json!(1600.0), &json!("CRITICAL"))
    );
    assert_eq!(of("Line_A.melt_level")["latest"], Value::Null, "nothing was measured");
    assert!(!sensors.to_string().contains("Line_B."));
}

#[test]
fn a_series_merges_panes_until_they_fit_and_leaves_gaps_out() {
    let fixture = Fixture::run();
    let path = "/api/sensors/Line_A.furnace_temperature/series";
    let fine = get(&fixture, &format!("{path}?from={BEGIN}&points=1000"));
    assert_eq!((fine["resolution_s"].as_i64(), fine["points"].as_array().unwrap().len()), (Some(60), MINUTES as usize));
    let coarse = get(&fixture, &format!("{path}?from={BEGIN}&points=20"));
    let points = coarse["points"].as_array().unwrap();
    assert_eq!((coarse["resolution_s"].as_i64(), points.len()), (Some(600), 15));
    assert_eq!((&points[3]["mean"], &points[3]["n"]), (&json!(1610.0), &json!(10)));
    let whole = points.iter().map(|point| point["n"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(whole, MINUTES, "every reading is in exactly one point");
    let (from, to) = (minute(-60), minute(10));
    let early = get(&fixture, &format!("{path}?from={from}&to={to}&points=1000"));
    assert_eq!(early["points"].as_array().unwrap().len(), 10, "what is not there is no point");
    let none = get(&fixture, &format!("{path}?from={to}&to={from}"));
    assert_eq!(none["points"], json!([]));
    let alerts = fine["alerts"].as_array().unwrap();
    assert!(alerts.iter().any(|alert| alert["severity"] == "CRITICAL"), "{alerts:?}");
}

#[test]
fn an_investigation_shows_signals_and_an_overheated_furnace_explains_cracks() {
    let fixture = Fixture::run();
    let id = fixture.hot_alert();
    let all = get(&fixture, &format!("/api/alerts/{id}"));
    assert_eq!(all["alert"]["sensor_id"], "Line_A.furnace_temperature");
    assert_eq!(all["signals"][0]["sensor"]["sensor_id"], "Line_A.furnace_temperature");
    let points = all["signals"][0]["points"].as_array().unwrap();
    assert!(points.iter().any(|point| point["mean"] == 1610.0) && points.iter().any(|point| point["mean"] != 1610.0));
    assert_eq!(all["conditions"][0]["peak"], 1610.0);
    let causes = get(&fixture, "/api/knowledge-graph/root-cause?defect_type=crack&min_confidence=0.7&line=Line_A");
    let first = &causes["root_causes"][0];
    assert_eq!(first["parameter_name"], "furnace_temperature", "{causes:#}");
    assert!(first["confidence"].as_f64().unwrap() > 0.7 && first["deviation_magnitude"].as_f64().unwrap() > 3.0);
    assert!(!first["evidence"][0]["points"].as_array().unwrap().is_empty());
    let at = minute(20);
    let before = get(&fixture, &format!("/api/knowledge-graph/root-cause?defect_type=crack&timestamp={at}"));
    assert_eq!(before["root_causes"], json!([]), "nothing had cracked yet");
}

#[test]
fn the_graph_is_shown_whole_or_upstream_of_a_defect() {
    let fixture = Fixture::empty();
    let whole = get(&fixture, "/api/knowledge-graph/subgraph");
    let crack = get(&fixture, "/api/knowledge-graph/subgraph?defect_type=crack&max_depth=1");
    let count = |graph: &Value, part: &str| graph[part].as_array().unwrap().len();
    assert!(0 < count(&crack, "edges") && count(&crack, "edges") < count(&whole, "edges"));
    for edge in crack["edges"].as_array().unwrap() {
        assert_eq!(edge["target"], "defect:crack");
        let nodes = crack["nodes"].as_array().unwrap();
        assert!(nodes.iter().any(|node| node["id"] == edge["source"]));
    }
    let given = "current_parameters=%7B%22furnace_temperature%22%3A1590%7D";
    let proposed = get(&fixture, &format!("/api/knowledge-graph/intervention?defect_type=crack&{given}"));
    let first = &proposed["interventions"][0];
    assert_eq!((&first["parameter_name"], &first["current"]), (&json!("furnace_temperature"), &json!(1590.0)));
}

#[test]
fn cards_add_up() {
    let fixture = Fixture::run();
    let cards = get(&fixture, "/api/kpis/cards");
    assert_eq!(cards["cards"]["critical_alerts"]["value"], 1);
    assert_eq!(cards["by_line"]["Line_A"]["critical_alerts"]["value"], 1);
    assert_eq!(cards["by_line"]["Line_B"]["critical_alerts"]["value"], 0);
    let quality = &cards["cards"]["quality_rate"];
    assert!(close(&quality["value"], 140.0 / 150.0), "{quality}");
    assert_eq!(cards["cards"]["response_time"]["histogram"].as_array().unwrap().len(), 8);
    assert_eq!(cards["cards"]["prediction_accuracy"]["value"], Value::Null);
    let rows = get(&fixture, "/api/kpis?scope=hour&line=Line_A&product=all");
    let inspected: i64 = rows["kpis"].as_array().unwrap().iter().map(|row| row["inspected"].as_i64().unwrap()).sum();
    assert_eq!(inspected, MINUTES);
}

#[test]
fn sql_answers_in_three_forms_and_of_earlier_ticks() {
    let fixture = Fixture::run();
    let sql = |body: Value| fixture.call("POST", "/api/sql", Role::Viewer, Some(&body));
    let count = "SELECT count(*) AS n FROM units";
    let got = sql(json!({ "query": count })).json();
    assert_eq!(got["rows"], json!([[MINUTES]]), "{got}");
    let tick = got["tick"].as_u64().unwrap();
    let earlier = sql(json!({ "query": count, "as_of": { "tick": tick - 1 } })).json();
    assert_eq!((&earlier["rows"], &earlier["tick"]), (&json!([[MINUTES - 10]]), &json!(tick - 1)));
    let time: EventMs = minute(20);
    let then = sql(json!({ "query": count, "as_of": { "time": time.to_string() } })).json();
    assert_eq!(then["rows"], json!([[20]]));
    let csv = sql(json!({ "query": count, "format": "csv" }));
    assert_eq!((csv.header("content-type"), csv.text.trim()), ("text/csv; charset=utf-8", "n\n150"));
    let readings =
        "SELECT count(*) AS n, max(value) AS most FROM readings WHERE sensor_id = 'Line_A.furnace_temperature'";
    assert_eq!(sql(json!({ "query": readings })).json()["rows"], json!([[MINUTES, 1610.0]]));
    let tables = get(&fixture, "/api/sql/tables");
    let readings = tables["tables"].as_array().unwrap().iter().find(|table| table["name"] == "readings").unwrap();
    assert_eq!((&readings["columns"][0]["name"], &readings["rows"]), (&json!("sensor_id"), &Value::Null));
    let rows = sql(json!({ "query": "SELECT * FROM panes", "limits": { "rows": 10 } }));
    assert_eq!((rows.status, rows.error().0.as_str()), (422, "row_limit"));
}

#[test]
fn metrics_count_requests_without_naming_tokens() {
    let fixture = Fixture::run();
    fixture.get("/api/lines");
    fixture.call("GET", "/api/alerts?colour=red", Role::Viewer, None);
    let text = fixture.call("GET", "/metrics", Role::Viewer, None).text;
    for line in [
        "lehr_readings_total 450",
        "lehr_http_requests_total{method=\"GET\",route=\"/api/lines\",status=\"2xx\"} 1",
        "lehr_http_requests_total{method=\"GET\",route=\"/api/alerts\",status=\"4xx\"} 1",
        "lehr_http_request_seconds_count{method=\"GET\",route=\"/api/lines\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains(fixture.token(Role::Viewer)));
}
