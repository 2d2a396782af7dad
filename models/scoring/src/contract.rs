use std::fmt;

use ort::value::{Outlet, TensorElementType, ValueType};

use crate::{Refusal, Schema};

/// The first and the last operator sets that a file may be written against.
pub const OPSETS: std::ops::RangeInclusive<u32> = 17..=20;

/// One input or output: f32, with the rows of a batch as its first axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    pub name: &'static str,
    /// Of one row.
    pub extents: Vec<usize>,
}

impl Port {
    pub fn new(name: &'static str, extents: impl Into<Vec<usize>>) -> Self {
        Port { name, extents: extents.into() }
    }

    /// How many numbers a row has.
    pub fn per_row(&self) -> usize {
        self.extents.iter().product()
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} f32 [batch", self.name)?;
        self.extents.iter().try_for_each(|extent| write!(f, ", {extent}"))?;
        f.write_str("]")
    }
}

/// What whoever uses a model expects of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// What it is for: `lehr.model` of its metadata.
    pub model: &'static str,
    pub schema: Schema,
    pub inputs: Vec<Port>,
    pub outputs: Vec<Port>,
    /// How many inputs its scaler must have, where its user needs one.
    pub scaled: Option<usize>,
}

impl Contract {
    /// Whether a loaded file has these inputs and outputs, in whatever order, and no others.
    pub(crate) fn check_ports(&self, inputs: &[Outlet], outputs: &[Outlet]) -> Result<(), Refusal> {
        for (side, expected, found) in [("inputs", &self.inputs, inputs), ("outputs", &self.outputs, outputs)] {
            let has = |port: &Port| found.iter().any(|outlet| is(outlet, port));
            if found.len() != expected.len() || !expected.iter().all(has) {
                return Err(Refusal::Ports { side, found: list(found.iter().map(told)), expected: list(expected) });
            }
        }
        Ok(())
    }
}

fn is(outlet: &Outlet, port: &Port) -> bool {
    let ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } = outlet.dtype() else { return false };
    let Some((&batch, extents)) = shape.split_first() else { return false };
    // Without an extent of its own: any number of rows.
    outlet.name() == port.name
        && batch == -1
        && extents.iter().copied().eq(port.extents.iter().map(|&extent| extent as i64))
}

fn told(outlet: &Outlet) -> String {
    let ValueType::Tensor { ty, shape, dimension_symbols } = outlet.dtype() else {
        return format!("{} which is no tensor", outlet.name());
    };
    let element = match ty {
        TensorElementType::Float32 => "f32".to_owned(),
        other => other.to_string(),
    };
    let axes = shape.iter().zip(dimension_symbols.iter()).map(|(extent, symbol)| match extent {
        -1 if symbol.is_empty() => "?".to_owned(),
        -1 => symbol.clone(),
        known => known.to_string(),
    });
    format!("{} {element} [{}]", outlet.name(), axes.collect::<Vec<_>>().join(", "))
}

fn list<T: ToString>(ports: impl IntoIterator<Item = T>) -> String {
    ports.into_iter().map(|port| port.to_string()).collect::<Vec<_>>().join(" and ")
}
