//! The payload of a record: one tick's inputs without the tick, which the record's head carries.
//!
//! ```text
//! version u8 │ rows u32 │ sensor u32×rows │ at i64×rows │ value i64×rows │ status u8×rows │ revision u64×rows │ rest
//! ```
//!
//! Integers are little-endian. Readings are whole columns, because they are nearly all of the bytes and copying
//! them must cost no more than memory does. `rest` is postcard: now, wall, low_water, offsets, the number of
//! events, then each event in its serde form, whose rules [`lehr_domain::event`] states. Version 2 is written where an
//! event is a late reading: before, those had neither status nor revision.
//!
//! In a thin segment the readings are taken out, what is left says which they were, and the highest bit of the version
//! says that it is so:
//!
//! ```text
//! version u8 │ rows u32 │ digest u64 │ rest
//! ```

use super::{JournalError, Reason};
use lehr_domain::event::{LateRow, Revised};
use lehr_domain::ids::stable_hash;
use lehr_domain::{Event, EventMs, Inputs, Reading, ReadingBatch, SensorId, Status, Tick};

/// Without late readings, or from before their status and revision were kept.
const PLAIN: u8 = 1;
/// Late readings have status and revision.
const WITH_LATE: u8 = 2;
/// The place of late readings among events, as it is on disk.
const LATE: u32 = 14;
/// Set in the version when the readings were taken out.
const THIN: u8 = 0x80;

/// The largest payload: nine million readings, some hundred times what a busy tick holds. A length above it is
/// damage, and is refused before memory is asked for.
pub const MAX_PAYLOAD_BYTES: usize = 256 << 20;

/// Bytes of one reading over all columns.
const ROW_BYTES: usize = 4 + 8 + 8 + 1 + 8;

/// The fixed fields of `rest` and the number of events.
type Head<O> = (EventMs, EventMs, EventMs, O, u64);

/// Version and rows.
const COLUMNS_AT: usize = 5;

/// The readings that were taken out of a record, as far as they can be recognised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub rows: u32,
    /// [`digest`] of them.
    pub digest: u64,
}

/// One record, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Without readings where they were taken out.
    pub inputs: Inputs,
    pub removed: Option<Removed>,
}

/// A fingerprint of readings that does not depend on their order, so that they are known again when they come back
/// sorted. It guards against what is lost, double or mixed up, not against malice.
pub fn digest(readings: impl IntoIterator<Item = Reading>) -> u64 {
    readings.into_iter().fold(0, |sum, reading| {
        let Reading { sensor, at, revision, value, status } = reading;
        let parts = [u64::from(sensor.0), at.0 as u64, revision, value.0 as u64, status as u64];
        sum.wrapping_add(stable_hash(&parts))
    })
}

/// Appends the payload of `inputs` to `out`. On error `out` is as it was.
pub fn encode(inputs: &Inputs, out: &mut Vec<u8>) -> Result<(), JournalError> {
    let start = out.len();
    let done = encode_onto(inputs, out);
    if done.is_err() {
        out.truncate(start);
    }
    done
}

fn encode_onto(inputs: &Inputs, out: &mut Vec<u8>) -> Result<(), JournalError> {
    let tick = inputs.tick;
    let ReadingBatch { sensor, at, value, status, revision } = &inputs.readings;
    let rows = sensor.len();
    if [at.len(), value.len(), status.len(), revision.len()] != [rows; 4] {
        return Err(JournalError::Ragged { tick });
    }
    let columns = rows.saturating_mul(ROW_BYTES);
    if columns > MAX_PAYLOAD_BYTES {
        return Err(JournalError::TooLarge { tick, bytes: columns });
    }
    let start = out.len();
    out.reserve(columns + 64);
    let late = inputs.events.iter().any(|row| matches!(row.event, Event::Late(_)));
    out.push(if late { WITH_LATE } else { PLAIN });
    out.extend_from_slice(&(rows as u32).to_le_bytes());
    put(out, sensor, u32::to_le_bytes);
    put(out, at, i64::to_le_bytes);
    put(out, value, i64::to_le_bytes);
    out.extend_from_slice(status);
    put(out, revision, u64::to_le_bytes);

    let failed = |error: postcard::Error| JournalError::Unwritable { tick, why: error.to_string() };
    let head: Head<&[(String, u64)]> =
        (inputs.now, inputs.wall, inputs.low_water, &inputs.offsets, inputs.events.len() as u64);
    postcard::to_io(&head, &mut *out).map_err(failed)?;
    for event in &inputs.events {
        postcard::to_io(event, &mut *out).map_err(failed)?;
        if out.len() - start > MAX_PAYLOAD_BYTES {
            break;
        }
    }
    let bytes = out.len() - start;
    if bytes > MAX_PAYLOAD_BYTES {
        return Err(JournalError::TooLarge { tick, bytes });
    }
    Ok(())
}

