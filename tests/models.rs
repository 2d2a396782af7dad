//! `lehr models`, against a running server.

mod support;

use serde_json::Value;
use std::process::Command;
use support::{Server, fail, lehr, succeed};

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
