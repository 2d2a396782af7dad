//! What-if scenarios that somebody keeps. Inputs like any other: journalled, audited, the same for everybody.

use crate::names::Names;
use crate::table::{Cell, ColumnType, Publish};
use crate::{EventMs, LineId, Micro, ParameterId, SpanMs};
use serde::{Deserialize, Serialize};

/// A question to the digital twin, to be asked again whenever somebody looks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scenario {
    /// For people; unique.
    pub name: String,
    pub line: LineId,
    /// How far ahead.
    pub duration: SpanMs,
    pub settings: Settings,
    pub by: String,
    pub made_at: EventMs,
}

/// Set-points as they would be, by parameter, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub Vec<(ParameterId, Micro)>);

impl Publish for Settings {
    const KIND: ColumnType = ColumnType::Text;

    fn publish(&self, names: &Names) -> Cell {
        let setting = |(id, value): &(ParameterId, Micro)| format!("{}={}", names.parameter(*id), value.to_f64());
        Cell::Text(self.0.iter().map(setting).collect::<Vec<_>>().join(", "))
    }
}
