//! One segment: the names of its two files, its header and its records. [`super::cursor`] reads them.

use super::copies::{self, COPY};
use super::storage::Storage;
use super::{JournalError, io_error};
use lehr_domain::Tick;
use std::collections::BTreeMap;

pub const MAGIC: [u8; 8] = *b"LEHRJRN1";
/// What this code writes, and the only version it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Magic, version, checksum of both.
pub const HEADER_BYTES: u64 = 16;
/// Length, checksum, tick, acknowledged.
pub const HEAD_BYTES: usize = 24;

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

    /// Its file and the copy of it.
    pub fn files(self) -> [String; 2] {
        copies::both(&self.name())
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

/// The segments of a directory, ascending, one for each first tick: see [`Kind`] for which counts. A segment is there
/// when its file or its copy is.
pub fn list<S: Storage>(storage: &S) -> Result<Vec<Segment>, JournalError> {
    let names = storage.list().map_err(|error| io_error("list", "journal", error))?;
    let mut files: BTreeMap<Segment, usize> = BTreeMap::new();
    for name in &names {
        let segment = Segment::parse(name.strip_suffix(COPY).unwrap_or(name));
        segment.into_iter().for_each(|segment| *files.entry(segment).or_default() += 1);
    }
    // Of a whole segment beside its thin form that has one file left the other was removed already.
    let going = |segment: &Segment| {
        let thin = Segment { kind: Kind::Thin, ..*segment };
        segment.kind == Kind::Whole && files[segment] == 1 && files.contains_key(&thin)
    };
    let mut segments: Vec<Segment> = files.keys().filter(|segment| !going(segment)).copied().collect();
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
pub fn checksum(record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&record[..4]);
    hasher.update(&record[8..]);
    hasher.finalize()
}

/// A record that passed its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub offset: u64,
    /// Head and payload.
    pub bytes: usize,
    pub tick: Tick,
    /// The last tick acknowledged when this one was appended: everything up to it had been durable before, so a
    /// bad record at or below it was not torn but damaged later.
    pub acknowledged: Tick,
}
