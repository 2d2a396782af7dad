//! SQL over what Lehr knows: the live tables of one tick, the history of readings, and the files that a
//! replay writes.
//!
//! - [`LiveTable`] and [`Snapshot`]: immutable sorted rows, shared between ticks, one snapshot a tick.
//! - [`arrow`]: rows as Arrow batches, JSON objects and reproducible Parquet files; [`json`]: as JSON text.
//! - [`Queries`]: read-only DataFusion over exactly one [`Source`], within limits of time, rows and memory.
//! - [`history`]: the table `readings`, streamed from whatever the application keeps.
//! - [`saved`]: queries that come with Lehr.
//!
//! Invariant: nothing here writes to what it reads, and a query never sees two ticks.

pub mod arrow;
mod error;
mod functions;
mod guard;
pub mod history;
pub mod json;
mod live;
mod providers;
mod result;
mod saved;
mod session;
mod snapshot;
mod stop;

#[cfg(test)]
mod tests;

pub use error::{ErrorKind, QueryError, Result};
pub use live::{LiveTable, Page};
pub use result::QueryResult;
pub use saved::{SavedQuery, saved};
pub use session::{Limits, Queries, Resources, Source};
pub use snapshot::{Snapshot, TableDoc, TableView, table_docs};
