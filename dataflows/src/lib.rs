//! Lehr's graphs: pure, incremental functions from base collections to everything that is shown.
//!
//! One file a graph. None holds I/O, a clock, randomness, or a float in a sum: the consolidated outputs of
//! a tick are a function of the inputs up to that tick, whatever the batches, the order of arrival and the
//! number of workers.

pub mod alert_metrics;
pub mod alerts;
pub mod base;
pub mod detectors;
pub mod deviations;
pub mod features;
pub mod forecasts;
pub mod graph;
pub mod inspections;
mod intervals;
pub mod kpis;
pub mod line_checks;
pub mod machine_states;
pub mod operators;
pub mod panes;
pub mod recommendations;
pub mod restored;
pub mod root_cause;
pub mod runs;
mod sums;
pub mod tables;
#[cfg(test)]
mod trials;
pub mod twin;

/// The dataflow timestamp: a tick.
pub type Ts = u64;
/// How often a row is there.
pub type Diff = isize;
/// A collection of rows that changes from tick to tick.
pub type Rows<'scope, D> = differential_dataflow::VecCollection<'scope, Ts, D, Diff>;
