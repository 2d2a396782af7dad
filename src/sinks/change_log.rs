//! A folder of files with everything that changed, one JSON object a line: to be read by scripts, DuckDB or a
//! loader, and the example of a sink.
//!
//! ```text
//! DIR/lock                              locked while a Lehr writes here
//! DIR/00000000000000000000.ndjson       what changed after tick 0 …
//! DIR/00000000000000004711.ndjson       what changed after tick 4711 …; only the last file is written to
//!
//! {"table":"alerts","change":1,"row":{"alert_id":"…", …}}       change: 1 appeared, -1 disappeared
//! {"after":11,"tick":12,"now":"2026-01-31T06:00:00.000Z","rows":1,"crc32":2774812671}
//! ```
//!
//! The second kind of line closes a batch: what stands between two of them belongs together, and what no such line
//! follows is not there yet. `crc32` is that of the bytes since the batch before, up to this key. A row that changed
//! appears as -1 of the old one and 1 of the new one.
//!
//! A batch is one write and one fdatasync, so a loss of power can tear only the last one. It is cut off when the
//! folder is opened and delivered again from the journal.

use super::{Batch, Sink, SinkError};
use crate::journal::storage::{Disk, Lock, Storage};
use lehr_dataflows::for_all_tables;
use lehr_dataflows::tables::*;
use lehr_domain::Tick;
use lehr_domain::table::Row;
use lehr_queries::arrow::row_to_json;
use std::io;
use std::path::Path;

/// A file is followed by a new one when it has grown beyond this. At start-up the last one is read whole.
const FILE_BYTES: u64 = 64 << 20;

const EXTENSION: &str = ".ndjson";
const CRC_KEY: &[u8] = b",\"crc32\":";

/// The target. Files that are not its own are left alone.
pub struct ChangeLog<S = Disk> {
    storage: S,
    file_bytes: u64,
    /// The file that is written to; empty before the first.
    file: String,
    /// How long it is as far as it is durable.
    len: u64,
    position: Tick,
    /// The file may be longer than it should be: it is cut back before anything else is written.
    overhang: bool,
}

impl ChangeLog {
    /// Opens a folder, which is made if missing.
    pub fn open(dir: &Path) -> Result<ChangeLog, SinkError> {
        let shown = dir.display().to_string();
        let lock = Lock::take(dir).map_err(|source| failed("lock", &shown, source))?;
        ChangeLog::recover(Disk::exclusive(dir, lock.ok_or(SinkError::Locked { dir: shown })?), FILE_BYTES)
    }
}

impl<S: Storage> ChangeLog<S> {
    /// Opens a folder on any storage. That nobody else writes it is up to the caller.
    pub fn recover(storage: S, file_bytes: u64) -> Result<ChangeLog<S>, SinkError> {
        let mut log =
            ChangeLog { storage, file_bytes, file: String::new(), len: 0, position: Tick(0), overhang: false };
        let names = log.storage.list().map_err(|source| failed("list", "the folder of changes", source))?;
        let Some(last) = names.into_iter().filter(|name| first_tick(name).is_some()).max() else { return Ok(log) };
        let bytes = log.read_whole(&last)?;
        let (len, position) = whole_batches(&bytes, first_tick(&last).expect("filtered above"));
        (log.file, log.len, log.position) = (last, len as u64, position);
        if len < bytes.len() {
            log.cut_back()?;
        }
        // What a killed process wrote may be seen and yet not be durable. Nor may its name.
        log.sync()?;
        log.storage.sync_dir().map_err(|source| failed("sync", "the folder of changes", source))?;
        Ok(log)
    }

    fn read_whole(&self, name: &str) -> Result<Vec<u8>, SinkError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = vec![0; self.storage.len(name)? as usize];
            let count = self.storage.read(name, 0, &mut bytes)?;
            bytes.truncate(count);
            Ok(bytes)
        };
        read().map_err(|source| failed("read", name, source))
    }

    /// Sees to it that the next batch has a file. A new one is begun only behind a durable end, and its name is
    /// durable before anything stands in it.
    fn make_room(&mut self) -> Result<(), SinkError> {
        if !self.file.is_empty() && self.len < self.file_bytes {
            return Ok(());
        }
        let name = format!("{:020}{EXTENSION}", self.position.0);
        self.storage.create(&name).map_err(|source| failed("create", &name, source))?;
        self.storage.sync_dir().map_err(|source| failed("sync", "the folder of changes", source))?;
        (self.file, self.len) = (name, 0);
        Ok(())
    }

    fn cut_back(&mut self) -> Result<(), SinkError> {
        self.storage.truncate(&self.file, self.len).map_err(|source| failed("truncate", &self.file, source))
    }

    fn sync(&mut self) -> Result<(), SinkError> {
        self.storage.sync(&self.file).map_err(|source| failed("sync", &self.file, source))
    }
}

