//! Makes a segment's file anew where it differs from what file and copy hold together.
//!
//! A new file is whole and durable beside the old one before it takes its name, and one is done after the other: so
//! whatever crash comes between, what is good of either is still there.

use super::cursor::{Cursor, Step, Window};
use super::segment::{HEADER_BYTES, Kind, Segment, header, list};
use super::storage::Storage;
use super::{JournalError, Reason, io_error, thin};
use lehr_domain::Tick;
use std::fmt;

/// Bytes gathered between two writes.
const GATHERED_BYTES: usize = 1 << 20;

/// What is wrong with one of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Missing,
    Differs { at: u64 },
    Longer { than: u64 },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Missing => write!(f, "it is missing"),
            Fault::Differs { at } => write!(f, "it is bad from byte {at} on"),
            Fault::Longer { than } => write!(f, "it goes on behind its end at byte {than}"),
        }
    }
}

impl Fault {
    fn at(self) -> u64 {
        match self {
            Fault::Missing => 0,
            Fault::Differs { at } => at,
            Fault::Longer { than } => than,
        }
    }
}

/// One of the two files, as it is compared.
struct Side {
    name: String,
    window: Window,
    fault: Option<Fault>,
}

impl Side {
    fn of<S: Storage>(storage: &S, name: String) -> Side {
        let fault = storage.len(&name).is_err().then_some(Fault::Missing);
        Side { window: Window::of(name.clone()), name, fault }
    }

    fn compare<S: Storage>(&mut self, storage: &S, offset: u64, bytes: &[u8]) {
        if self.fault.is_none() {
            let found = self.window.ahead(storage, offset, bytes.len()).unwrap_or_default();
            let same = found.get(..bytes.len()) == Some(bytes);
            self.fault = (!same).then_some(Fault::Differs { at: offset });
        }
    }
}

/// What both files hold together up to some length, against each.
struct Compared {
    sides: [Side; 2],
    /// Where the last group begins: what is wrong from there on a crash may have left.
    last_group: u64,
}

fn compare<S: Storage>(storage: &S, segment: Segment, len: u64) -> Result<Compared, JournalError> {
    let mut sides = segment.files().map(|name| Side::of(storage, name));
    let (mut last_group, mut acknowledged) = (0, None);
    sides.iter_mut().for_each(|side| side.compare(storage, 0, &header()));
    walk(storage, segment, len, |cursor, offset, _, known| {
        sides.iter_mut().for_each(|side| side.compare(storage, offset, cursor.bytes()));
        if acknowledged.replace(known) != Some(known) {
            last_group = offset;
        }
    })?;
    for side in sides.iter_mut().filter(|side| side.fault.is_none()) {
        let found = storage.len(&side.name).map_err(|error| io_error("measure", &side.name, error))?;
        side.fault = (found > len).then_some(Fault::Longer { than: len });
    }
    Ok(Compared { sides, last_group })
}

/// Every record up to `len`, or to the end where that comes before it.
fn walk<S: Storage>(
    storage: &S,
    segment: Segment,
    len: u64,
    mut visit: impl FnMut(&Cursor, u64, Tick, Tick),
) -> Result<u64, JournalError> {
    let corrupt = |offset, reason| JournalError::Corrupt { segment: segment.name(), offset, reason };
    // The header is known; where both are bad it is not needed.
    let mut cursor = Cursor::at(segment, 0).behind_header();
    while cursor.offset() < len {
        match cursor.step(storage)? {
            Step::Record(record) => visit(&cursor, record.offset, record.tick, record.acknowledged),
            Step::End => break,
            Step::Bad(reason) => return Err(corrupt(cursor.offset(), reason)),
        }
    }
    Ok(cursor.offset())
}

