//! The same inputs give the same answers: whatever the workers, batches and order of arrival.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::inspector::{LIGHT, inspector};
use support::{fail, last_json, lehr, succeed};

fn generate(dir: &Path, name: &str, seed: &str, arguments: &[&str]) -> PathBuf {
    let out = dir.join(name);
    succeed(lehr().args(["generate", "--seed", seed, "--out"]).arg(&out).args(arguments));
    out
}

/// Every file that a replay writes, by name.
fn replay(recording: &Path, out: &Path, arguments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let stdout = succeed(lehr().arg("replay").arg(recording).arg("--out").arg(out).args(arguments));
    let summary = last_json(&stdout);
    assert!(summary["readings"].as_u64().expect("a count") > 0);
    assert!(summary["readings_per_second"].as_f64().expect("a rate") > 0.0);
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("a readable file"))
    };
    std::fs::read_dir(out).expect("the outputs are there").map(read).collect()
}

#[test]
fn workers_batches_and_order_of_arrival_make_no_difference() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let faults = ["--fault", "furnace_overheat@20m", "--fault", "stuck(mold_temperature):Line_B@30m+30m"];
    let duration = ["--duration", "3h"];
    let recording = generate(dir.path(), "rec", "7", &[&duration[..], &faults[..]].concat());
    let reference = replay(&recording, &dir.path().join("reference"), &["--workers", "1", "--batch", "100000"]);
    for table in ["panes", "features", "kpis", "alerts", "root_causes", "conditions", "deviations"] {
        let file = &reference[&format!("{table}.parquet")];
        assert!(file.len() > 2000, "{table} has rows, else nothing is compared");
    }
    let ways: [&[&str]; 4] = [
        &["--workers", "2", "--batch", "1000"],
        &["--workers", "2", "--batch", "100000"],
        &["--workers", "1", "--batch", "1000", "--shuffle", "11", "--max-delay", "10m"],
        &["--workers", "2", "--batch", "7777", "--shuffle", "12", "--max-delay", "10m"],
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let files = replay(&recording, &dir.path().join(number.to_string()), way);
        assert_eq!(files.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>());
        for (name, bytes) in &files {
            assert!(*bytes == reference[name], "{name} differs with {way:?}");
        }
    }
}

/// A forecast is a function of two hours of readings and of the model's bytes.
#[test]
fn forecasts_are_the_same_byte_for_byte_whatever_the_workers_batches_and_order_of_arrival() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let recording = generate(dir.path(), "rec", "9", &["--duration", "3h", "--fault", "furnace_overheat@70m"]);
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/artifacts");
    let scored = [
        "--models",
        models.to_str().expect("a plain path"),
        "--deploy",
        "forecaster=1.0.0",
        "--deploy",
        "graph=1.0.0",
        "--deploy",
        "ensemble=1.0.0",
    ];
    let of = |name: &str, way: &[&str]| replay(&recording, &dir.path().join(name), &[&scored[..], way].concat());
    let reference = of("reference", &["--workers", "1", "--batch", "100000"]);
    // An hour of three lines, a minute a row.
    assert!(reference["forecasts.parquet"].len() > 5000 && reference["sensor_verdicts.parquet"].len() > 2000);
    let ways: [&[&str]; 3] = [
        &["--workers", "2", "--batch", "1000"],
        &["--workers", "3", "--batch", "30000"],
        &["--workers", "2", "--batch", "20000", "--shuffle", "13", "--max-delay", "5m"],
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let files = of(&number.to_string(), way);
        for table in ["forecasts", "forecast_quality", "sensor_verdicts"] {
            let name = format!("{table}.parquet");
            assert!(files[&name] == reference[&name], "{name} differs with {way:?}");
        }
    }
}

/// What is found on a picture is a function of its bytes and of the model's.
#[test]
fn inspections_are_the_same_byte_for_byte_whatever_the_workers_batches_and_order_of_arrival() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let recording = generate(dir.path(), "rec", "9", &["--duration", "30m", "--pictures", "20"]);
    let models = dir.path().join("models");
    std::fs::create_dir(&models).expect("a folder");
    let faint = r#"{"thresholds":[0.02,0.02,0.02,0.02,0.02,0.02]}"#;
    std::fs::write(models.join("inspector-1.0.0.onnx"), inspector("1.0.0", LIGHT, faint)).expect("it is written");
    let inspected = ["--models", models.to_str().expect("a plain path"), "--deploy", "inspector=1.0.0"];
    let of = |name: &str, way: &[&str]| replay(&recording, &dir.path().join(name), &[&inspected[..], way].concat());
    let reference = of("reference", &["--workers", "1", "--batch", "100000"]);
    let tables = ["pictures", "inspections", "inspection_findings", "inspection_quality"];
    for table in tables {
        assert!(reference[&format!("{table}.parquet")].len() > 2000, "{table} has rows, else nothing is compared");
    }
    let ways: [&[&str]; 2] = [
        &["--workers", "2", "--batch", "1000"],
        &["--workers", "3", "--batch", "20000", "--shuffle", "13", "--max-delay", "5m"],
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let files = of(&number.to_string(), way);
        for table in tables {
            let name = format!("{table}.parquet");
            assert!(files[&name] == reference[&name], "{name} differs with {way:?}");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_recording_and_another_seed_another() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let one = generate(dir.path(), "one", "7", &["--duration", "10m"]);
    let two = generate(dir.path(), "two", "7", &["--duration", "10m"]);
    let other = generate(dir.path(), "other", "8", &["--duration", "10m"]);
    let read = |recording: &Path| {
        let reader = lehr::journal::Reader::open(recording).expect("a journal");
        reader.map(|inputs| inputs.expect("a good record")).collect::<Vec<_>>()
    };
    assert_eq!(read(&one), read(&two));
    assert_ne!(read(&one), read(&other));
}

/// The README states the rate: at most one cause named a week and line on a healthy plant.
#[test]
fn a_healthy_plant_is_not_blamed() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let recording = generate(dir.path(), "rec", "21", &["--duration", "24h"]);
    let out = dir.path().join("out");
    let summary = last_json(&succeed(lehr().arg("replay").arg(&recording).arg("--out").arg(&out)));
    let rows = |table: &str| summary["rows"][table].as_u64().expect("a count");
    assert!(rows("incidents") > 500, "there were defects to explain: {summary}");
    assert_eq!(rows("root_causes"), 0, "three line-days allow no cause at one a week and line");
}

#[test]
fn a_folder_without_a_journal_is_no_recording() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let message = fail(lehr().arg("replay").arg(dir.path()).arg("--out").arg(dir.path().join("out")));
    assert!(message.contains("is no recording: it has no journal"), "{message}");
}
