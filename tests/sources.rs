//! Readings that others bring: agents that speak InfluxDB's protocol, and files in a watched folder.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Server, fail, lehr};

const SENSOR: &str = "Line_A.furnace_temperature";

/// The Python of the tests' own environment; `make test` makes it.
fn python() -> Command {
    let python = support::cache().join("venv/bin/python");
    assert!(python.is_file(), "{} is missing: scripts/test-setup makes it", python.display());
    Command::new(python)
}

fn stamp(seconds_ago: i64) -> String {
    jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - seconds_ago).expect("a time").to_string()
}

/// The newest value and time of a sensor.
fn latest(server: &Server, sensor: &str) -> Option<(f64, String)> {
    let rows =
        server.sql(&format!("select value, at from readings where sensor_id = '{sensor}' order by at desc limit 1"));
    let row = rows.into_iter().next()?;
    Some((row["value"].as_f64()?, row["at"].as_str()?.to_owned()))
}

fn source(server: &Server, name: &str) -> Value {
    let answer = server.get("/api/sources");
    let sources = answer["sources"].as_array().expect("sources").clone();
    sources.into_iter().find(|source| source["name"] == name).unwrap_or_else(|| panic!("no {name} in {answer}"))
}

#[test]
fn influxdbs_own_client_writes_readings_and_is_told_of_what_was_refused() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--no-plant"], None);
    let script = r#"
import sys
from datetime import datetime, timezone
from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
url, token, at = sys.argv[1:]
at = datetime.fromisoformat(at.replace("Z", "+00:00"))
with InfluxDBClient(url=url, token=token, org="glass", enable_gzip=True) as client:
    write = client.write_api(write_options=SYNCHRONOUS).write
    good = Point("furnace_temperature").tag("line", "Line_A").tag("unit", "°F").field("value", 2732.0).time(at)
    write(bucket="plant", record=[good, Point("Line_B").field("furnace_temperature", 1490).time(at)])
    try:
        write(bucket="plant", record=[Point("Line_C").field("furnace_temperature", 1480.5).field("nothing", 1.0).time(at)])
        sys.exit("a field of no sensor was taken")
    except ApiException as refused:
        print(refused.status, refused.body)
"#;
    let at = stamp(30);
    let output = python().args(["-c", script, &server.url(""), &server.token, &at]).output().expect("Python starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("400 ") && said.contains("1 fields were taken, 1 were not"), "{said}");
    assert!(said.contains("Line_C.nothing is not in the catalogue"), "{said}");
    let found = ["Line_A", "Line_B", "Line_C"].map(|line| {
        let (value, found) = latest(&server, &format!("{line}.furnace_temperature")).expect("a reading");
        assert_eq!(found.parse::<jiff::Timestamp>().expect("a time"), at.parse().expect("a time"), "{line}");
        value
    });
    assert_eq!(found, [1500.0, 1490.0, 1480.5]);
    assert_eq!(server.sql("select reason from errors where source = 'influx'").len(), 1);
}

