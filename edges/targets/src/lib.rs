//! What all stores share on the way out: Lehr's tables change with every closed tick, and a store elsewhere follows.
//!
//! ```text
//! closed tick → Delta (per table: rows that appeared, rows that disappeared) → [Target] → PostgreSQL, Kafka, …
//! ```
//!
//! - `delta`: what changed between two ticks, in cells
//! - `target`: the contract of a store
//! - `json`: cells as JSON
//!
//! Nothing here does I/O or asks for the time. Queueing, retries and where each target stands are Lehr's: the journal
//! is the queue, so what waits for a store that is away takes no room of its own.

mod delta;
mod json;
mod target;

pub use delta::{Change, Delta, Table, TableDelta};
pub use json::{cell_to_json, row_to_json};
pub use target::{Target, TargetError};
