//! The reading side: ticks in order, segment by segment, one record in memory at a time.
//!
//! A reader takes no lock. While a writer appends, it can see half a group; it then ends there, as at a torn
//! tail, unless [`Reader::up_to`] told it that more is durable. When a segment that it reads is made thin, it goes on
//! in the thin one, where readings are missing from the records: [`Reader::record`] shows that, and the iterator,
//! which promises whole inputs, takes it for an error.

use super::codec::Recorded;
use super::recovery::torn;
use super::segment::{Cursor, HEADER_BYTES, Kind, Record, Segment, Step, list};
use super::storage::{Disk, Storage};
use super::{Damage, FIRST_TICK, FOLDER, JournalError, Reason, codec, io_error};
use lehr_domain::{Inputs, Tick};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::Path;

/// An iterator over the ticks of a journal. After an error it ends.
#[derive(Debug)]
pub struct Reader<S = Disk> {
    storage: S,
    from: Tick,
    up_to: Option<Tick>,
    /// The segment being read; `None` before the first.
    cursor: Option<Cursor>,
    /// Segments known to follow it.
    ahead: VecDeque<Segment>,
    expected: Tick,
    torn: Option<Damage>,
    /// Where a bad record was read a second time, because it may have been written in the meantime.
    read_again: Option<(Segment, u64)>,
    /// The thin segment that took the place of a whole one while that was read: it repeats ticks.
    resumed: Option<Segment>,
    done: bool,
}

impl Reader {
    /// Reads the journal of a data directory or a recording.
    pub fn open(dir: &Path) -> Result<Reader, JournalError> {
        let dir = dir.join(FOLDER);
        let disk = Disk::shared(&dir).map_err(|error| io_error("open", &dir.display().to_string(), error))?;
        Ok(Reader::over(disk))
    }
}

impl<S: Storage> Reader<S> {
    pub fn over(storage: S) -> Reader<S> {
        Reader {
            storage,
            from: FIRST_TICK,
            up_to: None,
            cursor: None,
            ahead: VecDeque::new(),
            expected: FIRST_TICK,
            torn: None,
            read_again: None,
            resumed: None,
            done: false,
        }
    }

    /// Begins at this tick. Segments before it are not read.
    pub fn from(mut self, tick: Tick) -> Reader<S> {
        self.from = tick.max(FIRST_TICK);
        self
    }

    /// Ends with this tick, which is known to be durable: if it is not there, that is an error.
    pub fn up_to(mut self, tick: Tick) -> Reader<S> {
        self.up_to = Some(tick);
        self
    }

    /// What stands at the end instead of a whole record; known once the iterator has ended.
    pub fn torn(&self) -> Option<&Damage> {
        self.torn.as_ref()
    }

    /// The next tick, as it is recorded. `None` at the end.
    pub fn record(&mut self) -> Option<Result<Recorded, JournalError>> {
        if self.done {
            return None;
        }
        let read = self.read().transpose();
        self.done = !matches!(read, Some(Ok(_)));
        read
    }

    fn read(&mut self) -> Result<Option<Recorded>, JournalError> {
        if self.up_to.is_some_and(|up_to| self.expected.max(self.from) > up_to) {
            return Ok(None);
        }
        while let Some((segment, record)) = self.found()? {
            if self.up_to.is_some_and(|up_to| record.tick > up_to) {
                return Ok(None);
            }
            if record.tick >= self.from {
                let payload = self.cursor.as_ref().map_or(&[][..], Cursor::payload);
                let recorded = codec::decode(record.tick, payload);
                return recorded.map(Some).map_err(|reason| corrupt(segment, record.offset, reason));
            }
        }
        match self.up_to {
            Some(up_to) if self.expected <= up_to => {
                Err(JournalError::Ended { missing: self.expected.0, up_to: up_to.0 })
            }
            _ => Ok(None),
        }
    }

    /// The next record, of any tick. `None` at the end of what is there.
    fn found(&mut self) -> Result<Option<(Segment, Record)>, JournalError> {
        loop {
            match self.find() {
                Err(error) if self.made_thin(&error)? => {}
                found => return found,
            }
        }
    }

    /// Whether an error means that the segment was made thin in the meantime; then the cursor is in the thin one.
    fn made_thin(&mut self, error: &JournalError) -> Result<bool, JournalError> {
        let gone = matches!(error, JournalError::Io { source, .. } if source.kind() == ErrorKind::NotFound);
        let Some(segment) = self.cursor.as_ref().map(Cursor::segment).filter(|segment| segment.kind == Kind::Whole)
        else {
            return Ok(false);
        };
        let thin = Segment { kind: Kind::Thin, ..segment };
        if !gone || !list(&self.storage)?.contains(&thin) {
            return Ok(false);
        }
        self.cursor = Some(Cursor::at(thin, 0));
        self.resumed = Some(thin);
        Ok(true)
    }

