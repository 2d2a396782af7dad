//! Looks at every file and its copy, now and then, and makes good what is damaged of either from the other.

use super::error::{self, HistoryError, io};
use super::manifest::{FileEntry, Manifest};
use super::reader::checksum;
use super::{Files, History, lock};
use crate::journal::segment::Segment;
use crate::journal::storage::Storage;
use crate::journal::{self, JournalError, copies, thin};
use std::collections::VecDeque;
use std::io::ErrorKind;

/// Bytes copied at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// What is still to be looked at.
#[derive(Debug)]
pub struct Round {
    ahead: VecDeque<Item>,
}

#[derive(Debug)]
enum Item {
    Segment(Segment),
    File(FileEntry),
}

impl<J: Storage, H: Files> History<J, H> {
    /// All files that are not written to any more.
    pub fn round(&self) -> Result<Round, HistoryError> {
        let segments = journal::mend::to_look_at(&self.journal)?.into_iter().map(Item::Segment);
        let files = self.view().files.clone().into_iter().map(Item::File);
        Ok(Round { ahead: segments.chain(files).collect() })
    }

    /// Looks at the next file and its copy; gives the bytes that were read, `None` when the round is over. What cannot be
    /// mended, because both are damaged, is an error that names it; the next call goes on behind it.
    pub fn look_at_next(&self, round: &mut Round) -> Result<Option<u64>, HistoryError> {
        let (journal, files) = &mut *lock(&self.writing);
        let bytes = match round.ahead.pop_front() {
            None => return Ok(None),
            Some(Item::Segment(segment)) => match journal::mend::closed(journal, segment) {
                // Its readings were moved to history meanwhile.
                Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => 0,
                looked_at => looked_at?,
            },
            // One that was merged meanwhile is none of history's any more.
            Some(Item::File(file)) if self.view().files.contains(&file) => mend(files, &file)?,
            Some(Item::File(_)) => 0,
        };
        Ok(Some(bytes))
    }
}

/// Makes good the file or its copy; gives the bytes that were read.
fn mend<H: Files>(files: &mut H, file: &FileEntry) -> Result<u64, HistoryError> {
    let names = copies::both(&file.name);
    let faults = names.each_ref().map(|name| fault_of(files, file, name));
    match (faults, &names) {
        ([None, None], _) => {}
        ([Some(fault), None], [bad, good]) | ([None, Some(fault)], [good, bad]) => {
            make_good(files, good, bad)?;
            files.mended(bad, &fault);
        }
        ([Some(why), Some(_)], _) => {
            return Err(HistoryError::Damaged { file: file.name.clone(), why: format!("{why}, and so is its copy") });
        }
    }
    Ok(2 * file.bytes)
}

/// What is wrong with a file or copy, if something is.
pub fn fault_of<H: Files>(files: &H, file: &FileEntry, name: &str) -> Option<String> {
    match files.open(name).and_then(|source| checksum(&source)) {
        Ok((bytes, _)) if bytes != file.bytes => {
            Some(format!("it has {bytes} bytes, not the {} that were written", file.bytes))
        }
        Ok((_, crc32)) if crc32 != file.crc32 => Some("its checksum is wrong".into()),
        Ok(_) => None,
        Err(error) => Some(error::what(&io("read", name)(error))),
    }
}

fn make_good<H: Files>(files: &mut H, from: &str, to: &str) -> Result<(), HistoryError> {
    let unfinished = format!("{to}{}", thin::UNFINISHED);
    files.create(&unfinished).map_err(io("mend", to))?;
    let (mut chunk, mut offset) = (vec![0; CHUNK_BYTES], 0);
    loop {
        let count = files.read(from, offset, &mut chunk).map_err(io("read", from))?;
        if count == 0 {
            break;
        }
        files.append(&unfinished, &chunk[..count]).map_err(io("mend", to))?;
        offset += count as u64;
    }
    files.sync(&unfinished).map_err(io("sync the mended", to))?;
    files.rename(&unfinished, to).map_err(io("name the mended", to))?;
    files.sync_dir().map_err(io("sync the name of the mended", to))
}

/// Whether every copy of the manifest says what counts.
pub fn manifests_agree<H: Storage>(files: &H, view: &Manifest) -> bool {
    use super::manifest::{NAME, SPARE};
    let agrees = |name| matches!(Manifest::read(files, name), Ok(Some(found)) if found == *view);
    *view == Manifest::default() || (agrees(NAME) && agrees(SPARE))
}
