//! `lehr models`, against a running server.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;
use support::inspector::{LIGHT, inspector};
use support::{Server, fail, lehr, succeed};

/// Where all of a picture is light, each patch's box is a small part of the mask.
const FAINT: &str = r#"{"thresholds":[0.02,0.02,0.02,0.02,0.02,0.02]}"#;

fn models(server: &Server, token: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = lehr();
    command.env_remove("LEHR_TOKEN").args(["models", "--server", &server.url("")]).args(arguments);
    if let Some(token) = token {
        command.env("LEHR_TOKEN", token);
    }
    command
}

#[test]
fn models_are_looked_after_from_the_command_line() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--no-plant"], None);
    let own = Some(server.token.as_str());
    let listed = succeed(&mut models(&server, own, &["list"]));
    assert!(listed.starts_with("MODEL"), "{listed}");
    let listed: Value = serde_json::from_str(&succeed(&mut models(&server, own, &["list", "--json"]))).expect("JSON");
    assert_eq!(&listed, &server.get("/api/models")["models"]);
    assert_eq!(succeed(&mut models(&server, own, &["jobs", "--json"])).trim(), "[]");

    let said = fail(&mut models(&server, own, &["promote", "graph", "9.9.9", "--reason", "why"]));
    assert!(said.contains("graph 9.9.9 is not registered"), "{said}");
    let said = fail(&mut models(&server, own, &["show", "graph", "9.9.9"]));
    assert!(said.contains("graph 9.9.9 is not known"), "{said}");
    let said = fail(&mut models(&server, own, &["promote", "graph", "9.9", "--reason", "why"]));
    assert!(said.contains("write three numbers"), "{said}");
    let said = fail(&mut models(&server, own, &["list", "oracle"]));
    assert!(said.contains("give one of forecaster, graph"), "{said}");
    let file = dir.path().join("model.onnx");
    std::fs::write(&file, "no model").expect("it is written");
    let said = fail(models(&server, own, &["register", "--note", "a & b"]).arg(&file));
    assert!(said.contains("is no ONNX file"), "{said}");
    let said = fail(&mut models(&server, None, &["list"]));
    assert!(said.contains("set LEHR_TOKEN"), "{said}");
    let said = fail(&mut models(&server, Some("nobody"), &["list"]));
    assert!(said.contains("the token does not hold"), "{said}");
    server.kill();
    let said = fail(lehr().env("LEHR_TOKEN", "x").args(["models", "--server", "http://127.0.0.1:1", "list"]));
    assert!(said.contains("name another with --server"), "{said}");
}

/// What comes with Lehr scores at a first start; what it said is not said anew, nor otherwise, after a crash.
#[test]
fn what_was_foretold_outlives_a_kill() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--speed", "3000"], None);
    let token = server.token.clone();
    let query = "select production_line, at, version, graph_version, ensemble_version, probability_1h, probability_4h, \
                 probability_24h, combined_1h, combined_4h, combined_24h, expected_24h from forecasts order by 1, 2";
    let before = server.until("what is foretold of three lines", |server| {
        let rows = server.sql(query);
        let lines: BTreeSet<String> = rows.iter().map(|row| row["production_line"].to_string()).collect();
        if lines.len() == 3 && rows.len() > 60 { Ok(rows) } else { Err(format!("{} rows", rows.len())) }
    });
    let scored = |row: &Value| row["ensemble_version"] == "1.0.0" && row["combined_24h"].is_f64();
    assert!(before.iter().all(scored), "all three models scored: {}", before[0]);
    server.kill();
    let server = Server::start(dir.path(), &["--no-plant"], Some(&token));
    let after = server.sql(query);
    let lost: Vec<&Value> = before.iter().filter(|row| !after.contains(row)).collect();
    assert!(lost.is_empty(), "{} of {} rows are gone or another, such as {}", lost.len(), before.len(), lost[0]);
    assert!(server.sql("select * from sensor_verdicts").len() == 60, "of twenty sensors of three lines");
}