/// Makes both files of the last segment hold `len` bytes, the good ones of either. Before anything is added to it. What a
/// crash may have left is mended without a word.
pub fn last<S: Storage>(storage: &mut S, segment: Segment, len: u64) -> Result<(), JournalError> {
    let compared = compare(storage, segment, len)?;
    for side in compared.sides {
        if let Some(fault) = side.fault {
            make_good(storage, segment, len, &side.name, fault)?;
            if fault.at() < compared.last_group {
                storage.mended(&side.name, &fault.to_string());
            }
        }
    }
    Ok(())
}

/// Makes good what is damaged of a segment that is followed by another; gives the bytes that were read.
pub fn closed<S: Storage>(storage: &mut S, segment: Segment) -> Result<u64, JournalError> {
    let len = end(storage, segment)?;
    for side in compare(storage, segment, len)?.sides {
        if let Some(fault) = side.fault {
            make_good(storage, segment, len, &side.name, fault)?;
            storage.mended(&side.name, &fault.to_string());
        }
    }
    Ok(2 * len)
}

/// Where a segment ends that is followed by another. An error where it ends before the tick that it must hold.
pub fn end<S: Storage>(storage: &S, segment: Segment) -> Result<u64, JournalError> {
    let mut last = Tick(segment.first.0 - 1);
    let len = walk(storage, segment, u64::MAX, |_, _, tick, _| last = tick)?;
    check_end(storage, segment, len, last)?;
    Ok(len)
}

/// Whether `last` is the last tick that `segment` must hold, as far as the one after it says.
pub fn check_end<S: Storage>(storage: &S, segment: Segment, len: u64, last: Tick) -> Result<(), JournalError> {
    let next = list(storage)?.into_iter().find(|other| other.first > segment.first);
    match next {
        Some(next) if next.first != last.next() => {
            let reason = Reason::EndsEarly { last, next: next.first };
            Err(JournalError::Corrupt { segment: segment.name(), offset: len, reason })
        }
        _ => Ok(()),
    }
}

fn make_good<S: Storage>(
    storage: &mut S,
    segment: Segment,
    len: u64,
    name: &str,
    fault: Fault,
) -> Result<(), JournalError> {
    if let Fault::Longer { .. } = fault {
        storage.truncate(name, len).map_err(|error| io_error("truncate", name, error))?;
        return storage.sync(name).map_err(|error| io_error("sync", name, error));
    }
    let unfinished = format!("{name}{}", thin::UNFINISHED);
    let failed = |action| move |error| io_error(action, name, error);
    storage.create(&unfinished).map_err(failed("mend"))?;
    let mut gathered = header().to_vec();
    let mut cursor = Cursor::at(segment, 0).behind_header();
    while cursor.offset() < len.max(HEADER_BYTES) {
        match cursor.step(storage)? {
            Step::Record(_) => gathered.extend_from_slice(cursor.bytes()),
            Step::End | Step::Bad(_) => break,
        }
        if gathered.len() >= GATHERED_BYTES {
            storage.append(&unfinished, &gathered).map_err(failed("mend"))?;
            gathered.clear();
        }
    }
    storage.append(&unfinished, &gathered).map_err(failed("mend"))?;
    let written = storage.len(&unfinished).map_err(failed("measure"))?;
    if written != len {
        // Somebody changed the segment meanwhile: what is there stays.
        let reason = Reason::Short;
        return Err(JournalError::Corrupt { segment: name.to_owned(), offset: written, reason });
    }
    storage.sync(&unfinished).map_err(failed("sync the mended"))?;
    storage.rename(&unfinished, name).map_err(failed("name the mended"))?;
    storage.sync_dir().map_err(failed("sync the name of the mended"))
}

/// The segments to which nothing is added any more and that no salvage set aside; ascending.
pub fn to_look_at<S: Storage>(storage: &S) -> Result<Vec<Segment>, JournalError> {
    let mut segments = list(storage)?;
    if segments.last().is_some_and(|last| last.kind == Kind::Whole) {
        segments.pop();
    }
    segments.retain(|segment| !segment.is_damaged());
    Ok(segments)
}
