//! The writing side: gathers records and makes them durable in groups.

use super::recovery::{Current, recover, write_header};
use super::segment::{HEAD_BYTES, HEADER_BYTES, Segment, begin_record, finish_record};
use super::storage::{Disk, Lock, Storage};
use super::{FOLDER, JournalError, OpenReport, codec, io_error};
use lehr_domain::{Inputs, Tick};
use std::path::Path;

/// The most that is gathered between two syncs: one record of the greatest size.
const MAX_PENDING_BYTES: usize = codec::MAX_PAYLOAD_BYTES + HEAD_BYTES;
/// Memory kept for the next group: a busy group has some megabytes.
const KEEP_BYTES: usize = 8 << 20;

/// Settings of a journal.
#[derive(Clone, Debug)]
pub struct Options {
    /// A segment is closed when the next group would take it beyond this; a group is never split, so that a larger
    /// one still goes into one segment.
    pub segment_bytes: u64,
    /// Set damaged segments aside and go on without what is lost.
    pub salvage: bool,
    /// Segments that hold nothing after this tick are not read when the journal is opened, because a checkpoint holds
    /// what they led to: opening then takes no longer the longer the journal grows, and damage in them keeps nobody
    /// from going on. Whoever reads them notices it.
    pub trusted: Tick,
}

impl Default for Options {
    /// 64 MiB: at 100 000 readings a second about 20 s, so that damage stays in a small file and a directory of
    /// a quiet plant holds few.
    fn default() -> Options {
        Options { segment_bytes: 64 << 20, salvage: false, trusted: Tick(0) }
    }
}

/// A journal open for writing. There is one at a time for a directory.
#[derive(Debug)]
pub struct Journal<S = Disk> {
    storage: S,
    segment_bytes: u64,
    /// `None`: the next group begins a new segment.
    current: Option<Current>,
    /// The last tick that is durable.
    durable: Tick,
    /// The last tick that was appended; at least `durable`.
    appended: Tick,
    /// Records after `durable`, ready to be written.
    pending: Vec<u8>,
    /// The current segment may be longer than it should be: it is cut back before anything else is written.
    overhang: bool,
    poisoned: bool,
}

impl Journal {
    /// Opens the journal of a data directory, which is made if missing, and recovers it.
    pub fn open(data: &Path, options: Options) -> Result<(Journal, OpenReport), JournalError> {
        Journal::open_locked(data, Journal::lock(data)?, options)
    }

    /// Takes the right to change a data directory, which is made if missing: its journal, its history and its
    /// checkpoints.
    pub fn lock(data: &Path) -> Result<Lock, JournalError> {
        let dir = data.join(FOLDER);
        let shown = || dir.display().to_string();
        let lock = Lock::take(&dir).map_err(|error| io_error("lock", &shown(), error))?;
        lock.ok_or_else(|| JournalError::Locked { dir: shown() })
    }

    /// As [`Journal::open`], for who holds the lock and shares it.
    pub fn open_locked(data: &Path, lock: Lock, options: Options) -> Result<(Journal, OpenReport), JournalError> {
        Journal::recover(Disk::exclusive(&data.join(FOLDER), lock), options)
    }
}

impl<S: Storage> Journal<S> {
    /// Opens the journal on any storage. That nobody else writes it is up to the caller.
    pub fn recover(mut storage: S, options: Options) -> Result<(Journal<S>, OpenReport), JournalError> {
        let (current, report) = recover(&mut storage, options.salvage, options.trusted)?;
        let journal = Journal {
            storage,
            segment_bytes: options.segment_bytes,
            current,
            durable: report.last,
            appended: report.last,
            pending: Vec::new(),
            overhang: false,
            poisoned: false,
        };
        Ok((journal, report))
    }

    /// The last acknowledged tick; 0 when there is none.
    pub fn durable(&self) -> Tick {
        self.durable
    }

    /// The tick that the next [`Journal::append`] must have.
    pub fn next(&self) -> Tick {
        self.appended.next()
    }

    /// Bytes that wait for [`Journal::sync`].
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Gathers one tick. It is not durable before [`Journal::sync`]. On error nothing was gathered.
    pub fn append(&mut self, inputs: &Inputs) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        if inputs.tick != self.next() {
            return Err(JournalError::OutOfOrder { tick: inputs.tick.0, expected: self.next().0 });
        }
        let start = begin_record(&mut self.pending, inputs.tick, self.durable);
        if let Err(error) = codec::encode(inputs, &mut self.pending) {
            self.pending.truncate(start);
            return Err(error);
        }
        if start > 0 && self.pending.len() > MAX_PENDING_BYTES {
            self.pending.truncate(start);
            return Err(JournalError::PendingFull { bytes: start });
        }
        finish_record(&mut self.pending, start);
        self.appended = inputs.tick;
        Ok(())
    }

    /// Writes what was gathered and waits until it is durable; returns the last acknowledged tick. After a failing
    /// write everything gathered is kept and `sync` may be called again; after a failing fsync the journal is
    /// poisoned.
    pub fn sync(&mut self) -> Result<Tick, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        if self.pending.is_empty() {
            return Ok(self.durable);
        }
        if let Some(current) = self.current.filter(|_| self.overhang) {
            self.cut_back(current)?;
            // Durable before the next segment is begun: only the last one may have a torn end.
            self.sync_file(&current.segment.name())?;
        }
        let group = self.pending.len() as u64;
        let current = self.room_for(group)?;
        let Current { segment, len } = current;
        let name = segment.name();
        self.overhang = true;
        if let Err(error) = self.storage.append(&name, &self.pending) {
            // Gives the room back at once. Should that fail too, the next attempt begins with it and says so.
            let _ = self.cut_back(current);
            return Err(io_error("write", &name, error));
        }
        self.sync_file(&name)?;
        self.overhang = false;
        self.current = Some(Current { segment, len: len + group });
        self.durable = self.appended;
        self.pending.clear();
        self.pending.shrink_to(KEEP_BYTES);
        Ok(self.durable)
    }

    /// The segment for a group of this many bytes: the current one, or a new one when it is full.
    fn room_for(&mut self, group: u64) -> Result<Current, JournalError> {
        if let Some(current) = self.current
            && (current.len == HEADER_BYTES || current.len + group <= self.segment_bytes)
        {
            return Ok(current);
        }
        let segment = Segment::whole(self.durable.next());
        // When writing fails, what is there of the file is written over at the next attempt, which comes here again
        // because what was gathered never shrinks; after a restart it is a torn creation.
        write_header(&mut self.storage, segment)?;
        self.sync_file(&segment.name())?;
        self.sync_dir()?;
        let current = Current { segment, len: HEADER_BYTES };
        self.current = Some(current);
        Ok(current)
    }

    fn cut_back(&mut self, current: Current) -> Result<(), JournalError> {
        let name = current.segment.name();
        self.storage.truncate(&name, current.len).map_err(|error| io_error("truncate", &name, error))
    }

    fn sync_file(&mut self, name: &str) -> Result<(), JournalError> {
        let done = self.storage.sync(name);
        self.poisoned |= done.is_err();
        done.map_err(|error| io_error("sync", name, error))
    }

    fn sync_dir(&mut self) -> Result<(), JournalError> {
        let done = self.storage.sync_dir();
        self.poisoned |= done.is_err();
        done.map_err(|error| io_error("sync", "journal directory", error))
    }
}
