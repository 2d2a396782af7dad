//! Reads a segment front to back, in bounded memory, from its file and, where that is damaged, from the copy.
//!
//! Both files have the same bytes, so that a record lies at the same place in each: what is bad at some place of one is
//! looked for at the same place of the other, and only where both are bad is the segment. A file that is not there, or
//! cannot be read, is bad throughout.

use super::codec::MAX_PAYLOAD_BYTES;
use super::segment::{FORMAT_VERSION, HEAD_BYTES, HEADER_BYTES, MAGIC, Record, Segment, checksum};
use super::storage::Storage;
use super::{JournalError, Reason, io_error};
use lehr_domain::Tick;
use std::io;

/// How much is read at a time: large enough that a read costs more than the call, small beside a segment.
const CHUNK_BYTES: usize = 1 << 20;

/// What lies at a cursor.
#[derive(Debug)]
pub enum Step {
    Record(Record),
    /// The segment ends here; one of its files may be longer and hold nothing good.
    End,
    /// The cursor stays where it is.
    Bad(Reason),
}

/// What lies at some place of one file.
#[derive(Debug)]
enum Look {
    Record(Record),
    End,
    Bad(Reason),
    Failed(io::Error),
}

/// Reads a segment front to back. Holds one record and one chunk of each file at most.
#[derive(Debug)]
pub struct Cursor {
    segment: Segment,
    /// The file that is read as long as it is good, first.
    sides: Vec<Window>,
    offset: u64,
    /// The tick that the next record must have, once that is known: a good record of another one was written elsewhere.
    expected: Option<Tick>,
    /// The record that was read last.
    last: Last,
    /// The first place at which a file was not used because it is bad there.
    fell_back: Option<(String, u64)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    side: usize,
    offset: u64,
    bytes: usize,
}

impl Cursor {
    pub fn at(segment: Segment, offset: u64) -> Cursor {
        Cursor::over(segment, offset, segment.files().into())
    }

    /// Of one of its two files alone.
    pub fn alone(segment: Segment, file: String) -> Cursor {
        Cursor::over(segment, 0, vec![file])
    }

    fn over(segment: Segment, offset: u64, files: Vec<String>) -> Cursor {
        let expected = (offset < HEADER_BYTES && !segment.is_damaged()).then_some(segment.first);
        let sides = files.into_iter().map(Window::of).collect();
        Cursor { segment, sides, offset, expected, last: Last::default(), fell_back: None }
    }

    /// The same, behind the header, for who need not see it.
    pub fn behind_header(self) -> Cursor {
        Cursor { offset: HEADER_BYTES, ..self }
    }

