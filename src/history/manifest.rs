//! Which files count, and what is in them.
//!
//! ```text
//! LEHRHIS1 <crc32 of the rest, 8 hex digits>\n
//! JSON of a Manifest
//! ```
//!
//! A line of JSON for each file would be some 200 bytes; a year of three lines, merged, is a thousand files.

use super::error::{HistoryError, io};
use crate::journal::storage::Storage;
use lehr_domain::{SpanMs, Tick};
use serde::{Deserialize, Serialize};

pub const NAME: &str = "manifest";
pub const UNFINISHED: &str = "manifest.unfinished";
/// The same once more: without it nobody knows where the readings of thin segments are.
pub const SPARE: &str = "manifest.spare";
const MAGIC: &str = "LEHRHIS1";
const FORMAT_VERSION: u32 = 1;
/// Magic, space, checksum, line end.
const HEAD_BYTES: usize = 18;
/// The largest manifest read: some million files.
const BYTES_MOST: u64 = 256 << 20;

/// One file. Ranges are closed on both sides, as far as its rows reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Below the folder of history.
    pub name: String,
    pub bytes: u64,
    /// Of the whole file.
    pub crc32: u32,
    pub rows: u64,
    pub ticks: (u64, u64),
    /// Event time, milliseconds.
    pub at: (i64, i64),
    pub sensors: (u32, u32),
    /// Readings that came later than retention: shown, but no part of any tick's inputs.
    pub folded: bool,
}

impl FileEntry {
    /// Day and line.
    pub fn partition(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(partition, _)| partition)
    }

    /// The number of the UTC day of all its rows.
    pub fn day(&self) -> i64 {
        self.at.0.div_euclid(SpanMs::days(1).0)
    }
}

/// What counts at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// Ticks whose readings are in `files`: disjoint ranges, ascending, closed on both sides.
    pub covered: Vec<(u64, u64)>,
    pub files: Vec<FileEntry>,
}

impl Default for Manifest {
    fn default() -> Manifest {
        Manifest { version: FORMAT_VERSION, covered: Vec::new(), files: Vec::new() }
    }
}

impl Manifest {
    /// Whether the readings of this tick are in files.
    pub fn covers(&self, tick: Tick) -> bool {
        let after = self.covered.partition_point(|(first, _)| *first <= tick.0);
        after > 0 && tick.0 <= self.covered[after - 1].1
    }

    /// The first tick that is not covered.
    pub fn first_uncovered(&self) -> Tick {
        match self.covered.first() {
            Some((1, last)) => Tick(last + 1),
            _ => Tick(1),
        }
    }

    /// The last tick that is covered.
    pub fn last_covered(&self) -> Tick {
        Tick(self.covered.last().map_or(0, |(_, last)| *last))
    }

    /// Adds ticks, none of which is covered yet.
    pub fn cover(&mut self, first: Tick, last: Tick) {
        debug_assert!(first <= last, "a range of ticks");
        self.covered.push((first.0, last.0));
        self.covered.sort_unstable();
        self.covered.dedup_by(|next, held| {
            let joins = held.1 + 1 == next.0;
            if joins {
                held.1 = next.1;
            }
            joins
        });
    }

    /// What is there; nothing when no manifest was ever written.
    ///
    /// The spare is read when the manifest is damaged or gone. It is never older than what [`Manifest::store`] made
    /// durable before anything superfluous was removed.
    pub fn load<S: Storage>(files: &S) -> Result<Manifest, HistoryError> {
        match (Manifest::read(files, NAME), Manifest::read(files, SPARE)) {
            (Ok(Some(manifest)), _) | (Ok(None), Ok(Some(manifest))) | (Err(_), Ok(Some(manifest))) => Ok(manifest),
            (Ok(None), Ok(None)) => Ok(Manifest::default()),
            (Err(error), _) | (Ok(None), Err(error)) => Err(error),
        }
    }

    /// What `name` holds; `None` when there is no such file.
    pub fn read<S: Storage>(files: &S, name: &str) -> Result<Option<Manifest>, HistoryError> {
        let len = match files.len(name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            len => len.map_err(io("measure", name))?,
        };
        if len > BYTES_MOST {
            return Err(damaged(format!("{len} bytes are too many")));
        }
        let mut bytes = vec![0; len as usize];
        let read = files.read(name, 0, &mut bytes).map_err(io("read", name))?;
        bytes.truncate(read);
        Manifest::decode(&bytes).map(Some)
    }

    fn decode(bytes: &[u8]) -> Result<Manifest, HistoryError> {
        let (head, body) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(|| damaged("it is cut short".into()))?;
        if head != head_of(body).as_bytes() {
            return Err(damaged("its checksum is wrong".into()));
        }
        let version: Version = serde_json::from_slice(body).map_err(|error| damaged(error.to_string()))?;
        if version.version != FORMAT_VERSION {
            return Err(HistoryError::Version(version.version));
        }
        serde_json::from_slice(body).map_err(|error| damaged(error.to_string()))
    }

    /// Replaces the manifest, durably. The files that it names must be durable.
    pub fn store<S: Storage>(&self, files: &mut S) -> Result<(), HistoryError> {
        let body = serde_json::to_vec(self).map_err(|error| damaged(error.to_string()))?;
        let mut bytes = head_of(&body).into_bytes();
        bytes.extend(body);
        for name in [NAME, SPARE] {
            files.create(UNFINISHED).map_err(io("create", name))?;
            files.append(UNFINISHED, &bytes).map_err(io("write", name))?;
            files.sync(UNFINISHED).map_err(io("sync", name))?;
            files.rename(UNFINISHED, name).map_err(io("rename", name))?;
            files.sync_dir().map_err(io("sync the name of", name))?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn head_of(body: &[u8]) -> String {
    format!("{MAGIC} {:08x}\n", crc32fast::hash(body))
}

fn damaged(why: String) -> HistoryError {
    HistoryError::Damaged { file: NAME.to_owned(), why }
}
