//! `lehr-train`, as a parent process sees it.

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

#[test]
fn what_is_wrong_is_told_with_its_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let output = train(folder.path(), &["--budget", "ten"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("such as 90s, 30m or 2h"));
}