impl<S: Storage> Sink for ChangeLog<S> {
    fn name(&self) -> &str {
        "changes"
    }

    fn position(&mut self) -> Result<Tick, SinkError> {
        Ok(self.position)
    }

    /// A failed attempt is cut off before the next one writes the same bytes again, which also makes the kernel
    /// write pages anew that a failing fsync left marked as clean.
    fn apply(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if !batch.is_due(self.position)? {
            return Ok(());
        }
        if self.overhang {
            self.cut_back()?;
            self.sync()?;
            self.overhang = false;
        }
        self.make_room()?;
        let bytes = encode(batch);
        self.overhang = true;
        self.storage.append(&self.file, &bytes).map_err(|source| failed("write", &self.file, source))?;
        self.sync()?;
        self.overhang = false;
        self.len += bytes.len() as u64;
        self.position = batch.tick;
        Ok(())
    }
}

fn failed(action: &'static str, file: &str, source: io::Error) -> SinkError {
    SinkError::Io { action, file: file.to_owned(), source }
}

/// The tick after which the changes of a file begin; `None` for files of others.
fn first_tick(name: &str) -> Option<Tick> {
    let digits = name.strip_suffix(EXTENSION)?;
    (digits.len() == 20).then(|| digits.parse().ok().map(Tick)).flatten()
}

fn encode(batch: &Batch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let rows = write_rows(batch, &mut bytes);
    let Batch { after, tick, now, .. } = batch;
    bytes.extend(format!(r#"{{"after":{},"tick":{},"now":"{now}","rows":{rows}"#, after.0, tick.0).as_bytes());
    let crc = crc32fast::hash(&bytes);
    bytes.extend(CRC_KEY);
    bytes.extend(format!("{crc}}}\n").as_bytes());
    bytes
}

macro_rules! declare_write_rows {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// Gives the number of rows written.
        fn write_rows(batch: &Batch, bytes: &mut Vec<u8>) -> usize {
            let mut rows = 0;
            $( if $row::KEY > 0 {
                rows += batch.changes.$field.len();
                for (row, change) in &batch.changes.$field {
                    let row = row_to_json(row, &batch.names);
                    let line = format!("{{\"table\":\"{}\",\"change\":{change},\"row\":{row}}}\n", $row::TABLE);
                    bytes.extend(line.as_bytes());
                }
            } )*
            rows
        }
    };
}
for_all_tables!(declare_write_rows);

/// What closes a batch.
#[derive(serde::Deserialize)]
struct Closing {
    after: u64,
    tick: u64,
    crc32: u32,
}

/// Length of the good batches at the beginning, and the tick up to which they reach.
fn whole_batches(bytes: &[u8], first: Tick) -> (usize, Tick) {
    let (mut good, mut position) = (0, first);
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let start = at;
        at += line.len();
        if !line.starts_with(b"{\"after\":") {
            continue;
        }
        let Ok(closing) = serde_json::from_slice::<Closing>(line) else { break };
        let key = line.windows(CRC_KEY.len()).rposition(|window| window == CRC_KEY);
        let sum = key.map(|key| crc32fast::hash(&bytes[good..start + key]));
        if sum != Some(closing.crc32) || closing.after != position.0 || !line.ends_with(b"\n") {
            break;
        }
        (good, position) = (at, Tick(closing.tick));
    }
    (good, position)
}

/// The tick at the end of a log, and every row that is left when all changes are added up, sorted.
#[cfg(test)]
pub(crate) fn added_up(
    files: &std::collections::BTreeMap<String, Vec<u8>>,
) -> Result<(Tick, Vec<(String, String)>), String> {
    use std::collections::BTreeMap;
    #[derive(serde::Deserialize)]
    struct Head {
        table: String,
        change: i64,
    }
    let mut position = Tick(0);
    let mut counts: BTreeMap<(String, String), i64> = BTreeMap::new();
    for (name, bytes) in files {
        let first = first_tick(name).ok_or_else(|| format!("{name} is no file of changes"))?;
        if first != position {
            return Err(format!("{name} follows tick {}", position.0));
        }
        let (len, last) = whole_batches(bytes, first);
        position = last;
        for line in bytes[..len].split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"table\"")) {
            // The row stays text: reading a number from JSON may change its last digit.
            let line = std::str::from_utf8(line).map_err(|error| error.to_string())?;
            let (head, row) = line.split_once(",\"row\":").ok_or("a line without a row")?;
            let head: Head = serde_json::from_str(&format!("{head}}}")).map_err(|error| error.to_string())?;
            let row = row.strip_suffix('}').ok_or("a line without an end")?;
            *counts.entry((head.table, row.to_owned())).or_default() += head.change;
        }
    }
    counts.retain(|_, count| *count != 0);
    match counts.iter().find(|(_, count)| **count != 1) {
        Some(((table, row), count)) => Err(format!("{count} times in {table}: {row}")),
        None => Ok((position, counts.into_keys().collect())),
    }
}
