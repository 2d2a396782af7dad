//! Operators that differential dataflow does not have, written once for all graphs.

mod empty;
mod facts;
mod greatest;
mod highest;
mod per_key;

pub use empty::empty;
pub use facts::{Known, row_of_facts};
pub use greatest::greatest;
pub use highest::highest;
pub use per_key::{KeyState, per_key};
