//! The twin's doors: what is shown of the lines, and what-if in all its modes.

use super::fixture::{Fixture, MINUTES, minute};
use crate::api::areas;
use crate::api::schema::{check, components};
use crate::auth::Role;
use serde_json::{Value, json};

const WHAT_IF: &str = "/api/digital-twin/what-if";

fn post(fixture: &Fixture, body: &Value) -> (u16, Value) {
    let got = fixture.call("POST", WHAT_IF, Role::Viewer, Some(body));
    (got.status, got.json())
}

/// An answer that must be as described.
fn ask(fixture: &Fixture, body: &Value) -> Value {
    let (status, answer) = post(fixture, body);
    assert_eq!(status, 200, "{body}: {answer}");
    let route = areas().into_iter().flatten().find(|route| route.path == WHAT_IF).unwrap();
    check(&route.answers.json.unwrap(), &answer, &components()).unwrap_or_else(|wrong| panic!("{wrong:?}: {answer}"));
    answer
}

#[test]
fn the_shadow_shows_each_line_that_was_heard_of() {
    let fixture = Fixture::run();
    let shown = fixture.get("/api/digital-twin/shadow-state");
    let lines = shown["lines"].as_array().unwrap();
    let named: Vec<&str> = lines.iter().map(|line| line["line"].as_str().unwrap()).collect();
    assert_eq!(named, ["Line_A", "Line_B"]);
    let line = &lines[0];
    assert_eq!(line["at"], minute(MINUTES - 2).to_string());
    assert_eq!(line["forecasts"].as_array().unwrap().len(), 3 * 22);
    assert_eq!(line["accuracy"].as_array().unwrap().len(), 3 * 22);
    let values = line["values"].as_array().unwrap();
    let furnace = values.iter().find(|value| value["parameter"] == "furnace_temperature").unwrap();
    let celsius = furnace["value"].as_f64().unwrap();
    assert!((1518.0..1524.0).contains(&celsius), "the sensor says 1520 to 1522, the twin {celsius}");
    let scored = line["accuracy"].as_array().unwrap().iter();
    let scored = scored.filter(|score| score["n"].as_u64() > Some(0)).count();
    assert!(scored >= 4, "forecasts of two sensors were held against what came: {scored}");
    let one = fixture.get("/api/digital-twin/shadow-state?line=Line_B");
    assert_eq!(one["lines"].as_array().unwrap().len(), 1);
}

#[test]
fn every_mode_of_what_if_is_answered_with_bands() {
    let fixture = Fixture::run();
    let settings = json!([{ "parameter": "furnace_temperature", "value": 1535 }]);
    let one = ask(&fixture, &json!({ "line": "Line_A", "mode": "one", "settings": settings, "duration": "3h" }));
    let energy = &one["changes"]["energy_kw"];
    let number = |value: &Value| value.as_f64().unwrap();
    assert!(number(&energy["value"]) > 0.0 && number(&energy["low"]) <= number(&energy["value"]), "{energy}");
    assert_eq!(one["changes"]["defect_rates"].as_object().unwrap().len(), 7);
    assert!(!one["assumptions"].as_array().unwrap().is_empty());
    let several =
        json!([{ "parameter": "furnace_temperature", "value": 1525 }, { "parameter": "belt_speed", "value": 145 }]);
    let several = ask(&fixture, &json!({ "line": "Line_A", "mode": "several", "settings": several }));
    assert!(number(&several["changes"]["rate_per_h"]["value"]) < 0.0, "a slower belt makes less: {several}");
    let best = ask(
        &fixture,
        &json!({ "line": "Line_A", "mode": "best", "duration": "2h",
            "ranges": [{ "parameter": "belt_speed", "low": 140, "high": 160 }] }),
    );
    let found = number(&best["settings"][0]["value"]);
    assert!((140.0..=160.0).contains(&found), "{best}");
    assert!(!best["front"].as_array().unwrap().is_empty());
    let stress = json!({ "line": "Line_A", "mode": "stress", "parameter": "furnace_temperature", "until": 1700 });
    let stress = ask(&fixture, &stress);
    assert!(stress["failure"]["mode"].is_string(), "a furnace at 1700 °C breaks ware: {stress}");
    let replay = ask(
        &fixture,
        &json!({ "line": "Line_A", "mode": "replay", "settings": settings,
            "from": minute(40).to_string(), "to": minute(140).to_string() }),
    );
    assert!(number(&replay["changes"]["energy_kw"]["value"]) > 0.0, "{replay}");
}

