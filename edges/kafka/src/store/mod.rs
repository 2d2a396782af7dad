//! Lehr's tables as compacted topics, and its logs as topics that grow.
//!
//! ```text
//! Delta → [records: a value for each row that is there, a tombstone for each that is gone] → topics → position
//! ```
//!
//! - `config`: one `[[kafka]]` of `stores.toml`
//! - `records`: rows as records
//! - `link`: a producer whose deliveries are counted
//! - `position`: the last tick, as the store keeps it
//! - `target`: a store in Lehr's terms
//!
//! **What a reader sees.** The last value of a key is the row; no value is no row. The position is written when all
//! records before it are with the brokers. With transactions, a reader of committed records sees every delta whole and
//! once, with its position. Without them, one that is delivered again writes values again that are there already, or
//! older ones for a while; when the position stands at its tick, the last values are those of the tick. In a log such a
//! row stands twice.

mod config;
mod link;
mod position;
mod probe;
mod records;
mod target;

pub(crate) use link::Link;

pub use config::{Config, ConfigError};
pub use probe::probe;
