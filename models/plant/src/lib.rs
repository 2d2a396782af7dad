//! The simulated plant: the ground truth from which synthetic readings, events and ware come.
//!
//! Every line is a small physical model (furnace, forming, lehr) stepped once a second, with control loops,
//! disturbances of several time scales, faults, and instruments that flutter, are noisy and fail. Defects
//! follow from deviations of the process by causal mechanisms, after the time that ware takes from the furnace
//! to inspection; inspection errs now and then.
//!
//! Invariants: the same names and configuration give the same plant, whatever the steps in which it is advanced;
//! a further sensor, line or fault changes nothing that it does not act on; the truth is told apart from the
//! events, and only sources and training may read this crate.

mod annealing;
mod book;
mod branch;
mod campaign;
mod dynamics;
mod effects;
mod error;
mod fault;
mod forming;
mod free;
mod furnace;
mod history;
mod inspection;
mod instrument;
mod line;
mod minutes;
mod pending;
mod process;
mod quantity;
mod random;
mod schedule;
mod sim;
mod truth;
mod ware;

pub use branch::{Branch, Ware};
pub use campaign::Campaign;
pub use error::PlantError;
pub use fault::{FaultId, FaultKind, FaultSpec};
pub use minutes::{PlantMinute, PlantMinutes};
pub use process::COUPLED;
pub use sim::{OpenFault, Output, PlantConfig, PlantSim};
pub use truth::{Cause, TrueDefect, Truth, UnitTruth};
