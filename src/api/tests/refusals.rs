//! Every refusal has its status, its shape, and the field that is wrong; and the description knows it.

use super::fixture::Fixture;
use crate::api::route::{Body, Route};
use crate::api::{areas, document};
use crate::auth::Role;
use serde_json::{Value, json};

const WHAT_IF: &str = "/api/digital-twin/what-if";

#[test]
fn refusals_have_one_shape_and_name_the_field() {
    let fixture = Fixture::empty();
    let hex = "0123456789abcdef";
    let acknowledge = format!("/api/alerts/{hex}/acknowledge");
    let ask = |change: Value| {
        let mut body = json!({ "line": "Line_A", "mode": "one",
            "settings": [{ "parameter": "belt_speed", "value": 140 }] });
        let members = body.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        members.retain(|_, value| !value.is_null());
        body
    };
    let edge = json!({ "cause": "furnace_temperature", "effect": "crack", "direction": "high", "confidence": 0.5,
        "lag_min_s": 0, "lag_max_s": 60, "mechanism": "", "advice": "", "reason": "why" });
    let with = |name: &str, value: Value| {
        let mut edge = edge.clone();
        edge[name] = value;
        edge
    };
    for (method, path, body, status, code, field) in [
        ("GET", "/api/nothing", None, 404, "not_found", ""),
        ("GET", "/api/alerts/xyz", None, 404, "not_found", "id"),
        ("GET", &format!("/api/alerts/{hex}"), None, 404, "not_found", ""),
        ("GET", "/api/alerts?colour=red", None, 400, "bad_request", "colour"),
        ("GET", "/api/alerts?severity_filter=DIRE", None, 400, "bad_request", "severity_filter"),
        ("GET", "/api/alerts?time_range=always", None, 400, "bad_request", "time_range"),
        ("GET", "/api/alerts?line=Line_Z", None, 404, "not_found", "line"),
        ("GET", "/api/alerts?line=%ff", None, 400, "bad_request", "line"),
        ("GET", "/api/sensors/nobody/series", None, 404, "not_found", ""),
        ("GET", "/api/sensors/Line_A.belt_speed/series?points=0", None, 400, "bad_request", "points"),
        ("GET", "/api/sensors/Line_A.belt_speed/series?from=now", None, 400, "bad_request", "from"),
        ("GET", "/api/kpis?scope=decade", None, 400, "bad_request", "scope"),
        ("GET", "/api/knowledge-graph/intervention", None, 400, "bad_request", "defect_type"),
        ("GET", "/api/knowledge-graph/root-cause?defect_type=boredom", None, 404, "not_found", "defect_type"),
        ("POST", acknowledge.as_str(), Some(json!({})), 404, "not_found", ""),
        ("POST", acknowledge.as_str(), Some(json!({ "why": 1 })), 400, "bad_request", "why"),
        ("POST", acknowledge.as_str(), Some(json!({ "for": "soon" })), 400, "bad_request", "for"),
        ("POST", "/api/alerts/0123456789abcdef/explode", Some(json!({})), 404, "not_found", "action"),
        ("POST", "/api/knowledge-graph/edges", Some(with("confidence", json!(2))), 400, "bad_request", "confidence"),
        ("POST", "/api/knowledge-graph/edges", Some(with("cause", json!("luck"))), 404, "not_found", "cause"),
        ("POST", "/api/knowledge-graph/edges", Some(with("cause", json!("crack"))), 409, "conflict", "cause"),
        ("POST", "/api/knowledge-graph/edges", Some(with("lag_min_s", json!(61))), 409, "conflict", "lag_min"),
        ("PUT", "/api/knowledge-graph/edges/4000", Some(edge.clone()), 404, "not_found", ""),
        ("PUT", "/api/rules/4000", Some(json!({ "reason": "why" })), 404, "not_found", ""),
        ("PUT", "/api/rules/0", Some(json!({ "limit": 1600 })), 400, "bad_request", "reason"),
        ("PUT", "/api/settings", Some(json!({ "colour": "red" })), 400, "bad_request", "colour"),
        ("POST", "/api/replay", Some(json!({ "recording": "../data" })), 400, "bad_request", "recording"),
        ("POST", "/api/replay", Some(json!({ "recording": "gone" })), 404, "not_found", "recording"),
        ("GET", "/api/replay/7", None, 404, "not_found", ""),
        ("GET", "/api/digital-twin/shadow-state?line=Line_Z", None, 404, "not_found", "line"),
        ("POST", WHAT_IF, Some(ask(json!({ "line": "Line_Z" }))), 404, "not_found", "line"),
        ("POST", WHAT_IF, Some(ask(json!({ "mode": "guess" }))), 400, "bad_request", "mode"),
        ("POST", WHAT_IF, Some(ask(json!({ "settings": null }))), 400, "bad_request", "settings"),
        ("POST", WHAT_IF, Some(ask(json!({ "settings": [] }))), 400, "bad_request", "settings"),
        ("POST", WHAT_IF, Some(ask(json!({ "ranges": [] }))), 400, "bad_request", "ranges"),
        ("POST", WHAT_IF, Some(ask(json!({ "duration": "soon" }))), 400, "bad_request", "duration"),
        ("POST", WHAT_IF, Some(ask(json!({ "mode": "replay" }))), 400, "bad_request", "from"),
        ("POST", WHAT_IF, Some(ask(json!({}))), 409, "conflict", ""),
        ("POST", "/api/faults", Some(json!({ "fault": "rain" })), 409, "conflict", "fault"),
        ("DELETE", "/api/faults/7", None, 404, "not_found", ""),
        ("POST", "/api/tokens", Some(json!({ "name": "anna", "role": "king" })), 400, "bad_request", "role"),
        ("DELETE", "/api/tokens/nobody", None, 404, "not_found", ""),
        ("POST", "/api/sql", Some(json!({ "query": "DROP TABLE panes" })), 400, "not_allowed", "query"),
        ("POST", "/api/sql", Some(json!({ "query": "SELEKT 1" })), 400, "syntax", "query"),
        ("POST", "/api/sql", Some(json!({ "query": "SELECT * FROM pains" })), 400, "unknown_table", "query"),
        (
            "POST",
            "/api/sql",
            Some(json!({ "query": "SELECT 1", "as_of": { "tick": 99999 } })),
            404,
            "not_found",
            "as_of.tick",
        ),
        (
            "POST",
            "/api/sql",
            Some(json!({ "query": "SELECT 1", "limits": { "rows": 0 } })),
            400,
            "bad_request",
            "limits.rows",
        ),
    ] {
        let got = fixture.call(method, path, Role::Admin, body.as_ref());
        let said = got.error();
        let expected = (status, code, field);
        assert_eq!((got.status, said.0.as_str(), said.1.as_str()), expected, "{method} {path} {body:?}: {}", got.text);
    }
}