fn write_sources(dir: &Path, text: &str) -> String {
    let file = dir.join("sources.toml");
    fs::write(&file, text).expect("room for a small file");
    file.to_string_lossy().into_owned()
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn files_of_a_watched_folder_are_taken_once_and_put_by() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let inbox = dir.path().join("inbox");
    fs::create_dir(&inbox).expect("a new folder");
    let sources = write_sources(
        dir.path(),
        &format!(
            "[[folder]]\nname = \"lab\"\npath = {inbox:?}\nevery_s = 0.1\ntime = \"when\"\nwide = true\n\
             time_zone = \"Europe/Berlin\"\n\
             [[folder.tag]]\nname = \"T1\"\nto = {{ sensor = \"{SENSOR}\", unit = \"°F\" }}\n"
        ),
    );
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--no-plant", "--sources", &sources], None);
    let whole = format!("when,T1,T9\n{},2732,\n{},2741,5\nyesterday,1,\n", stamp(60), stamp(30));
    // Written as a careful program does: under another name, then renamed.
    fs::write(inbox.join("day.csv.part"), &whole).expect("room for a small file");
    fs::write(inbox.join("odd.csv"), "what,T1\n1,2\n").expect("room for a small file");
    fs::write(inbox.join("notes.txt"), "hello").expect("room for a small file");
    fs::rename(inbox.join("day.csv.part"), inbox.join("day.csv")).expect("renamed");
    let put_by = |folder: &str, expected: &[&str]| {
        server.until(folder, |_| match names_in(&inbox.join(folder)) {
            names if names == expected => Ok(()),
            names => Err(format!("{names:?}")),
        });
    };
    put_by("taken", &["day.csv"]);
    put_by("refused", &["notes.txt", "odd.csv"]);
    let readings = server.sql(&format!("select value from readings where sensor_id = '{SENSOR}' order by at"));
    let values: Vec<f64> = readings.iter().filter_map(|row| row["value"].as_f64()).collect();
    assert_eq!(values, [1500.0, 1505.0]);
    let reasons: Vec<String> = server
        .sql("select reason from errors where source = 'lab'")
        .iter()
        .map(|row| row["reason"].as_str().expect("a reason").to_owned())
        .collect();
    for part in [
        "day.csv line 4: time 'yesterday'",
        "day.csv line 3: is of no known sensor",
        "column 'when'",
        "notes.txt: unknown kind",
    ] {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "no '{part}' in {reasons:#?}");
    }
    let standing = source(&server, "lab");
    assert_eq!((&standing["state"], standing["readings"].as_u64()), (&Value::from("connected"), Some(2)), "{standing}");

    // The same file once more changes nothing; the folder may go and come back.
    let token = server.token.clone();
    server.kill();
    let server = Server::start(&data, &["--no-plant", "--sources", &sources], Some(&token));
    fs::write(inbox.join("day.csv"), &whole).expect("room for a small file");
    server.until("the second file of that name", |_| match names_in(&inbox.join("taken")) {
        names if names == ["day.csv", "day.csv.1"] => Ok(()),
        names => Err(format!("{names:?}")),
    });
    let panes = server.sql(&format!("select n from panes where sensor_id = '{SENSOR}'"));
    assert_eq!(panes.iter().filter_map(|row| row["n"].as_i64()).sum::<i64>(), 2);
    let aside = dir.path().join("aside");
    fs::rename(&inbox, &aside).expect("renamed");
    let state = |expected: &str| {
        server.until(expected, |server| match source(server, "lab") {
            standing if standing["state"] == expected => Ok(()),
            standing => Err(standing.to_string()),
        });
    };
    state("away");
    let health = server.get("/api/health");
    let parts = health["components"].as_array().expect("components");
    assert!(parts.iter().any(|part| part["name"] == "sources.lab" && part["status"] == "degraded"), "{health}");
    fs::rename(&aside, &inbox).expect("renamed");
    state("connected");
}

#[test]
fn what_is_wrong_in_the_file_of_sources_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let entry = |name: &str, rest: &str| format!("[[folder]]\nname = \"{name}\"\npath = \"/tmp\"\n{rest}\n");
    let cases = [
        ("[[foldr]]\n".to_owned(), "unknown field `foldr`"),
        (entry("lab", "every_s = 0"), "source lab: every_s is 0; it must lie in 0.1 to 3600"),
        (entry("lab", "").repeat(2), "two sources are named lab"),
        (
            entry("lab", "[[folder.tag]]\nname = \"T1\"\nto = { sensor = \"LineA.furnace_temperature\" }"),
            "source lab: tag T1: sensor LineA.furnace_temperature is not in the catalogue; did you mean",
        ),
    ];
    for (text, expected) in cases {
        let sources = write_sources(dir.path(), &text);
        let data = dir.path().join("data");
        let said = fail(
            lehr().args(["serve", "--no-plant", "--listen", "127.0.0.1:0", "--sources", &sources, "--data"]).arg(data),
        );
        assert!(said.contains(expected), "'{expected}' is not in: {said}");
    }
}
