//! Closed ticks become visible: all at once, in order, to everybody.

use super::RuntimeError;
use super::gate::Admitted;
use super::handle::{Closed, RuntimeStats};
use super::times::Stamps;
use crate::sinks::Batch;
use lehr_dataflows::tables::Changes;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Inputs, Tick};
use lehr_queries::Snapshot;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio::sync::{broadcast, oneshot, watch};

/// A closed tick: what it changed, and everything as of then.
#[derive(Clone)]
pub struct Published {
    pub tick: Tick,
    pub now: EventMs,
    pub wall: EventMs,
    pub changes: Arc<Changes>,
    pub snapshot: Arc<Snapshot>,
}

/// What the sequencer tells the publisher of a tick before it hands it to the workers.
pub(crate) struct Announcement {
    pub tick: Tick,
    pub now: EventMs,
    pub wall: EventMs,
    pub low_water: EventMs,
    pub names: Arc<Names>,
    pub receipts: Vec<(oneshot::Sender<Closed>, Admitted)>,
    /// Whether subscribers are to see it. Ticks that are only replayed at start-up are not shown.
    pub visible: bool,
    pub stamps: Stamps,
    /// What the tick is made of; absent where a start goes on from a checkpoint.
    pub inputs: Option<Arc<Inputs>>,
}

impl Announcement {
    /// The same of another tick, for nobody who waits.
    pub fn at(&self, tick: Tick) -> Announcement {
        let Announcement { now, wall, low_water, visible, stamps, .. } = *self;
        let (names, receipts) = (self.names.clone(), Vec::new());
        Announcement { tick, now, wall, low_water, names, receipts, visible, stamps, inputs: None }
    }
}

/// Snapshots of the last ticks that are kept for `as_of`; older ones are made again from the journal.
/// Neighbouring snapshots share all pages but the changed ones.
const KEPT_SNAPSHOTS: usize = 16;

pub(crate) struct Publisher {
    pub latest: watch::Sender<Arc<Snapshot>>,
    pub frames: broadcast::Sender<Published>,
    pub kept: Arc<Mutex<VecDeque<Arc<Snapshot>>>>,
    pub stats: Arc<RuntimeStats>,
}

impl Publisher {
    /// Makes a closed tick visible; its changes must be consolidated. An error means that a graph produced an
    /// impossible row: nothing may be published from then on. Gives what sinks are to be told.
    pub fn publish(&mut self, announcement: Announcement, changes: Changes) -> Result<Batch, RuntimeError> {
        let Announcement { tick, now, wall, low_water, names, receipts, visible, .. } = announcement;
        let before = self.latest.borrow().clone();
        let after = before.apply(tick, now, wall, &names, &changes).map_err(RuntimeError::Publish)?;
        let (snapshot, changes) = (Arc::new(after.marked(low_water)), Arc::new(changes));
        let batch = Batch { after: before.tick, tick, now, names, changes: changes.clone() };
        let mut left = None;
        if visible {
            let mut kept = self.kept.lock().expect("nobody panics while they hold the kept snapshots");
            if kept.len() == KEPT_SNAPSHOTS {
                left = kept.pop_front();
            }
            kept.push_back(snapshot.clone());
        }
        self.latest.send_replace(snapshot.clone());
        if visible {
            // No subscriber is no error.
            let _ = self.frames.send(Published { tick, now, wall, changes, snapshot });
        }
        self.stats.published.store(tick.0, Ordering::Release);
        for (receipt, admitted) in receipts {
            // Whoever asked may have gone.
            let _ = receipt.send(Closed { tick, admitted });
        }
        // Giving back the memory of what changed since takes a while: nobody should wait for it.
        drop(left);
        Ok(batch)
    }
}
