//! The doors of the plant's own models, whose processes cannot start here: what a model says is seen from outside, in
//! `tests/components.rs`.

use super::fixture::Fixture;
use crate::api::areas;
use crate::api::schema::{check, components as schemas};
use crate::auth::Role;
use crate::runtime::Runtime;
use crate::twin::{Components, NoLine, Snapshots};
use lehr_fmi::{Component, HostProgram};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

fn component(line: &str) -> Component {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let unit = cache.join("units/reference/fmi3/Dahlquist.fmu");
    assert!(unit.exists(), "{} is not there: run `make test-setup`", unit.display());
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "[[component]]\nname = \"decay\"\nline = \"{line}\"\nfile = \"{}\"\noutputs = {{ x = {{}} }}\n",
        unit.display()
    );
    std::fs::write(file.path(), text).unwrap();
    lehr_fmi::read(file.path()).unwrap().remove(0)
}

fn started(runtime: &Runtime, line: &str) -> Result<Components, NoLine> {
    let host = HostProgram { program: "/nowhere".into(), arguments: Vec::new() };
    let runtime = runtime.clone();
    let snapshots: Snapshots = Arc::new(move || runtime.snapshot());
    Components::start(vec![component(line)], &host, &snapshots)
}

/// An answer that must be as described.
fn described(method: &str, path: &str, answer: &Value) {
    let mut routes = areas().into_iter().flatten();
    let route = routes.find(|route| route.path == path && route.method.as_str() == method).unwrap();
    check(&route.answers.json.unwrap(), answer, &schemas()).unwrap_or_else(|wrong| panic!("{wrong:?}: {answer}"));
}

#[test]
fn a_model_that_cannot_run_is_degraded_and_stops_nothing() {
    let fixture = Fixture::with_components(|runtime| started(runtime, "Line_A").unwrap()).ran();
    let shadow = "/api/digital-twin/shadow-state";
    let begun = Instant::now();
    let shown = loop {
        let shown = fixture.get(shadow);
        if shown["lines"][0]["components"][0]["state"] == "degraded" {
            break shown;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", shown["lines"][0]["components"]);
    };
    described("GET", shadow, &shown);
    let component = &shown["lines"][0]["components"][0];
    assert!(component["error"].as_str().unwrap().contains("cannot be started"), "{component}");
    assert_eq!(component["outputs"][0]["variable"], "x");
    assert_eq!(component["outputs"][0]["value"], Value::Null);
    assert_eq!(shown["lines"][1]["components"], json!([]), "it belongs to the other line");

    let health = fixture.get("/api/health");
    described("GET", "/api/health", &health);
    assert_eq!(health["status"], "degraded");
    let mut parts = health["components"].as_array().unwrap().iter();
    let part = parts.find(|part| part["name"] == "components.decay").unwrap();
    assert_eq!(part["status"], "degraded");

    let what_if = "/api/digital-twin/what-if";
    let ask = |line: &str| {
        let body = json!({ "line": line, "mode": "one", "duration": "1h",
            "settings": [{ "parameter": "furnace_temperature", "value": 1530 }] });
        let got = fixture.call("POST", what_if, Role::Viewer, Some(&body));
        assert_eq!(got.status, 200, "{}", got.text);
        described("POST", what_if, &got.json());
        got.json()
    };
    let answer = ask("Line_A");
    assert_eq!(answer["components"][0]["outputs"], json!([]));
    assert!(answer["components"][0]["error"].as_str().unwrap().contains("cannot be started"), "{answer}");
    assert!(answer["scenario"]["rate_per_h"].is_number(), "the twin answers all the same");
    assert_eq!(ask("Line_B")["components"], json!([]));
}

#[test]
fn a_model_of_a_line_that_is_not_there_is_refused() {
    let fixture = Fixture::empty();
    let refused = started(fixture.app.runtime(), "Line_Z").err().unwrap().to_string();
    assert!(refused.contains("'decay', line: the plant has no line 'Line_Z'; give one of Line_A"), "{refused}");
}
