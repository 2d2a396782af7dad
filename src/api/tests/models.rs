//! Models through the door: registered, promoted, rolled back, trained, and refused.

use super::fixture::{Fixture, Got, Models};
use crate::api::schema::{check, components};
use crate::api::{areas, models::KINDS};
use crate::auth::Role;
use crate::registry::tests::{Onnx, combined, ensemble, forecaster, trainer, written};
use lehr_domain::model::ModelKind;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

fn fixture() -> Fixture {
    Fixture::with_models(Models { opener: Onnx::load(), ..Models::default() })
}

fn register(fixture: &Fixture, role: Role, bytes: &[u8]) -> Got {
    let bearer = format!("Bearer {}", fixture.token(role));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/octet-stream")];
    fixture.send("POST", "/api/models/register?note=from+a+test", &headers, Some(bytes))
}

fn post(fixture: &Fixture, path: &str, role: Role, body: Value) -> Got {
    fixture.call("POST", path, role, Some(&body))
}

/// An answer that must be as described.
fn described(method: &str, path: &str, answer: &Value) {
    let mut routes = areas().into_iter().flatten();
    let route = routes.find(|route| route.path == path && route.method.as_str() == method).unwrap();
    check(&route.answers.json.unwrap(), answer, &components()).unwrap_or_else(|wrong| panic!("{wrong:?}: {answer}"));
}

fn part(fixture: &Fixture) -> Value {
    let health = fixture.get("/api/health");
    let mut parts = health["components"].as_array().unwrap().iter();
    parts.find(|part| part["name"] == "models").unwrap().clone()
}

#[test]
fn a_version_is_registered_promoted_and_rolled_back() {
    let fixture = fixture();
    assert_eq!(
        (part(&fixture)["status"].as_str(), fixture.get("/api/models")["models"].clone()),
        (Some("ok"), json!([]))
    );
    let got = register(&fixture, Role::Engineer, &ensemble("1.0.0"));
    assert_eq!(got.status, 200, "{}", got.text);
    described("POST", "/api/models/register", &got.json());
    let model = &got.json()["model"];
    let told = ["model", "version", "trained", "by", "note", "file"].map(|name| model[name].as_str().unwrap());
    assert_eq!(told, ["ensemble", "1.0.0", "2026-01-05", "engineer", "from a test", "ready"]);
    assert_eq!(model["aliases"], json!([]));
    assert_eq!(register(&fixture, Role::Engineer, &ensemble("1.0.1")).status, 200);

    let card = "/api/models/ensemble/1.0.0/card";
    let bearer = format!("Bearer {}", fixture.token(Role::Engineer));
    let headers = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    assert_eq!(fixture.send("PUT", card, &headers, Some(b"# Card")).status, 204);
    let detail = fixture.get("/api/models/ensemble/1.0.0");
    described("GET", "/api/models/{model}/{version}", &detail);
    assert_eq!((&detail["card"], &detail["metrics"]), (&json!("# Card"), &json!({ "test": [0.5] })));

    let reason = json!({ "reason": "better on Sundays" });
    let promote = |version: &str| {
        let body = json!({ "version": version, "reason": "better on Sundays" });
        let got = post(&fixture, "/api/models/ensemble/promote", Role::Engineer, body);
        assert_eq!(got.status, 200, "{}", got.text);
        described("POST", "/api/models/{model}/promote", &got.json());
        got.json()["model"]["aliases"].clone()
    };
    let got = post(&fixture, "/api/models/ensemble/rollback", Role::Engineer, reason.clone());
    assert_eq!((got.status, got.error().0), (409, "conflict".into()), "there is nothing to go back to");
    assert_eq!(promote("1.0.0"), json!(["production"]));
    let body = json!({ "version": "1.0.1", "reason": "let us see" });
    let got = post(&fixture, "/api/models/ensemble/challenger", Role::Engineer, body);
    assert_eq!((got.status, &got.json()["model"]["aliases"]), (200, &json!(["challenger"])), "{}", got.text);
    assert_eq!(promote("1.0.1"), json!(["production"]));
    let got = post(&fixture, "/api/models/ensemble/rollback", Role::Engineer, reason);
    described("POST", "/api/models/{model}/rollback", &got.json());
    let model = &got.json()["model"];
    assert_eq!((&model["version"], &model["aliases"]), (&json!("1.0.0"), &json!(["production"])));
    let listed = fixture.get("/api/models?model=ensemble");
    described("GET", "/api/models", &listed);
    let aliases: Vec<_> = listed["models"].as_array().unwrap().iter().map(|row| row["aliases"].clone()).collect();
    assert_eq!(aliases, [json!(["previous"]), json!(["production"])], "the newest first");
    assert_eq!(fixture.get("/api/models?model=graph")["models"], json!([]));

    let part = part(&fixture);
    assert_eq!(part["status"], "ok", "{part}");
    assert!(part["detail"].as_str().unwrap().contains("in production: ensemble 1.0.0; ONNX Runtime 1."), "{part}");
    let audit = fixture.get("/api/audit?action=model");
    assert_eq!(audit["total"], 7, "{audit}");
    let deployed = fixture.app.runtime().snapshot().deployments.len();
    assert_eq!(deployed, 5, "three of production, and the challenger came and went");
}

