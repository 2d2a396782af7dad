//! What can be wrong with a request to the simulated plant.

use crate::fault::FaultId;
use lehr_domain::LineId;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlantError {
    #[error("names: no line is registered; register the catalogue before the plant is simulated")]
    NoLines,
    #[error(
        "equipment '{equipment}': lag_max of {seconds} s is longer than the simulator's history of {most} s; shorten it"
    )]
    LagTooLong { equipment: String, seconds: i64, most: i64 },
    #[error("equipment '{equipment}': lag_min is longer than lag_max; swap them")]
    LagReversed { equipment: String },
    #[error("config: faults_per_day is {value}; it must lie in 0 to {most}")]
    FaultRate { value: f64, most: f64 },
    #[error("fault '{text}': {why}")]
    Fault { text: String, why: String },
    #[error("fault line '{line}': no such line; known are {known}")]
    UnknownLine { line: String, known: String },
    #[error("line id {}: not a line of this plant", .0.0)]
    NoLine(LineId),
    #[error("fault parameter '{parameter}': {line} has no such sensor")]
    UnknownParameter { line: String, parameter: String },
    #[error("fault: {most} faults are open already; clear one first")]
    TooManyFaults { most: usize },
    #[error("fault id {}: no open fault has it; it may have ended", .0.0)]
    UnknownFault(FaultId),
    #[error("sensor id {0}: not a sensor of this plant")]
    UnknownSensor(u32),
    #[error("sensor '{sensor}': no control loop holds it; write the set-point of one of {loops}")]
    NotControlled { sensor: String, loops: String },
    #[error("sensor '{sensor}': set-point {value} is out of reach; give one in {low} to {high}")]
    OutOfReach { sensor: String, value: f64, low: f64, high: f64 },
}
