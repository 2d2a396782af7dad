//! One segment file: its name, its header, its records, and a cursor that reads them in bounded memory.

use super::codec::MAX_PAYLOAD_BYTES;
use super::storage::Storage;
use super::{JournalError, Reason, io_error};
use lehr_domain::Tick;
use std::ops::Range;

const MAGIC: [u8; 8] = *b"LEHRJRN1";
/// What this code writes, and the only version it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Magic, version, checksum of both.
pub const HEADER_BYTES: u64 = 16;
/// Length, checksum, tick, acknowledged.
pub const HEAD_BYTES: usize = 24;
/// How much is read at a time: large enough that a read costs more than the call, small beside a segment.
const CHUNK_BYTES: usize = 1 << 20;

/// What a segment holds. Of several with the same first tick the one declared first counts: a whole segment stands
/// beside its thin one while the readings are being moved out, and beside a damaged one when somebody restored it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Everything.
    Whole,
    /// Everything but the readings, which are in history.
    Thin,
    /// Whole once, set aside by a salvage: its bad stretches are skipped.
    Damaged,
    /// Thin, and set aside by a salvage.
    ThinDamaged,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Whole, Kind::Thin, Kind::Damaged, Kind::ThinDamaged];

    fn suffix(self) -> &'static str {
        match self {
            Kind::Whole => ".seg",
            Kind::Thin => ".thin",
            Kind::Damaged => ".seg.damaged",
            Kind::ThinDamaged => ".thin.damaged",
        }
    }
}

/// A segment of the directory. Sorts by first tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    pub first: Tick,
    pub kind: Kind,
}

impl Segment {
    pub fn whole(first: Tick) -> Segment {
        Segment { first, kind: Kind::Whole }
    }

    pub fn name(self) -> String {
        format!("{:020}{}", self.first.0, self.kind.suffix())
    }

    pub fn parse(name: &str) -> Option<Segment> {
        let (digits, suffix) = name.split_at_checked(20)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.suffix() == suffix)?;
        if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        Some(Segment { first: Tick(digits.parse().ok()?), kind })
    }

    /// Set aside by a salvage.
    pub fn is_damaged(self) -> bool {
        matches!(self.kind, Kind::Damaged | Kind::ThinDamaged)
    }

    /// The same, set aside.
    pub fn aside(self) -> Segment {
        let kind = match self.kind {
            Kind::Whole | Kind::Damaged => Kind::Damaged,
            Kind::Thin | Kind::ThinDamaged => Kind::ThinDamaged,
        };
        Segment { kind, ..self }
    }
}

/// The segments of a directory, ascending, one for each first tick: see [`Kind`] for which counts.
pub fn list<S: Storage>(storage: &S) -> Result<Vec<Segment>, JournalError> {
    let names = storage.list().map_err(|error| io_error("list", "journal", error))?;
    let mut segments: Vec<Segment> = names.iter().filter_map(|name| Segment::parse(name)).collect();
    segments.sort_unstable();
    segments.dedup_by_key(|segment| segment.first);
    Ok(segments)
}

pub fn header() -> [u8; HEADER_BYTES as usize] {
    let mut header = [0; HEADER_BYTES as usize];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    let crc = crc32fast::hash(&header[..12]);
    header[12..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Starts a record at the end of `out`; the payload goes behind it, then [`finish_record`] closes it.
pub fn begin_record(out: &mut Vec<u8>, tick: Tick, acknowledged: Tick) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&tick.0.to_le_bytes());
    out.extend_from_slice(&acknowledged.0.to_le_bytes());
    start
}

