//! PostgreSQL follows Lehr's tables: each delta is one transaction, which also moves the tick that the store holds.
//!
//! ```text
//! Delta → per key the row that is left, or none → pieces → BEGIN; position; delete, upsert by unnest; COMMIT
//! ```
//!
//! - `config`: an entry `[[postgres]]` of `stores.toml`
//! - `link`: a connection, each of whose statements is bounded in time; `failure`: what an error means
//! - `key`: what a row is found by; `cells`: cells as PostgreSQL has them; `pieces`: a delta in bounded pieces
//! - `sql`: the statements; `layout`: what the store has and lacks; `schema`: makes what is missing
//! - `target`: follows; `probe`: looks only
//!
//! **Exactly once.** The first statement of every transaction moves `position` from `after` to `tick`. It takes the lock
//! of the only row there, so it waits for a transaction that a lost connection left behind, and finds out whether that
//! one was committed. So no delta is applied twice or to another tick than it belongs to, whoever sends it.

mod cells;
mod config;
mod failure;
mod key;
mod layout;
mod link;
mod pieces;
mod probe;
mod schema;
mod sql;
mod target;

pub use config::{Config, ConfigError, Tls};
pub use probe::probe;
