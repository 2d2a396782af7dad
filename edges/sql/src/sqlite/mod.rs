//! SQLite: a file, for whoever reads it beside Lehr.
//!
//! - `config`: an entry `[[sqlite]]` of `stores.toml`
//! - `link`: the open file; `failure`: what an error means
//! - `cells`: cells as SQLite has them; `sql`: the statements
//! - `schema`: what the file has, and makes what is missing
//! - `target`: follows; `probe`: looks only
//!
//! The file is in WAL mode: readers see a tick whole while the next one is written, and do not hold it up. Commits wait
//! for the disk (`synchronous=FULL`), so what Lehr was told is held survives a power failure.

mod cells;
mod config;
mod failure;
mod link;
mod probe;
mod schema;
mod sql;
mod target;

pub use crate::config::ConfigError;
pub use config::Config;
pub use probe::probe;