    pub fn segment(&self) -> Segment {
        self.segment
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Of the record that was read last.
    pub fn payload(&self) -> &[u8] {
        self.bytes().get(HEAD_BYTES..).unwrap_or_default()
    }

    /// The record that was read last, head and payload; empty before the first.
    pub fn bytes(&self) -> &[u8] {
        let Last { side, offset, bytes } = self.last;
        self.sides[side].slice(offset, bytes)
    }

    /// The file that was found bad first, where the other one was good, and the place.
    pub fn fell_back(&self) -> Option<&(String, u64)> {
        self.fell_back.as_ref()
    }

    /// Steps over the header, or says what is wrong with it.
    pub fn header<S: Storage>(&mut self, storage: &S) -> Result<Result<(), Reason>, JournalError> {
        let mut bad: Option<Look> = None;
        for side in 0..self.sides.len() {
            match self.header_of(storage, side)? {
                Look::End => {
                    if let Some(before) = bad {
                        self.sides[0].forget();
                        if !matches!(self.header_of(storage, 0)?, Look::End) {
                            self.note(storage, 0, &before);
                        }
                    }
                    self.offset = HEADER_BYTES;
                    return Ok(Ok(()));
                }
                look => bad = Some(worse(bad, look)),
            }
        }
        match bad.unwrap_or(Look::Bad(Reason::Header)) {
            Look::Failed(error) => Err(self.failed(error)),
            Look::Bad(reason) => Ok(Err(reason)),
            Look::Record(_) | Look::End => Ok(Err(Reason::Header)),
        }
    }

    /// `End`: the header is good.
    fn header_of<S: Storage>(&mut self, storage: &S, side: usize) -> Result<Look, JournalError> {
        let bytes = match self.sides[side].ahead(storage, 0, HEADER_BYTES as usize) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Look::Failed(error)),
        };
        if bytes.len() < HEADER_BYTES as usize {
            return Ok(Look::Bad(Reason::Short));
        }
        if bytes[..8] != MAGIC || u32_at(bytes, 12) != crc32fast::hash(&bytes[..12]) {
            return Ok(Look::Bad(Reason::Header));
        }
        let version = u32_at(bytes, 8);
        if version != FORMAT_VERSION {
            return Err(JournalError::Version { segment: self.sides[side].name.clone(), version });
        }
        Ok(Look::End)
    }

    /// Reads the record at the cursor, and steps over it. Of another tick than the one that belongs here only where no
    /// file has that.
    pub fn step<S: Storage>(&mut self, storage: &S) -> Result<Step, JournalError> {
        let mut looks = Vec::new();
        for side in 0..self.sides.len() {
            let look = self.look(storage, side);
            if let Look::Record(record) = look
                && self.expected.is_none_or(|expected| expected == record.tick)
            {
                let side = if side > 0 { self.fallen_back(storage, side, record, &looks[0]) } else { side };
                return Ok(Step::Record(self.take(side, record)));
            }
            looks.push(look);
        }
        if let Some((side, record)) = looks.iter().enumerate().find_map(|(side, look)| match look {
            Look::Record(record) => Some((side, *record)),
            _ => None,
        }) {
            return Ok(Step::Record(self.take(side, record)));
        }
        // Where one file ends and the other is bad, the segment ends: what follows says whether it should.
        match looks.into_iter().reduce(|one, other| worse(Some(one), other)) {
            Some(Look::Failed(error)) => Err(self.failed(error)),
            Some(Look::Bad(reason)) => Ok(Step::Bad(reason)),
            _ => Ok(Step::End),
        }
    }

    /// The file to take a record from that was good in the copy and not in the file itself. A writer adds to the file
    /// first: so that is looked at again, and only when it is still bad it is damaged.
    fn fallen_back<S: Storage>(&mut self, storage: &S, side: usize, record: Record, before: &Look) -> usize {
        self.sides[0].forget();
        if matches!(self.look(storage, 0), Look::Record(again) if again == record) {
            return 0;
        }
        self.note(storage, 0, before);
        side
    }

    fn note<S: Storage>(&mut self, storage: &S, side: usize, look: &Look) {
        if self.fell_back.is_none() {
            let name = self.sides[side].name.clone();
            let what = match look {
                Look::Failed(error) if error.kind() == io::ErrorKind::NotFound => "it is missing".to_owned(),
                Look::Failed(error) => format!("it cannot be read: {error}"),
                Look::Bad(reason) => format!("at byte {}: {reason}", self.offset),
                Look::End => format!("it ends at byte {}", self.offset),
                Look::Record(record) => {
                    format!("at byte {}: tick {} does not belong there", self.offset, record.tick.0)
                }
            };
            storage.found_damaged(&name, &what);
            self.fell_back = Some((name, self.offset));
        }
    }

    fn take(&mut self, side: usize, record: Record) -> Record {
        self.last = Last { side, offset: record.offset, bytes: record.bytes };
        self.offset = record.offset + record.bytes as u64;
        self.expected = Some(record.tick.next());
        record
    }

    /// What lies at the cursor in one file.
    fn look<S: Storage>(&mut self, storage: &S, side: usize) -> Look {
        let offset = self.offset;
        let window = &mut self.sides[side];
        let head = match window.ahead(storage, offset, HEAD_BYTES) {
            Ok(head) => head,
            Err(error) => return Look::Failed(error),
        };
        if head.is_empty() {
            return Look::End;
        }
        if head.len() < HEAD_BYTES {
            return Look::Bad(Reason::Short);
        }
        let len = u32_at(head, 0) as usize;
        if len == 0 || len > MAX_PAYLOAD_BYTES {
            return Look::Bad(Reason::Length(len as u32));
        }
        let whole = HEAD_BYTES + len;
        let bytes = match window.ahead(storage, offset, whole) {
            Ok(bytes) => bytes,
            Err(error) => return Look::Failed(error),
        };
        if bytes.len() < whole {
            return Look::Bad(Reason::Short);
        }
        if checksum(&bytes[..whole]) != u32_at(bytes, 4) {
            return Look::Bad(Reason::Checksum);
        }
        let (tick, acknowledged) = (Tick(u64_at(bytes, 8)), Tick(u64_at(bytes, 16)));
        Look::Record(Record { offset, bytes: whole, tick, acknowledged })
    }

    /// Reads the next good record, at the cursor or anywhere behind it, whose tick is at least `from` and below
    /// `below`. `None`: there is none up to the end.
    pub fn seek<S: Storage>(
        &mut self,
        storage: &S,
        from: Tick,
        below: Option<Tick>,
    ) -> Result<Option<Record>, JournalError> {
        let end = self.len(storage)?;
        let mut open = vec![true; self.sides.len()];
        loop {
            let rest = end.saturating_sub(self.offset);
            for (side, open) in open.iter_mut().enumerate().filter(|(_, open)| **open) {
                let head = self.sides[side].ahead(storage, self.offset, HEAD_BYTES).unwrap_or_default();
                if head.len() < HEAD_BYTES {
                    *open = false;
                    continue;
                }
                // Cheap tests first: chance bytes hardly ever pass them, so checksums are taken over few candidates.
                let (len, tick, acknowledged) = (u64::from(u32_at(head, 0)), u64_at(head, 8), u64_at(head, 16));
                let plausible = (1..=rest).contains(&len)
                    && acknowledged < tick
                    && (from.0..=from.0.saturating_add(rest)).contains(&tick)
                    && below.is_none_or(|below| tick < below.0);
                if plausible && let Look::Record(record) = self.look(storage, side) {
                    return Ok(Some(self.take(side, record)));
                }
            }
            if !open.contains(&true) {
                return Ok(None);
            }
            self.offset += 1;
        }
    }

    /// Of the longest of its files.
    fn len<S: Storage>(&self, storage: &S) -> Result<u64, JournalError> {
        let lens = self.sides.iter().map(|side| storage.len(&side.name));
        let longest = lens.reduce(|one, other| match (one, other) {
            (Ok(one), Ok(other)) => Ok(one.max(other)),
            (Ok(len), Err(_)) | (Err(_), Ok(len)) => Ok(len),
            (Err(error), Err(_)) => Err(error),
        });
        longest.unwrap_or(Ok(0)).map_err(|error| io_error("measure", &self.segment.name(), error))
    }

    fn failed(&self, error: io::Error) -> JournalError {
        io_error("read", &self.segment.name(), error)
    }
}

