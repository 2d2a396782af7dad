//! What really happened: known to the simulator alone, and never part of what a plant would tell.

use crate::fault::{FaultId, FaultKind};
use lehr_domain::unit::DefectType;
use lehr_domain::{EventMs, LineId, SensorId, UnitId};
use serde::{Deserialize, Serialize};

/// What made a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The ordinary scatter of the process, which no deviation explains.
    Background,
    FurnaceHot,
    FurnaceCold,
    BeltFast,
    MoldCold,
    PressureUnsteady,
    CoolingFast,
    Cullet,
    Refractory,
}

/// A defect that a unit has, whether inspection found it or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TrueDefect {
    pub defect: DefectType,
    pub cause: Cause,
}

/// The truth about one inspected unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitTruth {
    pub unit: UnitId,
    pub line: LineId,
    /// When it was inspected.
    pub at: EventMs,
    pub melted_at: EventMs,
    pub formed_at: EventMs,
    pub annealed_at: EventMs,
    /// One per type at most, sorted.
    pub defects: Vec<TrueDefect>,
    /// Defects that it has and inspection did not find.
    pub missed: Vec<DefectType>,
    /// Defects that inspection reported and it does not have.
    pub spurious: Vec<DefectType>,
}

/// A statement of the ground truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "truth", rename_all = "snake_case")]
pub enum Truth {
    FaultStarted {
        at: EventMs,
        line: LineId,
        id: FaultId,
        kind: FaultKind,
        /// The instrument that fails, for faults of instruments.
        sensor: Option<SensorId>,
        severity: f64,
    },
    FaultEnded {
        at: EventMs,
        line: LineId,
        id: FaultId,
        kind: FaultKind,
    },
    Unit(UnitTruth),
}

impl Truth {
    pub fn at(&self) -> EventMs {
        match self {
            Truth::FaultStarted { at, .. } | Truth::FaultEnded { at, .. } => *at,
            Truth::Unit(unit) => unit.at,
        }
    }
}
