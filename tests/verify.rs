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
fn pictures_and_model_files_are_held_against_what_was_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let data = dir.path().join("data");
    // What comes with Lehr is registered at a start, also where no library scores with it.
    let server = Server::start(&data, &["--speed", "20", "--pictures", "1"], None);
    server.until("pictures", |server| {
        let health = server.get("/api/health");
        let part = health["components"].as_array().expect("components").iter().find(|part| part["name"] == "pictures");
        let detail = part.expect("a component for pictures")["detail"].as_str().expect("a text").to_owned();
        if detail.starts_with("0 pictures") { Err(detail) } else { Ok(()) }
    });
    server.kill();
    let found = findings(&succeed(lehr().args(["verify", "--json", "--data"]).arg(&data)));
    let of = |file: &str| found.iter().find(|finding| finding["file"] == file).unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!((&of("models/graph-1.0.0.onnx")["state"], &of("pictures")["state"]), (&"good".into(), &"good".into()));

    fs::write(data.join("models/graph-1.0.0.onnx"), "rust").expect("a writable folder");
    fs::remove_file(data.join("models/ensemble-1.0.0.onnx")).expect("a file");
    let files = |folder: &Path| -> Vec<std::path::PathBuf> {
        folder.read_dir().expect("a folder").map(|entry| entry.expect("readable").path()).collect()
    };
    let mut pictures = files(&data.join("pictures")).into_iter().flat_map(|folder| files(&folder));
    let picture = pictures.find(|path| path.extension().is_some_and(|ending| ending == "png")).expect("a picture");
    fs::write(&picture, "rust").expect("a writable folder");
    let output = lehr().args(["verify", "--json", "--data"]).arg(&data).output().expect("the binary starts");
    assert_eq!(output.status.code(), Some(1));
    let found = findings(&String::from_utf8(output.stdout).expect("output is UTF-8"));
    let damaged: Vec<&str> = found
        .iter()
        .filter(|finding| finding["state"] == "damaged")
        .map(|finding| finding["file"].as_str().expect("a text"))
        .collect();
    let picture = picture.strip_prefix(&data).expect("below it").display().to_string();
    assert_eq!(damaged, ["models/graph-1.0.0.onnx", "models/ensemble-1.0.0.onnx", &picture]);
}

#[test]
fn a_recording_has_its_pictures() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let generate = |out: &str, pictures: &str| {
        let mut command = lehr();
        command.args(["generate", "--duration", "10m", "--pictures", pictures, "--out"]).arg(dir.path().join(out));
        command
    };
    let done = support::last_json(&succeed(&mut generate("rec", "40")));
    let pictures = done["pictures"].as_u64().expect("a number");
    assert!(pictures > 0 && pictures < done["units"].as_u64().expect("a number") / 20, "{done}");
    let found = findings(&succeed(lehr().args(["verify", "--json", "--data"]).arg(dir.path().join("rec"))));
    let told = found.iter().find(|finding| finding["file"] == "pictures").expect("a finding of pictures");
    assert!(told["found"].as_str().expect("a text").starts_with(&format!("{pictures} pictures")), "{told}");
    assert_eq!(support::last_json(&succeed(&mut generate("none", "off")))["pictures"], 0);
    assert!(!dir.path().join("none/pictures").exists());
    assert!(fail(&mut generate("auto", "auto")).contains("give off, or N"));
    assert!(fail(&mut generate("zero", "0")).contains("give off, auto, or N"));
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
