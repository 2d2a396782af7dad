//! Checkpoints: the base collections as of a closed tick, so that a restart need not read the journal from its
//! beginning. A checkpoint adds nothing to what the journal knows; without any, Lehr only starts more slowly.
//!
//! ```text
//! DIR/checkpoints/00000000000000004711.ckpt      as of tick 4711; the newest two are kept, never more than three
//! DIR/checkpoints/00000000000000004711.ckpt.tmp  being written, or left over from a crash
//! ```
//!
//! It is made from the immutable [`Snapshot`] of the tick, while the workers go on. What it holds is what
//! [`Base`] says: the rows of panes, the rows of the base collections with their revisions, and what the graphs
//! remember of rows that left. Not the readings of panes that are still open: those are looked up in history.
//!
//! **Order of writing.** The file beside its name → synced → renamed → folder synced → the third newest removed. Only
//! ticks that are durable are published, so a checkpoint is never ahead of the journal.
//!
//! **When it is not used.** A checkpoint that is damaged, of another format, or made under another retention or pane
//! width is passed over, and [`Passed`] says why; the one before it is tried, then the journal from its beginning.
//! The answers are the same in each case.

mod file;
#[cfg(test)]
mod tests;

use crate::journal::storage::{Disk, Storage, make_dir};
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::restored::Base;
use lehr_domain::{EventMs, SpanMs, Tick};
use lehr_queries::Snapshot;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// The folder of checkpoints within a data directory.
pub const FOLDER: &str = "checkpoints";

/// So many are kept: the newest, and one to fall back on.
const KEPT: usize = 2;

const ENDING: &str = ".ckpt";
const UNFINISHED: &str = ".ckpt.tmp";

/// What went wrong with a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("cannot {action} {file}")]
    Io {
        action: &'static str,
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("a row of a checkpoint cannot be written: {0}")]
    Unwritable(String),
}

fn io_error(action: &'static str, file: &str, source: io::Error) -> CheckpointError {
    CheckpointError::Io { action, file: file.to_owned(), source }
}

/// What a checkpoint is of, and under which settings it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub tick: Tick,
    pub now: EventMs,
    pub wall: EventMs,
    pub low_water: EventMs,
    pub pane_width: SpanMs,
    pub retain_panes: SpanMs,
    pub retain_events: SpanMs,
}

/// A checkpoint read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub head: Head,
    /// Without the readings of open panes.
    pub base: Base,
}

/// A checkpoint that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub tick: Tick,
    pub rows: u64,
    pub bytes: u64,
}

/// A checkpoint that was not used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    pub file: String,
    pub reason: String,
}

/// The checkpoints of a data directory.
#[derive(Debug)]
pub struct Checkpoints<S = Disk> {
    storage: S,
}

impl Checkpoints {
    /// For the process that holds the journal's lock.
    pub fn open(data: &Path) -> Result<Checkpoints, CheckpointError> {
        let dir = data.join(FOLDER);
        let shown = dir.display().to_string();
        make_dir(&dir).map_err(|error| io_error("make", &shown, error))?;
        Ok(Checkpoints { storage: Disk::shared(&dir).map_err(|error| io_error("open", &shown, error))? })
    }

    /// For readers: `None` when there are none.
    pub fn look(data: &Path) -> Option<Checkpoints> {
        Some(Checkpoints { storage: Disk::shared(&data.join(FOLDER)).ok()? })
    }
}

/// The file of a checkpoint.
pub fn name(tick: Tick) -> String {
    format!("{:020}{ENDING}", tick.0)
}

impl<S: Storage> Checkpoints<S> {
    pub fn over(storage: S) -> Checkpoints<S> {
        Checkpoints { storage }
    }

    /// Ticks of all checkpoints, ascending.
    pub fn ticks(&self) -> Result<Vec<Tick>, CheckpointError> {
        let names = self.storage.list().map_err(|error| io_error("list", FOLDER, error))?;
        let mut ticks: Vec<Tick> =
            names.iter().filter_map(|name| name.strip_suffix(ENDING)?.parse().ok().map(Tick)).collect();
        ticks.sort_unstable();
        Ok(ticks)
    }

