//! A checkpoint as bytes.
//!
//! ```text
//! file   magic "LEHRCKP1" │ version u32 │ crc32 u32 of both │ block*
//! block  kind u8 │ rows u32 │ length u32 │ crc32 u32 of all but itself │ payload of `length` bytes
//! ```
//!
//! Integers are little-endian, rows are postcard one after the other. The first block is the head, the last one
//! says how many rows came before it, so that a file that was cut short is seen as such. A table's blocks keep its
//! order.

use super::{Checkpoint, CheckpointError, Head, io_error};
use crate::journal::storage::Storage;
use lehr_dataflows::restored::Base;
use lehr_queries::Snapshot;
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: [u8; 8] = *b"LEHRCKP1";

/// Must grow whenever a row type of [`Base`] changes, or what the graphs make of it.
const FORMAT_VERSION: u32 = 4;

const HEADER_BYTES: usize = 16;
const BLOCK_HEAD_BYTES: usize = 13;

/// Rows of a block: some hundred kilobytes, so that neither side holds more than that besides the rows.
pub const ROWS_PER_BLOCK: usize = 4096;

/// No block is longer: rows are below a kilobyte, but for texts, which are bounded where they come in, and the state of a
/// twin, of which there is one a line.
const MAX_BLOCK_BYTES: usize = 256 << 20;

/// Blocks are gathered to this before they are written.
const WRITE_BYTES: usize = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Head = 0,
    Panes = 1,
    Facts = 2,
    Newest = 3,
    Heard = 4,
    Carried = 5,
    TwinStates = 6,
    Forecasts = 7,
    Inspections = 8,
    End = 255,
}

impl Kind {
    fn of(code: u8) -> Option<Kind> {
        const ALL: [Kind; 10] = [
            Kind::Head,
            Kind::Panes,
            Kind::Facts,
            Kind::Newest,
            Kind::Heard,
            Kind::Carried,
            Kind::TwinStates,
            Kind::Forecasts,
            Kind::Inspections,
            Kind::End,
        ];
        ALL.into_iter().find(|kind| *kind as u8 == code)
    }
}

struct Writer<'s, S> {
    storage: &'s mut S,
    file: &'s str,
    buffer: Vec<u8>,
    rows: u64,
    bytes: u64,
}

impl<S: Storage> Writer<'_, S> {
    fn block<R: Serialize>(&mut self, kind: Kind, rows: &[R]) -> Result<(), CheckpointError> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; BLOCK_HEAD_BYTES]);
        for row in rows {
            postcard::to_io(row, &mut self.buffer).map_err(|error| CheckpointError::Unwritable(error.to_string()))?;
        }
        let length = (self.buffer.len() - start - BLOCK_HEAD_BYTES) as u32;
        let block = &mut self.buffer[start..];
        block[0] = kind as u8;
        block[1..5].copy_from_slice(&(rows.len() as u32).to_le_bytes());
        block[5..9].copy_from_slice(&length.to_le_bytes());
        let crc = checksum(block);
        block[9..13].copy_from_slice(&crc.to_le_bytes());
        self.rows += rows.len() as u64;
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn table<'r, R: Serialize + 'r>(
        &mut self,
        kind: Kind,
        rows: impl Iterator<Item = &'r R>,
    ) -> Result<(), CheckpointError> {
        let mut block = Vec::with_capacity(ROWS_PER_BLOCK);
        for row in rows {
            block.push(row);
            if block.len() == ROWS_PER_BLOCK {
                self.block(kind, &block)?;
                block.clear();
            }
        }
        if block.is_empty() { Ok(()) } else { self.block(kind, &block) }
    }

    fn flush(&mut self) -> Result<(), CheckpointError> {
        self.storage.append(self.file, &self.buffer).map_err(|error| io_error("write", self.file, error))?;
        self.bytes += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Over everything but the checksum itself.
fn checksum(block: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&block[..9]);
    hasher.update(&block[BLOCK_HEAD_BYTES..]);
    hasher.finalize()
}

