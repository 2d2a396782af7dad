//! A broker follows Lehr's tables: what is there is retained, and what happened is said once.
//!
//! ```text
//! Delta → [messages: a retained row for each key, an empty one for each that is gone] → acknowledged → position
//! ```
//!
//! - `config`: an entry `[[mqtt]]` of `stores.toml`
//! - `messages`: rows as messages (pure)
//! - `session`: one connection, over which messages go out in order and are waited for
//! - `target`: a store in Lehr's terms; `probe`: looks only
//!
//! **What a reader sees.** The retained message of a topic is the row. The position is published when the broker has
//! acknowledged all that comes before it. A delta that is interrupted comes again from its beginning: messages are then
//! there twice, and a topic may for a while show a row of an earlier tick than it did; when the position has reached the
//! tick that was under way, all rows are those of its tick.
//!
//! A connection that broke is never gone on with: a broker that comes back may have forgotten what it acknowledged, and
//! that is seen by its position alone.

mod config;
mod messages;
mod probe;
mod session;
mod target;

pub use config::Config;
pub use probe::probe;
