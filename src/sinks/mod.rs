//! Targets outside Lehr that follow its tables, or what its sensors say: files, databases, brokers.
//!
//! ```text
//! closed tick → [delivery of each sink: what waits, joined when it is much] → [sink] → target
//! ```
//!
//! **Exactly once in effect.** A target gets what every closed tick changed, in order of ticks, and keeps the last
//! tick that it holds together with the rows, atomically. A [`Batch`] says after which tick it goes, so a target
//! takes it when it stands there, ignores it when it is further, and refuses it when it is not that far. Whatever
//! happens to an answer, or to a process, the same batch may be delivered again.
//!
//! **After a restart** Lehr asks every target how far it is. The journal is replayed silently up to the least
//! position, then what changed from there on is delivered; replay joins ticks, but never across the position of a
//! target. A target so sees fewer and larger batches than in quiet times. Its rows are the same at the end of each.
//!
//! **Bounds.** A slow or failing target holds nobody up: beyond [`delivery::MOST_WAITING`] batches, what waits is
//! joined into one, whose size is bounded by the rows that the tables had and have.
//!
//! **Stores elsewhere** ([`Store`]) are each a crate in edges/. Where one stands is marked in the data directory too, so
//! that Lehr starts while it is away. The journal is their queue: what waits for a store takes no room of its own.
//!
//! **Readings** come in other numbers than rows of tables, and need a position of their own: see [`readings`].
//!
//! Not here: what to do about a target behind which the journal has been cut off. It is refused at start-up.

pub mod change_log;
mod config;
mod delivery;
mod held;
mod kinds;
mod mark;
mod outlet;
mod places;
mod readings;
mod store;
mod tables;
#[cfg(test)]
mod tests;

pub use change_log::ChangeLog;
pub use config::{StoreConfig, StoresConfig, StoresError, edges_table, followers};
#[cfg(test)]
pub(crate) use delivery::Delivery;
pub use outlet::SinkStatus;
pub(crate) use outlet::{Outlet, Watch};
pub use places::Place;
pub use readings::ReadingsStore;
pub(crate) use readings::{Feed, FeedWatch};
pub use store::Store;

use crate::history::HistoryError;
use lehr_dataflows::tables::Changes;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Tick};
use lehr_targets::TargetError;
use std::io;
use std::sync::Arc;

/// What changed between two closed ticks.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The tick that a target must hold to take this batch.
    pub after: Tick,
    /// The tick that it holds then.
    pub tick: Tick,
    /// Plant time of `tick`.
    pub now: EventMs,
    pub names: Arc<Names>,
    /// Consolidated: each row with +1 or -1.
    pub changes: Arc<Changes>,
}

/// A target. See the head of this room for the contract.
pub trait Sink {
    /// For messages; unique among the sinks of a system.
    fn name(&self) -> &str;

    /// The last tick that the target holds and will still hold after a crash; 0 when it is empty.
    fn position(&mut self) -> Result<Tick, SinkError>;

    /// Ticks behind its position that it may hold too: ends of batches that were under way when Lehr stopped. No batch
    /// reaches across one of them, so that where the target stands is where a batch begins.
    fn under_way(&self) -> Vec<Tick> {
        Vec::new()
    }

    /// Batches that wait apart before they are joined, at least 2.
    fn most_waiting(&self) -> usize {
        delivery::MOST_WAITING
    }

    /// Applies a batch whole, together with the new position, or not at all. One that the target holds already
    /// changes nothing. After an error nobody knows whether it was applied, and the same batch comes again.
    fn apply(&mut self, batch: &Batch) -> Result<(), SinkError>;
}

/// All that follows a running system.
#[derive(Default)]
pub struct Followers {
    pub sinks: Vec<Box<dyn Sink + Send>>,
    pub readings: Vec<ReadingsStore>,
}

/// Why a target could not follow.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    #[error("cannot {action} {file}")]
    Io {
        action: &'static str,
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("{dir} is being written by another process: stop it, or choose another folder for changes")]
    Locked { dir: String },
    #[error(
        "sink {sink} holds tick {at}, but the journal ends with {durable}: it followed another data directory; give \
         it an empty target, or the directory that it belongs to"
    )]
    Ahead { sink: String, at: u64, durable: u64 },
    #[error("store {store}: {source}")]
    Store {
        store: String,
        #[source]
        source: TargetError,
    },
    #[error("the readings that store {sink} lacks cannot be read")]
    Readings {
        sink: String,
        #[source]
        source: HistoryError,
    },
    #[error("a batch of ticks {after} to {tick} does not fit a target at tick {at}: start again to deliver from there")]
    Gap { at: u64, after: u64, tick: u64 },
}

impl Batch {
    /// Whether a target at `position` needs this batch.
    pub fn is_due(&self, position: Tick) -> Result<bool, SinkError> {
        if self.tick <= position {
            return Ok(false);
        }
        if self.after != position {
            return Err(SinkError::Gap { at: position.0, after: self.after.0, tick: self.tick.0 });
        }
        Ok(true)
    }
}

/// Where a target stands, which must not be ahead of the journal.
pub(crate) fn position(sink: &mut dyn Sink, durable: Tick) -> Result<Tick, SinkError> {
    let at = sink.position()?;
    if at > durable {
        return Err(SinkError::Ahead { sink: sink.name().to_owned(), at: at.0, durable: durable.0 });
    }
    Ok(at)
}
