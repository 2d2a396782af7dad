//! Closed segments without their readings, once those are kept in history.
//!
//! The order is what keeps everything safe: history is durable before [`write`] is called, the thin segment and its name
//! before [`remove`] is. Whatever crash comes between, either the whole segment is there, which counts, or the thin one
//! is, and history has the rest. The writer never touches a closed segment, so that all this may go on beside it.

use super::cursor::{Cursor, Step};
use super::segment::{Kind, Segment, begin_record, finish_record, header, list};
use super::storage::Storage;
use super::{JournalError, codec, copies, io_error, mend};
use lehr_domain::Tick;

/// Bytes gathered between two writes.
const GATHERED_BYTES: usize = 1 << 20;

/// Where a thin segment grows; no reader takes this for a segment.
pub const UNFINISHED: &str = ".unfinished";

/// Makes the thin form of a closed, whole segment, durable beside it. Made again when it is there already.
pub fn write<S: Storage>(storage: &mut S, segment: Segment) -> Result<(), JournalError> {
    debug_assert_eq!(segment.kind, Kind::Whole, "only whole segments are made thin");
    let name = Segment { kind: Kind::Thin, ..segment }.name();
    let growing = unfinished(&name);
    let failed = |action| move |error| io_error(action, &segment.name(), error);
    growing.iter().try_for_each(|file| storage.create(file)).map_err(failed("create the thin form of"))?;
    let mut gathered = header().to_vec();
    let mut cursor = Cursor::at(segment, 0);
    cursor.header(storage)?.map_err(|reason| corrupt(segment, 0, reason))?;
    let mut last = Tick(segment.first.0 - 1);
    loop {
        let record = match cursor.step(storage)? {
            Step::Record(record) => record,
            Step::End => break,
            Step::Bad(reason) => return Err(corrupt(segment, cursor.offset(), reason)),
        };
        last = record.tick;
        let start = begin_record(&mut gathered, record.tick, record.acknowledged);
        codec::thin(cursor.payload(), &mut gathered).map_err(|reason| corrupt(segment, record.offset, reason))?;
        finish_record(&mut gathered, start);
        if gathered.len() >= GATHERED_BYTES {
            append(storage, &growing, &gathered).map_err(failed("write the thin form of"))?;
            gathered.clear();
        }
    }
    mend::check_end(storage, segment, cursor.offset(), last)?;
    append(storage, &growing, &gathered).map_err(failed("write the thin form of"))?;
    let [file, copy] = &growing;
    storage.sync_both(file, copy).map_err(failed("sync the thin form of"))?;
    let named = growing.iter().zip(copies::both(&name)).try_for_each(|(from, to)| storage.rename(from, &to));
    named.map_err(failed("name the thin form of"))?;
    storage.sync_dir().map_err(failed("sync the name of the thin form of"))
}

/// Where a thin segment and its copy grow.
fn unfinished(name: &str) -> [String; 2] {
    copies::both(name).map(|file| format!("{file}{UNFINISHED}"))
}

fn append<S: Storage>(storage: &mut S, files: &[String; 2], bytes: &[u8]) -> std::io::Result<()> {
    files.iter().try_for_each(|file| storage.append(file, bytes))
}

/// Removes a whole segment beside which its thin form is in two copies, and makes sure before that these are durable by
/// name, as they need not be after a failed [`write`]; without them nothing is removed.
pub fn remove<S: Storage>(storage: &mut S, segment: Segment) -> Result<(), JournalError> {
    let failed = |action| move |error| io_error(action, &segment.name(), error);
    let names = storage.list().map_err(failed("list what is beside"))?;
    let thin = Segment { kind: Kind::Thin, ..segment };
    let there = |segment: Segment| segment.files().map(|file| names.contains(&file));
    if there(thin) == [true; 2] && there(segment) != [false; 2] {
        storage.sync_dir().map_err(failed("sync the name of the thin form of"))?;
        copies::remove(storage, &segment.name()).map_err(failed("remove"))?;
        storage.sync_dir().map_err(failed("sync the removal of"))?;
    }
    Ok(())
}

/// What crashes leave behind.
pub struct Leftovers {
    /// Whole segments whose removal was begun.
    pub going: Vec<Segment>,
    /// Files that were only growing.
    pub unfinished: Vec<String>,
}

pub fn leftovers<S: Storage>(storage: &S) -> Result<Leftovers, JournalError> {
    let mut names = storage.list().map_err(|error| io_error("list", "journal", error))?;
    let mut going = list(storage)?;
    going.retain(|segment| segment.kind == Kind::Thin);
    going.iter_mut().for_each(|segment| segment.kind = Kind::Whole);
    going.retain(|whole| whole.files().iter().any(|file| names.contains(file)));
    names.retain(|name| name.ends_with(UNFINISHED));
    Ok(Leftovers { going, unfinished: names })
}

/// The whole segments that are followed by another one, and so never written to again; ascending.
pub fn closed<S: Storage>(storage: &S) -> Result<Vec<Segment>, JournalError> {
    let mut segments = list(storage)?;
    segments.pop();
    segments.retain(|segment| segment.kind == Kind::Whole);
    Ok(segments)
}

fn corrupt(segment: Segment, offset: u64, reason: super::Reason) -> JournalError {
    JournalError::Corrupt { segment: segment.name(), offset, reason }
}
