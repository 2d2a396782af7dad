//! Kafka, both ways.
//!
//! ```text
//! topics → [source: JSON or Arrow to samples, offsets committed once durable] → Tags → Intake
//! Lehr's tables → [store: a record a row, a position a tick] → compacted topics
//! ```
//!
//! - `source`: readings out of topics; one `[[kafka]]` of `sources.toml`
//! - [`store`]: tables into topics; one `[[kafka]]` of `stores.toml`
//! - `publisher`: sensors of a plant into a topic, as a source reads them
//! - `client`: what all connections have in common; `names`: of brokers and topics
//!
//! The protocol itself is librdkafka's, which is built from source with the C compiler and make. It is built without
//! OpenSSL and Cyrus SASL, so neither encryption nor passwords are spoken.

mod client;
mod names;
mod publisher;
mod source;
pub mod store;

pub use publisher::{Measured, PublishError, Publisher};
pub use source::{Config, ConfigError, Format, ProbeError, Rows, Start, Tag, probe, run};