#[test]
fn a_scenario_tells_what_would_have_been_alarmed() {
    let fixture = Fixture::run();
    let body = json!({ "line": "Line_A", "mode": "one", "consequences": true, "duration": "4h",
        "settings": [{ "parameter": "furnace_temperature", "value": 1640 }] });
    let answer = ask(&fixture, &body);
    let of = |what: &str, table: &str| answer["consequences"][what][table].as_array().unwrap().clone();
    assert_eq!(of("baseline", "alerts"), Vec::<Value>::new());
    let alerts = of("scenario", "alerts");
    let hot = alerts.iter().filter(|alert| alert["sensor_id"] == "Line_A.furnace_temperature");
    assert!(hot.clone().any(|alert| alert["severity"] == "CRITICAL"), "{alerts:?}");
    let inspected = |what: &str| {
        let kpis = of(what, "kpis");
        kpis.iter().filter(|kpi| kpi["scope"] == "hour" && kpi["product"] == "all").count()
    };
    assert!(inspected("baseline") >= 4 && inspected("scenario") >= 4);
    assert!(!of("scenario", "root_causes").is_empty());
    let without = json!({ "line": "Line_A", "mode": "one", "settings": body["settings"] });
    assert_eq!(ask(&fixture, &without)["consequences"], Value::Null);
}

#[test]
fn a_question_changes_nothing() {
    let fixture = Fixture::run();
    let before = fixture.app.runtime().snapshot();
    let settings = json!([{ "parameter": "belt_speed", "value": 120 }]);
    ask(&fixture, &json!({ "line": "Line_A", "mode": "one", "settings": settings }));
    assert_eq!(fixture.app.runtime().snapshot().tick, before.tick);
}

#[test]
fn questions_that_cannot_be_are_refused_with_the_field() {
    let fixture = Fixture::run();
    let one = |parameter: &str, value: f64| json!({ "line": "Line_A", "mode": "one", "settings": [{ "parameter": parameter, "value": value }] });
    let stress = |parameter: &str, until: f64| json!({ "line": "Line_A", "mode": "stress", "parameter": parameter, "until": until });
    let best = |ranges: Value| json!({ "line": "Line_A", "mode": "best", "ranges": ranges });
    let replay = |from: i64, to: i64| {
        json!({ "line": "Line_A", "mode": "replay", "settings": [{ "parameter": "belt_speed", "value": 140 }],
            "from": minute(from).to_string(), "to": minute(to).to_string() })
    };
    for (body, status, field) in [
        (one("luck", 1.0), 404, "parameter"),
        (one("line_power", 600.0), 400, "parameter"),
        (one("furnace_temperature", 2000.0), 400, "value"),
        (stress("furnace_temperature", 5000.0), 400, "until"),
        (best(json!([])), 400, "over"),
        (best(json!([{ "parameter": "belt_speed", "low": 160, "high": 140 }])), 400, "ranges"),
        (replay(60, 60), 400, "from"),
        (replay(100, 1000), 400, "from"),
    ] {
        let got = fixture.call("POST", WHAT_IF, Role::Viewer, Some(&body));
        assert_eq!((got.status, got.error().1.as_str()), (status, field), "{body}: {}", got.text);
    }
    // JSON has no NaN.
    let bearer = format!("Bearer {}", fixture.token(Role::Viewer));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = br#"{"line":"Line_A","mode":"one","settings":[{"parameter":"belt_speed","value":NaN}]}"#;
    let got = fixture.send("POST", WHAT_IF, &headers, Some(body));
    assert_eq!((got.status, got.error().1.as_str()), (400, "body"));
}