/// The same payload without its readings.
pub fn thin(payload: &[u8], out: &mut Vec<u8>) -> Result<(), Reason> {
    let mut rest = payload;
    let (version, _) = head(payload)?;
    let readings = columns(&mut rest)?;
    out.push(version | THIN);
    out.extend_from_slice(&(readings.len() as u32).to_le_bytes());
    out.extend_from_slice(&digest(readings.iter()).to_le_bytes());
    out.extend_from_slice(rest);
    Ok(())
}

/// The readings of a payload alone, without a look at its events.
pub fn readings(payload: &[u8]) -> Result<ReadingBatch, Reason> {
    columns(&mut &payload[..])
}

/// How many readings a payload holds, and their least and greatest event time. Costs one pass over one column.
pub fn span(payload: &[u8]) -> Result<(usize, EventMs, EventMs), Reason> {
    let raw = Raw::of(payload)?;
    let (mut from, mut to) = (i64::MAX, i64::MIN);
    for at in raw.at {
        let at = i64::from_le_bytes(*at);
        (from, to) = (from.min(at), to.max(at));
    }
    Ok((raw.at.len(), EventMs(from), EventMs(to)))
}

/// The readings whose sensor and time are wanted. Costs one pass over two columns and nothing for the rest.
pub fn select(
    payload: &[u8],
    wanted: impl Fn(SensorId, EventMs) -> bool,
    mut take: impl FnMut(Reading),
) -> Result<(), Reason> {
    let raw = Raw::of(payload)?;
    let found: Vec<usize> = (0..raw.at.len())
        .filter(|row| wanted(SensorId(u32::from_le_bytes(raw.sensor[*row])), EventMs(i64::from_le_bytes(raw.at[*row]))))
        .collect();
    if !found.is_empty() {
        let batch = readings(payload)?;
        found.into_iter().for_each(|row| take(batch.get(row)));
    }
    Ok(())
}

/// The first two columns as they lie.
struct Raw<'a> {
    sensor: &'a [[u8; 4]],
    at: &'a [[u8; 8]],
}

impl Raw<'_> {
    fn of(payload: &[u8]) -> Result<Raw<'_>, Reason> {
        let (version, rows) = head(payload)?;
        let rows = if version & THIN == 0 { rows } else { 0 };
        let columns = payload.get(COLUMNS_AT..).unwrap_or_default();
        let (sensor, rest) = columns.split_at_checked(rows * 4).ok_or_else(cut_short)?;
        let at = rest.get(..rows * 8).ok_or_else(cut_short)?;
        Ok(Raw { sensor: sensor.as_chunks().0, at: at.as_chunks().0 })
    }
}

/// Version and rows of a payload, both plausible.
fn head(payload: &[u8]) -> Result<(u8, usize), Reason> {
    let mut rest = payload;
    let [version] = *take::<1>(&mut rest)?;
    if ![PLAIN, WITH_LATE].contains(&(version & !THIN)) {
        return Err(Reason::Payload(format!("payload version {version}, this lehr reads {PLAIN} and {WITH_LATE}")));
    }
    let rows = u32::from_le_bytes(*take::<4>(&mut rest)?) as usize;
    if version & THIN == 0 && rows.saturating_mul(ROW_BYTES) > rest.len() {
        return Err(Reason::Payload(format!("{rows} readings do not fit in {} bytes", rest.len())));
    }
    Ok((version, rows))
}

