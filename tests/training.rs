//! New versions that a running server has trained by the real `lehr-train`.

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use support::{Server, cache};

/// A training stands back behind everything else on the machine: what takes it seconds may take it long.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What comes with Lehr, and what is trained after it.
const SHIPPED: &str = "1.0.0";
const TRAINED: &str = "1.0.1";

/// Enough for a model that is whole. Its figures mean nothing.
fn small() -> Value {
    json!({ "plants": 5, "days": 1 })
}

/// More than anybody waits for.
fn large() -> Value {
    json!({ "plants": 1000, "days": 400 })
}

fn start(data: &Path, arguments: &[&str], token: Option<&str>) -> Server {
    let trainer = PathBuf::from(env!("CARGO_BIN_EXE_lehr")).with_file_name("lehr-train");
    assert!(trainer.is_file(), "{} is not there: run `make build`", trainer.display());
    assert!(cache().join("onnxruntime").is_dir(), "ONNX Runtime is not there: run `make test-setup`");
    Server::start(data, arguments, token)
}

/// Asks for a training; gives its number.
fn retrain(server: &Server, data: &Value) -> Value {
    let body = json!({ "model": "graph", "budget": "1s", "data": data, "reason": "a test" });
    server.post("/api/models/retrain", &body)["job_id"].clone()
}

fn job(server: &Server, id: &Value) -> Value {
    server.get(&format!("/api/models/jobs/{id}"))
}

/// Follows a training until it is over; gives how it ended, and its stages on the way.
fn followed(server: &Server, id: &Value) -> (Value, Vec<String>) {
    let mut stages: Vec<String> = Vec::new();
    let ended = server.until_within(PATIENCE, "end of the training", |server| {
        let job = job(server, id);
        let stage = job["progress"]["stage"].as_str().expect("a text");
        if stages.last().is_none_or(|last| last != stage) {
            stages.push(stage.to_owned());
        }
        if ["queued", "running"].contains(&job["state"].as_str().expect("a text")) {
            Err(job.to_string())
        } else {
            Ok(job)
        }
    });
    (ended, stages)
}

/// The names that each version of the graph model has, the newest version first.
fn aliases(server: &Server) -> Vec<(String, Value)> {
    let listed = server.get("/api/models?model=graph")["models"].clone();
    let versions = listed.as_array().expect("a list").iter();
    let mut named: Vec<(String, Value)> = versions
        .map(|model| (model["version"].as_str().expect("a text").to_owned(), model["aliases"].clone()))
        .collect();
    named.sort_by(|one, other| other.0.cmp(&one.0));
    named
}

fn named(versions: &[(&str, &[&str])]) -> Vec<(String, Value)> {
    versions.iter().map(|(version, names)| ((*version).to_owned(), json!(names))).collect()
}

/// Waits until a version has judged the sensors of every line.
fn until_it_scores(server: &Server, version: &str) {
    server.until_within(PATIENCE, &format!("verdicts of graph {version}"), |server| {
        let query = format!("select count(*) as n from sensor_verdicts where version = '{version}'");
        let verdicts = server.sql(&query)[0]["n"].as_i64();
        if verdicts == Some(60) { Ok(()) } else { Err(format!("{verdicts:?} of 60 sensors")) }
    });
}

#[test]
fn a_version_is_trained_challenges_scores_once_promoted_and_is_rolled_back() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = start(dir.path(), &["--no-plant"], None);
    let token = server.token.clone();
    let id = retrain(&server, &small());
    let (ended, stages) = followed(&server, &id);
    assert_eq!((&ended["state"], &ended["version"]), (&json!("done"), &json!(TRAINED)), "{ended}");
    assert!(ended["progress"]["epochs"].as_u64() > Some(0) && ended["progress"]["loss"].is_f64(), "{ended}");
    assert!(stages.last().expect("it told something").starts_with("written"), "{stages:?}");

    assert_eq!(aliases(&server), named(&[(TRAINED, &["challenger"]), (SHIPPED, &["production"])]));
    let trained = server.get(&format!("/api/models/graph/{TRAINED}"));
    let told = ["by", "note", "file"].map(|name| &trained["model"][name]);
    assert_eq!(told, [&ended["by"], &json!("a test"), &json!("ready")]);
    assert!(trained["metrics"]["test"]["anomaly"]["auc"]["value"].is_f64(), "{}", trained["metrics"]);
    let card = trained["card"].as_str().expect("a card");
    assert!(card.contains(&format!("Graph network {TRAINED}")) && card.contains("## Limits"), "{card}");
    server.stop();

    let server = start(dir.path(), &["--speed", "3000", "--pictures", "off"], Some(&token));
    until_it_scores(&server, SHIPPED);
    let promoted = json!({ "version": TRAINED, "reason": "a test" });
    server.post("/api/models/graph/promote", &promoted);
    assert_eq!(aliases(&server), named(&[(TRAINED, &["production"]), (SHIPPED, &["previous"])]));
    until_it_scores(&server, TRAINED);
    server.post("/api/models/graph/rollback", &json!({ "reason": "a test" }));
    assert_eq!(aliases(&server), named(&[(TRAINED, &["previous"]), (SHIPPED, &["production"])]));
    until_it_scores(&server, SHIPPED);
}

/// The process that trains for a server, if there is one: its number.
fn trainer(server: &Server) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").expect("processes are listed").flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find(|pid: &u32| {
        // Of one that ended since there is none.
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
        stat.contains("(lehr-train)") && parent == Some(server.pid())
    })
}

#[test]
fn a_training_that_is_killed_is_told_of_and_the_old_version_goes_on() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = start(dir.path(), &["--no-plant"], None);
    let id = retrain(&server, &large());
    let pid = server.until_within(PATIENCE, "process that trains", |server| {
        trainer(server).ok_or_else(|| job(server, &id).to_string())
    });
    // So far along that it has read what it was told.
    server.until_within(PATIENCE, "stage", |server| {
        let job = job(server, &id);
        if job["progress"]["stage"] == "data" { Ok(()) } else { Err(job.to_string()) }
    });
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill is there").success());
    let (ended, _) = followed(&server, &id);
    assert_eq!(ended["state"], "failed", "{ended}");
    let why = ended["error"].as_str().expect("a reason");
    assert!(why.contains("ended by signal 9") && why.contains("short of memory"), "{why}");
    assert_eq!(aliases(&server), named(&[(SHIPPED, &["production"])]));
    let health = server.get("/api/health");
    let models = health["components"].as_array().expect("a list").iter().find(|part| part["name"] == "models");
    assert_eq!(models.expect("models have a component")["status"], "ok");
    let left = std::fs::read_dir(dir.path().join("training")).expect("the folder of trainings").count();
    assert_eq!(left, 0, "nothing of it is left");

    // The next one is none the worse for it.
    let id = retrain(&server, &small());
    let (ended, _) = followed(&server, &id);
    assert_eq!(ended["state"], "done", "{ended}");
    assert_eq!(aliases(&server), named(&[(TRAINED, &["challenger"]), (SHIPPED, &["production"])]));
}
