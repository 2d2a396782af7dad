//! The files of a journal, checked each by itself and in their order, without changing any.

use super::codec::decode;
use super::recovery::torn;
use super::segment::{Cursor, Kind, Record, Segment, Step, list};
use super::storage::Storage;
use super::{FIRST_TICK, FOLDER, JournalError, Reason, thin};
use crate::verify::Finding;
use lehr_domain::Tick;
use std::io::ErrorKind;

const RESTORE: &str = "restore it from a copy, or start with --salvage to go on without what is lost";

/// How far a segment can be read.
#[derive(Debug, Default)]
pub struct Walk {
    pub records: u64,
    pub readings: u64,
    /// First and last tick.
    pub ticks: Option<(Tick, Tick)>,
    /// Where the first bad bytes are, and what is wrong with them.
    pub bad: Option<(u64, Reason)>,
}

/// Reads a sound segment to its end or to the first bad bytes; `visit` may find fault with a record.
pub fn walk<S: Storage>(
    storage: &S,
    segment: Segment,
    mut visit: impl FnMut(Record, &[u8]) -> Result<u64, Reason>,
) -> Result<Walk, JournalError> {
    let mut walk = Walk::default();
    let mut cursor = Cursor::at(segment, 0);
    if let Err(reason) = cursor.header(storage)? {
        walk.bad = Some((0, reason));
        return Ok(walk);
    }
    let mut expected = segment.first;
    loop {
        let record = match cursor.step(storage)? {
            Step::End => return Ok(walk),
            Step::Bad(reason) => {
                walk.bad = Some((cursor.offset(), reason));
                return Ok(walk);
            }
            Step::Record(record) => record,
        };
        let found = match record.tick == expected {
            true => visit(record, cursor.payload()),
            false => Err(Reason::Tick { found: record.tick, expected }),
        };
        match found {
            Ok(readings) => walk.readings += readings,
            Err(reason) => {
                walk.bad = Some((record.offset, reason));
                return Ok(walk);
            }
        }
        walk.records += 1;
        walk.ticks = Some((segment.first, record.tick));
        expected = record.tick.next();
    }
}

/// Says of every file what it is worth.
pub fn check<S: Storage>(storage: &S) -> Result<Vec<Finding>, JournalError> {
    let mut findings = Vec::new();
    let mut names = storage.list().map_err(|error| super::io_error("list", FOLDER, error))?;
    names.sort_unstable();
    let counting = list(storage)?;
    let mut expected = Some(FIRST_TICK);
    for name in names {
        let file = format!("{FOLDER}/{name}");
        let Some(segment) = Segment::parse(&name) else {
            findings.extend(other(&name, file));
            continue;
        };
        let counts = counting.contains(&segment);
        if counts && expected.is_some_and(|expected| segment.first != expected) {
            let before = expected.unwrap_or_default();
            let found = format!("ticks {} to {} before it are missing", before.0, segment.first.0.saturating_sub(1));
            findings.push(Finding::damaged(&file, found, RESTORE));
        }
        let last = counting.last() == Some(&segment);
        let (finding, next) = match one(storage, segment, last, file.clone()) {
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let found = "it was converted to history while it was looked at";
                (Finding::note(file, found, "check again when no server runs"), None)
            }
            checked => checked?,
        };
        findings.push(finding);
        if counts {
            expected = next;
        }
    }
    Ok(findings)
}

/// Files that are no segments.
fn other(name: &str, file: String) -> Option<Finding> {
    match name {
        "lock" => None,
        _ if name.ends_with(thin::UNFINISHED) => {
            Some(Finding::note(file, "a conversion was cut short", "nothing: the next start finishes it"))
        }
        _ => Some(Finding::note(file, "this is none of Lehr's files", "move it elsewhere")),
    }
}

/// What a segment is worth, and the tick that must follow; `None` where that cannot be told.
fn one<S: Storage>(
    storage: &S,
    segment: Segment,
    last: bool,
    file: String,
) -> Result<(Finding, Option<Tick>), JournalError> {
    if segment.is_damaged() {
        let found = "set aside by a salvage; what is good of it is still read";
        return Ok((Finding::note(file, found, "restore it from a copy to have the rest back"), None));
    }
    let walk = match walk(storage, segment, |record, payload| {
        decode(record.tick, payload).map(|recorded| recorded.inputs.readings.len() as u64)
    }) {
        Err(error @ JournalError::Version { .. }) => {
            return Ok((Finding::damaged(file, error.to_string(), "use the lehr that wrote it"), None));
        }
        walk => walk?,
    };
    let (first, end) = walk.ticks.unwrap_or((segment.first, Tick(segment.first.0 - 1)));
    let sound = format!("ticks {} to {}, {} readings", first.0, end.0, walk.readings);
    let Some((offset, reason)) = walk.bad else {
        let what = if segment.kind == Kind::Thin { "thin: " } else { "" };
        return Ok((Finding::good(file, format!("{what}{sound}")), Some(end.next())));
    };
    // A record whose checksum is right was written whole: what is wrong with it no crash explains.
    let whole = matches!(reason, Reason::Tick { .. } | Reason::Payload(_));
    if last && !whole && torn(storage, segment, offset, end.next())? {
        let found = format!("{sound}; behind them, at byte {offset}, an unfinished group: {reason}");
        let advice = "nothing: it is being written, or was never acknowledged and will be cut off";
        return Ok((Finding::note(file, found, advice), Some(end.next())));
    }
    let found = format!("damaged at byte {offset}: {reason}; before it {sound}");
    Ok((Finding::damaged(file, found, RESTORE), None))
}
