//! A closed segment's readings into files of a day and line each.
//!
//! Memory: the readings of one segment, 40 bytes each, and what Parquet's writer gathers. A segment has 64 MB, two
//! million readings (one group, if that is larger).

use super::error::io;
use super::writer::FileWriter;
use super::{FOLDER, Files, History, HistoryError, Journalled, Retired, lock, rows};
use crate::journal::segment::{Cursor, Segment, Step};
use crate::journal::storage::Storage;
use crate::journal::{JournalError, codec, thin};
use lehr_domain::ids::stable_hash;
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Reading, SpanMs, Tick};
use std::collections::BTreeMap;

/// Where readings go whose sensor has no line.
const NO_LINE: &str = "unknown";
/// Characters of a line's name that a folder takes over.
const LINE_CHARS: usize = 48;

/// What a conversion did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    pub readings: u64,
    pub files: usize,
    /// Of the files.
    pub bytes: u64,
}

impl<J: Storage, H: Files> History<J, H> {
    /// Moves the readings of a closed segment into files. `names` says on which line a sensor stands; what it does not
    /// know goes to a folder of its own, and is found there just as well.
    pub fn convert(&self, segment: Segment, names: &Names) -> Result<Converted, HistoryError> {
        let (journal, files) = &mut *lock(&self.writing);
        if !thin::closed(journal)?.contains(&segment) {
            return Err(HistoryError::NotClosed(segment.name()));
        }
        let mut next = (*self.view()).clone();
        let mut done = Converted::default();
        if !next.covers(segment.first) {
            let (last, parts) = partitions(journal, segment, names)?;
            let taken = files.list().map_err(io("list", FOLDER))?;
            for (partition, mut readings) in parts {
                readings.sort_unstable();
                let name = free_name(&partition, segment.first, last, &taken);
                let mut writer = FileWriter::create(files, name, false)?;
                readings.into_iter().try_for_each(|row| writer.push(row))?;
                let file = writer.finish()?;
                done = Converted {
                    readings: done.readings + file.rows,
                    files: done.files + 1,
                    bytes: done.bytes + file.bytes,
                };
                next.files.push(file);
            }
            next.cover(segment.first, last);
            files.sync_dir().map_err(io("sync", FOLDER))?;
            self.replace(files, next, vec![Retired::Segment(segment)])?;
        }
        thin::write(journal, segment)?;
        self.sweep(journal, files)?;
        Ok(done)
    }
}

pub fn file_name(partition: &str, prefix: &str, first: Tick, last: Tick) -> String {
    format!("{partition}/{prefix}{:020}-{:020}{}", first.0, last.0, rows::SUFFIX)
}

/// A name that no file has. One that has it may count, though the manifest in memory does not name it: storing the one
/// on disk may have failed half way.
pub fn free_name(partition: &str, first: Tick, last: Tick, taken: &[String]) -> String {
    let prefixes = (0..).map(|n| if n == 0 { String::new() } else { format!("m{n}-") });
    prefixes
        .map(|prefix| file_name(partition, &prefix, first, last))
        .find(|name| !taken.contains(name))
        .expect("names are endless")
}

/// The last tick of a segment, and its readings by folder.
fn partitions<J: Storage>(
    journal: &J,
    segment: Segment,
    names: &Names,
) -> Result<(Tick, BTreeMap<String, Vec<Journalled>>), HistoryError> {
    let corrupt = |offset, reason| JournalError::Corrupt { segment: segment.name(), offset, reason };
    let mut parts = Partitions::new(names);
    let mut last = segment.first;
    let mut cursor = Cursor::at(segment, 0);
    cursor.header(journal)?.map_err(|reason| corrupt(0, reason))?;
    loop {
        match cursor.step(journal)? {
            Step::Record(record) => {
                last = record.tick;
                let readings = codec::readings(cursor.payload()).map_err(|reason| corrupt(record.offset, reason))?;
                readings.iter().for_each(|reading| parts.take(reading, record.tick));
            }
            Step::End => break,
            Step::Bad(reason) => return Err(corrupt(cursor.offset(), reason).into()),
        }
    }
    Ok((last, parts.parts))
}

/// Readings by folder.
pub struct Partitions<'n> {
    names: &'n Names,
    /// Of each day and sensor met.
    folders: BTreeMap<(i64, u32), String>,
    pub parts: BTreeMap<String, Vec<Journalled>>,
}

impl<'n> Partitions<'n> {
    pub fn new(names: &'n Names) -> Partitions<'n> {
        Partitions { names, folders: BTreeMap::new(), parts: BTreeMap::new() }
    }

    pub fn take(&mut self, reading: Reading, tick: Tick) {
        let day = reading.at.pane(SpanMs::days(1));
        let names = self.names;
        let folder = self.folders.entry((day, reading.sensor.0)).or_insert_with(|| {
            let line = names.sensor_def(reading.sensor).map(|def| names.line(def.line));
            format!("{}/{}", day_folder(reading.at), line.map_or(NO_LINE.to_owned(), line_folder))
        });
        match self.parts.get_mut(folder) {
            Some(part) => part.push(Journalled { reading, tick }),
            None => drop(self.parts.insert(folder.clone(), vec![Journalled { reading, tick }])),
        }
    }
}

/// `YYYY-MM-DD`, or the number of the day where the calendar ends.
fn day_folder(at: EventMs) -> String {
    let text = at.to_string();
    match text.split_once('T') {
        Some((day, _)) => day.to_owned(),
        None => format!("day{}", at.pane(SpanMs::days(1))),
    }
}

/// A line's name as a folder. What is no plain letter or digit is replaced, and then a hash keeps names apart.
fn line_folder(line: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let safe: String = line.chars().take(LINE_CHARS).map(|c| if plain(c) { c } else { '_' }).collect();
    if safe == line && !safe.is_empty() {
        return safe;
    }
    let parts: Vec<u64> = line.bytes().map(u64::from).collect();
    format!("{safe}-{:016x}", stable_hash(&parts))
}
