//! Closed segments without their readings, once those are kept in history.
//!
//! The order is what keeps everything safe: history is durable before [`write`] is called, the thin segment and its name
//! before [`remove`] is. Whatever crash comes between, either the whole segment is there, which counts, or the thin one
//! is, and history has the rest. The writer never touches a closed segment, so that all this may go on beside it.

use super::segment::{Cursor, Kind, Segment, Step, begin_record, finish_record, header, list};
use super::storage::Storage;
use super::{JournalError, codec, io_error};

/// Bytes gathered between two writes.
const GATHERED_BYTES: usize = 1 << 20;

/// Where a thin segment grows; no reader takes this for a segment.
pub const UNFINISHED: &str = ".unfinished";

/// Makes the thin form of a closed, whole segment, durable beside it. Made again when it is there already.
pub fn write<S: Storage>(storage: &mut S, segment: Segment) -> Result<(), JournalError> {
    debug_assert_eq!(segment.kind, Kind::Whole, "only whole segments are made thin");
    let name = Segment { kind: Kind::Thin, ..segment }.name();
    let unfinished = format!("{name}{UNFINISHED}");
    let failed = |action| move |error| io_error(action, &segment.name(), error);
    storage.create(&unfinished).map_err(failed("create the thin form of"))?;
    let mut gathered = header().to_vec();
    let mut cursor = Cursor::at(segment, 0);
    cursor.header(storage)?.map_err(|reason| corrupt(segment, 0, reason))?;
    loop {
        let record = match cursor.step(storage)? {
            Step::Record(record) => record,
            Step::End => break,
            Step::Bad(reason) => return Err(corrupt(segment, cursor.offset(), reason)),
        };
        let start = begin_record(&mut gathered, record.tick, record.acknowledged);
        codec::thin(cursor.payload(), &mut gathered).map_err(|reason| corrupt(segment, record.offset, reason))?;
        finish_record(&mut gathered, start);
        if gathered.len() >= GATHERED_BYTES {
            storage.append(&unfinished, &gathered).map_err(failed("write the thin form of"))?;
            gathered.clear();
        }
    }
    storage.append(&unfinished, &gathered).map_err(failed("write the thin form of"))?;
    storage.sync(&unfinished).map_err(failed("sync the thin form of"))?;
    storage.rename(&unfinished, &name).map_err(failed("name the thin form of"))?;
    storage.sync_dir().map_err(failed("sync the name of the thin form of"))
}

/// Removes a whole segment beside which its thin form is, and makes sure before that the thin one is durable by name, as
/// it need not be after a failed [`write`]; without one nothing is removed.
pub fn remove<S: Storage>(storage: &mut S, segment: Segment) -> Result<(), JournalError> {
    let failed = |action| move |error| io_error(action, &segment.name(), error);
    let names = storage.list().map_err(failed("list what is beside"))?;
    if names.contains(&Segment { kind: Kind::Thin, ..segment }.name()) && names.contains(&segment.name()) {
        storage.sync_dir().map_err(failed("sync the name of the thin form of"))?;
        storage.remove(&segment.name()).map_err(failed("remove"))?;
        storage.sync_dir().map_err(failed("sync the removal of"))?;
    }
    Ok(())
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
