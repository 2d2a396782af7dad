//! What the twin expects of each sensor, and how well it did.

use crate::parameter::Parameter;
use lehr_domain::finding::FindingKind;
use serde::{Deserialize, Serialize};

/// How far ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Horizon {
    Minute,
    Quarter,
    Hour,
}

/// How many there are.
pub const HORIZONS: usize = 3;

impl Horizon {
    pub const ALL: [Horizon; HORIZONS] = [Horizon::Minute, Horizon::Quarter, Horizon::Hour];

    pub const fn minutes(self) -> i64 {
        match self {
            Horizon::Minute => 1,
            Horizon::Quarter => 15,
            Horizon::Hour => 60,
        }
    }
}

/// The mean of a pane to come, in the sensor's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    pub mean: f64,
    /// Of the difference to what the sensor will say: process, model and instrument together.
    pub sd: f64,
}

/// Half the width of a band that holds 90 % of what a normal distribution yields, in standard deviations.
pub const BAND_90: f64 = 1.644_853_626_951_472_7;

/// Forecasts held against what came, of one sensor and horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub n: u64,
    /// Root mean square errors of the twin and of persistence (the last value), in the sensor's unit. They forget
    /// with a time constant of a day.
    pub rmse: f64,
    pub rmse_persistence: f64,
    /// Mean error, positive where the sensor says more than expected.
    pub bias: f64,
    /// Share of values within the 90 % band.
    pub coverage: f64,
}

/// A deviation and its likelier cause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub kind: FindingKind,
    /// Name in the catalogue of the equipment concerned.
    pub equipment: String,
    /// Where it shows first.
    pub parameter: Parameter,
    /// 0 to 1.
    pub confidence: f64,
    /// What speaks for it: the parameters and their deviations in standard deviations, greatest first.
    pub evidence: Vec<(Parameter, f64)>,
}
