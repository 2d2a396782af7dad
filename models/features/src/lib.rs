//! What trained models are given of a line: which sensors, in which order, over how long, and how they are described as a
//! graph. The same for training and for scoring, or scores would mean nothing.
//!
//! Invariant: whatever changes here makes models that were trained before wrong, and is to change the schema that their
//! files name.

mod describe;
mod gaps;
mod sensors;

pub use describe::{FEATURES, describe};
pub use gaps::fill;
pub use sensors::sensors;

/// Sensors of a line that are read.
pub const SENSORS: usize = 20;
/// Whole minutes of a window.
pub const MINUTES: usize = 120;
/// Values of a window: minute by minute, all sensors of a minute together.
pub const WINDOW: usize = MINUTES * SENSORS;
