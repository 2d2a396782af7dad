//! A plant's own model beside the twin, from outside.

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Server, fail, lehr, succeed};

/// A unit that others made: it passes its inputs on.
fn unit() -> PathBuf {
    let file = support::cache().join("units/reference/fmi3/Feedthrough.fmu");
    assert!(file.exists(), "{} is not there: run `make test-setup`", file.display());
    file
}

fn components(folder: &Path, outputs: &str) -> String {
    let text = format!(
        r#"
[[component]]
name = "passes on"
line = "Line_A"
file = "{}"
step_s = 20.0
limit_s = 60.0

[component.inputs]
Float64_continuous_input = {{ measured = "furnace_temperature", offset = 2.0 }}
Float64_discrete_input = {{ setpoint = "furnace_temperature" }}
Boolean_input = {{ constant = true }}

[component.outputs]
{outputs}
"#,
        unit().display()
    );
    let path = folder.join("components.toml");
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

const OUTPUTS: &str = r#"
Float64_continuous_output = { compares_with = "furnace_temperature" }
Float64_discrete_output = {}
Boolean_output = { scale = 3.0 }
"#;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The one component of Line_A, once it is as wanted.
fn shown(server: &Server, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    server.until(what, |server| {
        let answer = server.get("/api/digital-twin/shadow-state?line=Line_A");
        let component = answer["lines"][0]["components"][0].clone();
        if wanted(&component) { Ok(component) } else { Err(component.to_string()) }
    })
}

/// Processes of units of this server.
fn unit_processes(server: &Server) -> Vec<String> {
    let parent = server.pid().to_string();
    let output = Command::new("ps").args(["-o", "pid=,args=", "--ppid", &parent]).output().expect("ps is there");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().filter(|line| line.contains("fmu host"));
    lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn a_model_runs_beside_the_twin_answers_what_if_and_comes_back_when_it_dies() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = components(dir.path(), OUTPUTS);
    let data = dir.path().join("data");
    let server = Server::start(&data, &["--speed", "600", "--components", &file], None);

    let biased = |component: &Value| {
        component["outputs"].as_array().is_some_and(|outputs| outputs.iter().any(|output| output["bias"].is_number()))
    };
    let running = |component: &Value| component["state"] == "running" && biased(component);
    let component = shown(&server, "a bias", running);
    assert_eq!(component["name"], "passes on");
    let by_name = |component: &Value, name: &str| {
        let outputs = component["outputs"].as_array().expect("outputs").iter();
        outputs.clone().find(|output| output["variable"] == name).expect(name).clone()
    };
    let real = by_name(&component, "Float64_continuous_output");
    assert_eq!(real["compares_with"], "furnace_temperature");
    // It passes on what was measured, and two degrees.
    assert!((number(&real["bias"]) - 2.0).abs() < 1e-9, "{real}");
    assert!((number(&real["value"]) - number(&real["measured"]) - number(&real["error"])).abs() < 1e-9, "{real}");
    assert!((1400.0..1600.0).contains(&number(&by_name(&component, "Float64_discrete_output")["value"])));
    assert_eq!(number(&by_name(&component, "Boolean_output")["value"]), 3.0);

    let health = server.get("/api/health");
    let part = |health: &Value| {
        let parts = health["components"].as_array().expect("parts").iter();
        parts.clone().find(|part| part["name"] == "components.passes on").expect("listed").clone()
    };
    assert_eq!(part(&health)["status"], "ok", "{health}");

    let ask = json!({ "line": "Line_A", "mode": "one", "duration": "2h",
        "settings": [{ "parameter": "furnace_temperature", "value": 1535 }] });
    let answer = server.until("an answer in time", |server| {
        let answer = server.post("/api/digital-twin/what-if", &ask);
        if answer["components"][0]["error"].is_null() { Ok(answer) } else { Err(answer["components"].to_string()) }
    });
    let foreseen = &answer["components"][0];
    let set = by_name(foreseen, "Float64_discrete_output");
    assert_eq!((number(&set["changed"]["last"]), number(&set["changed"]["mean"])), (1535.0, 1535.0), "{set}");
    assert!(number(&set["baseline"]["last"]) < 1535.0, "{set}");
    let melt = by_name(foreseen, "Float64_continuous_output");
    assert!(number(&melt["changed"]["last"]) > number(&melt["baseline"]["last"]), "{melt}");
    let stress = json!({ "line": "Line_A", "mode": "stress", "parameter": "furnace_temperature", "until": 1700 });
    assert_eq!(server.post("/api/digital-twin/what-if", &stress)["components"], json!([]));

    let processes = unit_processes(&server);
    assert_eq!(processes.len(), 1, "{processes:?}");
    assert!(Command::new("kill").args(["-KILL", &processes[0]]).status().expect("kill is there").success());
    let dead = shown(&server, "its death", |component| component["state"] == "degraded");
    assert!(dead["error"].as_str().expect("why").contains("signal 9"), "{dead}");
    assert!(dead["outputs"][0]["value"].is_number(), "what it said last is still shown: {dead}");
    let again = shown(&server, "its return", |component| component["state"] == "running");
    assert_eq!(again["restarts"], 1, "{again}");
    assert_ne!(unit_processes(&server), processes);

    // Killed at once, it leaves no process behind.
    let left = unit_processes(&server);
    server.kill();
    let gone = |pid: &String| !Path::new("/proc").join(pid).exists();
    let begun = std::time::Instant::now();
    while !left.iter().all(gone) {
        assert!(begun.elapsed() < support::PATIENCE, "{left:?} are left");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_is_wrong_is_told_before_anything_starts() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = components(dir.path(), "Float64_output = {}");
    let data = dir.path().join("data");
    let told = fail(lehr().arg("serve").arg("--data").arg(&data).args(["--components", &file]));
    assert!(told.contains("'passes on', outputs.Float64_output"), "{told}");
    assert!(!data.exists());
    let told = fail(lehr().args(["fmu", "check", &file]));
    assert!(told.contains("give one of Float64_"), "{told}");

    let text = std::fs::read_to_string(components(dir.path(), OUTPUTS)).expect("just written");
    std::fs::write(&file, text.replace("Line_A", "Line_Z")).expect("written");
    let told =
        fail(lehr().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).args(["--components", &file]));
    assert!(told.contains("no line 'Line_Z'; give one of Line_A"), "{told}");
}

#[test]
fn the_command_line_describes_and_tries_units() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let described = succeed(lehr().args(["fmu", "describe"]).arg(unit()));
    assert!(described.contains("Feedthrough, FMI 3.0, co-simulation"), "{described}");
    assert!(described.contains("Float64_continuous_input"), "{described}");
    let file = components(dir.path(), OUTPUTS);
    let tried = succeed(lehr().args(["fmu", "check", &file]));
    assert!(tried.contains("passes on on Line_A: 3 steps of 20 s a minute"), "{tried}");
    assert!(tried.contains("ran 60 minutes") && tried.contains("Float64_continuous_output = 15"), "{tried}");
    let told = fail(lehr().args(["fmu", "describe", "/nowhere.fmu"]));
    assert!(told.contains("/nowhere.fmu"), "{told}");
}
