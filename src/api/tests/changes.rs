//! What a change does, and that the audit trail tells of it.

use super::fixture::Fixture;
use crate::auth::Role;
use serde_json::{Value, json};

fn audit(fixture: &Fixture, action: &str) -> Value {
    fixture.get(&format!("/api/audit?action={action}"))["audit"][0].clone()
}

#[test]
fn an_alert_is_acknowledged_once_and_by_whom_is_known() {
    let fixture = Fixture::run();
    let id = fixture.hot_alert();
    let act = |action: &str, body: Value| {
        fixture.call("POST", &format!("/api/alerts/{id}/{action}"), Role::Operator, Some(&body))
    };
    let got = act("acknowledge", json!({ "reason": "seen" })).json();
    assert_eq!(got["alert"]["acknowledged_by"], "operator", "{got}");
    assert!(got["tick"].as_u64().unwrap() >= fixture.get("/api/lines")["tick"].as_u64().unwrap());
    let again = act("acknowledge", json!({}));
    assert_eq!((again.status, again.error().0.as_str()), (409, "state"));
    assert_eq!(act("dismiss", json!({})).error().1, "reason", "a dismissal is justified");
    assert_eq!(act("note", json!({ "reason": "burner 2 was changed" })).status, 200);
    assert_eq!(act("unshelve", json!({})).status, 409);
    let all = fixture.get(&format!("/api/alerts/{id}"));
    assert_eq!(all["events"].as_array().unwrap().len(), 2);
    let entry = audit(&fixture, "alert.acknowledge");
    assert_eq!((entry["by"].as_str(), entry["reason"].as_str()), (Some("operator"), Some("seen")));
    assert_eq!(fixture.get("/api/kpis/cards")["cards"]["critical_alerts"]["value"], 0);
}

#[test]
fn a_changed_limit_corrects_what_the_old_one_detected() {
    let fixture = Fixture::run();
    let rules = fixture.get("/api/rules");
    let rule =
        rules["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "furnace over temperature").unwrap();
    assert_eq!((&rule["limit"], &rule["parameters"]["deadband"]), (&json!(1600.0), &json!(5.0)));
    let path = format!("/api/rules/{}", rule["rule_id"]);
    let got = fixture.call("PUT", &path, Role::Engineer, Some(&json!({ "limit": 1620, "reason": "new lining" })));
    assert_eq!((got.status, &got.json()["rule"]["limit"]), (200, &json!(1620.0)), "{}", got.text);
    let critical = fixture.get("/api/alerts?severity_filter=CRITICAL&line=Line_A");
    assert_eq!(critical["total"], 0, "1610 °C was never too hot");
    let entry = audit(&fixture, "rule");
    assert!(entry["before"].as_str().unwrap().contains("1600") && entry["after"].as_str().unwrap().contains("1620"));
    let wrong =
        fixture.call("PUT", &path, Role::Engineer, Some(&json!({ "parameters": { "lambda": 1 }, "reason": "?" })));
    assert_eq!((wrong.status, wrong.error().1.as_str()), (409, "lambda"));
}

#[test]
fn edges_are_added_replaced_and_removed_but_never_close_a_cycle() {
    let fixture = Fixture::empty();
    let edge = |cause: &str, effect: &str| {
        json!({ "cause": cause, "effect": effect, "direction": "high", "threshold": null, "confidence": 0.5,
            "lag_min_s": 0, "lag_max_s": 60, "mechanism": "m", "advice": "a", "reason": "tried" })
    };
    let send = |method: &str, path: &str, body: Option<&Value>| {
        fixture.call(method, &format!("/api/knowledge-graph/edges{path}"), Role::Engineer, body)
    };
    let added = send("POST", "", Some(&edge("melt_level", "furnace_pressure"))).json();
    let id = added["edge"]["edge_id"].as_u64().unwrap_or_else(|| panic!("{added}"));
    let cycle = send("POST", "", Some(&edge("furnace_pressure", "melt_level")));
    assert_eq!((cycle.status, cycle.error().0.as_str()), (409, "cycle"));
    assert!(cycle.text.contains('→'), "the path is told: {}", cycle.text);
    let mut other = edge("melt_level", "furnace_pressure");
    other["confidence"] = json!(0.9);
    assert_eq!(send("PUT", &format!("/{id}"), Some(&other)).json()["edge"]["confidence"], 0.9);
    assert_eq!(send("DELETE", &format!("/{id}"), None).error().1, "reason");
    assert_eq!(send("DELETE", &format!("/{id}?reason=over"), None).status, 200);
    assert_eq!(send("DELETE", &format!("/{id}?reason=over"), None).status, 404);
    assert_eq!(fixture.get("/api/audit?action=edge")["total"], 3);
    assert_eq!(audit(&fixture, "edge.remove")["after"], "");
}

#[test]
fn settings_are_kept_in_the_journal() {
    let fixture = Fixture::empty();
    let before = fixture.get("/api/settings");
    assert_eq!((&before["confidence"], &before["update_s"]["kpi"]), (&json!(0.7), &json!(10)));
    let got = fixture.call("PUT", "/api/settings", Role::Engineer, Some(&json!({ "confidence": 0.8 })));
    assert_eq!(got.json()["confidence"], 0.8);
    let mut after = before.clone();
    after["confidence"] = json!(0.8);
    assert_eq!(fixture.get("/api/settings"), after);
    let whole = fixture.call("PUT", "/api/settings", Role::Engineer, Some(&before));
    assert_eq!(whole.json(), before, "what was read can be written back");
    assert!(audit(&fixture, "settings")["after"].as_str().unwrap().contains("0.7"));
}

#[test]
fn faults_are_injected_and_cleared() {
    let fixture = Fixture::empty();
    let body = json!({ "fault": "furnace_overheat:Line_A@0s" });
    let got = fixture.call("POST", "/api/faults", Role::Engineer, Some(&body)).json();
    let id = got["fault"]["id"].as_u64().unwrap();
    assert_eq!(fixture.get("/api/faults")["faults"][0]["kind"], "furnace_overheat");
    assert_eq!(fixture.call("DELETE", &format!("/api/faults/{id}"), Role::Engineer, None).status, 200);
    assert_eq!(fixture.get("/api/faults")["faults"], json!([]));
    assert_eq!(fixture.get("/api/audit?action=fault")["total"], 2);
}
