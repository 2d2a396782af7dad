//! The file of components, as it is written.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    #[serde(default)]
    pub component: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    pub line: String,
    /// From the folder of the file of components on.
    pub file: PathBuf,
    pub step_s: Option<f64>,
    pub limit_s: Option<f64>,
    #[serde(default)]
    pub parameters: BTreeMap<String, Number>,
    #[serde(default)]
    pub inputs: BTreeMap<String, InputEntry>,
    #[serde(default)]
    pub outputs: BTreeMap<String, OutputEntry>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputEntry {
    pub setpoint: Option<String>,
    pub measured: Option<String>,
    pub constant: Option<Number>,
    pub scale: Option<f64>,
    pub offset: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputEntry {
    pub compares_with: Option<String>,
    pub scale: Option<f64>,
    pub offset: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Number {
    Bool(bool),
    Real(f64),
}

impl Number {
    pub fn value(self) -> f64 {
        match self {
            Number::Bool(value) => f64::from(u8::from(value)),
            Number::Real(value) => value,
        }
    }
}
