//! Opening a journal for writing: reads every record's checksum, finds the end, cuts off what a crash tore and
//! refuses, or sets aside, what is damaged. See the table in [`super`].

use super::segment::{Cursor, HEADER_BYTES, Kind, Segment, Step, header, list};
use super::storage::Storage;
use super::{Damage, FIRST_TICK, JournalError, OpenReport, Reason, io_error};
use lehr_domain::Tick;

/// The segment that is written to, and how long it is as far as it is durable.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    pub segment: Segment,
    pub len: u64,
}

/// What a segment looks like from front to back.
enum Scan {
    Whole { len: u64 },
    Torn { offset: u64, reason: Reason },
    Damaged { offset: u64, reason: Reason },
}

/// What can follow a segment.
enum Left {
    /// More records in it.
    Open(Current),
    /// The next segment: this one is thin, and never written to again.
    Closed,
    /// A later segment: this one is damaged, and may have held the ticks between.
    Gaps,
}

/// Whether the bad bytes at `offset`, where tick `bad` belongs, can be what a crash left of the last group. They
/// cannot when a good record behind them was appended after `bad` had become durable, nor can a header be torn
/// once records follow it.
pub fn torn<S: Storage>(storage: &S, segment: Segment, offset: u64, bad: Tick) -> Result<bool, JournalError> {
    if segment.kind != Kind::Whole {
        // A thin segment got its name only when it was whole and durable.
        return Ok(false);
    }
    if offset < HEADER_BYTES {
        let name = segment.name();
        let len = storage.len(&name).map_err(|error| io_error("measure", &name, error))?;
        return Ok(len <= HEADER_BYTES);
    }
    let mut behind = Cursor::at(segment, offset);
    while let Some(record) = behind.seek(storage, bad, None)? {
        if record.acknowledged >= bad {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the directory, but for the segments that hold nothing after `trusted`. `current` is `None` when the next
/// group begins a new segment.
pub fn recover<S: Storage>(
    storage: &mut S,
    salvage: bool,
    trusted: Tick,
) -> Result<(Option<Current>, OpenReport), JournalError> {
    let mut recovery = Recovery { storage, salvage, expected: FIRST_TICK, report: OpenReport::default() };
    let segments = list(recovery.storage)?;
    let unread = segments.iter().skip(1).take_while(|segment| segment.first <= trusted.next()).count();
    if unread > 0 {
        recovery.expected = segments[unread].first;
        recovery.report.unread = unread;
    }
    let mut current = None;
    let mut gap_allowed = false;
    for (index, segment) in segments.iter().enumerate().skip(unread) {
        recovery.check_order(*segment, gap_allowed)?;
        recovery.expected = recovery.expected.max(segment.first);
        let left = recovery.take(*segment, segments.get(index + 1).copied())?;
        gap_allowed = matches!(left, Left::Gaps);
        current = match left {
            Left::Open(current) => Some(current),
            Left::Closed | Left::Gaps => None,
        };
    }
    recovery.report.segments = segments.len();
    recovery.report.last = Tick(recovery.expected.0 - 1);
    // Records that a killed process wrote may be seen and yet not be durable: before anybody builds on them,
    // they must be. So must what was cut off, mended and set aside above.
    if let Some(Current { segment, .. }) = &current {
        let name = segment.name();
        recovery.storage.sync(&name).map_err(|error| io_error("sync", &name, error))?;
    }
    recovery.storage.sync_dir().map_err(|error| io_error("sync", "journal directory", error))?;
    Ok((current, recovery.report))
}

struct Recovery<'a, S> {
    storage: &'a mut S,
    salvage: bool,
    /// The tick that comes next.
    expected: Tick,
    report: OpenReport,
}

impl<S: Storage> Recovery<'_, S> {
    /// Checks that `segment` begins where the one before it ended, or, with salvage, marks what is missing.
    fn check_order(&mut self, segment: Segment, gap_allowed: bool) -> Result<(), JournalError> {
        let (found, expected) = (segment.first, self.expected);
        if found < expected {
            return Err(corrupt(segment, 0, Reason::Tick { found, expected }));
        }
        if found == expected || gap_allowed {
            return Ok(());
        }
        let reason = Reason::Missing(expected, found);
        if !self.salvage {
            return Err(corrupt(segment, 0, reason));
        }
        let mark = Segment::whole(expected).aside().name();
        self.storage.create(&mark).map_err(|error| io_error("create", &mark, error))?;
        self.report.damaged.push(mark.clone());
        self.report.salvaged.push(Damage { segment: mark, offset: 0, reason });
        Ok(())
    }

    /// Reads `segment`; moves `expected` behind it.
    fn take(&mut self, segment: Segment, next: Option<Segment>) -> Result<Left, JournalError> {
        if segment.is_damaged() {
            self.skim(segment, next)?;
            return Ok(Left::Gaps);
        }
        let (first, records) = (self.expected, self.report.records);
        match self.scan(segment, next.is_none())? {
            Scan::Whole { .. } if segment.kind == Kind::Thin => Ok(Left::Closed),
            Scan::Whole { len } => Ok(Left::Open(Current { segment, len })),
            Scan::Torn { offset, reason } => {
                let len = self.mend(segment, offset)?;
                self.report.torn = Some(Damage { segment: segment.name(), offset, reason });
                Ok(Left::Open(Current { segment, len }))
            }
            Scan::Damaged { offset, reason } if !self.salvage => Err(corrupt(segment, offset, reason)),
            Scan::Damaged { offset, reason } => {
                let (name, aside) = (segment.name(), segment.aside());
                // Renaming would overwrite what an earlier salvage set aside.
                let names = self.storage.list().map_err(|error| io_error("list", "journal", error))?;
                if names.contains(&aside.name()) {
                    return Err(corrupt(segment, offset, reason));
                }
                self.storage.rename(&name, &aside.name()).map_err(|error| io_error("rename", &name, error))?;
                self.report.salvaged.push(Damage { segment: name, offset, reason });
                (self.expected, self.report.records) = (first, records);
                self.skim(aside, next)?;
                Ok(Left::Gaps)
            }
        }
    }

    fn scan(&mut self, segment: Segment, last: bool) -> Result<Scan, JournalError> {
        let mut cursor = Cursor::at(segment, 0);
        let bad = match cursor.header(self.storage)? {
            Err(reason) => reason,
            Ok(()) => loop {
                match cursor.step(self.storage)? {
                    Step::Record(record) if record.tick == self.expected => {
                        self.expected = self.expected.next();
                        self.report.records += 1;
                    }
                    Step::Record(record) => {
                        let reason = Reason::Tick { found: record.tick, expected: self.expected };
                        return Ok(Scan::Damaged { offset: record.offset, reason });
                    }
                    Step::End => return Ok(Scan::Whole { len: cursor.offset() }),
                    Step::Bad(reason) => break reason,
                }
            },
        };
        let offset = cursor.offset();
        if last && torn(self.storage, segment, offset, self.expected)? {
            return Ok(Scan::Torn { offset, reason: bad });
        }
        Ok(Scan::Damaged { offset, reason: bad })
    }

    /// Reads what is good of a damaged segment.
    fn skim(&mut self, segment: Segment, next: Option<Segment>) -> Result<(), JournalError> {
        self.report.damaged.push(segment.name());
        let mut cursor = Cursor::at(segment, 0);
        while let Some(record) = cursor.seek(self.storage, self.expected, next.map(|next| next.first))? {
            self.expected = record.tick.next();
            self.report.records += 1;
        }
        Ok(())
    }

    /// Makes the last segment end at `offset`, and gives it a header when that was torn. Returns its length. It is
    /// durable when [`recover`] has synced the last segment.
    fn mend(&mut self, segment: Segment, offset: u64) -> Result<u64, JournalError> {
        if offset < HEADER_BYTES {
            write_header(self.storage, segment)?;
            return Ok(HEADER_BYTES);
        }
        let name = segment.name();
        self.storage.truncate(&name, offset).map_err(|error| io_error("truncate", &name, error))?;
        Ok(offset)
    }
}

/// Makes a segment that holds its header and nothing else. Neither it nor its name is durable yet.
pub fn write_header<S: Storage>(storage: &mut S, segment: Segment) -> Result<(), JournalError> {
    let name = segment.name();
    storage.create(&name).map_err(|error| io_error("create", &name, error))?;
    storage.append(&name, &header()).map_err(|error| io_error("write", &name, error))
}

fn corrupt(segment: Segment, offset: u64, reason: Reason) -> JournalError {
    JournalError::Corrupt { segment: segment.name(), offset, reason }
}