    /// The newest good one up to `up_to` that was made under these settings, and those that were passed over.
    pub fn newest(
        &self,
        graph: &GraphConfig,
        up_to: Tick,
    ) -> Result<(Option<Checkpoint>, Vec<Passed>), CheckpointError> {
        let mut passed = Vec::new();
        for tick in self.ticks()?.into_iter().rev().filter(|tick| *tick <= up_to) {
            let file = name(tick);
            match file::read(&self.storage, &file).and_then(|found| fits(found, graph, tick)) {
                Ok(checkpoint) => return Ok((Some(checkpoint), passed)),
                Err(reason) => passed.push(Passed { file, reason }),
            }
        }
        Ok((None, passed))
    }

    /// Reads a checkpoint whatever the settings, to see whether it is sound; the error says what is wrong with it.
    pub fn check(&self, tick: Tick) -> Result<Head, String> {
        let Checkpoint { head, .. } = file::read(&self.storage, &name(tick))?;
        if head.tick == tick { Ok(head) } else { Err(format!("it is of tick {}", head.tick.0)) }
    }

    /// Makes one of `snapshot` and lets the oldest go. Nothing is left behind but a `.tmp` when it fails.
    pub fn write(&mut self, snapshot: &Snapshot, graph: &GraphConfig) -> Result<Written, CheckpointError> {
        let (file, unfinished) = (name(snapshot.tick), format!("{:020}{UNFINISHED}", snapshot.tick.0));
        let head = Head {
            tick: snapshot.tick,
            now: snapshot.now,
            wall: snapshot.wall,
            low_water: snapshot.low_water,
            pane_width: graph.pane_width,
            retain_panes: graph.retention.panes,
            retain_events: graph.retention.events,
        };
        self.tidy(&unfinished)?;
        self.let_old_go()?;
        let (rows, bytes) = file::write(&mut self.storage, &unfinished, &head, snapshot)?;
        self.storage.sync(&unfinished).map_err(|error| io_error("sync", &unfinished, error))?;
        self.storage.rename(&unfinished, &file).map_err(|error| io_error("rename", &unfinished, error))?;
        self.storage.sync_dir().map_err(|error| io_error("sync", FOLDER, error))?;
        self.let_old_go()?;
        Ok(Written { tick: snapshot.tick, rows, bytes })
    }

    /// Removes all but the newest, durably: those that crashes bring back must not add up.
    fn let_old_go(&mut self) -> Result<(), CheckpointError> {
        let ticks = self.ticks()?;
        let old = &ticks[..ticks.len().saturating_sub(KEPT)];
        for old in old {
            let old = name(*old);
            self.storage.remove(&old).map_err(|error| io_error("remove", &old, error))?;
        }
        if old.is_empty() { Ok(()) } else { self.storage.sync_dir().map_err(|error| io_error("sync", FOLDER, error)) }
    }

    /// Removes what crashes left unfinished, but for `writing`, which is written over.
    fn tidy(&mut self, writing: &str) -> Result<(), CheckpointError> {
        let names = self.storage.list().map_err(|error| io_error("list", FOLDER, error))?;
        for left in names.iter().filter(|name| name.ends_with(UNFINISHED) && *name != writing) {
            self.storage.remove(left).map_err(|error| io_error("remove", left, error))?;
        }
        Ok(())
    }
}

/// Whether what was found can be gone on from under these settings.
fn fits(found: Checkpoint, graph: &GraphConfig, tick: Tick) -> Result<Checkpoint, String> {
    let head = &found.head;
    if head.tick != tick {
        return Err(format!("it is of tick {}: the file was renamed", head.tick.0));
    }
    if head.pane_width != graph.pane_width {
        return Err(format!(
            "its panes are {} ms wide, those of this server {}",
            head.pane_width.0, graph.pane_width.0
        ));
    }
    if (head.retain_panes, head.retain_events) != (graph.retention.panes, graph.retention.events) {
        return Err("it was made under another retention; the journal is replayed instead".into());
    }
    Ok(found)
}
