//! Keeps what is on disk small to start from and small to store, beside the running system: makes checkpoints, and
//! moves the readings of closed segments into history. Nothing waits for it, and nothing is lost when it fails: the
//! journal goes on, a restart takes longer.

use super::handle::{RuntimeStats, Sizes};
use crate::checkpoint::{CheckpointError, Checkpoints, Written};
use crate::history::{History, HistoryError};
use crate::journal::storage::{Disk, Storage};
use lehr_dataflows::graph::GraphConfig;
use lehr_queries::Snapshot;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A checkpoint is not due before a fourth as many rows have come as the last one held, so that checkpoints cost a
/// bounded share of the rate at which rows come, whatever is kept.
const SHARE_OF_KEPT: u64 = 4;

/// After a checkpoint it waits so many times as long as that one took: writing it competes with the fsyncs of ticks, and
/// must not show in what people see.
const REST: u32 = 100;

/// How often it looks whether there is something to do.
const PACE: Duration = Duration::from_millis(100);

/// How long it waits after a failure, at first and at most.
const RETRY_LEAST: Duration = Duration::from_secs(2);
const RETRY_MOST: Duration = Duration::from_secs(300);

/// What the keeper did, for health and metrics.
#[derive(Debug, Default)]
pub struct KeeperStats {
    /// Tick of the last checkpoint; 0 before there is one.
    pub checkpoint: AtomicU64,
    pub checkpoints: AtomicU64,
    pub segments_converted: AtomicU64,
    pub failures: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl KeeperStats {
    /// What keeps the keeper from its work at present.
    pub fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn set_failure(&self, failure: Option<String>) {
        *self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = failure;
    }
}

#[derive(Debug, thiserror::Error)]
enum KeeperError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Makes checkpoints, one at a time.
pub(crate) struct Checkpointing<S = Disk> {
    checkpoints: Checkpoints<S>,
    graph: GraphConfig,
    sizes: Sizes,
    /// Rows that had come when the last one was made.
    rows: u64,
    last: Option<Written>,
    /// Not due before.
    rests_until: Option<Instant>,
}

impl<S: Storage> Checkpointing<S> {
    pub fn new(checkpoints: Checkpoints<S>, graph: GraphConfig, sizes: Sizes) -> Checkpointing<S> {
        Checkpointing { checkpoints, graph, sizes, rows: 0, last: None, rests_until: None }
    }

    fn due(&self, rows: u64) -> bool {
        let kept = self.last.map_or(0, |written| written.rows);
        let rested = self.rests_until.is_none_or(|until| Instant::now() >= until);
        rested && rows - self.rows >= self.sizes.checkpoint_rows.max(kept / SHARE_OF_KEPT)
    }

    /// Makes a checkpoint of `snapshot` unless there is one of its tick already.
    pub fn write(&mut self, snapshot: &Snapshot, stats: &RuntimeStats) -> Result<(), CheckpointError> {
        if snapshot.tick.0 == stats.keeper.checkpoint.load(Ordering::Acquire) {
            return Ok(());
        }
        let (rows, begun) = (rows(stats), Instant::now());
        self.last = Some(self.checkpoints.write(snapshot, &self.graph)?);
        self.rests_until = Some(Instant::now() + begun.elapsed() * REST);
        self.rows = rows;
        stats.keeper.checkpoints.fetch_add(1, Ordering::Relaxed);
        stats.keeper.checkpoint.store(snapshot.tick.0, Ordering::Release);
        Ok(())
    }
}

/// Rows that have come since the start.
fn rows(stats: &RuntimeStats) -> u64 {
    stats.readings.load(Ordering::Relaxed) + stats.events.load(Ordering::Relaxed)
}

/// Runs until the publisher has ended.
pub(super) fn run(
    latest: &watch::Receiver<Arc<Snapshot>>,
    checkpointing: &Mutex<Checkpointing>,
    history: &History,
    stats: &RuntimeStats,
) {
    let mut retry = RETRY_LEAST;
    while latest.has_changed().is_ok() {
        std::thread::sleep(PACE);
        match round(latest, checkpointing, history, stats) {
            Ok(()) => {
                retry = RETRY_LEAST;
                stats.keeper.set_failure(None);
            }
            Err(error) => {
                let text = format!("{error}; tried again in {} s", retry.as_secs());
                tracing::warn!("keeping the data directory small failed: {text}");
                stats.keeper.failures.fetch_add(1, Ordering::Relaxed);
                stats.keeper.set_failure(Some(text));
                let since = Instant::now();
                while since.elapsed() < retry && latest.has_changed().is_ok() {
                    std::thread::sleep(PACE);
                }
                retry = (retry * 2).min(RETRY_MOST);
            }
        }
    }
}

fn round(
    latest: &watch::Receiver<Arc<Snapshot>>,
    checkpointing: &Mutex<Checkpointing>,
    history: &History,
    stats: &RuntimeStats,
) -> Result<(), KeeperError> {
    {
        let mut checkpointing = checkpointing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if checkpointing.due(rows(stats)) {
            let snapshot = latest.borrow().clone();
            checkpointing.write(&snapshot, stats)?;
        }
    }
    for segment in history.convertible()? {
        // Taken out before: a borrow held while a segment is converted would hold up the publisher.
        let names = latest.borrow().names.clone();
        history.convert(segment, &names)?;
        stats.keeper.segments_converted.fetch_add(1, Ordering::Relaxed);
        // Whoever stops the system need not wait for a long queue of segments.
        if latest.has_changed().is_err() {
            return Ok(());
        }
    }
    // One merge a round: a day's files may take a minute, in which no checkpoint is made.
    let now = latest.borrow().now;
    history.compact(now)?;
    Ok(())
}
