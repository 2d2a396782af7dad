//! What the keeper of the runtime does beside it, one thing at a time. Each may fail, or be cut short by a crash, at any
//! of its changes of a disk.

use super::Violation;
use super::disk::{Disks, Handle, Role};
use super::plant;
use super::recovery::{SimHistory, disk_failed};
use crate::checkpoint::Checkpoints;
use crate::journal::segment::Segment;
use crate::runtime::{Checkpointing, RuntimeError, RuntimeStats};
use lehr_domain::Tick;
use lehr_queries::Snapshot;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Checkpoints on a disk: two, and the one that comes before the oldest goes.
const CHECKPOINTS_MOST: usize = 3;

/// Whether something was done; `None` when a disk failed.
pub type Done<T> = Result<Option<T>, Violation>;

pub struct Keeping {
    checkpointing: Checkpointing<Handle>,
    pub history: Arc<SimHistory>,
    stats: Arc<RuntimeStats>,
}

impl Keeping {
    /// `resumed` is the tick of the checkpoint that was gone on from.
    pub fn new(
        checkpoints: Checkpoints<Handle>,
        history: Arc<SimHistory>,
        stats: Arc<RuntimeStats>,
        resumed: Tick,
    ) -> Keeping {
        stats.keeper.checkpoint.store(resumed.0, Ordering::Release);
        let checkpointing = Checkpointing::new(checkpoints, plant::graph(), Default::default());
        Keeping { checkpointing, history, stats }
    }

    /// Whether there is no checkpoint of this snapshot yet.
    pub fn can_checkpoint(&self, snapshot: &Snapshot) -> bool {
        snapshot.tick.0 > self.stats.keeper.checkpoint.load(Ordering::Acquire)
    }

    pub fn checkpoint(&mut self, snapshot: &Snapshot) -> Done<Tick> {
        let written = done(self.checkpointing.write(snapshot, &self.stats))?;
        Ok(written.map(|()| snapshot.tick))
    }

    /// The oldest segment that can be converted.
    pub fn convertible(&self) -> Option<Segment> {
        self.history.convertible().ok()?.first().copied()
    }

    pub fn convert(&self, segment: Segment, shown: &Snapshot) -> Done<()> {
        Ok(done(self.history.convert(segment, &shown.names))?.map(drop))
    }

    /// Says whether something was merged.
    pub fn compact(&self, shown: &Snapshot) -> Done<bool> {
        Ok(done(self.history.compact(shown.now))?.map(|merged| merged.is_some()))
    }
}

fn done<T, E: Into<RuntimeError>>(tried: Result<T, E>) -> Done<T> {
    match tried.map_err(E::into) {
        Ok(done) => Ok(Some(done)),
        Err(error) if disk_failed(&error) => Ok(None),
        Err(error) => Err(Violation(format!("the keeper cannot work: {error}"))),
    }
}

/// Few checkpoints are kept: two once one was written, never more than three.
pub fn check_checkpoints(disks: &Disks, just_written: bool) -> Result<(), Violation> {
    let ticks = Checkpoints::over(disks.handle(Role::Checkpoints)).ticks();
    let count = ticks.map_err(|error| Violation(format!("no list of checkpoints: {error}")))?.len();
    let most = if just_written { CHECKPOINTS_MOST - 1 } else { CHECKPOINTS_MOST };
    if count > most { Err(Violation(format!("{count} checkpoints, {most} at most"))) } else { Ok(()) }
}
