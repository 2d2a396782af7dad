//! What a line was doing, and what it was told to do.

use crate::{EventMs, LineId, Micro, ProductId, SensorId, SpanMs};
use serde::{Deserialize, Serialize};

/// The state of a line, in the terms of ISO 22400-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum MachineState {
    /// Producing: actual production time (APT).
    Production = 0,
    /// Job change or set-up: actual unit set-up time (ASUT); planned busy, not producing.
    Setup = 1,
    /// Malfunction or minor stop: actual unit delay time (ADET).
    Down = 2,
    /// Planned downtime: not part of the planned busy time (PBT).
    Planned = 3,
}

impl MachineState {
    pub const ALL: [MachineState; 4] =
        [MachineState::Production, MachineState::Setup, MachineState::Down, MachineState::Planned];

    pub fn text(self) -> &'static str {
        match self {
            MachineState::Production => "production",
            MachineState::Setup => "setup",
            MachineState::Down => "down",
            MachineState::Planned => "planned",
        }
    }

    pub fn parse(text: &str) -> Option<MachineState> {
        MachineState::ALL.into_iter().find(|state| state.text() == text)
    }
}

/// From `at` on, until the next change, `line` is in `state` making `product`. Line and time identify it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateChange {
    pub line: LineId,
    pub at: EventMs,
    pub state: MachineState,
    pub product: ProductId,
    /// Free text, shown to operators: `job change`, `gob distributor jam`, …
    pub reason: String,
}

/// From `at` on, until the next one, the quantity that `sensor` measures ought to be at `value`. Sensor and
/// time identify it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Setpoint {
    pub sensor: SensorId,
    pub at: EventMs,
    pub value: Micro,
}

/// An article. Its planned run time per unit is the PRI of ISO 22400-2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Product {
    pub name: String,
    pub planned_run_time: SpanMs,
}
