//! Small files of a day and line made into a larger one.
//!
//! A busy plant closes a segment every some seconds, so that a day and line would have thousands of files. Files of
//! about the same size are merged as soon as there are [`FEW`] of them, so that each row is written again only a few times
//! (a factor of 16 a time), and all that is left of a day is merged when it is over, unless most of it is in one file
//! already: late readings trickle in for days.

use super::convert::free_name;
use super::error::io;
use super::manifest::FileEntry;
use super::merge::Merged;
use super::writer::FileWriter;
use super::{FOLDER, Files, History, HistoryError, Retired, lock, reader};
use crate::journal::storage::Storage;
use lehr_domain::{EventMs, SpanMs, Tick};
use std::collections::BTreeMap;

/// Files of one size that are merged together.
const FEW: usize = 16;
/// Files read at once: each has a page of six columns decoded, a quarter of a megabyte.
const MERGED_MOST: usize = 128;
/// How long after midnight a day counts as over: most of what is late is not later than this.
const SETTLING: SpanMs = SpanMs::hours(1);
/// A last merge is worth its while when it at least doubles, about, what the largest file holds.
const WORTH: u64 = 2;

/// What a merge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    pub merged: usize,
    pub rows: u64,
    pub bytes: u64,
}

impl<J: Storage, H: Files> History<J, H> {
    /// Makes one merge, if one is due at plant time `now`. Memory: [`MERGED_MOST`] pages and one row group.
    pub fn compact(&self, now: EventMs) -> Result<Option<Compacted>, HistoryError> {
        let (journal, files) = &mut *lock(&self.writing);
        let view = self.view();
        let Some(due) = due(&view.files, now) else {
            drop(view);
            self.sweep(journal, files)?;
            return Ok(None);
        };
        let sources = due
            .iter()
            .map(|file| reader::open(files, &self.footers, file, |_| true))
            .collect::<Result<Vec<_>, HistoryError>>()?;
        let first = due.iter().map(|file| file.ticks.0).min().unwrap_or_default();
        let last = due.iter().map(|file| file.ticks.1).max().unwrap_or_default();
        // The ticks of a merged file may be those of its largest part.
        let name = free_name(due[0].partition(), Tick(first), Tick(last), &files.list().map_err(io("list", FOLDER))?);
        let mut writer = FileWriter::create(files, name, false)?;
        for row in Merged::of(sources) {
            writer.push(row?)?;
        }
        let merged = writer.finish()?;
        files.sync_dir().map_err(io("sync", FOLDER))?;

        let done = Compacted { merged: due.len(), rows: merged.rows, bytes: merged.bytes };
        let mut next = (*view).clone();
        next.files.retain(|file| !due.iter().any(|due| due.name == file.name));
        next.files.push(merged);
        let superfluous = due.into_iter().map(|file| Retired::File(file.name.clone())).collect();
        drop(view);
        self.replace(files, next, superfluous)?;
        self.sweep(journal, files)?;
        Ok(Some(done))
    }
}

/// Files of one day and line that should become one.
fn due(files: &[FileEntry], now: EventMs) -> Option<Vec<FileEntry>> {
    let mut partitions: BTreeMap<&str, Vec<&FileEntry>> = BTreeMap::new();
    for file in files.iter().filter(|file| !file.folded) {
        partitions.entry(file.partition()).or_default().push(file);
    }
    partitions.into_values().find_map(|mut files| {
        files.sort_by_key(|file| (file.rows, file.ticks));
        let chosen = alike(&files).or_else(|| rest_of_day(&files, now))?;
        Some(chosen.iter().map(|file| (*file).clone()).collect())
    })
}

/// The first [`FEW`] or more files, by size, of the same power of 16 rows.
fn alike<'f, 'a>(files: &'f [&'a FileEntry]) -> Option<&'f [&'a FileEntry]> {
    let size = |file: &&FileEntry| file.rows.max(1).ilog2() / 4;
    files
        .chunk_by(|a, b| size(a) == size(b))
        .find(|alike| alike.len() >= FEW)
        .map(|alike| &alike[..alike.len().min(MERGED_MOST)])
}

fn rest_of_day<'f, 'a>(files: &'f [&'a FileEntry], now: EventMs) -> Option<&'f [&'a FileEntry]> {
    let (largest, others) = files.split_last()?;
    let over = EventMs((largest.day() + 1).saturating_mul(SpanMs::days(1).0)) + SETTLING;
    let rows: u64 = others.iter().map(|file| file.rows).sum();
    let worth = !others.is_empty() && rows.saturating_mul(WORTH) >= largest.rows;
    (over <= now && worth).then(|| &files[..files.len().min(MERGED_MOST)])
}
