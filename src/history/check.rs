//! The files of history against the manifest, and the readings of every thin segment against what was taken out of it.

use super::manifest::{self, FileEntry, Manifest};
use super::reader;
use super::{FOLDER, Files, History, HistoryError, Journalled, rows};
use crate::causes::with_causes;
use crate::journal::check::walk;
use crate::journal::segment::{Kind, Segment, list};
use crate::journal::storage::Storage;
use crate::journal::{self, Removed, codec};
use crate::verify::Finding;
use lehr_domain::Tick;
use std::collections::BTreeMap;

const RESTORE: &str = "restore it from a copy";
/// Readings compared at a time: 32 bytes each.
const READINGS_AT_ONCE: u64 = 2_000_000;

impl<J: Storage, H: Files> History<J, H> {
    /// Says of every file, and of every thin segment, what it is worth.
    pub fn check(&self) -> Result<Vec<Finding>, journal::JournalError> {
        let view = self.view();
        let mut findings: Vec<Finding> = view.files.iter().map(|file| self.check_file(&view, file)).collect();
        match self.files.list() {
            Ok(names) => findings.extend(names.iter().filter_map(|name| stray(&view, name))),
            Err(error) => findings.push(Finding::damaged(FOLDER, error.to_string(), "make the folder readable")),
        }
        findings
            .extend([manifest::NAME, manifest::SPARE].into_iter().filter_map(|name| self.check_manifest(&view, name)));
        for segment in list(&self.journal)?.into_iter().filter(|segment| segment.kind == Kind::Thin) {
            findings.extend(self.check_thin(&view, segment)?);
        }
        Ok(findings)
    }

    /// What one of the two copies of the manifest is worth; nothing when there never was one.
    fn check_manifest(&self, view: &Manifest, name: &str) -> Option<Finding> {
        let advice = "the other copy serves; restore this one from it";
        let found = match Manifest::read(&self.files, name) {
            Ok(Some(found)) => {
                let found = format!("{} files, ticks up to {}", found.files.len(), found.last_covered().0);
                return Some(Finding::good(format!("{FOLDER}/{name}"), found));
            }
            Ok(None) if view.files.is_empty() => return None,
            Ok(None) => "it is missing".to_owned(),
            Err(error) => with_causes(&error),
        };
        Some(Finding::damaged(format!("{FOLDER}/{name}"), found, advice))
    }

    fn check_file(&self, view: &Manifest, file: &FileEntry) -> Finding {
        let name = format!("{FOLDER}/{}", file.name);
        match self.fault_of(view, file) {
            Ok(None) => {
                Finding::good(name, format!("{} readings, ticks {} to {}", file.rows, file.ticks.0, file.ticks.1))
            }
            Ok(Some(found)) => Finding::damaged(name, found, RESTORE),
            // Of a server that runs beside.
            Err(HistoryError::Moved { .. }) => {
                Finding::note(name, "it was merged while it was looked at", "check again when no server runs")
            }
            Err(HistoryError::Damaged { why, .. }) => Finding::damaged(name, why, RESTORE),
            Err(error) => Finding::damaged(name, with_causes(&error), RESTORE),
        }
    }

    /// What is wrong with a file, if something is.
    fn fault_of(&self, view: &Manifest, file: &FileEntry) -> Result<Option<String>, HistoryError> {
        let io = super::error::io("read", &file.name);
        let source = reader::source_of(&self.files, file)?;
        let (bytes, crc32) = reader::checksum(&source).map_err(&io)?;
        if bytes != file.bytes {
            return Ok(Some(format!("it has {bytes} bytes, not the {} that were written", file.bytes)));
        }
        if crc32 != file.crc32 {
            return Ok(Some("its checksum is wrong".into()));
        }
        let (mut rows, mut last) = (0, None);
        for row in reader::open(&self.files, &Default::default(), file, |_| true)? {
            let row: Journalled = row?;
            if last > Some(row) {
                return Ok(Some(format!("row {rows} is out of order")));
            }
            if !file.folded && !view.covers(row.tick) {
                return Ok(Some(format!("row {rows} is of tick {}, which history does not cover", row.tick.0)));
            }
            last = Some(row);
            rows += 1;
        }
        Ok((rows != file.rows).then(|| format!("it has {rows} readings, not the {} that were written", file.rows)))
    }

    /// Whether every tick of a thin segment has its readings, exactly once.
    fn check_thin(&self, view: &Manifest, segment: Segment) -> Result<Vec<Finding>, journal::JournalError> {
        let name = format!("{}/{}", journal::FOLDER, segment.name());
        let mut removed: BTreeMap<Tick, Removed> = BTreeMap::new();
        // What is wrong with the segment itself, the journal's own check says.
        walk(&self.journal, segment, |record, payload| {
            let recorded = codec::decode(record.tick, payload)?;
            removed.insert(record.tick, recorded.removed.unwrap_or_default());
            Ok(0)
        })?;
        let mut wrong = Vec::new();
        let mut group = BTreeMap::new();
        let mut readings = 0;
        let last = removed.keys().next_back().copied();
        for (tick, what) in removed {
            if !view.covers(tick) {
                wrong.push(format!("the readings of tick {} are not in history", tick.0));
                continue;
            }
            readings += u64::from(what.rows);
            group.insert(tick, what);
            if readings >= READINGS_AT_ONCE || Some(tick) == last {
                wrong.extend(self.compare(&std::mem::take(&mut group)));
                readings = 0;
            }
        }
        let advice = "restore the files of history that are damaged or missing";
        let more = wrong.len().saturating_sub(1);
        let more = if more > 0 { format!(", and {more} ticks more") } else { String::new() };
        Ok(wrong.first().map(|first| Finding::damaged(name, format!("{first}{more}"), advice)).into_iter().collect())
    }

    fn compare(&self, removed: &BTreeMap<Tick, Removed>) -> Vec<String> {
        let (Some(first), Some(last)) = (removed.keys().next(), removed.keys().next_back()) else { return Vec::new() };
        let mut found = match self.of_ticks(*first, *last) {
            Ok(found) => found,
            Err(error) => {
                return vec![format!("ticks {} to {}: {}", first.0, last.0, with_causes(&error))];
            }
        };
        let fault = |(tick, removed): (&Tick, &Removed)| {
            let readings = found.remove(tick).unwrap_or_default();
            let (have, want) = (readings.len(), removed.rows as usize);
            if have != want {
                return Some(format!(
                    "history has {have} readings of tick {}, of which {want} were journalled",
                    tick.0
                ));
            }
            let same = codec::digest(readings) == removed.digest;
            (!same).then(|| format!("history has other readings of tick {} than were journalled", tick.0))
        };
        removed.iter().filter_map(fault).collect()
    }
}

/// Files that do not count.
fn stray(view: &Manifest, name: &str) -> Option<Finding> {
    let file = format!("{FOLDER}/{name}");
    let manifests = [manifest::NAME, manifest::SPARE];
    if manifests.contains(&name) || view.files.iter().any(|file| file.name == name) {
        return None;
    }
    if name.ends_with(rows::SUFFIX) || name == manifest::UNFINISHED {
        let found = "it does not count: left over from a crash, or replaced by a merge";
        return Some(Finding::note(file, found, "nothing: it is removed at the next start"));
    }
    Some(Finding::note(file, "this is none of Lehr's files", "move it elsewhere"))
}