    fn find(&mut self) -> Result<Option<(Segment, Record)>, JournalError> {
        loop {
            let Some(cursor) = &mut self.cursor else {
                if self.next_segment()? {
                    continue;
                }
                return Ok(None);
            };
            let segment = cursor.segment();
            let step = if segment.is_damaged() {
                let below = self.ahead.front().map(|next| next.first);
                cursor.seek(&self.storage, self.expected, below)?.map_or(Step::End, Step::Record)
            } else {
                step(cursor, &self.storage)?
            };
            let offset = cursor.offset();
            match step {
                Step::Record(record) if record.tick == self.expected || segment.is_damaged() => {
                    self.expected = record.tick.next();
                    return Ok(Some((segment, record)));
                }
                Step::Record(record) if record.tick < self.expected && self.resumed == Some(segment) => {}
                Step::Record(record) => {
                    let reason = Reason::Tick { found: record.tick, expected: self.expected };
                    return Err(corrupt(segment, record.offset, reason));
                }
                Step::End if !self.ahead.is_empty() => {
                    self.next_segment()?;
                }
                Step::Bad(reason) if !self.ahead.is_empty() => return Err(corrupt(segment, offset, reason)),
                // The end of the last segment known. A writer may have gone on to another one since it was read,
                // and before that have added to this one: so read on here first.
                Step::End | Step::Bad(_) if self.list_ahead(segment)? => {
                    self.cursor = Some(Cursor::at(segment, offset));
                }
                Step::End => return Ok(None),
                Step::Bad(reason) => {
                    if torn(&self.storage, segment, offset, self.expected)? {
                        self.torn = Some(Damage { segment: segment.name(), offset, reason });
                        return Ok(None);
                    }
                    // What is behind proves that the record was durable before, so that now it can be read, if it
                    // was only being written when it was read first.
                    if self.read_again.replace((segment, offset)) == Some((segment, offset)) {
                        return Err(corrupt(segment, offset, reason));
                    }
                    self.cursor = Some(Cursor::at(segment, offset));
                }
            }
        }
    }

    /// Learns of the segments after `segment`; whether there are any.
    fn list_ahead(&mut self, segment: Segment) -> Result<bool, JournalError> {
        self.ahead = list(&self.storage)?.into_iter().filter(|listed| listed.first > segment.first).collect();
        Ok(!self.ahead.is_empty())
    }

    /// Goes to the next segment, or to the first that matters; whether there is one.
    fn next_segment(&mut self) -> Result<bool, JournalError> {
        let before = self.cursor.as_ref().map(Cursor::segment);
        if before.is_none() {
            self.ahead = list(&self.storage)?.into();
            while self.ahead.get(1).is_some_and(|second| second.first <= self.from) {
                self.ahead.pop_front();
                self.expected = self.ahead[0].first;
            }
        }
        let Some(segment) = self.ahead.pop_front() else { return Ok(false) };
        let (found, expected) = (segment.first, self.expected);
        if found < expected {
            return Err(corrupt(segment, 0, Reason::Tick { found, expected }));
        }
        if found > expected && !before.is_some_and(Segment::is_damaged) {
            return Err(corrupt(segment, 0, Reason::Missing(expected, found)));
        }
        self.expected = found;
        self.cursor = Some(Cursor::at(segment, 0));
        Ok(true)
    }
}

/// The next record of a sound segment, after its header.
fn step<S: Storage>(cursor: &mut Cursor, storage: &S) -> Result<Step, JournalError> {
    if cursor.offset() < HEADER_BYTES
        && let Err(reason) = cursor.header(storage)?
    {
        return Ok(Step::Bad(reason));
    }
    cursor.step(storage)
}

fn corrupt(segment: Segment, offset: u64, reason: Reason) -> JournalError {
    JournalError::Corrupt { segment: segment.name(), offset, reason }
}

impl<S: Storage> Iterator for Reader<S> {
    type Item = Result<Inputs, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.record()?.and_then(|recorded| match recorded.removed {
            Some(removed) if removed.rows > 0 => {
                self.done = true;
                Err(JournalError::Thin { tick: recorded.inputs.tick })
            }
            _ => Ok(recorded.inputs),
        }))
    }
}
