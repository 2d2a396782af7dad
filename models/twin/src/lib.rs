//! The digital twin of a glass line: what the line is doing, what it will do, whether it behaves as it should, and what
//! it would do if set-points were otherwise.
//!
//! | function | what |
//! |---|---|
//! | [`State::new`], [`State::step`] | all that is known of a line, and one [`Minute`] of panes folded into it |
//! | [`State::view`] | what is shown: furnace profile, forming, lehr and stress, quality, rate, energy |
//! | [`State::forecast`], [`State::scores`] | what each sensor will say in 1, 15 and 60 minutes, and how that held |
//! | [`State::diagnosis`] | a deviation, and whether equipment, an instrument or the model is the likelier cause |
//! | [`State::setpoint`] | what is driven now |
//! | [`State::learned`] | gains and time constants as they are known by now |
//! | [`answer`] | a what-if [`Scenario`]: one or several changes, the best combination, a replay, a stress test |
//! | [`Record`] | a record followed once, for any number of replays |
//! | [`series`] | a scenario as minutes, to run through what real minutes run through |
//!
//! How it works: set-points drive first-order responses along the couplings of the plant (`process`); a small Kalman
//! filter for each measured quantity corrects what disturbs it and, where set-points move, its gain and time constant
//! (`channel`). A stop is expected to end as stops of its kind did (`stops`). Ware carries what it was exposed to for as
//! long as it is on its way; where mechanisms of defects set in is learned from inspections, with the knowledge base as
//! the first belief (`quality`).
//!
//! Invariants: no clock, no randomness, no I/O, no hash map; the same minutes give the same bits. Folding goes by event
//! time; a minute that comes late is taken in by folding again from a state that was kept. The twin knows nothing of any
//! simulator: tests alone hold it against one.

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
mod stops;
mod stress;
mod throughput;
mod view;
mod watch;

pub use forecast::{BAND_90, Finding, Forecast, HORIZONS, Horizon, Score};
pub use guess::{GUESS_SD, Guess, MOST_WRONG, Response};
pub use lehr_domain::finding::FindingKind;
pub use minute::{MINUTE, Minute, PaneValue};
pub use parameter::{PARAMETERS, Parameter, ZONES};
pub use scenario::{
    Answer, Changes, Compromise, Constraint, Estimate, Failure, Outcome, Range, Record, Scenario, ScenarioError,
    Setting, Weights, WhatIf, answer, limits, series,
};
pub use state::State;
pub use view::{AnnealingView, FormingView, FurnaceView, Margin, PROFILE, QualityView, View};
