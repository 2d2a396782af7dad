//! What is in segments that are not converted: a few numbers for each record, so that a lookup decodes few of them.

use super::HistoryError;
use super::manifest::Manifest;
use crate::journal::segment::{Cursor, HEADER_BYTES, Kind, Record, Segment, Step, list};
use crate::journal::storage::Storage;
use crate::journal::{JournalError, codec};
use lehr_domain::{EventMs, Reading, SensorId, Tick};
use std::io::ErrorKind;

/// How much is read over rather than read anew when records are picked out of a segment.
const GAP_BYTES: u64 = 1 << 20;

/// One record with readings.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    tick: Tick,
    segment: Segment,
    offset: u64,
    from: EventMs,
    to: EventMs,
}

/// Records that are not covered, as far as they were looked at. 56 bytes each; a segment that is not converted within
/// a day of small ticks has some millions.
#[derive(Debug, Default)]
pub struct Tail {
    known: Vec<Summary>,
    /// What the view covered that was looked at last.
    covered: Vec<(u64, u64)>,
    /// Where to go on.
    place: Option<(Segment, u64)>,
    /// Everything before it is known or covered.
    next: Tick,
}

impl Tail {
    /// Learns of every record before `before` that `view` does not cover, and forgets what it does.
    pub fn catch_up<J: Storage>(&mut self, journal: &J, view: &Manifest, before: Tick) -> Result<(), HistoryError> {
        if self.covered != view.covered {
            self.known.retain(|record| !view.covers(record.tick));
            self.covered.clone_from(&view.covered);
        }
        self.next = self.next.max(view.first_uncovered());
        if self.next >= before {
            return Ok(());
        }
        let segments = list(journal)?;
        for (index, segment) in segments.iter().enumerate() {
            let next = segments.get(index + 1).map(|next| next.first);
            if next.is_some_and(|next| next <= self.next) {
                continue;
            }
            // Thin segments are covered, and so is a whole one beside which the thin one is being made.
            if segment.kind == Kind::Thin || (segment.kind == Kind::Whole && view.covers(segment.first)) {
                self.next = self.next.max(next.unwrap_or(view.last_covered().next()));
                continue;
            }
            match self.walk(journal, view, *segment, next, before) {
                // Converted just now, by another process or under a newer view: then it is covered there.
                Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                    return Err(HistoryError::Moved { file: segment.name() });
                }
                walked => walked?,
            }
            if self.next >= before {
                break;
            }
            // Walked to its end; a damaged one may lack ticks up to the next.
            self.next = self.next.max(next.unwrap_or_default());
        }
        if self.next < before {
            return Err(JournalError::Ended { missing: self.next.0, up_to: before.0 - 1 }.into());
        }
        Ok(())
    }

    fn walk<J: Storage>(
        &mut self,
        journal: &J,
        view: &Manifest,
        segment: Segment,
        following: Option<Tick>,
        before: Tick,
    ) -> Result<(), JournalError> {
        let offset = self.place.filter(|(known, _)| *known == segment).map_or(0, |(_, offset)| offset);
        let mut cursor = Cursor::at(segment, offset);
        while self.next < before {
            let Some(record) = next(&mut cursor, journal, self.next, following)? else { break };
            self.place = Some((segment, cursor.offset()));
            if record.tick < self.next {
                continue;
            }
            self.next = record.tick.next();
            let corrupt = |reason| JournalError::Corrupt { segment: segment.name(), offset: record.offset, reason };
            let (rows, from, to) = codec::span(cursor.payload()).map_err(corrupt)?;
            if rows > 0 && !view.covers(record.tick) {
                let Record { tick, offset, .. } = record;
                self.known.push(Summary { tick, segment, offset, from, to });
            }
        }
        Ok(())
    }

    /// The known records before `before` that may hold readings of these times.
    pub fn overlapping(&self, from: EventMs, to: EventMs, before: Tick) -> Vec<Summary> {
        let overlaps = |record: &&Summary| record.tick < before && record.from < to && from <= record.to;
        self.known.iter().filter(overlaps).copied().collect()
    }
}

/// The next record of a segment; `None` at its end, or where a writer has not got further.
fn next<J: Storage>(
    cursor: &mut Cursor,
    journal: &J,
    from: Tick,
    below: Option<Tick>,
) -> Result<Option<Record>, JournalError> {
    if cursor.segment().is_damaged() {
        return cursor.seek(journal, from, below);
    }
    let corrupt = |cursor: &Cursor, reason| {
        Err(JournalError::Corrupt { segment: cursor.segment().name(), offset: cursor.offset(), reason })
    };
    if cursor.offset() < HEADER_BYTES
        && let Err(reason) = cursor.header(journal)?
    {
        return if below.is_none() { Ok(None) } else { corrupt(cursor, reason) };
    }
    match cursor.step(journal)? {
        Step::Record(record) => Ok(Some(record)),
        Step::Bad(reason) if below.is_some() => corrupt(cursor, reason),
        Step::End | Step::Bad(_) => Ok(None),
    }
}

/// Hands over the wanted readings of these records, which are in the order of the journal.
pub fn read<J: Storage>(
    journal: &J,
    records: &[Summary],
    wanted: impl Fn(SensorId, EventMs) -> bool,
    mut take: impl FnMut(Tick, Reading),
) -> Result<(), JournalError> {
    let mut cursor: Option<Cursor> = None;
    for summary in records {
        let near = |cursor: &Cursor| {
            cursor.segment() == summary.segment
                && cursor.offset() <= summary.offset
                && summary.offset - cursor.offset() < GAP_BYTES
        };
        let mut at = cursor.take().filter(near).unwrap_or_else(|| Cursor::at(summary.segment, summary.offset));
        let record = loop {
            match at.step(journal)? {
                Step::Record(record) if record.offset < summary.offset => {}
                Step::Record(record) => break record,
                Step::End | Step::Bad(_) => {
                    let reason = crate::journal::Reason::Checksum;
                    return Err(JournalError::Corrupt {
                        segment: summary.segment.name(),
                        offset: summary.offset,
                        reason,
                    });
                }
            }
        };
        let corrupt = |reason| JournalError::Corrupt { segment: summary.segment.name(), offset: record.offset, reason };
        codec::select(at.payload(), &wanted, |reading| take(record.tick, reading)).map_err(corrupt)?;
        cursor = Some(at);
    }
    Ok(())
}
