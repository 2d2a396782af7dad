//! A unit as a component of a line: which of the line's quantities are its inputs, and what its outputs are compared
//! with.

mod compare;
mod config;
mod entry;
mod run;
mod steps;

pub use compare::{BIAS_LEAST, BIAS_OVER, Compared, compare};
pub use config::{ConfigError, read};
pub use run::{Progress, Ran, Runner, run};

use crate::archive::Unit;
use crate::description::Variable;
use crate::message::Setting;
use lehr_domain::{EventMs, SpanMs};
use lehr_twin::{MINUTE, Minute, Parameter};
use std::sync::Arc;
use std::time::Duration;

/// Minutes of one run: more than the twin looks back. A record that leaps further is run from its later end.
const ROWS_MOST: usize = 31 * 24 * 60;

/// Where an input's value comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// The set-point in force at the end of the minute.
    Setpoint(Parameter),
    /// The mean of the minute.
    Measured(Parameter),
    Constant(f64),
}

/// An input of the unit: `scale × the line's value + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Position in the unit's description.
    pub variable: u32,
    pub source: Source,
    pub scale: f64,
    pub offset: f64,
}

/// An output of the unit, shown as `scale × the unit's value + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub variable: u32,
    pub compares_with: Option<Parameter>,
    pub scale: f64,
    pub offset: f64,
}

/// A unit, what goes in and what comes out. Everything in it was held against the unit's description.
#[derive(Clone, Debug)]
pub struct Component {
    pub name: String,
    /// By name; whether the plant has it is for others to say.
    pub line: String,
    pub unit: Arc<Unit>,
    /// Set once, before the beginning.
    pub parameters: Vec<Setting>,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Output>,
    /// Steps in a minute, and the length of one.
    pub steps: u32,
    pub step_s: f64,
    /// For any one call of the unit; a minute is one call.
    pub limit: Duration,
    /// Beside Lehr's own.
    pub environment: Vec<(String, String)>,
}

/// What goes into the unit in one minute, in its units, before its bounds are applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub at: EventMs,
    pub inputs: Vec<f64>,
}

impl Component {
    pub fn variable(&self, at: u32) -> &Variable {
        &self.unit.description().variables[at as usize]
    }

    /// What goes in, minute by minute, from the first minute on at which every input was heard. A value is held until
    /// the next; minutes that are left out are gaps.
    pub fn rows(&self, minutes: &[Minute]) -> Vec<Row> {
        self.rows_after(minutes, None)
    }

    /// As [`Component::rows`], where `last` went before.
    pub(crate) fn rows_after(&self, minutes: &[Minute], last: Option<&Row>) -> Vec<Row> {
        let Some(end) = minutes.last().map(|minute| minute.at) else { return Vec::new() };
        let begin = end - SpanMs(MINUTE.0 * (ROWS_MOST as i64 - 1));
        let mut held: Vec<Option<f64>> = match last {
            Some(row) => row.inputs.iter().copied().map(Some).collect(),
            None => vec![None; self.inputs.len()],
        };
        let mut rows: Vec<Row> = Vec::with_capacity(minutes.len());
        for minute in minutes.iter().filter(|minute| minute.at >= begin) {
            while let Some(gap) = rows.last().filter(|row| row.at + MINUTE < minute.at) {
                rows.push(Row { at: gap.at + MINUTE, inputs: gap.inputs.clone() });
            }
            for (held, input) in held.iter_mut().zip(&self.inputs) {
                if let Some(value) = input.of(minute) {
                    *held = Some(value);
                }
            }
            // All or none.
            if let Some(inputs) = held.iter().copied().collect() {
                rows.push(Row { at: minute.at, inputs });
            }
        }
        rows
    }

    /// The inputs that were never heard in these minutes, by the line's names: what a component waits for.
    pub fn unheard(&self, minutes: &[Minute]) -> Vec<String> {
        let unheard = self.inputs.iter().filter(|input| !minutes.iter().any(|minute| input.of(minute).is_some()));
        unheard.map(|input| format!("{} ({})", self.variable(input.variable).name, input.source.text())).collect()
    }

    /// The row as settings. What lies beyond a variable's bounds is set to the bound: a unit is not made for more.
    pub(crate) fn settings(&self, row: &Row) -> Vec<Setting> {
        let settings = self.inputs.iter().zip(&row.inputs);
        settings.map(|(input, value)| Setting { variable: input.variable, value: self.within(input, *value) }).collect()
    }

    /// The inputs of the row that lie beyond their bounds.
    pub fn limited(&self, row: &Row) -> Vec<&str> {
        let inputs = self.inputs.iter().zip(&row.inputs);
        let limited = inputs.filter(|(input, value)| self.within(input, **value) != **value);
        limited.map(|(input, _)| self.variable(input.variable).name.as_str()).collect()
    }

    fn within(&self, input: &Input, value: f64) -> f64 {
        let variable = self.variable(input.variable);
        value.max(variable.min.unwrap_or(f64::NEG_INFINITY)).min(variable.max.unwrap_or(f64::INFINITY))
    }

    pub(crate) fn reads(&self) -> Vec<u32> {
        self.outputs.iter().map(|output| output.variable).collect()
    }
}

impl Input {
    fn of(&self, minute: &Minute) -> Option<f64> {
        let value = match self.source {
            Source::Setpoint(parameter) => minute.setpoint(parameter)?,
            Source::Measured(parameter) => minute.mean(parameter)?,
            Source::Constant(value) => value,
        };
        Some(self.scale * value + self.offset)
    }
}

impl Source {
    pub fn text(self) -> String {
        match self {
            Source::Setpoint(parameter) => format!("set-point of {}", parameter.text()),
            Source::Measured(parameter) => format!("measured {}", parameter.text()),
            Source::Constant(value) => format!("constant {value}"),
        }
    }
}

impl Output {
    pub(crate) fn of(&self, value: f64) -> f64 {
        self.scale * value + self.offset
    }
}
