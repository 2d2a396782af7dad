//! Controls: what is left of a model's skill when there is nothing to know.
//!
//! **Labels shuffled** ([`shuffled`]). Whoever learns from labels that belong to other examples can know nothing of the test,
//! whose labels stay as they are. What is above chance was not learned: figures that look at the truth, a threshold or a
//! stop chosen by the test. One shuffle says little, since what was learned from it may by luck go with the state of a
//! plant, all over the test; so labels are shuffled several times, and the mean is judged by how much the shuffles
//! differ. Half of what is learned from has an event, or else chance would not be where it is looked for: where
//! events are rare, what is far from usual scores high or low for no other reason, and that is where events are.
//!
//! **Inputs reversed in time** ([`reversed`]). What the sensors of a line read runs from its end to its beginning, and what
//! came of it runs as ever. Both keep all that they have of days, seasons and persistence, and the line is the same; only
//! what was read no longer goes before what came. A model that foretells by what it reads falls to chance; one that
//! knows the line, the plant, the hour or how long the watch has lasted does not. Around the middle of its watch a line is
//! its own mirror image: windows that are nearer to theirs than a cause lasts are left out.
//!
//! **Windows turned round**, each in its place, are told beside that and are no control: causes grow over days, so two
//! hours of sensors show how far they have come from whichever end they are read. What is lost is what the model makes of
//! the order of minutes.

mod fallen;
mod graphs;
mod network;
mod plain;
mod reversed;
mod shuffled;
mod stacked;

use crate::forecaster::Horizons;

/// The probability that somebody gives of each window, for each horizon.
pub type Foretold = Vec<Horizons<f64>>;

pub use fallen::{Fallen, fallen};
pub use graphs::GraphPupil;
pub use network::NetworkPupil;
pub use plain::{PlainPupil, Tables};
pub use reversed::{CAUSE_LASTS, apart, reversed};
pub use shuffled::{Draws, Pupil, Said, shuffled};
pub use stacked::StackedPupil;
