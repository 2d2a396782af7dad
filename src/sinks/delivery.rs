//! What waits for one target: a state machine that neither blocks nor grows.

use super::{Batch, SinkError};
use lehr_domain::{EventMs, Tick};
use std::collections::VecDeque;
use std::sync::Arc;

/// Batches that wait apart. Beyond that they are joined: a target that is 64 ticks behind (some 20 ms of fsyncs, at
/// the busiest) gains more from fewer batches than from exact ones.
pub(crate) const MOST_WAITING: usize = 64;

/// Batches on their way to a target, in order and without gaps.
pub(crate) struct Delivery {
    /// The target holds at least this.
    position: Tick,
    /// The first one may be under way, and may have been applied without anybody knowing; it never changes again.
    waiting: VecDeque<Batch>,
    most_waiting: usize,
    /// Batches are not joined across these: the target may hold them.
    apart: Vec<Tick>,
    /// Rows of the last batch when it was consolidated last. It is done again when it has doubled, so that joining
    /// n ticks costs O(n log n) rows and not O(n²).
    consolidated_rows: usize,
}

impl Delivery {
    /// To a target that holds `position`.
    pub fn new(position: Tick, most_waiting: usize, apart: Vec<Tick>) -> Delivery {
        assert!(most_waiting >= 2, "the first batch may be under way, so that only a second one can grow");
        Delivery { position, waiting: VecDeque::new(), most_waiting, apart, consolidated_rows: 0 }
    }

    /// The last tick that the target is known to hold.
    pub fn position(&self) -> Tick {
        self.position
    }

    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Plant time of the first batch that waits.
    pub fn oldest(&self) -> Option<EventMs> {
        self.waiting.front().map(|first| first.now)
    }

    /// Takes what a closed tick changed. Batches must come in order; those that the target holds are left out.
    pub fn offer(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let newest = self.waiting.back().map_or(self.position, |last| last.tick);
        if !batch.is_due(newest)? {
            return Ok(());
        }
        if self.waiting.len() < self.most_waiting || self.apart.contains(&newest) {
            self.waiting.push_back(batch.clone());
            self.consolidated_rows = batch.changes.len();
        } else {
            self.join(batch);
        }
        Ok(())
    }

    fn join(&mut self, batch: &Batch) {
        let last = self.waiting.back_mut().expect("at least two batches wait");
        (last.tick, last.now, last.names) = (batch.tick, batch.now, batch.names.clone());
        let changes = Arc::make_mut(&mut last.changes);
        changes.merge((*batch.changes).clone());
        if changes.len() > 2 * self.consolidated_rows {
            changes.consolidate();
            self.consolidated_rows = changes.len();
        }
    }

    /// What is to be applied next, again and again until [`Delivery::applied`]; `None` when the target has all.
    pub fn next(&mut self) -> Option<Batch> {
        let first = self.waiting.front_mut()?;
        if first.tick > first.after.next() {
            // It may have been joined here.
            Arc::make_mut(&mut first.changes).consolidate();
        }
        Some(first.clone())
    }

    /// Takes note that the target holds this tick.
    pub fn applied(&mut self, tick: Tick) {
        self.position = self.position.max(tick);
        while self.waiting.front().is_some_and(|first| first.tick <= self.position) {
            self.waiting.pop_front();
        }
    }
}
