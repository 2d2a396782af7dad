//! The plant's own models, as the twin's answers show them.

use super::health::component;
use super::schema::{integer, list, nullable, number, object, text, time};
use crate::twin::{Components, Condition, Course, Foreseen, Shown};
use lehr_domain::LineId;
use lehr_fmi::{Component, Output};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub fn shown_schema() -> Value {
    let output = object([
        ("variable", text()),
        ("unit", nullable(text())),
        ("value", nullable(number())),
        ("compares_with", nullable(text())),
        ("measured", nullable(number())),
        ("error", nullable(number())),
        ("bias", nullable(number())),
        ("at", nullable(time())),
    ]);
    object([
        ("name", text()),
        ("outputs", list(output)),
        ("state", json!({ "type": "string", "enum": ["waiting", "catching_up", "running", "degraded"] })),
        ("error", nullable(text())),
        ("limited", list(text())),
        ("minutes_left", integer()),
        ("restarts", integer()),
    ])
}

pub fn foreseen_schema() -> Value {
    let course = || object([("mean", number()), ("last", number())]);
    let output = object([
        ("variable", text()),
        ("unit", nullable(text())),
        ("compares_with", nullable(text())),
        ("baseline", course()),
        ("changed", course()),
    ]);
    object([("name", text()), ("outputs", list(output)), ("error", nullable(text()))])
}

/// The components of a line, as they are now.
pub fn shown(components: &Components, line: LineId) -> Value {
    let shown = components.shown(Some(line));
    shown.iter().map(|(component, shown)| shown_json(component, shown)).collect()
}

/// What is an output, whatever it says. The unit is the model's: of an output that is scaled, it is not told.
fn output_json(component: &Component, output: &Output) -> Map<String, Value> {
    let variable = component.variable(output.variable);
    let as_it_is = output.scale == 1.0 && output.offset == 0.0;
    let mut json = Map::new();
    json.insert("variable".to_owned(), variable.name.as_str().into());
    json.insert("unit".to_owned(), variable.unit.as_deref().filter(|_| as_it_is).into());
    json.insert("compares_with".to_owned(), output.compares_with.map(|parameter| parameter.text()).into());
    json
}

fn shown_json(component: &Component, shown: &Shown) -> Value {
    let Shown { condition, said, limited, restarts, .. } = shown;
    let outputs = component.outputs.iter().enumerate().map(|(index, output)| {
        let mut json = output_json(component, output);
        let said = said.get(index);
        json.insert("value".to_owned(), said.map(|said| said.value).into());
        json.insert("measured".to_owned(), said.and_then(|said| said.measured).into());
        json.insert("error".to_owned(), said.and_then(|said| said.error).into());
        json.insert("bias".to_owned(), said.and_then(|said| said.bias).into());
        json.insert("at".to_owned(), said.map(|said| said.at.to_string()).into());
        json
    });
    let (state, error, left) = told(condition);
    json!({
        "name": component.name,
        "outputs": outputs.collect::<Vec<_>>(),
        "state": state,
        "error": error,
        "limited": limited,
        "minutes_left": left,
        "restarts": restarts,
    })
}

/// A condition's name, what there is to say of it, and how many minutes are left to run.
fn told(condition: &Condition) -> (&'static str, Option<String>, usize) {
    match condition {
        Condition::Waiting(inputs) if inputs.is_empty() => ("waiting", Some("its line has no minutes yet".into()), 0),
        Condition::Waiting(inputs) => ("waiting", Some(format!("nothing was heard yet of {}", inputs.join(", "))), 0),
        Condition::CatchingUp(left) => ("catching_up", None, *left),
        Condition::Running => ("running", None, 0),
        Condition::Degraded(error) => ("degraded", Some(error.clone()), 0),
    }
}

/// Each as a part of the system's health.
pub fn health(components: &Components) -> Vec<Value> {
    let parts = components.shown(None).into_iter().map(|(unit, shown)| {
        let (state, error, left) = told(&shown.condition);
        let status = if state == "degraded" { "degraded" } else { "ok" };
        let detail = error.unwrap_or_else(|| state.replace('_', " "));
        component(&format!("components.{}", unit.name), status, detail, left as u64)
    });
    parts.collect()
}

/// What they say of a question.
pub fn foreseen(foreseen: &[(Arc<Component>, Foreseen)]) -> Value {
    let course = |course: &Course| json!({ "mean": course.mean, "last": course.last });
    let told = foreseen.iter().map(|(component, foreseen)| {
        let courses = foreseen.as_deref().unwrap_or_default();
        let outputs = component.outputs.iter().zip(courses).map(|(output, [baseline, changed])| {
            let mut json = output_json(component, output);
            json.insert("baseline".to_owned(), course(baseline));
            json.insert("changed".to_owned(), course(changed));
            json
        });
        json!({
            "name": component.name,
            "outputs": outputs.collect::<Vec<_>>(),
            "error": foreseen.as_ref().err(),
        })
    });
    told.collect()
}
