//! The file of components, held against the units' descriptions.
//!
//! ```toml
//! [[component]]
//! name = "melter"
//! line = "Line_A"
//! file = "melter.fmu"
//! step_s = 10.0
//!
//! [component.parameters]
//! loss = 0.02
//!
//! [component.inputs]
//! T_set = { setpoint = "furnace_temperature", offset = 273.15 }
//! fuel = { measured = "fuel_flow" }
//! burners = { constant = 4 }
//!
//! [component.outputs]
//! T_crown = { compares_with = "crown_temperature", offset = -273.15 }
//! loss_kW = {}
//! ```

use super::entry::{Entries, Entry, InputEntry, Number};
use super::{Component, Input, Output, Source, steps};
use crate::archive::Unit;
use crate::description::{Causality, Description, Variability, Variable};
use crate::error::OpenError;
use crate::message::Setting;
use lehr_twin::Parameter;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Each has a process of its own.
const COMPONENTS_MOST: usize = 32;
/// Of one component, each of parameters, inputs and outputs.
const VARIABLES_MOST: usize = 256;
/// Bytes of the file: 32 components of 768 variables are 2 MB at most.
const FILE_MOST: u64 = 4 << 20;
const NAME_MOST: usize = 100;
/// For one call, s, when nothing is said. A minute of a model should take milliseconds; the first loads a library.
const LIMIT_S: f64 = 10.0;
const LIMIT_MOST_S: f64 = 300.0;
/// How many names a message lists.
const LISTED_MOST: usize = 12;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {path}; give the file of components")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path}: {what}")]
    File { path: PathBuf, what: String },
    #[error("component '{component}', {field}: {what}")]
    Field { component: String, field: String, what: String },
    #[error("component '{component}', file {file}")]
    Unit {
        component: String,
        file: PathBuf,
        #[source]
        source: OpenError,
    },
}

/// Reads a file of components and opens their units. Runs nothing of them.
///
/// Error: the first thing that is wrong, with its field and the fix.
pub fn read(path: &Path) -> Result<Vec<Component>, ConfigError> {
    let unread = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = |what: String| ConfigError::File { path: path.to_owned(), what };
    if fs::metadata(path).map_err(unread)?.len() > FILE_MOST {
        return Err(file(format!("more than {FILE_MOST} bytes; this is no file of components")));
    }
    let text = fs::read_to_string(path).map_err(unread)?;
    let entries: Entries = toml::from_str(&text).map_err(|error| file(error.to_string()))?;
    if entries.component.len() > COMPONENTS_MOST {
        return Err(file(format!("more than {COMPONENTS_MOST} components; leave some out")));
    }
    let mut names = BTreeSet::new();
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut components = Vec::new();
    for entry in entries.component {
        if !names.insert(entry.name.clone()) {
            return Err(refused(&entry, "name", "is given twice; give each component its own".to_owned()));
        }
        components.push(component(entry, folder)?);
    }
    Ok(components)
}

fn refused(entry: &Entry, field: &str, what: String) -> ConfigError {
    ConfigError::Field { component: entry.name.clone(), field: field.to_owned(), what }
}

fn component(entry: Entry, folder: &Path) -> Result<Component, ConfigError> {
    let field = |field: &str, what: &str| refused(&entry, field, what.to_owned());
    let long = |text: &str| text.trim().is_empty() || text.len() > NAME_MOST;
    if long(&entry.name) {
        return Err(field("name", "must have 1 to 100 characters"));
    }
    if long(&entry.line) {
        return Err(field("line", "must be the name of a line, such as Line_A"));
    }
    for (name, many) in
        [("parameters", entry.parameters.len()), ("inputs", entry.inputs.len()), ("outputs", entry.outputs.len())]
    {
        if many > VARIABLES_MOST {
            return Err(field(name, "more than 256 variables; map those that matter"));
        }
    }
    if entry.outputs.is_empty() {
        return Err(field("outputs", "names no output; name at least one, such as `y = {}`"));
    }
    let limit_s = entry.limit_s.unwrap_or(LIMIT_S);
    if !(limit_s > 0.0 && limit_s <= LIMIT_MOST_S) {
        return Err(field("limit_s", "must lie above 0, up to 300"));
    }
    for name in entry.environment.keys() {
        if name.is_empty() || name.contains(['=', '\0']) || entry.environment[name].contains('\0') {
            return Err(field("environment", "has a name or value that no environment can have"));
        }
    }
    let opened = Unit::open(&folder.join(&entry.file));
    let unit = opened.map_err(|source| ConfigError::Unit {
        component: entry.name.clone(),
        file: entry.file.clone(),
        source,
    })?;
    let unit = Arc::new(unit);
    let described = unit.description();
    let (steps, step_s) =
        steps::split(entry.step_s, &described.steps).map_err(|what| refused(&entry, "step_s", what))?;
    let (parameters, inputs, outputs) =
        (parameters(&entry, described)?, inputs(&entry, described)?, outputs(&entry, described)?);
    let Entry { name, line, environment, .. } = entry;
    let environment = environment.into_iter().collect();
    let limit = Duration::from_secs_f64(limit_s);
    Ok(Component { name, line, unit, parameters, inputs, outputs, steps, step_s, limit, environment })
}

fn parameters(entry: &Entry, unit: &Description) -> Result<Vec<Setting>, ConfigError> {
    let mut settings = Vec::new();
    for (name, number) in &entry.parameters {
        let field = format!("parameters.{name}");
        let told = |what: String| refused(entry, &field, what);
        let (variable, described) = find(unit, name, Causality::Parameter).map_err(told)?;
        if described.variability == Variability::Constant {
            return Err(told("is constant in the unit; leave it out".to_owned()));
        }
        settings.push(Setting { variable, value: constant(*number, described).map_err(told)? });
    }
    Ok(settings)
}

