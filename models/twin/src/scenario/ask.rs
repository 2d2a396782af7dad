//! What may be asked of the twin, and what it answers.

use crate::minute::Minute;
use crate::parameter::Parameter;
use lehr_domain::SpanMs;
use lehr_domain::unit::DefectType;
use serde::Serialize;

/// A question to the twin: what would happen in `duration` from where its state stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    pub ask: WhatIf,
    /// Whole minutes, at most [`Scenario::LONGEST`]. Of a replay it is the length of the record.
    pub duration: SpanMs,
}

impl Scenario {
    pub const LONGEST: SpanMs = SpanMs::days(7);
}

/// A set-point as it would be, in the sensor's unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// By its name in the catalogue; of one that no set-point reaches the answer is an error.
    pub parameter: String,
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum WhatIf {
    /// One set-point changed.
    One(Setting),
    /// Several at once, as given.
    Several(Vec<Setting>),
    /// The best combination within ranges and constraints.
    Best { over: Vec<Range>, weights: Weights, constraints: Vec<Constraint> },
    /// A recorded period, which begins where the state stands, with other set-points. Disturbances are those of the
    /// record.
    Replay { record: Vec<Minute>, settings: Vec<Setting> },
    /// One set-point walked towards `until` to the first failure.
    Stress { parameter: String, until: f64 },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    pub parameter: String,
    pub low: f64,
    pub high: f64,
}

/// What is good: the sum of gains less losses, per hour of the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Loss for a defect rate of one.
    pub defects: f64,
    /// Gain for one unit per hour.
    pub rate: f64,
    /// Loss for one kW.
    pub energy: f64,
}

impl Default for Weights {
    /// The reward of the control agent: −10·defect rate + 0.1·rate − 0.01·energy, with the rate in units and the
    /// energy in kWh of a minute.
    fn default() -> Weights {
        Weights { defects: 10.0, rate: 0.1 / 60.0, energy: 0.01 / 60.0 }
    }
}

/// A bound on what comes out, on the means over the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constraint {
    /// Share of units.
    DefectRateAtMost(f64),
    /// Units per hour.
    RateAtLeast(f64),
    /// kW.
    EnergyAtMost(f64),
}

/// A number with its 90 % band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// What comes out over the horizon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// Share of units on which inspection finds any defect; by type.
    pub defect_rate: f64,
    pub defect_rates: [f64; DefectType::COUNT],
    /// Share of units good at the first pass.
    pub quality_score: f64,
    pub rate_per_h: f64,
    pub energy_kw: f64,
}

/// What changes from the baseline to the scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Changes {
    pub defect_rate: Estimate,
    pub defect_rates: [Estimate; DefectType::COUNT],
    pub quality_score: Estimate,
    pub rate_per_h: Estimate,
    pub energy_kw: Estimate,
}

/// One compromise that no other beats in all of defects, rate and energy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compromise {
    pub settings: Vec<Setting>,
    pub outcome: Outcome,
}

/// Where a stress test ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// The set-point at which the first failure mode is reached.
    pub at: f64,
    /// The mode's name.
    pub mode: String,
    /// Set-points at which the low and high end of the band of the defect rate reach it.
    pub earliest: f64,
    pub latest: f64,
}

/// What the twin says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// What was changed; of `Best` what was found.
    pub settings: Vec<Setting>,
    pub baseline: Outcome,
    pub scenario: Outcome,
    pub changes: Changes,
    /// Minutes until half of the change of the defect rate (else of rate, else of energy) is reached; `None` where
    /// nothing changes.
    pub time_to_effect_min: Option<Estimate>,
    /// Parameters that the scenario takes outside of what the twin has seen, with the range seen.
    pub unseen: Vec<(Parameter, f64, f64)>,
    /// Of `Best` alone: compromises between defects, rate and energy, by rising defect rate.
    pub front: Vec<Compromise>,
    /// Of `Stress` alone; `None` where nothing failed up to the end of the walk.
    pub failure: Option<Failure>,
    /// Sentences for a person.
    pub assumptions: Vec<String>,
}

/// Why a question has no answer. Names the field and the fix.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    #[error("parameter '{name}' is not known; use one of {known}")]
    UnknownParameter { name: String, known: String },
    #[error("parameter '{parameter}' has no set-point of its own; change one of {known}")]
    NotControlled { parameter: &'static str, known: String },
    #[error("{field} of {parameter} is not a number; give one in {low} to {high}")]
    NotANumber { field: &'static str, parameter: &'static str, low: f64, high: f64 },
    #[error("{field} {value} of {parameter} is outside its limits; give one in {low} to {high}")]
    OutsideLimits { field: &'static str, parameter: &'static str, value: f64, low: f64, high: f64 },
    #[error("parameter '{0}' is given twice; give it once")]
    Twice(&'static str),
    #[error("{0} is empty; give at least one")]
    Empty(&'static str),
    #[error("{field} has more than {most} entries; leave some out")]
    TooMany { field: &'static str, most: usize },
    #[error("range of {parameter}: low {low} is not below high {high}; swap or widen them")]
    EmptyRange { parameter: &'static str, low: f64, high: f64 },
    #[error("duration {minutes} min is not in 1 to {most}; give whole minutes in between")]
    Duration { minutes: i64, most: i64 },
    #[error("weights.{0} must be a number of at least 0")]
    Weight(&'static str),
    #[error("constraint {0} must be a number of at least 0")]
    Constraint(&'static str),
    #[error(
        "the record's minute {0} does not follow the one before it; give minutes in order, from where the state stands"
    )]
    RecordOrder(usize),
    #[error("the twin has seen no minute of this line yet; feed it first")]
    NothingSeen,
    #[error(
        "no combination within the ranges meets the constraints; the nearest misses by {by:.3} of {which}: widen the ranges or relax it"
    )]
    Infeasible { which: &'static str, by: f64 },
}
