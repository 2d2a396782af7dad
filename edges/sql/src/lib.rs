//! PostgreSQL and SQLite follow Lehr's tables: each delta is one transaction, which also moves the tick that the store
//! holds.
//!
//! ```text
//! Delta → per key the row that is left, or none → pieces → BEGIN; position; delete, upsert; COMMIT
//! ```
//!
//! - [`postgres`]: an entry `[[postgres]]` of `stores.toml`; [`sqlite`]: an entry `[[sqlite]]`
//! - `key`: what a row is found by; `pieces`: a delta in bounded pieces; `names`: names and texts in statements
//! - `layout`: what the store has and lacks; `kept`: since when it keeps which table
//! - `config`: what both entries share
//!
//! **Exactly once.** The first statement of every transaction moves `position` from `after` to `tick`. It takes the lock
//! of the only row there, or of the file, so it waits for a transaction that was left behind, and finds out whether that
//! one was committed. So no delta is applied twice or to another tick than it belongs to, whoever sends it.

mod config;
mod kept;
mod key;
mod layout;
mod names;
mod pieces;
pub mod postgres;
pub mod sqlite;
