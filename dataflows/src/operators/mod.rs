//! Operators that differential dataflow does not have, written once for all graphs.

mod highest;
mod per_key;

pub use highest::highest;
pub use per_key::{KeyState, per_key};
