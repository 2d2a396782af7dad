//! Units that others made, held against what FMPy says of them.

mod support;

use lehr_fmi::{Causality, Component, Hosted, Kind, Setting, Unit, Version, run};
use lehr_twin::{Minute, Parameter};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{component, fmpy, host, hosted, minutes, same, set_up};

const REFERENCE: [&str; 11] = [
    "fmi2/BouncingBall.fmu",
    "fmi2/Dahlquist.fmu",
    "fmi2/Feedthrough.fmu",
    "fmi2/Stair.fmu",
    "fmi2/VanDerPol.fmu",
    "fmi3/BouncingBall.fmu",
    "fmi3/Dahlquist.fmu",
    "fmi3/Feedthrough.fmu",
    "fmi3/Stair.fmu",
    "fmi3/StateSpace.fmu",
    "fmi3/VanDerPol.fmu",
];

fn reference(name: &str) -> PathBuf {
    set_up("reference").join(name)
}

/// Steps of one length from 0 on, without inputs, against FMPy.
fn steps_as_fmpy(
    file: &Path,
    parameters: &[(&str, f64)],
    outputs: &[&str],
    step_s: f64,
    steps: usize,
) -> Vec<Vec<f64>> {
    let unit = Arc::new(Unit::open(file).expect("a good unit"));
    let at = |name: &str| unit.description().variable(name).expect(name).0;
    let set: Vec<Setting> =
        parameters.iter().map(|(name, value)| Setting { variable: at(name), value: *value }).collect();
    let read: Vec<u32> = outputs.iter().map(|name| at(name)).collect();
    let mut hosted: Hosted = hosted(&unit);
    hosted.start(&set, &[], &read).expect("it begins");
    let ours: Vec<Vec<f64>> = (0..steps).map(|_| hosted.advance(&[], 1, step_s, &read).expect("it steps")).collect();
    let start_values: Value = parameters.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    let theirs = fmpy(&json!({
        "unit": file, "step": step_s, "stop": step_s * steps as f64, "start_values": start_values, "inputs": {},
        "held": 0, "outputs": outputs,
    }));
    compare(&ours, &theirs, outputs, &file.display().to_string());
    ours
}

#[track_caller]
fn compare(ours: &[Vec<f64>], theirs: &Value, outputs: &[&str], what: &str) {
    assert_eq!(theirs.as_array().map(Vec::len), Some(ours.len()));
    for (row, ours) in ours.iter().enumerate() {
        for (column, output) in outputs.iter().enumerate() {
            let theirs = theirs[row][column].as_f64().expect("a number");
            same(ours[column], theirs, &format!("{what}, row {row}, {output}"));
        }
    }
}

fn moves(rows: &[Vec<f64>]) {
    for column in 0..rows[0].len() {
        assert!(rows.iter().any(|row| row[column] != rows[0][column]), "column {column} stands still");
    }
}

#[test]
fn the_reference_units_do_what_they_do_in_fmpy() {
    for version in ["fmi2", "fmi3"] {
        let file = |name: &str| reference(version).join(name);
        moves(&steps_as_fmpy(&file("Dahlquist.fmu"), &[("k", 0.7)], &["x"], 0.1, 100));
        moves(&steps_as_fmpy(&file("VanDerPol.fmu"), &[("mu", 2.0)], &["x0", "x1"], 0.01, 500));
        moves(&steps_as_fmpy(&file("BouncingBall.fmu"), &[("g", -9.5), ("e", 0.8)], &["h", "v"], 0.01, 300));
        moves(&steps_as_fmpy(&file("Stair.fmu"), &[], &["counter"], 0.2, 40));
    }
}

#[test]
fn coupled_clutches_of_another_tool_do_what_they_do_in_fmpy() {
    let outputs = ["J1_w", "J2_w", "J3_w", "J4_w"];
    let file = reference("CoupledClutches_CS_linux64.fmu");
    let unit = Unit::open(&file).expect("a good unit");
    let outputs: Vec<&str> = match unit.description().variable(outputs[0]) {
        Some(_) => outputs.to_vec(),
        None => unit.description().with(Causality::Output).map(|variable| variable.name.as_str()).collect(),
    };
    assert!(outputs.len() >= 4, "{outputs:?}");
    let rows = steps_as_fmpy(&file, &[], &outputs, 0.01, 150);
    assert_ne!(rows[0], rows[149]);
}

