//! The graph attention network: from the sensors of a line as nodes, and how they correlate as edges, to which sensor
//! fails, which behaves strangely, and which belong together.
//!
//! Three layers of attention over dense graphs of some twenty nodes, two heads for each node and one for each pair.

mod export;
mod network;
mod task;
mod train;

pub use export::export;
pub use network::{GraphArchitecture, GraphNetwork, GraphReading};
pub use task::{FeatureScaler, GraphTask, Graphs, Snapshot, scored};
pub use train::{GraphScores, GraphSettings, GraphThresholds, TrainedGraph, train};
