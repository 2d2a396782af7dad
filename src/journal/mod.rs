//! The journal: an append-only log of [`Inputs`](lehr_domain::Inputs), one record a tick. It is the only durable
//! state of Lehr beside history; recovery is replaying it, and a recording is a directory that holds one. Only this room
//! writes its files. It does not interpret inputs and does not compress them. It deletes a segment in one case: when its
//! readings are durable in history (`src/history`) and what is left of it in a *thin* segment.
//!
//! ```text
//! DIR/journal/lock                              locked while a writer has the journal open
//! DIR/journal/00000000000000000001.seg          ticks 1 …, named by the first
//! DIR/journal/00000000000000004711.seg          ticks 4711 …; only the last segment is written to
//! DIR/journal/00000000000000000042.thin         ticks 42 …, their readings moved to history
//! DIR/journal/00000000000000000815.seg.damaged  set aside by a salvage: bad stretches are skipped
//!
//! segment  magic "LEHRJRN1" │ version u32 │ crc32 u32 of both │ record*
//! record   length u32 │ crc32 u32 │ tick u64 │ acknowledged u64 │ payload of `length` bytes
//! ```
//!
//! Integers are little-endian; the payload is described in [`codec`]. The checksum covers the record but for
//! itself. `acknowledged` is the last tick that was durable when this one was appended.
//!
//! **Order of writing.** [`Journal::append`] gathers records in memory; [`Journal::sync`] writes them with one
//! write to one segment, then fdatasyncs, and only then a tick counts as acknowledged. A new segment is begun
//! between two groups, and its header and its name are made durable before its first record is written. So after
//! a loss of power only the last group, or the header of the last segment, can be incomplete.
//!
//! **Damage.** What a crash can leave behind is told from what it cannot by `acknowledged`: a good record behind
//! a bad one says whether the bad one had been durable before.
//!
//! | found | meaning | what happens |
//! |---|---|---|
//! | last segment: bad bytes, behind them nothing that knew them durable | torn last group, or damage to it | cut off, reported in [`OpenReport::torn`] |
//! | last segment: no longer than a header, and that bad | torn creation | header written again, reported in [`OpenReport::torn`] |
//! | last segment: bad bytes, behind them a record that knew them durable | damage | [`JournalError::Corrupt`] |
//! | earlier segment: bad bytes, short, or bad header | damage | [`JournalError::Corrupt`] |
//! | thin segment: bad bytes, short, or bad header, wherever it stands | damage | [`JournalError::Corrupt`] |
//! | `.thin` beside a `.seg` of the same tick | readings were being moved out | the `.seg` counts |
//! | `.thin.unfinished` | a crash while readings were moved out | of no account; written over |
//! | a thin segment last | the segments after it are missing whole | the next group begins a new segment |
//! | a tick out of order, or missing between segments | a segment was lost, renamed or copied in | [`JournalError::Corrupt`] |
//! | good checksum, other version | another Lehr wrote it | [`JournalError::Version`], also with salvage |
//! | good checksum, payload that does not decode | another Lehr wrote it, or a fault in this code | [`JournalError::Corrupt`] when read |
//! | the last segments missing whole | not to be seen from inside | the journal ends earlier |
//!
//! With [`Options::salvage`] a damaged segment is renamed `.damaged` and stays where it is; from then on its good
//! records are read and the bad stretches skipped. A missing segment is marked by an empty `.damaged` file in its
//! place. A salvage deletes nothing, and a restored `.seg` beside a `.damaged` of the same name takes its place again.
//! Ticks that a salvage lost are never given out anew as long as a later record shows that they were used.
//!
//! **Failing writes.** When a write fails (a full disk), the segment is cut back to what is durable, what was
//! gathered is kept, and a later [`Journal::sync`] tries again. When an fsync fails, the kernel may have dropped
//! the unwritten pages and called them clean, so that a second fsync succeeds without having written anything:
//! the journal is then poisoned, and only opening it again, which reads what is there, can go on.

pub(crate) mod check;
pub mod codec;
mod reader;
mod recovery;
pub(crate) mod segment;
#[cfg(test)]
pub(crate) mod simulated;
pub mod storage;
#[cfg(test)]
mod tests;
pub(crate) mod thin;
mod writer;