#[test]
fn scenarios_are_kept_compared_and_removed_and_the_audit_trail_tells() {
    let fixture = Fixture::run();
    let path = "/api/digital-twin/scenarios";
    let body = |name: &str, speed: f64| {
        json!({ "name": name, "line": "Line_A", "duration": "3h",
            "settings": [{ "parameter": "belt_speed", "value": speed }] })
    };
    let keep = |body: &Value| fixture.call("POST", path, Role::Operator, Some(body));
    let slow = keep(&body("slow", 140.0));
    assert_eq!(slow.status, 200, "{}", slow.text);
    let slow = slow.json()["scenario"]["scenario_id"].clone();
    let fast = keep(&body("fast", 158.0)).json()["scenario"]["scenario_id"].clone();
    let kept = fixture.get(path);
    let settings: Vec<&str> =
        kept["scenarios"].as_array().unwrap().iter().map(|row| row["settings"].as_str().unwrap()).collect();
    assert_eq!(settings, ["belt_speed=140", "belt_speed=158"]);

    let comparison = json!({ "scenarios": [slow, fast] });
    let compared = fixture.call("POST", "/api/digital-twin/compare", Role::Viewer, Some(&comparison));
    assert_eq!(compared.status, 200, "{}", compared.text);
    let compared = compared.json();
    let route = areas().into_iter().flatten().find(|route| route.path == "/api/digital-twin/compare").unwrap();
    check(&route.answers.json.unwrap(), &compared, &components()).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let rate = |place: usize| compared["answers"][place]["changes"]["rate_per_h"]["value"].as_f64().unwrap();
    assert!(rate(0) < 0.0 && rate(1) > 0.0, "{compared}");
    let asked = json!({ "line": "Line_A", "mode": "one", "duration": "3h", "settings": body("", 140.0)["settings"] });
    assert_eq!(ask(&fixture, &asked)["changes"], compared["answers"][0]["changes"], "kept or not, the answer is one");

    for (body, status, field) in [
        (body("slow", 120.0), 409, "name"),
        (body("wild", 1e6), 400, "value"),
        (
            json!({ "name": "x", "line": "Line_Z", "duration": "1h", "settings": body("", 1.0)["settings"] }),
            404,
            "line",
        ),
        (json!({ "name": "x", "line": "Line_A", "duration": "1h", "settings": [] }), 400, "settings"),
        (
            json!({ "name": "x", "line": "Line_A", "duration": "30d", "settings": body("", 140.0)["settings"] }),
            400,
            "duration",
        ),
    ] {
        let got = keep(&body);
        assert_eq!((got.status, got.error().1.as_str()), (status, field), "{body}: {}", got.text);
    }
    assert_eq!(fixture.call("POST", path, Role::Viewer, Some(&body("mine", 140.0))).status, 403);

    let gone = fixture.call("DELETE", &format!("{path}/{slow}?reason=tried"), Role::Operator, None);
    assert_eq!(gone.json()["scenario"]["name"], "slow", "{}", gone.text);
    let compared = fixture.call("POST", "/api/digital-twin/compare", Role::Viewer, Some(&comparison));
    assert_eq!(compared.status, 404);
    let next = keep(&body("slow", 140.0)).json()["scenario"]["scenario_id"].clone();
    assert!(next.as_u64() > fast.as_u64(), "numbers are not given twice");
    let audit = fixture.call("GET", "/api/audit", Role::Admin, None).json().to_string();
    assert!(audit.contains("scenario.keep") && audit.contains("scenario.remove") && audit.contains("tried"));
}