#[test]
fn what_is_no_model_of_its_kind_is_refused() {
    let fixture = fixture();
    let with = |key: &str, value: &str| {
        let mut graph = combined("1.0.0", 7);
        graph.metadata(key, value);
        written(&graph)
    };
    let good = ensemble("1.0.0");
    for (bytes, status, code, wanted) in [
        (b"no model".to_vec(), 400, "bad_request", "no ONNX file"),
        (good[..good.len() / 2].to_vec(), 400, "bad_request", "cut off"),
        (with("lehr.model", "oracle"), 400, "bad_request", "lehr.model is 'oracle'"),
        (with("lehr.model", "graph"), 409, "refused", "its inputs are"),
        (with("lehr.model", "inspector"), 409, "refused", "pictures"),
        (with("lehr.schema", "another"), 409, "refused", "its schema is another"),
        (written(&combined("1.0.0", 8)), 409, "refused", "its inputs are"),
    ] {
        let got = register(&fixture, Role::Admin, &bytes);
        let told = (got.status, got.error().0);
        assert_eq!(told, (status, code.to_owned()), "{wanted}: {}", got.text);
        assert!(got.text.contains(wanted), "{wanted}: {}", got.text);
    }
    assert_eq!(register(&fixture, Role::Admin, &good).status, 200);
    assert_eq!(register(&fixture, Role::Admin, &good).status, 200, "the same again is no mistake");
    let got = register(&fixture, Role::Admin, &with("lehr.trained", "2026-02-02"));
    assert_eq!((got.status, got.error().0.as_str()), (409, "taken"));
    assert_eq!(fixture.get("/api/models")["models"].as_array().unwrap().len(), 1);

    let over = vec![0; crate::registry::FILE_MOST + 1];
    assert_eq!(register(&fixture, Role::Admin, &over).status, 413);
    let permits = fixture.app.files().try_acquire_many(super::super::dispatch::FILES_MOST as u32).unwrap();
    assert_eq!(register(&fixture, Role::Admin, &good).status, 429);
    drop(permits);
    assert_eq!(register(&fixture, Role::Admin, &good).status, 200);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let fixture = fixture();
    register(&fixture, Role::Admin, &ensemble("1.0.0"));
    let promote = json!({ "version": "1.0.0", "reason": "why" });
    for role in [Role::Viewer, Role::Operator] {
        assert_eq!(register(&fixture, role, &ensemble("1.0.1")).status, 403);
        assert_eq!(post(&fixture, "/api/models/ensemble/promote", role, promote.clone()).status, 403);
        assert_eq!(post(&fixture, "/api/models/ensemble/rollback", role, json!({ "reason": "why" })).status, 403);
        let retrain = json!({ "model": "graph", "budget": "1m", "reason": "why" });
        assert_eq!(post(&fixture, "/api/models/retrain", role, retrain).status, 403);
    }
    for (method, path, body, status, code, field) in [
        ("GET", "/api/models/oracle/1.0.0", None, 404, "not_found", "model"),
        ("GET", "/api/models/ensemble/1.0.1", None, 404, "not_found", ""),
        ("GET", "/api/models/ensemble/one", None, 404, "not_found", ""),
        ("GET", "/api/models?model=oracle", None, 400, "bad_request", "model"),
        ("POST", "/api/models/oracle/promote", Some(promote.clone()), 404, "not_found", "model"),
        ("POST", "/api/models/ensemble/promote", Some(json!({ "version": "1.0.0" })), 400, "bad_request", "reason"),
        (
            "POST",
            "/api/models/ensemble/promote",
            Some(json!({ "version": "1", "reason": "why" })),
            400,
            "bad_request",
            "version",
        ),
        (
            "POST",
            "/api/models/ensemble/promote",
            Some(json!({ "version": "1.0.1", "reason": "why" })),
            404,
            "not_found",
            "version",
        ),
        (
            "POST",
            "/api/models/ensemble/challenger",
            Some(json!({ "version": null, "reason": "why" })),
            409,
            "conflict",
            "",
        ),
        (
            "POST",
            "/api/models/retrain",
            Some(json!({ "model": "graph", "budget": "25h", "reason": "why" })),
            503,
            "unavailable",
            "",
        ),
        (
            "POST",
            "/api/models/retrain",
            Some(json!({ "model": "oracle", "budget": "1h", "reason": "why" })),
            400,
            "bad_request",
            "model",
        ),
        ("GET", "/api/models/jobs/7", None, 404, "not_found", ""),
        ("DELETE", "/api/models/jobs/7", None, 404, "not_found", ""),
        ("GET", "/api/predictions/drivers", None, 400, "bad_request", "line"),
        ("GET", "/api/predictions/drivers?line=Line_A", None, 404, "not_found", "at"),
        ("GET", "/api/predictions?line=Line_Z", None, 404, "not_found", "line"),
    ] {
        let got = fixture.call(method, path, Role::Admin, body.as_ref());
        let said = got.error();
        let expected = (status, code, field);
        assert_eq!((got.status, said.0.as_str(), said.1.as_str()), expected, "{method} {path} {body:?}: {}", got.text);
    }
    let file = fixture.folder().join("data/models/ensemble-1.0.0.onnx");
    std::fs::write(&file, b"rust").unwrap();
    assert_eq!(fixture.get("/api/models")["models"][0]["file"], "damaged");
    let got = post(&fixture, "/api/models/ensemble/promote", Role::Admin, promote);
    assert_eq!((got.status, got.error().0.as_str()), (409, "file"));
}

