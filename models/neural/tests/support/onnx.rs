//! What ONNX's checker and ONNX Runtime make of a file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// An input: name, shape, values; NaN goes as null.
pub type Input<'a> = (&'a str, &'a [usize], &'a [f32]);

/// Has a file checked and run; outputs by name. Needs what `scripts/test-onnx` installs.
#[track_caller]
pub fn answer(file: &[u8], inputs: &[Input<'_>]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, file).expect("it is written");
    let inputs: serde_json::Map<String, Value> = inputs
        .iter()
        .map(|(name, shape, values)| ((*name).to_owned(), json!({ "shape": shape, "values": values })))
        .collect();
    let ask = json!({ "model": path, "inputs": inputs }).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../onnx/tests/onnx_says.py");
    let mut python =
        Command::new(python()).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    python.stdin.take().expect("asked for").write_all(ask.as_bytes()).expect("it listens");
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the file was refused");
    serde_json::from_slice(&output.stdout).expect("it answers in JSON")
}

/// One output's values.
#[track_caller]
pub fn output(answer: &Value, name: &str) -> Vec<f32> {
    serde_json::from_value(answer["outputs"][name]["values"].clone()).expect("numbers")
}

#[track_caller]
pub fn assert_close(name: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert!((ours - theirs).abs() < 1e-4, "{name} {index}: {ours} here, {theirs} in the file");
    }
    let (least, most) = ours.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
    assert!(most - least > 1e-3, "{name}: values that are all alike compare nothing");
}

/// ONNX Runtime's library.
#[track_caller]
pub fn library() -> PathBuf {
    let library = cache().join("onnxruntime/libonnxruntime.so.1.31.1");
    assert!(library.exists(), "{} is not there: run scripts/test-onnx", library.display());
    library
}

fn python() -> PathBuf {
    let python = cache().join("onnx/venv/bin/python");
    assert!(python.exists(), "{} is not there: run scripts/test-onnx", python.display());
    python
}

fn cache() -> PathBuf {
    std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    })
}
