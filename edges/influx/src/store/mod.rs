//! InfluxDB follows Lehr's tables: what changed becomes points, which are written by the HTTP API of version 2.
//!
//! ```text
//! Delta → [lines: a point for each reading, and for each row that changed] → batches → gzip → POST /api/v2/write
//! ```
//!
//! - `config`: an entry `[[influx]]` of `stores.toml`
//! - `lines`: rows as points (pure)
//! - `client`: requests, each bounded in time; `answer`: what an answer means
//! - `target`: follows
//!
//! **The same twice.** A point is told apart by its measurement, tags and time, and writes over one that is alike. So a delta
//! that comes again changes nothing, and no tick is kept in the store.

mod answer;
mod client;
mod config;
mod lines;
mod target;

pub use config::{Config, ConfigError};
pub use target::probe;