#[test]
fn a_file_that_went_bad_in_production_degrades() {
    let fixture = fixture();
    register(&fixture, Role::Admin, &ensemble("1.0.0"));
    let promote = json!({ "version": "1.0.0", "reason": "why" });
    assert_eq!(post(&fixture, "/api/models/ensemble/promote", Role::Admin, promote).status, 200);
    std::fs::remove_file(fixture.folder().join("data/models/ensemble-1.0.0.onnx")).unwrap();
    let part = part(&fixture);
    assert_eq!(
        (part["status"].as_str(), part["detail"].as_str()),
        (Some("degraded"), Some("the file of ensemble 1.0.0 is missing"),)
    );
}

#[test]
fn a_training_is_asked_for_followed_and_ends_with_a_version() {
    let models = Models { opener: Onnx::load(), trainer: Some(trainer()), ..Models::default() };
    let fixture = Fixture::with_models(models);
    let folder = fixture.folder().join("data/training/data");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("model.onnx"), forecaster("1.0.0")).unwrap();
    std::fs::write(folder.join("behaviour"), r#"cp "$data/model.onnx" "$out/$model-$version.onnx""#).unwrap();
    for (data, field) in [
        (json!({ "plants": 10 }), "data.days"),
        (json!({ "plants": 2000, "days": 2 }), "data.plants"),
        (json!({ "plants": 3, "days": 2 }), "data"),
    ] {
        let body = json!({ "model": "forecaster", "budget": "90s", "data": data, "reason": "it is Sunday" });
        let got = post(&fixture, "/api/models/retrain", Role::Engineer, body);
        assert_eq!((got.status, got.error().1.as_str()), (400, field), "{}", got.text);
    }
    let data = json!({ "plants": 10, "days": 2 });
    let body = json!({ "model": "forecaster", "budget": "90s", "data": data, "reason": "it is Sunday" });
    let got = post(&fixture, "/api/models/retrain", Role::Engineer, body);
    assert_eq!(got.status, 200, "{}", got.text);
    let job = got.json();
    described("POST", "/api/models/retrain", &job);
    assert_eq!((&job["budget_s"], &job["data"], &job["by"]), (&json!(90), &data, &json!("engineer")));
    let path = format!("/api/models/jobs/{}", job["job_id"]);
    let begun = Instant::now();
    let done = loop {
        let job = fixture.get(&path);
        described("GET", "/api/models/jobs/{id}", &job);
        if !["queued", "running"].contains(&job["state"].as_str().unwrap()) {
            break job;
        }
        assert!(begun.elapsed() < PATIENCE, "{job}");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!((&done["state"], &done["version"]), (&json!("done"), &json!("1.0.0")), "{done}");
    assert_eq!(fixture.get("/api/models/jobs")["jobs"][0], done);
    let listed = fixture.get("/api/models");
    let challenger = json!(["challenger"]);
    assert_eq!((&listed["models"][0]["by"], &listed["models"][0]["aliases"]), (&json!("engineer"), &challenger));
    let got = fixture.call("DELETE", &path, Role::Engineer, None);
    assert_eq!((got.status, got.error().0.as_str()), (409, "conflict"), "it is over");
    assert_eq!(fixture.get("/api/audit?action=model.retrain")["total"], 1);
}

#[test]
fn clients_of_mlflow_read_the_registry() {
    let fixture = fixture();
    for version in ["1.0.0", "1.0.1"] {
        register(&fixture, Role::Admin, &ensemble(version));
    }
    let promote = json!({ "version": "1.0.1", "reason": "why" });
    post(&fixture, "/api/models/ensemble/promote", Role::Admin, promote);
    let get = |path: &str| {
        let answer = fixture.get(&format!("/api/2.0/mlflow/{path}"));
        described("GET", &format!("/api/2.0/mlflow/{}", path.split('?').next().unwrap()), &answer);
        answer
    };
    let model = get("registered-models/get?name=ensemble")["registered_model"].clone();
    assert_eq!(model["aliases"], json!([{ "alias": "production", "version": "1.0.1" }]));
    assert_eq!(model["latest_versions"][0]["version"], "1.0.1");
    let models = get("registered-models/search?max_results=100")["registered_models"].clone();
    assert_eq!(models.as_array().unwrap().len(), 1);
    let meant = get("registered-models/alias?name=ensemble&alias=production")["model_version"].clone();
    assert_eq!((&meant["version"], &meant["status"]), (&json!("1.0.1"), &json!("READY")));
    let versions = get("model-versions/search?filter=name%3D'ensemble'")["model_versions"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 2);
    assert_eq!(get("model-versions/get?name=ensemble&version=1.0.0")["model_version"]["version"], "1.0.0");
    let uri = get("model-versions/get-download-uri?name=ensemble&version=1.0.0")["artifact_uri"].clone();
    let request = ureq::get(format!("http://{}{}", fixture.address, uri.as_str().unwrap()));
    let request = request.header("authorization", format!("Bearer {}", fixture.token(Role::Viewer)));
    assert_eq!(request.call().unwrap().body_mut().read_to_vec().unwrap(), ensemble("1.0.0"));
    for (path, field) in [
        ("registered-models/get", "name"),
        ("registered-models/alias?name=ensemble&alias=best", "alias"),
        ("model-versions/search?filter=run_id%3D'1'", "filter"),
    ] {
        let got = fixture.call("GET", &format!("/api/2.0/mlflow/{path}"), Role::Viewer, None);
        assert_eq!(got.error().1, field, "{path}: {}", got.text);
    }
}

#[test]
fn every_kind_has_its_name_in_paths() {
    assert_eq!(ModelKind::ALL.map(ModelKind::text), KINDS);
}
