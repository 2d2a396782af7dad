//! `lehr-train`, as a parent process sees it.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn train(folder: &Path, more: &[&str]) -> Output {
    let small = ["--plants", "10", "--days", "2", "--every", "20", "--width", "8", "--seed", "3", "--alone"];
    Command::new(env!("CARGO_BIN_EXE_lehr-train"))
        .arg("forecaster")
        .arg("--data")
        .arg(folder.join("data"))
        .arg("--out")
        .arg(folder.join("out"))
        .args(small)
        .args(more)
        .output()
        .expect("it starts")
}

fn events(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect()
}

fn epochs(events: &[Value]) -> Vec<&Value> {
    events.iter().filter(|event| event["event"] == "epoch").map(|event| &event["epoch"]).collect()
}

#[test]
fn it_tells_its_progress_goes_on_where_it_was_and_writes_a_model_with_its_card() {
    let folder = tempfile::tempdir().unwrap();
    let first = events(&train(folder.path(), &["--json", "--epochs", "2", "--budget", "0s"]));
    assert_eq!(epochs(&first).len(), 1, "no time: one epoch");
    assert_eq!(first.last().unwrap()["event"], "stage");
    let stopped = first.iter().find(|event| event["event"] == "stopped").unwrap();
    assert_eq!(stopped["why"], "budget");

    let second = events(&train(folder.path(), &["--json", "--epochs", "2", "--resume"]));
    let epochs = epochs(&second);
    assert_eq!(epochs.len(), 1, "the other epoch");
    assert_eq!(epochs[0]["epoch"], 1);
    assert!(epochs[0]["validation"]["loss"].as_f64().unwrap() > 0.0);

    let out = folder.path().join("out");
    assert!(std::fs::metadata(out.join("forecaster-0.1.0.onnx")).unwrap().len() > 1000);
    let card = std::fs::read_to_string(out.join("forecaster-0.1.0.md")).unwrap();
    for part in ["# Forecaster 0.1.0", "## Data", "| test |", "| recall | > 0.90 |", "## Training", "## Limits"] {
        assert!(card.contains(part), "the card has {part}:\n{card}");
    }
    let report: Value = serde_json::from_slice(&std::fs::read(out.join("forecaster-0.1.0.json")).unwrap()).unwrap();
    assert_eq!(report["history"].as_array().unwrap().len(), 2);
    assert_eq!(report["test"].as_array().unwrap().len(), 3);
}

fn run(folder: &Path, command: &str, more: &[&str]) -> Output {
    let library = support::onnx::library();
    let place = |name: &str| folder.join(name).display().to_string();
    let mut all: Vec<String> = vec![command.into()];
    all.extend(more.iter().map(|argument| (*argument).into()));
    match command {
        "graph" => all.extend(["--out".into(), place("out")]),
        "ensemble" => all.extend(["--data".into(), place("data"), "--out".into(), place("out")]),
        _ => all.extend(["--data".into(), place("data")]),
    }
    if command != "graph" {
        all.extend(["--models".into(), place("out"), "--onnxruntime".into(), library.display().to_string()]);
    }
    Command::new(env!("CARGO_BIN_EXE_lehr-train")).args(all).output().expect("it starts")
}

/// Files of a moment's training, as `evaluate` sees those that are shipped.
#[test]
fn three_models_are_made_of_each_other_and_judged_as_they_are_written() {
    let folder = tempfile::tempdir().unwrap();
    events(&train(folder.path(), &["--json", "--epochs", "1"]));
    let graph = ["--plants", "5", "--days", "1", "--epochs", "1", "--alone", "--json"];
    events(&run(folder.path(), "graph", &graph));
    events(&run(folder.path(), "ensemble", &["--json"]));

    // As files from before bins of calibration were kept: nothing is known of their test.
    let place = folder.path().join("out/forecaster-0.1.0.json");
    let mut told: Value = serde_json::from_slice(&std::fs::read(&place).unwrap()).unwrap();
    let trained = std::mem::take(&mut told["test"]);
    std::fs::write(&place, told.to_string()).unwrap();

    let output = run(folder.path(), "evaluate", &["--model-version", "0.1.0", "--json", "--keep"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["windows"], said["windows_of"], "so few are all judged");
    let figures = said["figures"].as_array().unwrap();
    let value = |model: &str, figure: &str| {
        let found = figures.iter().find(|line| line["model"] == model && line["figure"] == figure);
        found.unwrap_or_else(|| panic!("{model} has {figure}"))["value"].as_f64()
    };
    // The file says of the test what the network said that it was written from.
    let history = |name: &str| -> Value {
        let path = folder.path().join("out").join(format!("{name}-0.1.0.json"));
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    let written = history("graph")["test"]["anomaly"]["auc"]["value"].as_f64().unwrap();
    assert!((value("graph", "area of anomaly").unwrap() - written).abs() < 1e-3);
    let written = history("forecaster")["test"][2]["brier"]["value"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&written));
    for horizon in ["1 h", "4 h", "24 h"] {
        assert!(value("ensemble", &format!("accuracy, {horizon}")).is_some());
        assert!(value("forecaster", &format!("calibration error, {horizon}")).is_some());
        let bins = said["reliability"]["forecaster"][horizon].as_array().unwrap();
        let counted: u64 = bins.iter().map(|bin| bin["count"].as_u64().unwrap()).sum();
        assert_eq!(Some(counted), said["windows"].as_u64(), "{horizon}");
    }
    let kept = &history("forecaster")["test"];
    let sizes = |of: &Value| -> Vec<Value> {
        (0..3)
            .map(|h| of[h]["reliability"].as_array().unwrap().iter().map(|bin| bin["count"].clone()).collect())
            .collect()
    };
    assert_eq!(sizes(kept), sizes(&trained), "what was found is kept, and is what training found");
    let again = run(folder.path(), "evaluate", &["--model-version", "0.1.0", "--json"]);
    assert!(again.status.success(), "a file says the same after it was told what it is worth");
    assert_eq!(serde_json::from_slice::<Value>(&again.stdout).unwrap()["figures"], said["figures"]);
}

#[test]
fn what_is_wrong_is_told_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let output = train(folder.path(), &["--budget", "ten"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("such as 90s, 30m or 2h"));
}
