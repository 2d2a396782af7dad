//! What goes between Lehr and the process of a unit.

use crate::error::UnitError;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A value of a variable. Enumerations are integers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Real(f64),
    Int(i64),
    Bool(bool),
}

impl Value {
    /// As a number of a plant: true is 1.
    pub fn number(self) -> f64 {
        match self {
            Value::Real(value) => value,
            Value::Int(value) => value as f64,
            Value::Bool(value) => f64::from(u8::from(value)),
        }
    }
}

/// A variable, by its position in the description, and its value. The host turns it into the variable's type.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    pub variable: u32,
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Load the library of the unit unpacked there.
    Open { dir: PathBuf, name: String },
    /// Begin a simulation at time 0; what ran before is forgotten. Reads the outputs at the beginning.
    Start { parameters: Vec<Setting>, inputs: Vec<Setting>, read: Vec<u32> },
    /// Set inputs and tunable parameters, take so many steps, and read.
    Advance { inputs: Vec<Setting>, steps: u32, step_s: f64, read: Vec<u32> },
    /// Keep the state as it is now, in place of one kept before.
    Save,
    /// Back to the state that was kept, as often as wanted.
    Restore,
    /// End the simulation; `Start` begins another.
    End,
}

/// How bad a log message is, by the unit's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// A message of the unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub severity: Severity,
    pub category: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// The values read.
    pub result: Result<Vec<f64>, UnitError>,
    pub log: Vec<LogLine>,
    /// Messages that were said but not kept.
    pub dropped: u64,
}
