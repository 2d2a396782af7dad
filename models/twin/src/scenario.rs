//! What-if: what would happen if set-points were otherwise.
//!
//! A scenario and its baseline are walked with the same disturbances, so that the difference is the change's alone.
//! Defects are taken under every one of [`outcome::LAWS`] laws that stand for what is believed of the mechanisms.

mod answer;
mod ask;
mod best;
mod limits;
mod outcome;
mod path;
mod replay;
mod series;
mod stress;

pub use answer::answer;
pub use ask::{
    Answer, Changes, Compromise, Constraint, Estimate, Failure, Outcome, Range, Scenario, ScenarioError, Setting,
    Weights, WhatIf,
};
pub use limits::limits;
pub use replay::Record;
pub use series::series;