fn inputs(entry: &Entry, unit: &Description) -> Result<Vec<Input>, ConfigError> {
    let mut inputs = Vec::new();
    for (name, mapped) in &entry.inputs {
        let field = format!("inputs.{name}");
        let told = |what: String| refused(entry, &field, what);
        let (variable, described) = find(unit, name, Causality::Input).map_err(told)?;
        let source = source(mapped, described).map_err(told)?;
        let (scale, offset) = linear(mapped.scale, mapped.offset).map_err(told)?;
        inputs.push(Input { variable, source, scale, offset });
    }
    // What nothing is set to keeps its start; without one, it would be whatever.
    for variable in unit.with(Causality::Input) {
        let settable = variable.kind.is_number() && !variable.array;
        if settable && variable.start.is_none() && !entry.inputs.contains_key(&variable.name) {
            let what = "has no value of its own in the unit; map it, or give it a constant".to_owned();
            return Err(refused(entry, &format!("inputs.{}", variable.name), what));
        }
    }
    Ok(inputs)
}

fn outputs(entry: &Entry, unit: &Description) -> Result<Vec<Output>, ConfigError> {
    let mut outputs = Vec::new();
    for (name, mapped) in &entry.outputs {
        let field = format!("outputs.{name}");
        let told = |what: String| refused(entry, &field, what);
        let (variable, _) = find(unit, name, Causality::Output).map_err(told)?;
        let compares_with = mapped.compares_with.as_deref().map(|name| parameter("compares_with", name));
        let compares_with = compares_with.transpose().map_err(told)?;
        let (scale, offset) = linear(mapped.scale, mapped.offset).map_err(told)?;
        outputs.push(Output { variable, compares_with, scale, offset });
    }
    Ok(outputs)
}

fn source(mapped: &InputEntry, variable: &Variable) -> Result<Source, String> {
    let InputEntry { setpoint, measured, constant: fixed, scale, offset } = mapped;
    match (setpoint, measured, fixed) {
        (Some(name), None, None) => Ok(Source::Setpoint(parameter("setpoint", name)?)),
        (None, Some(name), None) => Ok(Source::Measured(parameter("measured", name)?)),
        (None, None, Some(_)) if scale.is_some() || offset.is_some() => {
            Err("a constant is given as the unit wants it; leave scale and offset out".to_owned())
        }
        (None, None, Some(number)) => Ok(Source::Constant(constant(*number, variable)?)),
        _ => Err("give one of setpoint, measured and constant".to_owned()),
    }
}

fn constant(number: Number, variable: &Variable) -> Result<f64, String> {
    let value = number.value();
    let (min, max) = (variable.min.unwrap_or(f64::MIN), variable.max.unwrap_or(f64::MAX));
    match value >= min && value <= max {
        true => Ok(value),
        false => Err(format!("{value} must lie within the unit's bounds, {min} to {max}")),
    }
}

fn linear(scale: Option<f64>, offset: Option<f64>) -> Result<(f64, f64), String> {
    let (scale, offset) = (scale.unwrap_or(1.0), offset.unwrap_or(0.0));
    // Beyond this, a measurement would leave what floats hold exactly.
    let sane = |value: f64| value.abs() <= 1e12;
    match sane(scale) && sane(offset) && scale != 0.0 {
        true => Ok((scale, offset)),
        false => Err("scale and offset must be numbers, and scale not 0".to_owned()),
    }
}

fn parameter(field: &str, name: &str) -> Result<Parameter, String> {
    Parameter::parse(name).ok_or_else(|| {
        let names = listed(Parameter::ALL.iter().map(|parameter| parameter.text()), name);
        format!("{field} '{name}' is none of the line's quantities; give one of {names}")
    })
}

/// The unit's variable of that name, if it is of that causality and a number.
fn find<'a>(unit: &'a Description, name: &str, causality: Causality) -> Result<(u32, &'a Variable), String> {
    let wanted = causality.text();
    let Some((at, variable)) = unit.variable(name) else {
        let able = unit.with(causality).filter(|variable| variable.kind.is_number() && !variable.array);
        let names = listed(able.map(|variable| variable.name.as_str()), name);
        let instead = if names.is_empty() { "it has none to give".to_owned() } else { format!("give one of {names}") };
        return Err(format!("the unit has no {wanted} of that name; {instead}"));
    };
    if variable.causality != causality {
        return Err(format!(
            "is no {wanted} of the unit but {}; move it there or leave it out",
            variable.causality.text()
        ));
    }
    if variable.array {
        return Err("has several numbers, and Lehr's quantities have one; leave it out".to_owned());
    }
    if !variable.kind.is_number() {
        return Err(format!("is of type {}, and Lehr's quantities are numbers; leave it out", variable.kind));
    }
    Ok((at, variable))
}

/// Names to choose from: first those that share the most with what was meant.
fn listed<'a>(names: impl Iterator<Item = &'a str>, meant: &str) -> String {
    let meant = meant.to_lowercase();
    let alike = |name: &str| {
        let name = name.to_lowercase();
        let begins = name.chars().zip(meant.chars()).take_while(|(a, b)| a == b).count();
        let parts = meant.split('_').filter(|part| part.len() > 2 && name.contains(*part)).count();
        begins + 4 * parts
    };
    let mut names: Vec<&str> = names.collect();
    names.sort_by_key(|name| std::cmp::Reverse(alike(name)));
    let more = names.len().saturating_sub(LISTED_MOST);
    let mut text = names[..names.len() - more].join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}
