//! The payload of a record: one tick's inputs without the tick, which the record's head carries.
//!
//! ```text
//! version u8 │ rows u32 │ sensor u32×rows │ at i64×rows │ value i64×rows │ status u8×rows │ revision u64×rows │ rest
//! ```
//!
//! Integers are little-endian. Readings are whole columns, because they are nearly all of the bytes and copying
//! them must cost no more than memory does. `rest` is postcard: now, wall, low_water, offsets, the number of
//! events, then each event in its serde form, whose rules [`lehr_domain::event`] states.

use super::{JournalError, Reason};
use lehr_domain::event::Revised;
use lehr_domain::{EventMs, Inputs, ReadingBatch, Tick};

/// What this code writes, and the only version it reads.
const PAYLOAD_VERSION: u8 = 1;

/// The largest payload: nine million readings, some hundred times what a busy tick holds. A length above it is
/// damage, and is refused before memory is asked for.
pub const MAX_PAYLOAD_BYTES: usize = 256 << 20;

/// Bytes of one reading over all columns.
const ROW_BYTES: usize = 4 + 8 + 8 + 1 + 8;

/// The fixed fields of `rest` and the number of events.
type Head<O> = (EventMs, EventMs, EventMs, O, u64);

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
    out.push(PAYLOAD_VERSION);
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

/// Reads back what [`encode`] wrote. Every byte must be used.
pub fn decode(tick: Tick, payload: &[u8]) -> Result<Inputs, Reason> {
    let mut rest = payload;
    let [version] = *take::<1>(&mut rest)?;
    if version != PAYLOAD_VERSION {
        return Err(Reason::Payload(format!("payload version {version}, this lehr reads {PAYLOAD_VERSION}")));
    }
    let rows = u32::from_le_bytes(*take::<4>(&mut rest)?) as usize;
    if rows.saturating_mul(ROW_BYTES) > rest.len() {
        return Err(Reason::Payload(format!("{rows} readings do not fit in {} bytes", rest.len())));
    }
    let readings = ReadingBatch {
        sensor: get(&mut rest, rows, u32::from_le_bytes)?,
        at: get(&mut rest, rows, i64::from_le_bytes)?,
        value: get(&mut rest, rows, i64::from_le_bytes)?,
        status: get(&mut rest, rows, u8::from_le_bytes)?,
        revision: get(&mut rest, rows, u64::from_le_bytes)?,
    };
    let ((now, wall, low_water, offsets, count), mut rest): (Head<Vec<(String, u64)>>, _) =
        postcard::take_from_bytes(rest).map_err(|error| Reason::Payload(error.to_string()))?;
    let mut events: Vec<Revised> = Vec::new();
    for _ in 0..count {
        let (event, after) = postcard::take_from_bytes(rest).map_err(|error| Reason::Payload(error.to_string()))?;
        events.push(event);
        rest = after;
    }
    if !rest.is_empty() {
        return Err(Reason::Payload(format!("{} bytes after the last event", rest.len())));
    }
    Ok(Inputs { tick, now, wall, low_water, readings, events, offsets })
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