/// Runs a component over minutes, and FMPy over the same inputs; returns what came out.
fn runs_as_fmpy(
    component: &Arc<Component>,
    file: &Path,
    minutes: &[Minute],
    inputs: Value,
    start: Value,
) -> Vec<Vec<f64>> {
    let ran = run(component.clone(), &host(), minutes).expect("it runs");
    let ours: Vec<Vec<f64>> = ran.into_iter().map(|ran| ran.outputs).collect();
    let names: Vec<&str> =
        component.outputs.iter().map(|output| component.variable(output.variable).name.as_str()).collect();
    let theirs = fmpy(&json!({
        "unit": file, "step": component.step_s, "stop": 60 * minutes.len(), "start_values": start, "inputs": inputs,
        "held": 60, "outputs": names,
    }));
    // FMPy tells every step; a minute ends at its last.
    let rows = theirs.as_array().expect("rows").chunks(component.steps as usize);
    let theirs: Vec<&Value> = rows.map(|rows| rows.last().expect("steps")).collect();
    compare(&ours, &json!(theirs), &names, &file.display().to_string());
    ours
}

const U: [f64; 6] = [1480.25, 1490.5, 1490.5, 1200.125, 1500.75, 1501.0];
const N: [f64; 6] = [1.0, 2.0, 2.0, 5.0, -3.0, 4.0];
const B: [f64; 6] = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0];

/// Three quantities as a line measures them, the second of them with a gap that is held.
fn measured() -> Vec<Minute> {
    let some = |values: [f64; 6]| values.map(Some);
    let mut n = some(N);
    n[2] = None;
    let (u, b) = (some(U), some(B));
    minutes(&[(Parameter::FurnaceTemperature, &u), (Parameter::FuelFlow, &n), (Parameter::FlueOxygen, &b)])
}

#[test]
fn inputs_of_every_type_reach_the_reference_unit() {
    for version in ["fmi2", "fmi3"] {
        let file = reference(version).join("Feedthrough.fmu");
        let mut text = r#"
step_s = 0.5
parameters = { Float64_fixed_parameter = 1.0 }
[component.inputs]
Float64_continuous_input = { measured = "furnace_temperature" }
Float64_discrete_input = { measured = "furnace_temperature" }
Int32_input = { measured = "fuel_flow" }
Boolean_input = { measured = "flue_oxygen" }
Enumeration_input = { constant = 2 }
"#
        .to_owned();
        let mut outputs = vec![
            "Float64_continuous_output",
            "Float64_discrete_output",
            "Int32_output",
            "Boolean_output",
            "Enumeration_output",
        ];
        if version == "fmi3" {
            for kind in ["Int8", "Int16", "Int64", "Float32_continuous"] {
                text += &format!("{kind}_input = {{ measured = \"fuel_flow\" }}\n");
                outputs.push(match kind {
                    "Int8" => "Int8_output",
                    "Int16" => "Int16_output",
                    "Int64" => "Int64_output",
                    _ => "Float32_continuous_output",
                });
            }
            for kind in ["UInt8", "UInt16", "UInt32", "UInt64"] {
                text += &format!("{kind}_input = {{ measured = \"flue_oxygen\" }}\n");
            }
            outputs.extend(["UInt8_output", "UInt16_output", "UInt32_output", "UInt64_output"]);
        }
        text += "[component.outputs]\n";
        for output in &outputs {
            text += &format!("{output} = {{}}\n");
        }
        let component = component(&file, &text);
        let ran = run(component.clone(), &host(), &measured()).expect("it runs");
        for (minute, ran) in ran.iter().enumerate() {
            for (output, value) in component.outputs.iter().zip(&ran.outputs) {
                let name = component.variable(output.variable).name.as_str();
                let wanted = match name {
                    "Enumeration_output" => 2.0,
                    "Boolean_output" => B[minute],
                    name if name.starts_with("UInt") => B[minute],
                    name if name.starts_with("Float64") => U[minute],
                    _ => N[minute],
                };
                // The unit passes the parameters on as well in 2.0's description, but adds none of them.
                assert_eq!(*value, wanted, "{version} {name} in minute {minute}");
            }
        }
        if version == "fmi2" {
            let inputs = json!({
                "Float64_continuous_input": { "type": "real", "values": U },
                "Float64_discrete_input": { "type": "real", "values": U },
                "Int32_input": { "type": "int", "values": N },
                "Boolean_input": { "type": "bool", "values": B },
            });
            let start = json!({ "Float64_fixed_parameter": 1.0, "Enumeration_input": 2 });
            runs_as_fmpy(&component, &file, &measured(), inputs, start);
        }
    }
}

