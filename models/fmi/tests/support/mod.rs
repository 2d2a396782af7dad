//! Units to test with: of others, and of our own that misbehave.
#![allow(dead_code)]

use lehr_domain::{EventMs, SpanMs};
use lehr_fmi::{Component, HostProgram, Hosted, Unit, Version, read};
use lehr_twin::{Minute, PaneValue, Parameter};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub const LIMIT: Duration = Duration::from_secs(20);

/// What the set-up made. Tests that need it fail without it.
pub fn set_up(path: &str) -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let path = cache.join("units").join(path);
    assert!(path.exists(), "{} is not there: run `make test-setup`", path.display());
    path
}

pub fn host() -> HostProgram {
    HostProgram { program: env!("CARGO_BIN_EXE_lehr-fmi-host").into(), arguments: Vec::new() }
}

pub fn hosted(unit: &Arc<Unit>) -> Hosted {
    hosted_within(unit, LIMIT)
}

pub fn hosted_within(unit: &Arc<Unit>, limit: Duration) -> Hosted {
    Hosted::open(unit.clone(), &host(), "unit", &[], limit).expect("the unit starts")
}

/// What FMPy says.
pub fn fmpy(ask: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fmpy_says.py");
    let mut python = Command::new(set_up("venv/bin/python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    python.stdin.take().expect("asked for").write_all(ask.to_string().as_bytes()).expect("it listens");
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "FMPy failed on {ask}");
    // Above it is what the unit logs.
    let lines = String::from_utf8(output.stdout).expect("text");
    serde_json::from_str(lines.lines().last().expect("an answer")).expect("it answers in JSON")
}

const TOKEN: &str = "{a-token}";

fn description(version: Version, token: &str) -> String {
    let (start, typed): (_, fn(&str, &str, &str) -> String) = match version {
        Version::Two => (
            format!(
                r#"fmiVersion="2.0" guid="{token}"><CoSimulation modelIdentifier="unit" canHandleVariableCommunicationStepSize="true"/>"#
            ),
            |attributes, kind, typed| {
                let kind = if kind == "Float64" { "Real" } else { kind };
                let kind = if kind == "Int32" { "Integer" } else { kind };
                format!("<ScalarVariable {attributes}><{kind} {typed}/></ScalarVariable>")
            },
        ),
        Version::Three => (
            format!(
                r#"fmiVersion="3.0" instantiationToken="{token}"><CoSimulation modelIdentifier="unit" canGetAndSetFMUState="true" canHandleVariableCommunicationStepSize="true"/>"#
            ),
            |attributes, kind, typed| format!("<{kind} {attributes} {typed}/>"),
        ),
    };
    let variables = [
        (r#"name="time" valueReference="0" causality="independent""#, "Float64", ""),
        (r#"name="u" valueReference="1" causality="input""#, "Float64", r#"start="0" min="-10" max="2000" unit="K""#),
        (r#"name="k" valueReference="2" causality="parameter" variability="tunable""#, "Float64", r#"start="1""#),
        (r#"name="mode" valueReference="3" causality="parameter" variability="fixed""#, "Int32", r#"start="0""#),
        (r#"name="y" valueReference="4" causality="output""#, "Float64", r#"unit="K.s""#),
        (r#"name="n" valueReference="5" causality="output" variability="discrete""#, "Int32", ""),
        (r#"name="on" valueReference="6" causality="input" variability="discrete""#, "Boolean", r#"start="false""#),
    ];
    let variables: String = variables.map(|(attributes, kind, bounds)| typed(attributes, kind, bounds)).concat();
    format!(
        r#"<fmiModelDescription modelName="unit" {start}<ModelVariables>{variables}</ModelVariables></fmiModelDescription>"#
    )
}

/// The unit of our own, compiled here.
pub fn own_file(version: Version) -> (TempDir, PathBuf) {
    own_file_with_token(version, TOKEN)
}

pub fn own_file_with_token(version: Version, token: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/units");
    let (source, platform) = match version {
        Version::Two => ("unit2.c", "linux64"),
        Version::Three => ("unit3.c", "x86_64-linux"),
    };
    let library = dir.path().join("unit.so");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-o"])
        .arg(&library)
        .arg(sources.join(source))
        .arg("-lm")
        .status()
        .expect("the tests need a C compiler named cc");
    assert!(compiled.success());
    let file = dir.path().join("unit.fmu");
    let mut writer = zip::ZipWriter::new(std::fs::File::create(&file).expect("a file"));
    let options = zip::write::SimpleFileOptions::default();
    writer.start_file("modelDescription.xml", options).expect("an entry");
    writer.write_all(description(version, token).as_bytes()).expect("its bytes");
    writer.start_file(format!("binaries/{platform}/unit.so"), options).expect("an entry");
    writer.write_all(&std::fs::read(&library).expect("compiled")).expect("its bytes");
    writer.finish().expect("an archive");
    (dir, file)
}

pub fn own(version: Version) -> Arc<Unit> {
    let (_dir, file) = own_file(version);
    Arc::new(Unit::open(&file).expect("our own unit is good"))
}

/// The one component of a file, whose `file` is given apart.
pub fn component(file: &Path, text: &str) -> Arc<Component> {
    let mut components = components(file, text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(components.len(), 1);
    Arc::new(components.remove(0))
}

pub fn components(file: &Path, text: &str) -> Result<Vec<Component>, lehr_fmi::ConfigError> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("components.toml");
    let head = format!("[[component]]\nname = \"c\"\nline = \"Line_A\"\nfile = \"{}\"\n", file.display());
    std::fs::write(&path, head + text).expect("written");
    read(&path)
}

/// Minutes in which these were measured, from a midnight on; `None` is a gap.
pub fn minutes(values: &[(Parameter, &[Option<f64>])]) -> Vec<Minute> {
    let many = values.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let begin = EventMs(1_700_006_400_000);
    let mut minutes: Vec<Minute> = (0..many).map(|n| Minute::gap(begin + SpanMs::minutes(n as i64))).collect();
    for (parameter, values) in values {
        for (minute, value) in minutes.iter_mut().zip(*values) {
            let pane = |value: f64| PaneValue { mean: value, n: 60, ..PaneValue::default() };
            minute.values[parameter.index()] = value.map(pane);
        }
    }
    minutes
}

/// Equal to 1e-9, of the greater where that is above 1.
#[track_caller]
pub fn same(ours: f64, theirs: f64, what: &str) {
    let scale = ours.abs().max(theirs.abs()).max(1.0);
    assert!((ours - theirs).abs() <= 1e-9 * scale, "{what}: {ours} is not {theirs}");
}
