//! Files that were found damaged while their copies served: said once in the log, and kept for `/api/health`. One list for
//! the process, because a file is as damaged for one of its readers as for the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Files remembered. A disk on which more are damaged is named often enough.
const REMEMBERED: usize = 1_000;

#[derive(Debug, Default)]
struct Found {
    /// What is wrong with a file whose copy serves.
    damaged: BTreeMap<PathBuf, String>,
    /// Those that were made anew from the copy, and what had been wrong.
    mended: BTreeMap<PathBuf, String>,
}

static FOUND: Mutex<Found> = Mutex::new(Found { damaged: BTreeMap::new(), mended: BTreeMap::new() });

fn found() -> MutexGuard<'static, Found> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `path` was passed over for its copy.
pub fn damaged(path: &Path, what: &str) {
    let mut found = found();
    if found.damaged.contains_key(path) || found.damaged.len() >= REMEMBERED {
        return;
    }
    tracing::warn!("{} is damaged and its copy is read in its place: {what}", path.display());
    found.damaged.insert(path.to_owned(), what.to_owned());
}

/// `path` was made anew.
pub fn mended(path: &Path, what: &str) {
    let mut found = found();
    found.damaged.remove(path);
    tracing::warn!("{} was damaged and is mended from its copy: {what}", path.display());
    if found.mended.len() < REMEMBERED {
        found.mended.insert(path.to_owned(), what.to_owned());
    }
}

/// Files below a data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Below {
    /// Damaged and not mended yet.
    pub damaged: Vec<String>,
    /// Mended since this process began.
    pub mended: Vec<String>,
}

/// What was found below `data` since this process began, each file named below it.
pub fn below(data: &Path) -> Below {
    let found = found();
    let names = |files: &BTreeMap<PathBuf, String>| {
        let below = files.keys().filter_map(|path| path.strip_prefix(data).ok());
        below.map(|path| path.display().to_string()).collect()
    };
    Below { damaged: names(&found.damaged), mended: names(&found.mended) }
}
