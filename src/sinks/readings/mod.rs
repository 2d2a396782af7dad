//! Stores that follow readings: what sensors said, as it was taken, in order of ticks.
//!
//! ```text
//! durable tick → [recent: the last ticks, bounded] ─┐
//! journal and history ──── what is not recent ──────┴→ parts → target
//! ```
//!
//! Unlike tables, readings only ever appear, so a store that follows them alone may be brought to any tick at any time.
//! It so need not hold up a start, may lag for as long as it likes, and a new one is filled with all that was ever
//! taken: journal and history are its queue. That is why readings have a store, and a position, of their own.

mod feed;
mod recent;
mod table;
#[cfg(test)]
mod tests;

pub use feed::ReadingsStore;
pub(crate) use feed::{Feed, FeedWatch};
pub use table::readings_table;
