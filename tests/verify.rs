//! `lehr verify` finds damage and says what to do; `lehr rebuild` wants the directory for itself.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use support::{Server, fail, lehr, succeed};

fn findings(stdout: &str) -> Vec<Value> {
    serde_json::from_str::<Vec<Value>>(stdout).expect("an array of findings")
}

fn recording(dir: &Path) -> std::path::PathBuf {
    let out = dir.join("rec");
    succeed(lehr().args(["generate", "--duration", "1h", "--out"]).arg(&out));
    out
}

#[test]
fn a_sound_directory_passes_and_a_bent_one_is_told_of() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = recording(dir.path());
    let found = findings(&succeed(lehr().args(["verify", "--json", "--data"]).arg(&data)));
    assert!(found.iter().any(|finding| finding["file"].as_str().is_some_and(|file| file.ends_with(".seg"))));
    assert!(found.iter().all(|finding| finding["state"] == "good"), "{found:?}");

    let segment = data.join("journal/00000000000000000001.seg");
    let mut bytes = fs::read(&segment).expect("the first segment");
    bytes[5_000] ^= 1;
    fs::write(&segment, &bytes).expect("a writable segment");
    fs::write(data.join("tokens.json"), "{").expect("a writable folder");
    let output = lehr().args(["verify", "--json", "--data"]).arg(&data).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    let found = findings(&String::from_utf8(output.stdout).expect("output is UTF-8"));
    let damaged: Vec<&Value> = found.iter().filter(|finding| finding["state"] == "damaged").collect();
    assert_eq!(damaged.len(), 2, "{found:?}");
    assert!(damaged.iter().all(|finding| !finding["advice"].as_str().expect("a text").is_empty()));
    assert_eq!(fs::read(&segment).expect("the first segment"), bytes, "nothing is changed");

    let text = lehr().args(["verify", "--data"]).arg(&data).output().expect("the binary starts");
    let text = String::from_utf8(text.stdout).expect("output is UTF-8");
    assert!(text.contains("DAMAGED journal/00000000000000000001.seg"), "{text}");
    assert!(fail(lehr().args(["verify", "--data"]).arg(dir.path())).contains("has no journal"));
}

#[test]
fn a_directory_is_verified_beside_its_server_but_not_rebuilt() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--no-plant"], None);
    let found = findings(&succeed(lehr().args(["verify", "--json", "--data"]).arg(&data)));
    assert!(found.iter().any(|finding| finding["file"] == "tokens.json"), "{found:?}");
    let out = dir.path().join("out");
    let refused = fail(lehr().arg("rebuild").arg("--data").arg(&data).arg("--out").arg(&out));
    assert!(refused.contains("written by another process"), "{refused}");
    server.kill();
}