/// Steps over the readings of a payload that has them.
fn columns(rest: &mut &[u8]) -> Result<ReadingBatch, Reason> {
    let (version, rows) = head(rest)?;
    if version & THIN != 0 {
        return Err(Reason::Payload("its readings were taken out before".into()));
    }
    *rest = &rest[COLUMNS_AT..];
    Ok(ReadingBatch {
        sensor: get(rest, rows, u32::from_le_bytes)?,
        at: get(rest, rows, i64::from_le_bytes)?,
        value: get(rest, rows, i64::from_le_bytes)?,
        status: get(rest, rows, u8::from_le_bytes)?,
        revision: get(rest, rows, u64::from_le_bytes)?,
    })
}

/// Reads back what [`encode`] or [`thin`] wrote. Every byte must be used.
pub fn decode(tick: Tick, payload: &[u8]) -> Result<Recorded, Reason> {
    let mut rest = payload;
    let (version, rows) = head(payload)?;
    let (readings, removed) = if version & THIN == 0 {
        (columns(&mut rest)?, None)
    } else {
        rest = &rest[COLUMNS_AT..];
        let digest = u64::from_le_bytes(*take::<8>(&mut rest)?);
        (ReadingBatch::default(), Some(Removed { rows: rows as u32, digest }))
    };
    let ((now, wall, low_water, offsets, count), mut rest): (Head<Vec<(String, u64)>>, _) =
        postcard::take_from_bytes(rest).map_err(|error| Reason::Payload(error.to_string()))?;
    let mut events: Vec<Revised> = Vec::new();
    for _ in 0..count {
        let (event, after) = event(version & !THIN, rest).map_err(|error| Reason::Payload(error.to_string()))?;
        events.push(event);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(Reason::Payload(format!("{} bytes after the last event", rest.len())));
    }
    Ok(Recorded { inputs: Inputs { tick, now, wall, low_water, readings, events, offsets }, removed })
}

/// Steps over one event.
fn event(version: u8, bytes: &[u8]) -> postcard::Result<(Revised, &[u8])> {
    if version == PLAIN {
        let ((revision, variant), rest) = postcard::take_from_bytes::<(u64, u32)>(bytes)?;
        if variant == LATE {
            let ((sensor, at, value, arrived), rest) = postcard::take_from_bytes(rest)?;
            let late = LateRow { sensor, at, value, arrived, status: Status::Ok, revision };
            return Ok((Revised { revision, event: Event::Late(late) }, rest));
        }
    }
    postcard::take_from_bytes(bytes)
}

/// Appends a column. Chunks of known size make this a plain copy on little-endian machines.
fn put<T: Copy, const N: usize>(out: &mut Vec<u8>, column: &[T], bytes: impl Fn(T) -> [u8; N]) {
    let start = out.len();
    out.resize(start + column.len() * N, 0);
    let (chunks, _) = out[start..].as_chunks_mut::<N>();
    for (chunk, value) in chunks.iter_mut().zip(column) {
        *chunk = bytes(*value);
    }
}

fn get<T, const N: usize>(rest: &mut &[u8], rows: usize, value: impl Fn([u8; N]) -> T) -> Result<Vec<T>, Reason> {
    let (column, after) = rest.split_at_checked(rows * N).ok_or_else(cut_short)?;
    *rest = after;
    let (chunks, _) = column.as_chunks::<N>();
    Ok(chunks.iter().map(|chunk| value(*chunk)).collect())
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], Reason> {
    let (head, after) = rest.split_first_chunk::<N>().ok_or_else(cut_short)?;
    *rest = after;
    Ok(head)
}

fn cut_short() -> Reason {
    Reason::Payload("the payload is cut short".into())
}
