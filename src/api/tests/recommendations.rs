//! Recommendations: proposed, decided upon by who may, refused otherwise, and told of by the audit trail.

use super::fixture::{Fixture, Got, MINUTES, minute, stretch};
use crate::api::areas;
use crate::api::schema::{check, components};
use crate::auth::Role;
use lehr_domain::machine::Setpoint;
use lehr_domain::{Event, Micro};
use serde_json::{Value, json};

const PATH: &str = "/api/recommendations";

fn body(speed: f64) -> Value {
    json!({ "line": "Line_A", "duration": "3h", "reason": "fewer cracks",
        "settings": [{ "parameter": "belt_speed", "value": speed }] })
}

fn propose(fixture: &Fixture, role: Role, body: &Value) -> Got {
    fixture.call("POST", PATH, role, Some(body))
}

/// The id of a proposal that must be taken.
fn proposed(fixture: &Fixture, role: Role, speed: f64) -> String {
    let got = propose(fixture, role, &body(speed));
    assert_eq!(got.status, 200, "{}", got.text);
    got.json()["recommendation"]["recommendation_id"].as_str().unwrap().to_owned()
}

fn decide(fixture: &Fixture, role: Role, id: &str, decision: &str, reason: &str) -> Got {
    let body = json!({ "decision": decision, "reason": reason });
    fixture.call("POST", &format!("{PATH}/{id}/decision"), role, Some(&body))
}

/// An answer that must be as described.
fn described(path: &str, method: &str, answer: &Value) {
    let mut routes = areas().into_iter().flatten();
    let route = routes.find(|route| route.path == path && route.method.as_str() == method).unwrap();
    check(&route.answers.json.unwrap(), answer, &components()).unwrap_or_else(|wrong| panic!("{wrong:?}: {answer}"));
}

#[test]
fn a_proposal_tells_from_where_to_where_and_what_the_twin_expects() {
    let fixture = Fixture::run();
    assert_eq!(fixture.get(PATH)["total"], 0);
    let got = propose(&fixture, Role::Operator, &body(140.0));
    assert_eq!(got.status, 200, "{}", got.text);
    let answer = got.json();
    described(PATH, "POST", &answer);
    let row = &answer["recommendation"];
    let told = ["state", "by", "origin", "reason", "settings"].map(|name| row[name].as_str().unwrap());
    assert_eq!(told, ["proposed", "operator", "what_if", "fewer cracks", "belt_speed 150 → 140 m/min"]);
    let step = json!([{ "parameter": "belt_speed", "unit": "m/min", "from": 150.0, "to": 140.0, "large": false }]);
    assert_eq!((&row["changes"], &row["large"], &row["decided_by"]), (&step, &json!(false), &Value::Null));

    let asked = json!({ "line": "Line_A", "mode": "one", "duration": "3h", "settings": body(140.0)["settings"] });
    let asked = fixture.call("POST", "/api/digital-twin/what-if", Role::Viewer, Some(&asked)).json();
    let close = |told: &Value, asked: &Value| (told.as_f64().unwrap() - asked.as_f64().unwrap()).abs() < 1e-6;
    for figure in ["defect_rate", "quality_score", "rate_per_h", "energy_kw"] {
        for (column, member) in [("change", "value"), ("low", "low"), ("high", "high")] {
            let (told, asked) = (&row[format!("{figure}_{column}")], &asked["changes"][figure][member]);
            assert!(close(told, asked), "{figure} {column}: {told}, but the twin says {asked}");
        }
    }
    assert!(close(&row["effect_min"], &asked["time_to_effect_min"]["value"]), "{row}");
    assert_eq!(row["unseen"], !asked["unseen"].as_array().unwrap().is_empty());
    assert!(row["rate_per_h_high"].as_f64().unwrap() < 0.0, "a slower belt makes less: {row}");

    let listed = fixture.get(PATH);
    described(PATH, "GET", &listed);
    assert_eq!((&listed["recommendations"][0], &listed["total"]), (row, &json!(1)));
    assert_eq!(fixture.get(&format!("{PATH}?line=Line_B"))["total"], 0);
    assert_eq!(fixture.get(&format!("{PATH}?state=approved,rejected"))["total"], 0);
    assert_eq!(fixture.get(&format!("{PATH}?state=proposed&line=Line_A"))["total"], 1);
}