pub use codec::{Recorded, Removed};
pub use reader::Reader;
pub use storage::Lock;
pub use writer::{Journal, Options};

use lehr_domain::Tick;
use std::fmt;
use std::io;

/// The first tick of every journal.
pub const FIRST_TICK: Tick = Tick(1);

/// The folder of the journal within a data directory or a recording.
pub(crate) const FOLDER: &str = "journal";

/// What went wrong with the journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("cannot {action} {file}")]
    Io {
        action: &'static str,
        file: String,
        #[source]
        source: io::Error,
    },
    #[error("journal {dir} is being written by another process: stop it, or choose another data directory")]
    Locked { dir: String },
    #[error(
        "journal segment {segment} is damaged at byte {offset}: {reason}; restore it from a copy, or open with \
         salvage to go on without what is lost"
    )]
    Corrupt { segment: String, offset: u64, reason: Reason },
    #[error("journal segment {segment} has format version {version}, this lehr reads 1: use the lehr that wrote it")]
    Version { segment: String, version: u32 },
    #[error("the journal ends before tick {missing}, though tick {up_to} was said to be durable")]
    Ended { missing: u64, up_to: u64 },
    #[error("tick {tick} cannot be appended: the next tick is {expected}")]
    OutOfOrder { tick: u64, expected: u64 },
    #[error("the readings of tick {} are in history: read this directory through it", .tick.0)]
    Thin { tick: Tick },
    #[error("inputs of tick {}: the columns of readings differ in length", .tick.0)]
    Ragged { tick: Tick },
    #[error("inputs of tick {}: {bytes} bytes are more than a record holds: close ticks earlier", .tick.0)]
    TooLarge { tick: Tick, bytes: usize },
    #[error("inputs of tick {}: {why}", .tick.0)]
    Unwritable { tick: Tick, why: String },
    #[error("{bytes} bytes wait for sync, more than the journal gathers: call sync before appending on")]
    PendingFull { bytes: usize },
    #[error("the journal had a failing fsync and knows no longer what is durable: open it again")]
    Poisoned,
}

impl JournalError {
    /// Whether files are not as they were written, which another attempt does not mend.
    pub fn is_damage(&self) -> bool {
        matches!(self, JournalError::Corrupt { .. } | JournalError::Ended { .. })
    }
}

/// What is wrong with the bytes at some place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    Header,
    /// The file ends within a header or a record.
    Short,
    Length(u32),
    Checksum,
    Tick {
        found: Tick,
        expected: Tick,
    },
    /// Ticks from the first up to, without, the second.
    Missing(Tick, Tick),
    Payload(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Header => write!(f, "this is no header of a journal segment"),
            Reason::Short => write!(f, "the file ends within a record"),
            Reason::Length(length) => write!(f, "a record cannot have {length} bytes"),
            Reason::Checksum => write!(f, "the checksum of the record is wrong"),
            Reason::Tick { found, expected } => write!(f, "tick {} stands where {} belongs", found.0, expected.0),
            Reason::Missing(from, to) => write!(f, "ticks {} to {} before it are missing", from.0, to.0 - 1),
            Reason::Payload(why) => write!(f, "the payload does not decode: {why}"),
        }
    }
}

/// A bad stretch, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub segment: String,
    pub offset: u64,
    pub reason: Reason,
}

/// What was found when the journal was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The last tick that is durable; 0 when there is none.
    pub last: Tick,
    pub segments: usize,
    /// Of these, not read: they hold nothing that a checkpoint does not; see [`Options::trusted`].
    pub unread: usize,
    /// In the segments that were read.
    pub records: u64,
    /// What was cut off at the end.
    pub torn: Option<Damage>,
    /// What this opening set aside; only with [`Options::salvage`].
    pub salvaged: Vec<Damage>,
    /// Names of all segments that are read in spite of damage, from this opening and earlier ones.
    pub damaged: Vec<String>,
}

pub(crate) fn io_error(action: &'static str, file: &str, source: io::Error) -> JournalError {
    JournalError::Io { action, file: file.to_owned(), source }
}