pub fn finish_record(out: &mut [u8], start: usize) {
    let len = (out.len() - start - HEAD_BYTES) as u32;
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    let crc = checksum(&out[start..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// Over everything but the checksum itself.
fn checksum(record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&record[..4]);
    hasher.update(&record[8..]);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("heads are read whole"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("heads are read whole"))
}

/// A record that passed its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub offset: u64,
    pub tick: Tick,
    /// The last tick acknowledged when this one was appended: everything up to it had been durable before, so a
    /// bad record at or below it was not torn but damaged later.
    pub acknowledged: Tick,
}

/// What lies at a cursor.
#[derive(Debug)]
pub enum Step {
    Record(Record),
    End,
    /// The cursor stays where it is.
    Bad(Reason),
}

/// Reads a segment front to back. Holds one record and one chunk at most.
#[derive(Debug)]
pub struct Cursor {
    segment: Segment,
    name: String,
    /// Of the next byte to be looked at, `buf[at]`.
    offset: u64,
    buf: Vec<u8>,
    at: usize,
    payload: Range<usize>,
}

impl Cursor {
    pub fn at(segment: Segment, offset: u64) -> Cursor {
        Cursor { segment, name: segment.name(), offset, buf: Vec::new(), at: 0, payload: 0..0 }
    }

    pub fn segment(&self) -> Segment {
        self.segment
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Of the record that was read last.
    pub fn payload(&self) -> &[u8] {
        &self.buf[self.payload.clone()]
    }

    /// Steps over the header, or says what is wrong with it.
    pub fn header<S: Storage>(&mut self, storage: &S) -> Result<Result<(), Reason>, JournalError> {
        let bytes = self.ahead(storage, HEADER_BYTES as usize)?;
        if bytes.len() < HEADER_BYTES as usize {
            return Ok(Err(Reason::Short));
        }
        let sound = bytes[..8] == MAGIC && u32_at(bytes, 12) == crc32fast::hash(&bytes[..12]);
        if !sound {
            return Ok(Err(Reason::Header));
        }
        let version = u32_at(bytes, 8);
        if version != FORMAT_VERSION {
            return Err(JournalError::Version { segment: self.name.clone(), version });
        }
        self.skip(HEADER_BYTES as usize);
        Ok(Ok(()))
    }

    /// Reads the record at the cursor, whatever its tick, and steps over it.
    pub fn step<S: Storage>(&mut self, storage: &S) -> Result<Step, JournalError> {
        let offset = self.offset;
        let head = self.ahead(storage, HEAD_BYTES)?;
        if head.is_empty() {
            return Ok(Step::End);
        }
        if head.len() < HEAD_BYTES {
            return Ok(Step::Bad(Reason::Short));
        }
        let len = u32_at(head, 0) as usize;
        if len == 0 || len > MAX_PAYLOAD_BYTES {
            return Ok(Step::Bad(Reason::Length(len as u32)));
        }
        let whole = HEAD_BYTES + len;
        let bytes = self.ahead(storage, whole)?;
        if bytes.len() < whole {
            return Ok(Step::Bad(Reason::Short));
        }
        if checksum(&bytes[..whole]) != u32_at(bytes, 4) {
            return Ok(Step::Bad(Reason::Checksum));
        }
        let record = Record { offset, tick: Tick(u64_at(bytes, 8)), acknowledged: Tick(u64_at(bytes, 16)) };
        self.payload = self.at + HEAD_BYTES..self.at + whole;
        self.skip(whole);
        Ok(Step::Record(record))
    }

    /// Reads the next good record, at the cursor or anywhere behind it, whose tick is at least `from` and below
    /// `below`. `None`: there is none up to the end.
    pub fn seek<S: Storage>(
        &mut self,
        storage: &S,
        from: Tick,
        below: Option<Tick>,
    ) -> Result<Option<Record>, JournalError> {
        let end = storage.len(&self.name).map_err(|error| io_error("measure", &self.name, error))?;
        loop {
            let rest = end.saturating_sub(self.offset);
            let head = self.ahead(storage, HEAD_BYTES)?;
            if head.len() < HEAD_BYTES {
                return Ok(None);
            }
            // Cheap tests first: chance bytes hardly ever pass them, so checksums are taken over few candidates.
            let (len, tick, acknowledged) = (u64::from(u32_at(head, 0)), u64_at(head, 8), u64_at(head, 16));
            let plausible = (1..=rest).contains(&len)
                && acknowledged < tick
                && (from.0..=from.0.saturating_add(rest)).contains(&tick)
                && below.is_none_or(|below| tick < below.0);
            if plausible && let Step::Record(record) = self.step(storage)? {
                return Ok(Some(record));
            }
            self.skip(1);
        }
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        self.offset += bytes as u64;
    }

    /// What lies ahead: `need` bytes or more, fewer only at the end of the file. Memory grows with what is there,
    /// not with what a damaged length claims.
    fn ahead<S: Storage>(&mut self, storage: &S, need: usize) -> Result<&[u8], JournalError> {
        if self.buf.len() - self.at < need {
            self.buf.drain(..self.at);
            self.payload = 0..0;
            self.at = 0;
            while self.buf.len() < need {
                let filled = self.buf.len();
                self.buf.resize(filled + CHUNK_BYTES, 0);
                let read = storage.read(&self.name, self.offset + filled as u64, &mut self.buf[filled..]);
                let count = read.map_err(|error| io_error("read", &self.name, error))?;
                self.buf.truncate(filled + count);
                if count == 0 {
                    break;
                }
            }
        }
        Ok(&self.buf[self.at..])
    }
}
