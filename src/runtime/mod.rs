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
mod joining;
mod keeper;
mod pace;
mod publisher;
mod readings;
mod recovery;
mod reopening;
mod sequencer;
mod threads;
mod times;
mod work;
mod workers;

pub use assembly::registrations;
pub(crate) use engine::Inline;
pub use gate::{Admitted, Gate, refusal};
pub use handle::{AsOf, Closed, Receipt, Runtime, RuntimeOptions, RuntimeStats, Sizes, Submission};
pub use joining::joined;
pub use keeper::KeeperStats;
pub use publisher::Published;
pub use readings::KeptReadings;
pub use recovery::rebuild;
pub use threads::Resumed;
pub use times::StageTimes;
pub use work::Work;
pub use workers::{Output, Workers};
#[cfg(test)]
pub(crate) use {
    assembly::learn,
    engine::Engine,
    gathering::Gathering,
    keeper::Checkpointing,
    publisher::{Announcement, Publisher},
    recovery::{Resumption, go_on, open_journal, resumption},
    reopening::Reopening,
    sequencer::{Command, Durable, Sequencer, take_waiting},
};

use crate::checkpoint::CheckpointError;
use crate::history::HistoryError;
use crate::journal::JournalError;
use crate::sinks::SinkError;
use lehr_queries::QueryError;

/// Why the runtime could not start, or not take an input.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("the journal failed")]
    Journal(#[from] JournalError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
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
    #[error("a sink cannot follow")]
    Sink(#[from] SinkError),
    #[error("files of the data directory cannot be read or written")]
    Io(#[from] std::io::Error),
}
