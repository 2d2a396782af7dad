//! Object stores (S3, MinIO, a folder) follow Lehr's tables as Parquet by day: the feature store, and the place for
//! other artefacts.
//!
//! ```text
//! <prefix>/position.json                                               which objects count, and at which tick
//! <prefix>/<table>/day=YYYY-MM-DD/changes-<after>-<tick>.<claim>-<n>.parquet   what one delta left of the day's rows
//! <prefix>/<table>/day=YYYY-MM-DD/rows-<tick>.<claim>-<n>.parquet      the same of many deltas, merged
//! <prefix>/artifacts/<name>/                                           see [`Artifacts`]
//! ```
//!
//! - `config`: an entry `[[objects]]` of `stores.toml`
//! - `place`: reads, writes and swaps objects, each in bounded time; `folder`: durably on a disk; `failure`: what errors mean
//! - `position`: what counts; `day`: the day of a row
//! - `cells`: cells as Arrow; `pieces`: a delta in bounded pieces by day; `file`: Parquet; `merge`: objects as one
//! - `target`: follows; `compact`: merges; `probe`: looks only; `read`: rows, for training; `artifacts`: named bytes
//!
//! **Rows.** An object has the columns of its table, `lehr_tick` (when the row came to be so) and `lehr_appeared` (false:
//! the row is gone). It is sorted by key and has each key once. The rows of a day are, of each key, the line of the latest
//! tick among the objects that count, unless it is gone. The day of a row is that of its first column of times, so a row
//! whose time changes is gone from one day and appears in another.
//!
//! **Exactly once.** An object counts when `position.json` names it, and that is replaced only by whoever knows the version
//! that is there (`If-Match`). So a delta's objects and the tick are there together or not at all. Before its first delta
//! after each connection a Lehr raises `claim`: whoever wrote until then, or a request of this Lehr that is still on its
//! way, cannot replace the position any more. Names have the claim in them, so none is ever written again after it was
//! deleted, and what the position does not name after a claim will never be named: it is deleted.
//!
//! **Days that are closed.** With `closed_after`, days that ended so long before the position's time stay as they are: what
//! leaves Lehr by its retention stays here. Without it the store is what Lehr's tables are, no more.

mod artifacts;
mod cells;
mod compact;
mod config;
mod day;
mod failure;
mod file;
mod folder;
mod merge;
mod pieces;
mod place;
mod position;
mod probe;
mod read;
mod target;

pub use artifacts::{Artifact, Artifacts};
pub use config::{Config, ConfigError};
pub use probe::probe;
pub use read::{Days, read};
