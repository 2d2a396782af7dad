//! Neo4j mirrors the causal graph, each closed tick in one transaction, and tells what was edited there.
//!
//! ```text
//! Delta → rows of `edges` that are left → BEGIN; lock; position; what the mirror has → plan → write; COMMIT
//!
//! (:LehrNode {id, kind})-[:LEADS_TO {edge_id, confidence, …}]->(:LehrNode)
//! (:LehrPosition {store, tick, now, format, columns, edges, hashes})
//! ```
//!
//! - `config`: an entry `[[neo4j]]` of `stores.toml`
//! - `link`: a connection, each of whose exchanges is bounded; `failure`: what an error means; `cypher`: the statements
//! - `values`: cells as Neo4j has them, and their hash; `mirror`: what is there, and which of it Lehr wrote
//! - `plan`: what a delta makes of it; `target`: follows
//! - `drift`: where the mirror and Lehr differ, and edits as Lehr could import them; `probe`: looks only
//!
//! **Exactly once.** Every transaction first locks `LehrPosition` and moves it from `after` to `tick`. So it waits for a
//! transaction that a lost connection left behind, or fails because of it, and finds out whether that one was
//! committed. So no delta is applied twice or to another tick than it belongs to, whoever sends it.
//!
//! **Edits.** `LehrPosition` keeps a hash of what Lehr wrote of each edge. A relationship that has another one was edited
//! by hand, and stays as it is until Lehr's own row changes.

mod config;
mod cypher;
mod drift;
mod failure;
mod link;
mod mirror;
mod plan;
mod probe;
mod target;
mod values;

pub use config::{Config, ConfigError};
pub use drift::{Difference, Drift, Edge, Edit, Seen, What, drift, edits};
pub use probe::probe;
