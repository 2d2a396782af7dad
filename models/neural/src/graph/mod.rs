//! The graph network: from the sensors of a line as nodes, and how they correlate as edges, to which sensor fails, which
//! behaves strangely, and which belong together.
//!
//! Three layers of attention over dense graphs of some twenty nodes and two heads for each node say the first two. The
//! last is judged for each pair by its correlations alone ([`LinkHead`] says why).

mod baselines;
mod card;
mod export;
mod lines;
mod links;
mod network;
mod report;
mod scaler;
mod task;
mod train;

pub use baselines::{Baseline, baselines};
pub use card::{GraphData, card};
pub use export::export;
pub use lines::LineGraphs;
pub use links::{LinkHead, partial};
pub use network::{GraphArchitecture, GraphNetwork};
pub use report::{GraphReport, LinkReport, report};
pub use scaler::FeatureScaler;
pub use task::{GraphScores, GraphTask, Graphs, Snapshot, scored};
pub use train::{GraphSettings, GraphThresholds, TrainedGraph, train};
