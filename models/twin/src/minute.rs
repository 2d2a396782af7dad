//! What the twin is fed with: a line's minute panes, and what was inspected in that minute.

use crate::parameter::{PARAMETERS, Parameter};
use lehr_domain::machine::MachineState;
use lehr_domain::unit::DefectType;
use lehr_domain::{EventMs, Micro, SpanMs};
use serde::{Deserialize, Serialize};

/// The width of a pane.
pub const MINUTE: SpanMs = SpanMs::minutes(1);

/// One sensor's pane, in the sensor's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PaneValue {
    pub mean: f64,
    /// Greatest less least.
    pub range: f64,
    /// Readings counted; a pane of none is no pane. A prediction has 0.
    pub n: u32,
}

/// One line's minute. A gap is a minute without values; a minute that the caller leaves out altogether is filled in
/// as a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// Where the pane begins: a multiple of a minute.
    pub at: EventMs,
    pub values: [Option<PaneValue>; PARAMETERS],
    /// In force at the end of the minute; `None` where none was ever told.
    pub setpoints: [Option<f64>; PARAMETERS],
    /// In force at the end of the minute.
    pub machine: MachineState,
    /// Planned run time per unit of the product that is made, s.
    pub planned_run_time_s: f64,
    /// Units inspected in this minute. Whole numbers in a record, expectations in a prediction; so for what follows.
    pub units: f64,
    /// Of these, good at the first pass.
    pub good: f64,
    /// Units on which a defect was found, by type.
    pub defects: [f64; DefectType::COUNT],
}

/// Neither NaN nor beyond what any reading may be.
fn is_measurement(value: f64) -> bool {
    value.abs() <= Micro::MAX_UNITS
}

impl Minute {
    /// A minute in which nothing was heard.
    pub fn gap(at: EventMs) -> Minute {
        Minute {
            at,
            values: [None; PARAMETERS],
            setpoints: [None; PARAMETERS],
            machine: MachineState::Production,
            planned_run_time_s: 4.0,
            units: 0.0,
            good: 0.0,
            defects: [0.0; DefectType::COUNT],
        }
    }

    pub fn value(&self, parameter: Parameter) -> Option<&PaneValue> {
        self.values[parameter.index()].as_ref()
    }

    /// The mean, if there is one that is a measurement.
    pub fn mean(&self, parameter: Parameter) -> Option<f64> {
        self.value(parameter).map(|pane| pane.mean).filter(|mean| is_measurement(*mean))
    }

    /// The set-point, if there is one that a measurement could meet.
    pub fn setpoint(&self, parameter: Parameter) -> Option<f64> {
        self.setpoints[parameter.index()].filter(|value| is_measurement(*value))
    }
}
