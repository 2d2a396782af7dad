//! What a twin must be able to do to run beside the lines. Graphs know no physics: the model is handed in.

use super::chronicle::LineMinute;
use lehr_domain::finding::FindingKind;
use lehr_domain::{Micro, PerMille, SpanMs};
use serde::{Deserialize, Serialize};

/// How far ahead a model is asked.
pub const HORIZONS: [SpanMs; 3] = [SpanMs::minutes(1), SpanMs::minutes(15), SpanMs::minutes(60)];

/// A model of a line that can follow it, minute by minute.
///
/// **Contract:** what a [`Following`] says is a function of how it began and of the minutes that it was given; nothing
/// else (no clock, no randomness), and the same bits on every machine.
pub trait LineModel: Sync + std::fmt::Debug {
    /// How many parameters it models: 255 at most.
    fn places(&self) -> usize;

    /// The place of a parameter; `None` of one that it does not model.
    fn place(&self, parameter: &str) -> Option<u8>;

    /// A line of which nothing was seen. `about` has an entry a place; `None` where no sensor measures it.
    fn begin(&self, about: &[Option<About>]) -> Box<dyn Following>;

    /// From what [`Following::state`] gave; `None` when that was another version of the model's.
    fn resume(&self, state: &[u8]) -> Option<Box<dyn Following>>;
}

/// A line as a model follows it.
pub trait Following: Send {
    /// Takes in a minute, later than the last. Minutes that were left out were ones of which nothing was heard.
    fn step(&mut self, minute: &LineMinute);

    /// The same once more.
    fn duplicate(&self) -> Box<dyn Following>;

    /// Everything that it knows.
    fn state(&self) -> Vec<u8>;

    /// What is likely wrong after the last minute.
    fn finding(&self) -> Option<Finding>;

    /// What is believed and expected, by place.
    fn outlook(&self) -> Vec<Option<Outlook>>;

    /// How forecasts did, by place.
    fn scores(&self) -> Vec<[Option<Score>; HORIZONS.len()]>;
}

/// What the catalogue says of a sensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct About {
    pub target: Option<Micro>,
    pub sigma: Option<Micro>,
}

/// A deviation, and its likelier cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: FindingKind,
    /// Name of the equipment concerned.
    pub equipment: String,
    /// Where it shows most.
    pub place: u8,
    /// In standard deviations.
    pub strength: Micro,
    pub confidence: PerMille,
}

/// A mean, and the standard deviation of what the sensor will say around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub mean: Micro,
    pub sd: Micro,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    pub now: Expected,
    /// By [`HORIZONS`].
    pub ahead: [Expected; HORIZONS.len()],
}

/// Forecasts held against what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    pub n: i64,
    pub rmse: Micro,
    /// Of the last value as the forecast.
    pub rmse_persistence: Micro,
    pub bias: Micro,
    /// Share of values within the 90 % band.
    pub coverage: PerMille,
}
