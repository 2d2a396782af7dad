//! Operators that differential dataflow does not have, written once for all graphs.

mod greatest;
mod highest;
mod per_key;

pub use greatest::greatest;
pub use highest::highest;
pub use per_key::{KeyState, per_key};