#[test]
fn the_first_decision_stays_and_nothing_is_set() {
    let fixture = Fixture::run();
    let setpoints = fixture.app.runtime().snapshot().setpoints.len();
    let [slow, slower, slowest] = [145.0, 140.0, 135.0].map(|speed| proposed(&fixture, Role::Operator, speed));
    let approved = decide(&fixture, Role::Operator, &slow, "approve", "").json();
    described("/api/recommendations/{id}/decision", "POST", &approved);
    assert_eq!(approved["recommendation"]["state"], "approved", "{approved}");
    assert_eq!(approved["recommendation"]["decided_by"], "operator");
    for again in ["approve", "reject", "withdraw"] {
        let got = decide(&fixture, Role::Admin, &slow, again, "second thoughts");
        assert_eq!((got.status, got.error()), (409, ("state".into(), "decision".into())), "{again}");
    }
    let got = decide(&fixture, Role::Engineer, &slower, "reject", "  ");
    assert_eq!((got.status, got.error().1.as_str()), (400, "reason"));
    let rejected = decide(&fixture, Role::Engineer, &slower, "reject", "orders are late").json();
    assert_eq!(rejected["recommendation"]["decision_reason"], "orders are late", "{rejected}");
    let got = decide(&fixture, Role::Engineer, &slowest, "withdraw", "");
    assert_eq!((got.status, got.error().1.as_str()), (403, "decision"), "another's is rejected, not withdrawn");
    let withdrawn = decide(&fixture, Role::Operator, &slowest, "withdraw", "").json();
    assert_eq!(withdrawn["recommendation"]["state"], "withdrawn", "{withdrawn}");

    let open = proposed(&fixture, Role::Operator, 130.0);
    let listed = fixture.get(PATH);
    assert_eq!(listed["recommendations"][0]["recommendation_id"], open.as_str(), "open ones come first: {listed}");
    assert_eq!(listed["total"], 4);
    assert_eq!(fixture.app.runtime().snapshot().setpoints.len(), setpoints, "a decision sets nothing");
    for (action, by, reason) in [
        ("recommendation.propose", "operator", "fewer cracks"),
        ("recommendation.approve", "operator", ""),
        ("recommendation.reject", "engineer", "orders are late"),
        ("recommendation.withdraw", "operator", ""),
    ] {
        let entry = fixture.get(&format!("/api/audit?action={action}"))["audit"][0].clone();
        assert_eq!((entry["by"].as_str(), entry["reason"].as_str()), (Some(by), Some(reason)), "{action}: {entry}");
    }
}

#[test]
fn a_large_change_is_approved_by_who_may_alone() {
    let fixture = Fixture::run();
    let large = proposed(&fixture, Role::Operator, 95.0);
    let shown = fixture.get(PATH)["recommendations"][0].clone();
    assert_eq!((&shown["large"], &shown["changes"][0]["large"]), (&json!(true), &json!(true)), "150 to 95: {shown}");
    let got = decide(&fixture, Role::Operator, &large, "approve", "");
    assert_eq!((got.status, got.error()), (403, ("forbidden".into(), "decision".into())));
    assert!(got.text.contains("engineer"), "the role that is needed is named: {}", got.text);
    assert_eq!(fixture.get(PATH)["recommendations"][0]["state"], "proposed");
    assert_eq!(decide(&fixture, Role::Engineer, &large, "approve", "trial run").status, 200);
    // Nobody needs that right to say no.
    let other = proposed(&fixture, Role::Engineer, 90.0);
    assert_eq!(decide(&fixture, Role::Operator, &other, "reject", "too slow").status, 200);
}