/// Writes a file anew, without syncing it; gives rows and bytes.
pub fn write<S: Storage>(
    storage: &mut S,
    file: &str,
    head: &Head,
    snapshot: &Snapshot,
) -> Result<(u64, u64), CheckpointError> {
    storage.create(file).map_err(|error| io_error("create", file, error))?;
    let mut buffer = MAGIC.to_vec();
    buffer.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    let crc = crc32fast::hash(&buffer);
    buffer.extend_from_slice(&crc.to_le_bytes());
    let mut writer = Writer { storage, file, buffer, rows: 0, bytes: 0 };
    writer.block(Kind::Head, &[head])?;
    writer.table(Kind::Panes, snapshot.panes.iter())?;
    writer.table(Kind::Facts, snapshot.facts.iter())?;
    writer.table(Kind::Newest, snapshot.newest.iter())?;
    writer.table(Kind::Heard, snapshot.heard.iter())?;
    writer.table(Kind::Carried, snapshot.carried.iter())?;
    writer.table(Kind::TwinStates, snapshot.twin_states.iter())?;
    writer.table(Kind::Forecasts, snapshot.forecasts.iter())?;
    writer.table(Kind::Inspections, snapshot.inspections.iter())?;
    let rows = writer.rows;
    writer.block(Kind::End, &[rows])?;
    writer.flush()?;
    Ok((rows, writer.bytes))
}

/// Reads a file back; the error says what is wrong with it, for people.
pub fn read<S: Storage>(storage: &S, file: &str) -> Result<Checkpoint, String> {
    let mut at = 0;
    let mut take = |count: usize| -> Result<Vec<u8>, String> {
        let mut bytes = vec![0; count];
        let read = storage.read(file, at, &mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
        if read < count {
            return Err(format!("it ends at byte {} within a block", at + read as u64));
        }
        at += count as u64;
        Ok(bytes)
    };
    let header = take(HEADER_BYTES)?;
    if header[..8] != MAGIC || u32_at(&header, 12) != crc32fast::hash(&header[..12]) {
        return Err("it does not begin as a checkpoint does".into());
    }
    let version = u32_at(&header, 8);
    if version != FORMAT_VERSION {
        return Err(format!("it has format version {version}, this lehr reads {FORMAT_VERSION}"));
    }
    let (mut head, mut base, mut rows) = (None, Base::default(), 0);
    loop {
        let mut block = take(BLOCK_HEAD_BYTES)?;
        let length = u32_at(&block, 5) as usize;
        if length > MAX_BLOCK_BYTES {
            return Err(format!("a block cannot have {length} bytes"));
        }
        block.extend(take(length)?);
        if checksum(&block) != u32_at(&block, 9) {
            return Err("the checksum of a block is wrong".into());
        }
        let count = u32_at(&block, 1) as usize;
        let payload = &block[BLOCK_HEAD_BYTES..];
        match Kind::of(block[0]) {
            Some(Kind::Head) => head = one::<Head>(payload)?,
            Some(Kind::Panes) => {
                let mut run = Vec::with_capacity(count.min(ROWS_PER_BLOCK));
                many(payload, count, &mut run)?;
                base.panes.push(run);
            }
            Some(Kind::Facts) => many(payload, count, &mut base.facts)?,
            Some(Kind::Newest) => many(payload, count, &mut base.newest)?,
            Some(Kind::Heard) => many(payload, count, &mut base.heard)?,
            Some(Kind::Carried) => many(payload, count, &mut base.carried)?,
            Some(Kind::TwinStates) => many(payload, count, &mut base.twin_states)?,
            Some(Kind::Forecasts) => many(payload, count, &mut base.forecasts)?,
            Some(Kind::Inspections) => many(payload, count, &mut base.inspections)?,
            Some(Kind::End) => {
                let promised = one::<u64>(payload)?;
                if promised != Some(rows) {
                    return Err(format!("it holds {rows} rows of {promised:?}"));
                }
                break;
            }
            None => return Err(format!("a block cannot be of kind {}", block[0])),
        }
        rows += count as u64;
    }
    let head = head.ok_or("it has no head")?;
    base.tick = head.tick;
    base.low_water = head.low_water;
    Ok(Checkpoint { head, base })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("heads are read whole"))
}

fn one<R: DeserializeOwned>(payload: &[u8]) -> Result<Option<R>, String> {
    let mut rows = Vec::new();
    many(payload, 1, &mut rows)?;
    Ok(rows.pop())
}

fn many<R: DeserializeOwned>(mut payload: &[u8], count: usize, into: &mut Vec<R>) -> Result<(), String> {
    for _ in 0..count {
        let (row, rest) =
            postcard::take_from_bytes(payload).map_err(|error| format!("a row does not decode: {error}"))?;
        into.push(row);
        payload = rest;
    }
    if payload.is_empty() { Ok(()) } else { Err(format!("{} bytes follow the last row of a block", payload.len())) }
}
