//! The contract of a store.

use crate::delta::{Delta, Table};
use async_trait::async_trait;
use lehr_domain::Tick;
use std::sync::Arc;

/// A store that follows Lehr's tables.
///
/// Lehr notes which delta is under way before it hands it over, and that it is applied after that. Within one run a delta
/// that failed comes again as it was. After a crash of Lehr what was under way may come in smaller steps, but none that
/// reaches across the end of one that was under way: so a store stands where a delta begins, or is ahead of its end.
#[async_trait]
pub trait Target: Send {
    /// Reaches the store, makes what is missing there (tables, topics, a bucket), and gives the last tick that it holds
    /// as far as it keeps that itself, atomically with the rows. `None` when it keeps no tick. Called before the first
    /// delta and again after every failure; bounded in time.
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError>;

    /// Applies a delta whole. A store that keeps its tick does so together with the rows or not at all, and ignores a
    /// delta whose `tick` it holds already; one that keeps none must come to the same when it gets a delta again.
    /// Bounded in time. After an error nobody knows whether it was applied.
    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError>;
}

/// Why a store could not follow. Holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It is tried again.
    #[error("{0}")]
    Away(String),
    /// The store refuses what it was sent; trying again helps only when somebody has mended it. Says how.
    #[error("{0}")]
    Refused(String),
    /// The store holds another tick than Lehr left it with.
    #[error(
        "the store holds tick {holds}, but was left at {left}: it belongs to another data directory, or was restored; \
         empty it, or let Lehr fill it anew"
    )]
    Differs { holds: u64, left: u64 },
}
