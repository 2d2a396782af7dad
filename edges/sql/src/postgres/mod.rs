//! PostgreSQL.
//!
//! - `config`: an entry `[[postgres]]` of `stores.toml`
//! - `link`: a connection, each of whose statements is bounded in time; `failure`: what an error means
//! - `cells`: cells as PostgreSQL has them; `sql`: the statements
//! - `layout`: what the schema has; `schema`: makes what is missing
//! - `target`: follows, by upserts from arrays; `probe`: looks only

mod cells;
mod config;
mod failure;
mod layout;
mod link;
mod probe;
mod schema;
mod sql;
mod target;

pub use crate::config::ConfigError;
pub use config::{Config, Tls};
pub use probe::probe;
