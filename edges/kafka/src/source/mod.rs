//! Readings out of topics.
//!
//! ```text
//! consumer group → [decode] → Tags → batch → Intake::take_durably → commit of the batch's offsets
//! ```
//!
//! One batch is under way while the next is gathered. When that is full too, the partitions are paused: what is not yet
//! taken stays with the brokers. An offset is committed only when all before it is durable, so that after a crash or a
//! rebalance some messages come again, and none is left out. A reading that comes again is of the same sensor and time.

mod arrow;
mod batch;
mod config;
mod consumer;
mod decode;
mod fields;
mod probe;
mod rows;
mod run;

pub use config::{Config, ConfigError, Format, Rows, Start, Tag};
pub use probe::{ProbeError, probe};
pub use run::run;
