//! History: the readings of closed journal segments, in Parquet.
//!
//! A journal segment keeps readings in the order in which they came, 29 bytes each. When it is closed,
//! [`History::convert`] sorts them by sensor and time into one file a day and line, a few bytes each, in which a sensor's
//! hour is found without reading the rest; what is left of the segment stays in the journal as a *thin* segment.
//! [`Inputs`] reads both together and gives every tick as it was journalled; [`History::readings`] finds readings of
//! given sensors and times; [`History::kept`] streams what holds, for SQL.
//!
//! ```text
//! DATA/journal/<first tick>.thin                              ticks without their readings
//! DATA/history/manifest                                       which files count, and what is in them
//! DATA/history/<YYYY-MM-DD>/<line>/<first>-<last>.parquet      readings journalled in these ticks, of this day and line
//! DATA/history/<YYYY-MM-DD>/<line>/late-<first>-<last>.parquet  folded in by `lehr rebuild`
//! ```
//!
//! **What counts.** The manifest is replaced as a whole (written beside itself, synced, renamed), so that a conversion or
//! a merge happens at one instant or not at all. It names the files that count and the ticks that they cover: the
//! readings of a covered tick are in these files exactly once, those of any other tick are in its segment. Files
//! that it does not name are left-overs of a crash; [`History::tidy`] removes them.
//!
//! **Order of a conversion.** Files durable → manifest durable → thin segment durable → segment removed. As long as
//! the segment is there, it counts for [`Inputs`], and a conversion that a crash cut short is finished by `tidy`.
//!
//! **Who looks while things move.** A reader takes the manifest as it is (a *view*) and may go on with it: what a
//! conversion or a merge made superfluous is removed only when no view is left that may look at it. Readers of another
//! process are not seen; when a file vanishes under them, they say so and can be asked again.
//!
//! Only the process that holds the journal's lock may convert, merge, fold or tidy.

mod check;
mod compact;
mod convert;
mod error;
mod fold;
mod inputs;
mod kept;
mod lookup;
mod manifest;
mod merge;
mod reader;
mod rows;
mod source;
mod tail;
#[cfg(test)]
mod tests;
mod tree;

mod writer;

pub use compact::Compacted;
pub use convert::Converted;
pub use error::HistoryError;
pub use fold::{Folded, fold_late};
pub use inputs::Inputs;
pub use kept::{Kept, Wanted};
pub use lookup::Range;
pub use manifest::{FileEntry, Manifest};
pub use source::{Files, Source};
pub use tree::Tree;

use crate::journal::storage::{Disk, Storage};
use crate::journal::{self, segment::Segment, thin};
use lehr_domain::{Reading, Tick};
use reader::Footers;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tail::Tail;

/// The folder of history within a data directory.
pub const FOLDER: &str = "history";

/// A reading and the tick in which it was journalled. Sorts as files are sorted: by sensor, time, and then by what holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Journalled {
    pub reading: Reading,
    pub tick: Tick,
}

/// History of a data directory, and the journal beside it.
#[derive(Debug)]
pub struct History<J = Disk, H = Tree> {
    journal: J,
    files: H,
    /// For who changes anything: one at a time.
    writing: Mutex<(J, H)>,
    manifest: Mutex<Arc<Manifest>>,
    /// What is superfluous, in order, with the manifest that was the last to need it.
    retired: Mutex<VecDeque<(Arc<Manifest>, Retired)>>,
    tail: Mutex<Tail>,
    footers: Footers,
}

#[derive(Debug)]
enum Retired {
    File(String),
    Segment(Segment),
}

/// Nothing that is guarded here is left half changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl History {
    /// History of a data directory or recording; there need not be any yet, but a journal.
    pub fn open(data: &Path) -> Result<History, HistoryError> {
        let (journal, files) = (data.join(journal::FOLDER), data.join(FOLDER));
        let disk = || {
            let failed = |error| journal::io_error("open", &journal.display().to_string(), error);
            Disk::shared(&journal).map_err(failed)
        };
        History::over((disk()?, Tree::at(&files)), (disk()?, Tree::at(&files)))
    }
}

impl<J: Storage, H: Files> History<J, H> {
    /// On any storage: handles for reading, and for changing, of the same journal and files.
    pub fn over(reading: (J, H), writing: (J, H)) -> Result<History<J, H>, HistoryError> {
        let manifest = Manifest::load(&reading.1)?;
        Ok(History {
            journal: reading.0,
            files: reading.1,
            writing: Mutex::new(writing),
            manifest: Mutex::new(Arc::new(manifest)),
            retired: Mutex::default(),
            tail: Mutex::default(),
            footers: Footers::default(),
        })
    }

    /// What counts now. Nothing that it names goes away while it is held.
    pub fn view(&self) -> Arc<Manifest> {
        lock(&self.manifest).clone()
    }

    /// Looks again what counts, for readers of another process.
    pub fn refresh(&self) -> Result<(), HistoryError> {
        let manifest = Manifest::load(&self.files)?;
        let mut current = lock(&self.manifest);
        if **current != manifest {
            *current = Arc::new(manifest);
        }
        Ok(())
    }

    /// Segments that can be converted, oldest first.
    pub fn convertible(&self) -> Result<Vec<Segment>, HistoryError> {
        let view = self.view();
        let mut closed = thin::closed(&self.journal)?;
        closed.retain(|segment| !view.covers(segment.first));
        Ok(closed)
    }

    /// Makes `next` durable and then what counts; `superfluous` goes away once nobody looks at it.
    fn replace(&self, files: &mut H, next: Manifest, superfluous: Vec<Retired>) -> Result<(), HistoryError> {
        next.store(files)?;
        let old = std::mem::replace(&mut *lock(&self.manifest), Arc::new(next));
        lock(&self.retired).extend(superfluous.into_iter().map(|what| (old.clone(), what)));
        Ok(())
    }

    /// Removes what nobody looks at any more.
    fn sweep(&self, journal: &mut J, files: &mut H) -> Result<(), HistoryError> {
        let mut retired = lock(&self.retired);
        while let Some((needed_by, _)) = retired.front() {
            let same = retired.iter().filter(|(other, _)| Arc::ptr_eq(other, needed_by)).count();
            if Arc::strong_count(needed_by) > same {
                break;
            }
            let Some((_, what)) = retired.pop_front() else { break };
            match what {
                Retired::Segment(segment) => thin::remove(journal, segment)?,
                Retired::File(name) => files.remove(&name).map_err(error::io("remove", &name))?,
            }
        }
        Ok(())
    }

    /// After a crash: finishes conversions that were cut short and removes what does not count. For the process that
    /// holds the journal's lock, before it converts anything.
    pub fn tidy(&self) -> Result<(), HistoryError> {
        let (journal, files) = &mut *lock(&self.writing);
        let view = self.view();
        let mut segments = thin::closed(journal)?;
        segments.retain(|segment| view.covers(segment.first));
        let mut stray = files.list().map_err(error::io("list", FOLDER))?;
        stray.retain(|name| name.ends_with(rows::SUFFIX) && !view.files.iter().any(|file| file.name == *name));
        if segments.is_empty() && stray.is_empty() {
            return Ok(());
        }
        // A process that was killed may have left a manifest that is seen and not durable. Before anything goes that an
        // older one needs, it must be.
        view.store(files)?;
        for segment in segments {
            thin::write(journal, segment)?;
            thin::remove(journal, segment)?;
        }
        for name in &stray {
            files.remove(name).map_err(error::io("remove", name))?;
        }
        files.sync_dir().map_err(error::io("sync", FOLDER))
    }
}
