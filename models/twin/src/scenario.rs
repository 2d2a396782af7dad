//! What-if: what would happen if set-points were otherwise.

mod ask;

pub use ask::{
    Answer, Changes, Compromise, Constraint, Estimate, Failure, Outcome, Range, Scenario, ScenarioError, Setting,
    Weights, WhatIf,
};