/// What was small from where the set-point stood is large from where it stands.
#[test]
fn a_change_that_has_become_large_is_approved_by_who_may_alone() {
    let fixture = Fixture::run();
    let id = proposed(&fixture, Role::Operator, 110.0);
    assert_eq!(fixture.get(PATH)["recommendations"][0]["large"], false, "150 to 110");
    let names = fixture.app.runtime().snapshot().names.clone();
    let sensor = names.sensor_id("Line_A.belt_speed").unwrap();
    let mut moved = stretch(&names, MINUTES..MINUTES + 5);
    moved.events.push(Event::Setpoint(Setpoint { sensor, at: minute(MINUTES), value: Micro::units(165) }));
    fixture.submit(moved);
    let got = decide(&fixture, Role::Operator, &id, "approve", "");
    assert_eq!((got.status, got.error().1.as_str()), (403, "decision"), "165 to 110: {}", got.text);
    assert_eq!(decide(&fixture, Role::Engineer, &id, "approve", "").status, 200);
}

#[test]
fn what_cannot_be_proposed_is_refused_with_the_field() {
    let fixture = Fixture::run();
    let with = |member: &str, value: Value| {
        let mut body = body(140.0);
        body[member] = value;
        body
    };
    let setting = |parameter: &str, value: f64| json!([{ "parameter": parameter, "value": value }]);
    proposed(&fixture, Role::Operator, 142.0);
    for (body, status, field) in [
        (with("line", json!("Line_Z")), 404, "line"),
        (with("settings", json!([])), 400, "settings"),
        (with("settings", setting("luck", 1.0)), 404, "parameter"),
        (with("settings", setting("line_power", 600.0)), 400, "parameter"),
        (with("settings", setting("belt_speed", 500.0)), 400, "value"),
        (with("settings", setting("belt_speed", 150.0)), 400, "settings"),
        (with("settings", setting("belt_speed", 142.0)), 409, "settings"),
        (with("duration", json!("30d")), 400, "duration"),
        (with("reason", json!("")), 400, "reason"),
        (with("reason", json!("   ")), 400, "reason"),
        (with("reason", json!("x".repeat(1001))), 400, "reason"),
        // What is expected is the twin's to say.
        (with("expected", json!({ "defect_rate": -1 })), 400, "expected"),
    ] {
        let got = propose(&fixture, Role::Operator, &body);
        assert_eq!((got.status, got.error().1.as_str()), (status, field), "{body}: {}", got.text);
    }
    let mut without = body(140.0);
    without.as_object_mut().unwrap().remove("reason");
    assert_eq!(propose(&fixture, Role::Operator, &without).error().1, "reason");
    assert_eq!(propose(&fixture, Role::Viewer, &body(140.0)).status, 403);
    let id = fixture.get(PATH)["recommendations"][0]["recommendation_id"].as_str().unwrap().to_owned();
    assert_eq!(decide(&fixture, Role::Viewer, &id, "approve", "").status, 403);
    assert_eq!(decide(&fixture, Role::Operator, &id, "apply", "").error().1, "decision");
    assert_eq!(decide(&fixture, Role::Operator, "0123456789abcdef", "approve", "").status, 404);
    assert_eq!(decide(&fixture, Role::Operator, "12", "approve", "").status, 404);
}

#[test]
fn open_proposals_of_a_line_are_bounded() {
    let fixture = Fixture::run();
    for place in 0..20 {
        proposed(&fixture, Role::Operator, 130.0 + f64::from(place) * 0.5);
    }
    let got = propose(&fixture, Role::Operator, &body(100.0));
    assert_eq!((got.status, got.error().1.as_str()), (409, "line"), "{}", got.text);
    let id = fixture.get(PATH)["recommendations"][0]["recommendation_id"].as_str().unwrap().to_owned();
    assert_eq!(decide(&fixture, Role::Operator, &id, "withdraw", "").status, 200);
    proposed(&fixture, Role::Operator, 120.0);
}