#[test]
fn a_model_in_python_follows_a_line_as_it_does_in_fmpy() {
    let library = std::fs::read_to_string(set_up("libpython")).expect("text");
    for name in ["kiln2.fmu", "kiln3.fmu"] {
        let file = set_up("python").join(name);
        let text = format!(
            r#"
step_s = 7.5
parameters = {{ lag = 450.0 }}
[component.inputs]
u = {{ measured = "furnace_temperature" }}
burners = {{ measured = "fuel_flow" }}
open = {{ measured = "flue_oxygen" }}
[component.outputs]
T = {{ compares_with = "furnace_temperature" }}
firing = {{}}
hot = {{}}
[component.environment]
LD_PRELOAD = "{}"
"#,
            library.trim()
        );
        let component = component(&file, &text);
        let inputs = json!({
            "u": { "type": "real", "values": U },
            "burners": { "type": "int", "values": N },
            "open": { "type": "bool", "values": B },
        });
        moves(&runs_as_fmpy(&component, &file, &measured(), inputs, json!({ "lag": 450.0 })));
        // Without what it needs, it says so.
        let bare = support::component(&file, &text[..text.find("[component.environment]").expect("there")]);
        let error = run(bare, &host(), &measured()).expect_err("Python is not there").to_string();
        assert!(error.contains("undefined symbol"), "{error}");
    }
}

#[test]
fn descriptions_are_read_as_fmpy_reads_them() {
    let mut files: Vec<PathBuf> = REFERENCE.iter().map(|name| reference(name)).collect();
    files.extend(["kiln2.fmu", "kiln3.fmu"].map(|name| set_up("python").join(name)));
    files.extend(["CoupledClutches_CS_linux64.fmu", "CoupledClutches_CS_win64.fmu"].map(reference));
    let mut variables = 0;
    for file in files {
        let ours = Unit::describe(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let theirs = fmpy(&json!({ "unit": file, "describe": true }));
        let theirs = theirs.as_array().expect("variables");
        assert_eq!(ours.variables.len(), theirs.len(), "{}", file.display());
        // Aliases stand elsewhere.
        for theirs in theirs {
            let (_, ours) = ours.variable(theirs["name"].as_str().expect("a name")).expect("we know it");
            let causality = ours.causality.text().replace(" p", "P");
            let told = json!({
                "name": ours.name, "reference": ours.reference, "type": ours.kind.to_string(),
                "causality": causality, "unit": ours.unit, "min": ours.min, "max": ours.max, "array": ours.array,
            });
            let mut theirs = theirs.clone();
            if ours.kind == Kind::UInt64 {
                // FMPy leaves the bounds of these out, as the file shows.
                (theirs["min"], theirs["max"]) = (json!(ours.min), json!(ours.max));
            }
            assert_eq!(told, theirs, "{}", file.display());
            variables += 1;
        }
    }
    assert!(variables > 150, "{variables}");
}

#[test]
fn units_that_cannot_run_here_say_why() {
    let refused = |name: &str| Unit::open(&reference(name)).expect_err("must be refused");
    let other = refused("CoupledClutches_CS_win64.fmu").to_string();
    assert!(other.contains("linux64/CoupledClutches.so") && other.contains("win64"), "{other}");
    let array = support::components(&reference("fmi3/StateSpace.fmu"), "outputs = { y = {} }").expect_err("an array");
    assert!(array.to_string().contains("several numbers"), "{array}");
    let text = "outputs = { String_output = {} }";
    let text = support::components(&reference("fmi3/Feedthrough.fmu"), text).expect_err("a text");
    assert!(text.to_string().contains("is of type String"), "{text}");
}

#[test]
fn versions_are_told_apart() {
    let version = |name: &str| Unit::open(&reference(name)).expect("good").description().version;
    assert_eq!((version("fmi2/Stair.fmu"), version("fmi3/Stair.fmu")), (Version::Two, Version::Three));
}
