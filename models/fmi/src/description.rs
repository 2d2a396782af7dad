//! What a unit says of itself in its modelDescription.xml, the same for both versions of the interface.

mod xml;

use crate::error::OpenError;
use crate::message::Value;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Two,
    Three,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::Two => "2.0",
            Version::Three => "3.0",
        })
    }
}

/// The type of a variable. Real and Integer of 2.0 are Float64 and Int32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Float64,
    Float32,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Boolean,
    Enumeration,
    String,
    Binary,
    Clock,
}

impl Kind {
    /// Whether Lehr can set and read it: what a quantity of a plant can be.
    pub fn is_number(self) -> bool {
        !matches!(self, Kind::String | Kind::Binary | Kind::Clock)
    }

    pub fn is_real(self) -> bool {
        matches!(self, Kind::Float64 | Kind::Float32)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Causality {
    Parameter,
    CalculatedParameter,
    StructuralParameter,
    Input,
    Output,
    #[default]
    Local,
    Independent,
}

impl Causality {
    pub fn text(self) -> &'static str {
        match self {
            Causality::Parameter => "parameter",
            Causality::CalculatedParameter => "calculated parameter",
            Causality::StructuralParameter => "structural parameter",
            Causality::Input => "input",
            Causality::Output => "output",
            Causality::Local => "local",
            Causality::Independent => "independent",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variability {
    Constant,
    Fixed,
    Tunable,
    Discrete,
    Continuous,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    pub name: String,
    /// By which the library knows it. Several variables may share one.
    pub reference: u32,
    pub kind: Kind,
    pub causality: Causality,
    pub variability: Variability,
    pub unit: Option<String>,
    pub start: Option<Value>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub description: Option<String>,
    /// Of several numbers, which Lehr neither sets nor reads.
    pub array: bool,
}

/// What the unit says of the steps that it can take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// `canHandleVariableCommunicationStepSize`. Lehr's steps are all of one length; without this, the length must be
    /// the unit's own where it names one.
    pub variable: bool,
    /// `fixedInternalStepSize` of 3.0, s.
    pub internal_s: Option<f64>,
    /// Of the default experiment, s.
    pub default_s: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub version: Version,
    pub model_name: String,
    /// Name of the library.
    pub model_identifier: String,
    /// By which the library knows that it belongs to the description.
    pub token: String,
    pub description: Option<String>,
    pub generation_tool: Option<String>,
    pub steps: Steps,
    /// Whether its state can be kept and restored.
    pub keeps_state: bool,
    /// Whether it says that it needs a tool beside it. Many that say so run alone.
    pub needs_tool: bool,
    pub variables: Vec<Variable>,
}

impl Description {
    /// Error: not XML, not for co-simulation, or with what Lehr does not do.
    pub fn read(bytes: &[u8]) -> Result<Description, OpenError> {
        xml::read(bytes)
    }

    /// The variable of that name, and its position.
    pub fn variable(&self, name: &str) -> Option<(u32, &Variable)> {
        let at = self.variables.iter().position(|variable| variable.name == name)?;
        Some((at as u32, &self.variables[at]))
    }

    pub fn with(&self, causality: Causality) -> impl Iterator<Item = &Variable> {
        self.variables.iter().filter(move |variable| variable.causality == causality)
    }
}
