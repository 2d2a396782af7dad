//! The digital twin of a glass line.

mod channel;
mod diagnosis;
mod forecast;
mod guess;
mod lag;
mod ledger;
mod minute;
mod parameter;
mod process;
mod quality;
mod scenario;
mod show;
mod state;
mod stress;
mod throughput;
mod view;
mod watch;

pub use forecast::{BAND_90, Finding, FindingKind, Forecast, HORIZONS, Horizon, Score};
pub use guess::{GUESS_SD, Guess, MOST_WRONG, Response};
pub use minute::{MINUTE, Minute, PaneValue};
pub use parameter::{PARAMETERS, Parameter, ZONES};
pub use scenario::{
    Answer, Changes, Compromise, Constraint, Estimate, Failure, Outcome, Range, Record, Scenario, ScenarioError,
    Setting, Weights, WhatIf, answer, limits, series,
};
pub use state::State;
pub use view::{AnnealingView, FormingView, FurnaceView, Margin, PROFILE, QualityView, View};