/// What two files without a good record here say together. One that is there says more than one that cannot be read; an
/// end of one is the end of both.
fn worse(one: Option<Look>, other: Look) -> Look {
    match (one, other) {
        (None, other) | (Some(Look::Failed(_)), other @ (Look::Bad(_) | Look::End)) => other,
        (Some(Look::Bad(_)), Look::End) => Look::End,
        (Some(one), _) => one,
    }
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("heads are read whole"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("heads are read whole"))
}

/// A stretch of one file.
#[derive(Debug)]
pub struct Window {
    name: String,
    /// Of the first byte of `buf`.
    base: u64,
    buf: Vec<u8>,
}

impl Window {
    pub fn of(name: String) -> Window {
        Window { name, base: 0, buf: Vec::new() }
    }

    /// What lies at `offset`: `need` bytes or more, fewer only at the end of the file. Memory grows with what is there,
    /// not with what a damaged length claims.
    pub fn ahead<S: Storage>(&mut self, storage: &S, offset: u64, need: usize) -> io::Result<&[u8]> {
        if offset < self.base || offset > self.base + self.buf.len() as u64 {
            self.forget();
            self.base = offset;
        }
        let at = (offset - self.base) as usize;
        if self.buf.len() - at >= need {
            return Ok(&self.buf[at..]);
        }
        self.buf.drain(..at);
        self.base = offset;
        while self.buf.len() < need {
            let filled = self.buf.len();
            self.buf.resize(filled + CHUNK_BYTES, 0);
            let read = storage.read(&self.name, self.base + filled as u64, &mut self.buf[filled..]);
            self.buf.truncate(filled + read.as_ref().map_or(0, |count| *count));
            if read? == 0 {
                break;
            }
        }
        Ok(&self.buf)
    }

    fn slice(&self, offset: u64, bytes: usize) -> &[u8] {
        let at = offset.checked_sub(self.base).unwrap_or(u64::MAX) as usize;
        self.buf.get(at..at.saturating_add(bytes)).unwrap_or_default()
    }

    fn forget(&mut self) {
        self.buf.clear();
    }
}
