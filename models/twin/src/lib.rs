//! The digital twin of a glass line.

mod forecast;
mod minute;
mod parameter;
mod scenario;
mod view;

pub use forecast::{BAND_90, Finding, FindingKind, Forecast, HORIZONS, Horizon, Score};
pub use minute::{MINUTE, Minute, PaneValue};
pub use parameter::{PARAMETERS, Parameter, ZONES};
pub use scenario::{
    Answer, Changes, Compromise, Constraint, Estimate, Failure, Outcome, Range, Scenario, ScenarioError, Setting,
    Weights, WhatIf,
};
pub use view::{AnnealingView, FormingView, FurnaceView, Margin, PROFILE, QualityView, View};
