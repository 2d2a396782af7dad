//! Going on without files of which neither copy is whole.

use super::error::io;
use super::{FileEntry, Files, History, HistoryError, copies, lock, mend};
use crate::journal::storage::Storage;

/// Ends the name of a file that was set aside.
pub const ASIDE: &str = ".damaged";

impl<J: Storage, H: Files> History<J, H> {
    /// Sets aside every file that is damaged and whose copy is, and goes on without its readings: the ticks that they came
    /// in then have fewer. Nothing is deleted. Gives the names. Reads every file.
    pub fn salvage(&self) -> Result<Vec<String>, HistoryError> {
        let (_, files) = &mut *lock(&self.writing);
        let mut next = (*self.view()).clone();
        let whole =
            |file: &FileEntry| copies::both(&file.name).iter().any(|name| mend::fault_of(files, file, name).is_none());
        let (kept, lost): (Vec<_>, Vec<_>) = next.files.into_iter().partition(whole);
        if lost.is_empty() {
            return Ok(Vec::new());
        }
        // Before the manifest forgets them, lest they be taken for left-overs.
        for file in &lost {
            copies::rename(files, &file.name, &format!("{}{ASIDE}", file.name)).map_err(io("set aside", &file.name))?;
        }
        files.sync_dir().map_err(io("sync the names of", super::FOLDER))?;
        let names = lost.iter().map(|file| file.name.clone()).collect();
        next.files = kept;
        next.lost.extend(lost);
        self.replace(files, next, Vec::new())?;
        Ok(names)
    }
}
