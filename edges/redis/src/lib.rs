//! Redis follows Lehr's tables: the rows of each in a hash, each delta in one transaction, which also moves the tick that
//! the store holds.
//!
//! ```text
//! Delta → per key the row that is left, or none → WATCH position; MULTI; pieces of HDEL, HSET, XADD; position; EXEC
//! ```
//!
//! - `config`: an entry `[[redis]]` of `stores.toml`
//! - `link`: a connection, each of whose exchanges is bounded in time; `failure`: what an error means
//! - `keys`: what is called how; `rows`: rows as fields and entries; `sending`: a transaction in bounded pieces
//! - `layout`: makes what is missing; `server`: what the server says of itself
//! - `target`: follows; `probe`: looks only
//!
//! **Exactly once.** A transaction is carried out only if `position` is still what it was when it was read, just before.
//! So one that a lost connection left behind and a later one never both happen, in whatever order the server gets them;
//! and one whose connection is lost before its end does not happen.

mod config;
mod failure;
mod keys;
mod layout;
mod link;
mod probe;
mod rows;
mod sending;
mod server;
mod target;

pub use config::{Config, ConfigError};
pub use probe::probe;