#[test]
fn bodies_are_checked_before_they_are_read() {
    let fixture = Fixture::empty();
    let bearer = format!("Bearer {}", fixture.token(Role::Admin));
    let sql = |content_type: Option<&str>, body: &[u8]| {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(content_type.map(|content_type| ("content-type", content_type)));
        let got = fixture.send("POST", "/api/sql", &headers, Some(body));
        (got.status, got.error().1)
    };
    let json = Some("application/json");
    assert_eq!(sql(None, b"{}").0, 415);
    assert_eq!(sql(Some("text/plain"), b"{}").0, 415);
    assert_eq!(sql(Some("application/json; charset=latin1"), b"{}").0, 415);
    assert_eq!(sql(Some("Application/JSON; charset=UTF-8"), b"{}"), (400, "query".into()));
    assert_eq!(sql(json, b""), (400, "body".into()));
    assert_eq!(sql(json, b"{"), (400, "body".into()));
    assert_eq!(sql(json, b"[]"), (400, "body".into()));
    assert_eq!(sql(json, b"{\"query\":\"\xff\"}"), (400, "body".into()));
    assert_eq!(sql(json, "[".repeat(100_000).as_bytes()), (400, "body".into()), "nesting is bounded");
    assert_eq!(sql(json, &vec![b' '; crate::api::dispatch::BODY_MOST + 1]).0, 413);
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let fixture = Fixture::empty();
    for (method, path, allow) in [
        ("POST", "/api/lines", "GET"),
        ("GET", "/api/sql", "POST"),
        ("PATCH", "/api/settings", "GET, PUT"),
        ("GET", "/api/knowledge-graph/edges/1", "PUT, DELETE"),
        ("DELETE", "/ws", "GET"),
        ("OPTIONS", "/api/lines", "GET"),
    ] {
        let got = fixture.call(method, path, Role::Admin, None);
        assert_eq!((got.status, got.header("allow")), (405, allow), "{method} {path}");
    }
}

#[test]
fn heavy_requests_are_shed_when_there_are_too_many() {
    let fixture = Fixture::run();
    let permits = fixture.app.heavy().try_acquire_many(super::super::dispatch::HEAVY_MOST as u32).unwrap();
    let path = "/api/sensors/Line_A.belt_speed/series";
    let got = fixture.call("GET", path, Role::Viewer, None);
    assert_eq!((got.status, got.header("retry-after")), (429, "1"));
    assert_eq!(got.error().0, "too_many_requests");
    fixture.get("/api/lines");
    drop(permits);
    fixture.get(path);
}

#[test]
fn the_description_has_every_route_and_every_problem() {
    let document = document();
    let routes: Vec<Vec<Route>> = areas();
    let mut ids = std::collections::BTreeSet::new();
    for route in routes.iter().flatten() {
        let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        assert!(ids.insert(operation["operationId"].to_string()), "{operation}");
        for problem in route.all_problems() {
            assert!(operation["responses"][problem.status().as_str()].is_object(), "{} {problem:?}", route.path);
        }
        let segments = route.path.matches('{').count();
        assert_eq!(segments, route.segments.len(), "{}", route.path);
        for (place, name) in route.path.split('/').filter(|segment| segment.starts_with('{')).enumerate() {
            assert_eq!(name.trim_matches(['{', '}']), route.segments[place].name, "{}", route.path);
        }
    }
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, routes.iter().flatten().count());
}

#[test]
fn schemas_use_only_what_the_checks_know() {
    let known = [
        "type",
        "enum",
        "const",
        "required",
        "properties",
        "additionalProperties",
        "items",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "anyOf",
        "oneOf",
        "allOf",
        "$ref",
        "description",
        "default",
    ];
    fn walk(schema: &Value, known: &[&str]) {
        let Some(keywords) = schema.as_object() else { return };
        for (keyword, value) in keywords {
            assert!(known.contains(&keyword.as_str()), "{keyword} in {schema}");
            match keyword.as_str() {
                "properties" => value.as_object().unwrap().values().for_each(|schema| walk(schema, known)),
                "anyOf" | "oneOf" | "allOf" => value.as_array().unwrap().iter().for_each(|schema| walk(schema, known)),
                "items" | "additionalProperties" => walk(value, known),
                _ => {}
            }
        }
    }
    for route in areas().iter().flatten() {
        if let Some(Body::Value(schema) | Body::Rows(schema)) = &route.body {
            walk(schema, &known);
        }
        route.answers.json.iter().for_each(|schema| walk(schema, &known));
    }
}
