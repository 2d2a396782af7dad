//! The running system: inputs become durable ticks, ticks run through the dataflow, closed ticks are
//! published.
//!
//! ```text
//! submit → [sequencer: gate, tick, journal, fsync] → [workers] → [publisher: merge, snapshot] → subscribers
//!            bounded queue                            bounded     one at a time, in order of tick
//! ```
//!
//! A tick closes when input waits, the tick before it is durable, and the screens are not behind ([`pace`]): an
//! idle system costs nothing and a busy one shares each fsync, and each turn of the graph, among all that waits. Every stage is bounded, so a slow stage holds up the ones
//! before it and nothing grows.
//!
//! The stages are state machines without threads, clocks or disks of their own ([`assembly`], [`sequencer`],
//! [`engine`], [`gathering`], [`publisher`]); [`threads`] and [`handle`] drive them, and so does the simulation.

mod assembly;
mod engine;
mod gate;
mod gathering;
mod handle;
mod history;
mod pace;
mod publisher;
mod readings;
mod sequencer;
mod threads;
mod times;
mod workers;

pub use assembly::registrations;
pub use gate::{Admitted, Gate, refusal};
pub use handle::{AsOf, Closed, Receipt, Runtime, RuntimeOptions, RuntimeStats, Submission};
pub use history::{joined, rebuild};
pub use publisher::Published;
pub use readings::JournalReadings;
pub use times::StageTimes;
pub use workers::{Output, Workers};

use crate::journal::JournalError;
use lehr_queries::QueryError;

/// Why the runtime could not start, or not take an input.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("the journal failed")]
    Journal(#[from] JournalError),
    #[error("a table could not be published")]
    Publish(#[source] QueryError),
    #[error("the plant catalogue cannot be used")]
    Catalogue(#[from] lehr_domain::catalogue::BadCatalogue),
    #[error("the knowledge base cannot be used")]
    Knowledge(#[from] lehr_causal::CausalError),
    #[error("the workers could not start: {0}")]
    Workers(String),
    #[error("the runtime has stopped: {0}")]
    Stopped(String),
    #[error("the queue of inputs is full; try again")]
    Busy,
    #[error("tick {0} is not known; the newest is {1}")]
    UnknownTick(u64, u64),
    #[error("files of the data directory cannot be read or written")]
    Io(#[from] std::io::Error),
}