/// What was found on pictures is remembered, and not looked for again: it outlives the pictures.
#[test]
fn what_was_found_outlives_its_pictures() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(dir.path(), &["--speed", "300", "--pictures", "20"], None);
    let own = Some(server.token.as_str());
    let file = dir.path().join("inspector-1.99.0.onnx");
    std::fs::write(&file, inspector("1.99.0", LIGHT, FAINT)).expect("it is written");
    succeed(models(&server, own, &["register"]).arg(&file));
    succeed(&mut models(&server, own, &["promote", "inspector", "1.99.0", "--reason", "it sees red"]));
    assert!(succeed(&mut models(&server, own, &["list", "inspector"])).contains("1.99.0"));
    let query = "select unit_id, production_line, taken_at, content, version, defects, defect_type, score \
                 from inspections where version = '1.99.0' order by 1";
    let before = server.until("pictures that were inspected", |server| {
        let rows = server.sql(query);
        let agreed = server.sql("select * from inspection_quality where version = '1.99.0'");
        if rows.len() > 30 && !agreed.is_empty() { Ok(rows) } else { Err(format!("{} rows", rows.len())) }
    });
    assert!(before.iter().any(|row| row["defects"].as_i64() > Some(0)), "something was found: {}", before[0]);
    let counters = server.get("/metrics");
    let mut lines = counters.as_str().expect("a text").lines();
    let ahead = lines.find_map(|line| line.strip_prefix("lehr_pictures_ahead_total ")).expect("it is counted");
    assert!(ahead.parse::<u64>().is_ok_and(|count| count > 0), "{ahead} were looked at before their tick");
    let token = server.token.clone();
    server.stop();
    std::fs::remove_dir_all(dir.path().join("pictures")).expect("the pictures go");
    let server = Server::start(dir.path(), &["--no-plant"], Some(&token));
    let after = server.sql(query);
    let lost: Vec<&Value> = before.iter().filter(|row| !after.contains(row)).collect();
    assert!(lost.is_empty(), "{} of {} rows are gone or another, such as {}", lost.len(), before.len(), lost[0]);
}

/// An object store has the files of models too: one that is lost here comes back from there.
#[test]
fn a_lost_file_comes_back_from_the_object_store() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (data, stores) = (dir.path().join("data"), dir.path().join("stores.toml"));
    let lake = dir.path().join("lake");
    std::fs::write(&stores, format!("[[objects]]\nname = \"lake\"\nfolder = {lake:?}\ntables = [\"models\"]\n"))
        .expect("it is written");
    let follows = ["--no-plant", "--stores", stores.to_str().expect("a path of text")];
    let server = Server::start(&data, &follows, None);
    let (token, file) = (server.token.clone(), dir.path().join("inspector-1.99.0.onnx"));
    std::fs::write(&file, inspector("1.99.0", LIGHT, FAINT)).expect("it is written");
    succeed(models(&server, Some(&token), &["register"]).arg(&file));
    let told = |server: &Server, expected: &str| {
        server.until("the files of models are in the store", |server| {
            let health = server.get("/api/health");
            let parts = health["components"].as_array().expect("a list");
            let part = parts.iter().find(|part| part["name"] == "models.lake").expect("the store's part");
            let good = part["status"] == "ok" && part["behind"] == 0 && part["detail"] == expected;
            if good { Ok(()) } else { Err(part.to_string()) }
        });
    };
    told(&server, "it has 5 of 5 versions");
    server.stop();

    let lost = data.join("models/inspector-1.99.0.onnx");
    std::fs::remove_file(&lost).expect("the file goes");
    let server = Server::start(&data, &follows, Some(&token));
    told(&server, "it has 5 of 5 versions; files that came back since the start: 1");
    assert_eq!(std::fs::read(&lost).expect("it is there"), std::fs::read(&file).expect("it is there"));
    let listed = server.get("/api/models");
    let listed = listed["models"].as_array().expect("a list");
    let own = listed.iter().find(|model| model["version"] == "1.99.0").expect("it is registered");
    assert_eq!(own["file"], "ready", "{own}");
}
