//! The files of a journal, checked each by itself and in their order, without changing any.

use super::codec::decode;
use super::copies::COPY;
use super::cursor::{Cursor, Step};
use super::recovery::torn;
use super::segment::{Kind, Record, Segment, list};
use super::storage::Storage;
use super::{FIRST_TICK, FOLDER, JournalError, Reason, thin};
use crate::verify::Finding;
use lehr_domain::Tick;
use std::collections::BTreeSet;
use std::io::ErrorKind;

const RESTORE: &str = "restore it from a backup, or start with --salvage to go on without what is lost";
/// Where file and copy hold everything together.
const MENDED: &str =
    "nothing: its other copy has what is bad here, and the next start, or the server that runs, mends it";

/// How far a segment can be read.
#[derive(Debug, Default)]
pub struct Walk {
    pub records: u64,
    pub readings: u64,
    /// First and last tick.
    pub ticks: Option<(Tick, Tick)>,
    /// The last tick that was durable when the last one was appended.
    pub acknowledged: Tick,
    /// Where the first bad bytes are, and what is wrong with them.
    pub bad: Option<(u64, Reason)>,
}

/// Reads a segment from its begin to its end or to the first bad bytes; `visit` may find fault with a record.
pub fn walk<S: Storage>(
    storage: &S,
    mut cursor: Cursor,
    mut visit: impl FnMut(Record, &[u8]) -> Result<u64, Reason>,
) -> Result<Walk, JournalError> {
    let mut walk = Walk::default();
    let segment = cursor.segment();
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
        walk.acknowledged = record.acknowledged;
        expected = record.tick.next();
    }
}

/// Says of every file what it is worth.
pub fn check<S: Storage>(storage: &S) -> Result<Vec<Finding>, JournalError> {
    let mut findings = Vec::new();
    let mut names = storage.list().map_err(|error| super::io_error("list", FOLDER, error))?;
    names.sort_unstable();
    let counting = list(storage)?;
    let mut segments = BTreeSet::new();
    for name in &names {
        match Segment::parse(name.strip_suffix(COPY).unwrap_or(name)) {
            Some(segment) => drop(segments.insert(segment)),
            None => findings.extend(other(name, format!("{FOLDER}/{name}"))),
        }
    }
    let mut expected = Some(FIRST_TICK);
    for segment in segments {
        let counts = counting.contains(&segment);
        if counts && expected.is_some_and(|expected| segment.first != expected) {
            let before = expected.unwrap_or_default();
            let found = format!("ticks {} to {} before it are missing", before.0, segment.first.0.saturating_sub(1));
            findings.push(Finding::damaged(format!("{FOLDER}/{}", segment.name()), found, RESTORE));
        }
        if !counts && segment.kind == Kind::Whole {
            let found = "its readings were moved to history, and its removal was cut short";
            let there = segment.files().into_iter().filter(|file| names.contains(file));
            let note = |file| Finding::note(format!("{FOLDER}/{file}"), found, "nothing: the next start removes it");
            findings.extend(there.map(note));
            continue;
        }
        let last = counting.last() == Some(&segment);
        let next = match both(storage, segment, last, &mut findings) {
            Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                let found = "it was converted to history while it was looked at";
                let file = format!("{FOLDER}/{}", segment.name());
                findings.push(Finding::note(file, found, "check again when no server runs"));
                None
            }
            checked => checked?,
        };
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

/// Says of a segment's two files what they are worth; gives the tick that must follow, `None` where that cannot be told.
fn both<S: Storage>(
    storage: &S,
    segment: Segment,
    last: bool,
    findings: &mut Vec<Finding>,
) -> Result<Option<Tick>, JournalError> {
    let files = segment.files().map(|file| format!("{FOLDER}/{file}"));
    if segment.is_damaged() {
        let found = "set aside by a salvage; what is good of it is still read";
        let note = |file| Finding::note(file, found, "restore it from a backup to have the rest back");
        findings.extend(files.into_iter().take(1).map(note));
        return Ok(None);
    }
    let readings = |record: Record, payload: &[u8]| {
        decode(record.tick, payload).map(|recorded| recorded.inputs.readings.len() as u64)
    };
    let together = match walk(storage, Cursor::at(segment, 0), readings) {
        Err(error @ JournalError::Version { .. }) => {
            let [file, _] = files;
            findings.push(Finding::damaged(file, error.to_string(), "use the lehr that wrote it"));
            return Ok(None);
        }
        walk => walk?,
    };
    let end = |walk: &Walk| walk.ticks.map_or(Tick(segment.first.0 - 1), |(_, last)| last);
    // But for what a crash, or a writer that is at it, may leave of the last group.
    let whole = match &together.bad {
        Some((offset, reason)) if last && !is_whole(reason) => torn(storage, segment, *offset, end(&together).next())?,
        Some(_) => false,
        None => true,
    };
    for (name, file) in segment.files().into_iter().zip(files) {
        let alone = match walk(storage, Cursor::alone(segment, name), readings) {
            Err(JournalError::Io { source, .. }) => {
                let advice = if whole { MENDED } else { RESTORE };
                let missing = source.kind() == ErrorKind::NotFound;
                let found = if missing { "it is missing".into() } else { format!("it cannot be read: {source}") };
                findings.push(Finding::damaged(file, found, advice));
                continue;
            }
            alone => alone?,
        };
        let sound = format!("ticks {} to {}, {} readings", segment.first.0, end(&alone).0, alone.readings);
        let in_last_group = end(&alone) >= together.acknowledged;
        findings.push(match &alone.bad {
            None if end(&alone) == end(&together) => {
                let what = if segment.kind == Kind::Thin { "thin: " } else { "" };
                Finding::good(file, format!("{what}{sound}"))
            }
            None if last && in_last_group => {
                let found = format!("{sound}; its other copy has the last group");
                Finding::note(file, found, "nothing: it is being written, or the next start adds it")
            }
            Some((offset, reason)) if last && in_last_group && whole && !is_whole(reason) => {
                let found = format!("{sound}; behind them, at byte {offset}, an unfinished group: {reason}");
                let advice = "nothing: it is being written, or was never acknowledged, or its other copy has it";
                Finding::note(file, found, advice)
            }
            Some((offset, reason)) => {
                let found = format!("damaged at byte {offset}: {reason}; before it {sound}");
                Finding::damaged(file, found, if whole { MENDED } else { RESTORE })
            }
            None => {
                let found = format!("it ends early, with {sound}");
                Finding::damaged(file, found, if whole { MENDED } else { RESTORE })
            }
        });
    }
    Ok(whole.then(|| end(&together).next()))
}

/// A record whose checksum is right was written whole: what is wrong with it no crash explains.
fn is_whole(reason: &Reason) -> bool {
    matches!(reason, Reason::Tick { .. } | Reason::Payload(_))
}
