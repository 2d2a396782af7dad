//! A table as it is at one tick: its rows, sorted, in immutable chunks that successive ticks share.
//!
//! Invariants: rows ascend strictly over the whole table (each is there exactly once); no chunk is empty or
//! longer than [`CHUNK_ROWS`]; two neighbours together hold more than [`MERGE_ROWS`], so that a table of n rows
//! has at most 2·n / [`MERGE_ROWS`] + 1 chunks.

use crate::arrow::rows_to_batch;
use crate::error::{QueryError, Result};
use ::arrow::record_batch::RecordBatch;
use lehr_dataflows::Diff;
use lehr_domain::names::Names;
use lehr_domain::table::Row;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::{Arc, OnceLock};

/// Most rows of a chunk. A tick that changes one row rewrites its chunk, so the work of a tick is changed
/// places × chunk: the newest pane of each of 66 sensors, 1024 rows of 192 bytes each, is 13 MB, some 2 ms.
pub const CHUNK_ROWS: usize = 1024;
/// Neighbours that together are no longer than this become one.
pub const MERGE_ROWS: usize = CHUNK_ROWS / 2;
/// Most characters of a row that an error shows.
const ROW_TEXT: usize = 400;

/// Some consecutive rows of a table, and their Arrow form once somebody asked for it.
#[derive(Debug)]
pub struct Chunk<R> {
    rows: Arc<Vec<R>>,
    batch: OnceLock<RecordBatch>,
}

impl<R: Row> Chunk<R> {
    fn new(rows: Arc<Vec<R>>) -> Arc<Chunk<R>> {
        debug_assert!(!rows.is_empty() && rows.len() <= CHUNK_ROWS, "a chunk of {} rows", rows.len());
        Arc::new(Chunk { rows, batch: OnceLock::new() })
    }

    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    fn first(&self) -> &R {
        self.rows.first().expect("no chunk is empty")
    }

    fn last(&self) -> &R {
        self.rows.last().expect("no chunk is empty")
    }

    fn batch(&self, names: &Names) -> Result<RecordBatch> {
        if let Some(batch) = self.batch.get() {
            return Ok(batch.clone());
        }
        let built = rows_to_batch(self.rows(), names)?;
        Ok(self.batch.get_or_init(|| built).clone())
    }
}

/// The rows of a table at one tick. Cloning costs two reference counts.
///
/// The order is that of the row type: by its fields as declared. Searches take a closure that says where a
/// row lies relative to what is sought, and must agree with that order.
#[derive(Clone, Debug)]
pub struct LiveTable<R: Row> {
    chunks: Arc<[Arc<Chunk<R>>]>,
    len: usize,
    names: Arc<Names>,
}

impl<R: Row> Default for LiveTable<R> {
    fn default() -> LiveTable<R> {
        LiveTable { chunks: Arc::new([]), len: 0, names: Arc::default() }
    }
}

impl<R: Row> PartialEq for LiveTable<R> {
    fn eq(&self, other: &LiveTable<R>) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

/// A chunk on its way from one tick to the next.
enum Piece<R: Row> {
    Kept(Arc<Chunk<R>>),
    Fresh(Vec<R>),
}

impl<R: Row> Piece<R> {
    fn rows(&self) -> &[R] {
        match self {
            Piece::Kept(chunk) => chunk.rows(),
            Piece::Fresh(rows) => rows,
        }
    }
}

impl<R: Row> LiveTable<R> {
    /// The table after `changes`. Their order does not matter, and changes of the same row add up. Every row
    /// must end up there once or not at all; anything else is a bug in a graph and changes nothing.
    pub fn apply(&self, changes: &[(R, Diff)]) -> Result<LiveTable<R>> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        let changes = net(changes);
        let mut rest: &[(R, Diff)] = &changes;
        let mut pieces: Vec<Piece<R>> = Vec::with_capacity(self.chunks.len() + 1);
        for (index, chunk) in self.chunks.iter().enumerate() {
            let until = match self.chunks.get(index + 1) {
                Some(next) => rest.partition_point(|(row, _)| row < next.first()),
                None => rest.len(),
            };
            let (here, later) = rest.split_at(until);
            rest = later;
            let piece =
                if here.is_empty() { Piece::Kept(chunk.clone()) } else { Piece::Fresh(merge(chunk.rows(), here)?) };
            append(&mut pieces, piece);
        }
        if !rest.is_empty() {
            append(&mut pieces, Piece::Fresh(merge(&[], rest)?));
        }
        let mut chunks = Vec::with_capacity(pieces.len());
        for piece in pieces {
            match piece {
                Piece::Kept(chunk) => chunks.push(chunk),
                Piece::Fresh(rows) => split(rows, &mut chunks),
            }
        }
        let len = chunks.iter().map(|chunk| chunk.rows.len()).sum();
        Ok(LiveTable { chunks: chunks.into(), len, names: self.names.clone() })
    }

    /// The same rows with other names. Forgets the Arrow forms, because they hold texts of ids; so give the
    /// same `Arc` as long as nothing was registered.
    pub fn with_names(&self, names: &Arc<Names>) -> LiveTable<R> {
        if Arc::ptr_eq(&self.names, names) || self.names == *names {
            return self.clone();
        }
        let chunks = self.chunks.iter().map(|chunk| Chunk::new(chunk.rows.clone())).collect();
        LiveTable { chunks, len: self.len, names: names.clone() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The names with which [`LiveTable::batch`] writes ids.
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    pub fn chunks(&self) -> &[Arc<Chunk<R>>] {
        &self.chunks
    }

    /// The Arrow form of chunk `index`, built at the first call and shared by all ticks that share the chunk.
    pub fn batch(&self, index: usize) -> Result<RecordBatch> {
        self.chunks[index].batch(&self.names)
    }

    /// All rows, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.chunks.iter().flat_map(|chunk| chunk.rows().iter())
    }

    pub fn first(&self) -> Option<&R> {
        self.chunks.first().map(|chunk| chunk.first())
    }

    pub fn last(&self) -> Option<&R> {
        self.chunks.last().map(|chunk| chunk.last())
    }

    pub fn contains(&self, row: &R) -> bool {
        self.get(|other| other.cmp(row)).is_some()
    }

    /// The first row for which `position` says `Equal`: `Less` means that the row lies before what is sought.
    pub fn get(&self, position: impl Fn(&R) -> Ordering) -> Option<&R> {
        self.range(position).next()
    }

    /// The rows for which `position` says `Equal`, ascending; from the end with `.rev()`.
    ///
    /// `panes.range(|row| row.sensor_id.cmp(&sensor)).next_back()` is the newest pane of a sensor.
    pub fn range(&self, position: impl Fn(&R) -> Ordering) -> impl DoubleEndedIterator<Item = &R> {
        let (first, from) = self.cut(|row| position(row) == Ordering::Less);
        let (last, to) = self.cut(|row| position(row) != Ordering::Greater);
        let end = (last + usize::from(to > 0)).max(first);
        self.chunks[first..end].iter().enumerate().flat_map(move |(offset, chunk)| {
            let low = if offset == 0 { from } else { 0 };
            let high = if first + offset == last { to } else { chunk.rows.len() };
            chunk.rows[low..high.max(low)].iter()
        })
    }

    /// Chunk and offset of the first row for which `before` does not hold.
    fn cut(&self, before: impl Fn(&R) -> bool) -> (usize, usize) {
        let chunk = self.chunks.partition_point(|chunk| before(chunk.last()));
        match self.chunks.get(chunk) {
            Some(found) => (chunk, found.rows.partition_point(|row| before(row))),
            None => (chunk, 0),
        }
    }
}

/// The changes ascending, one a row, none without effect. Consolidated changes are taken as they are.
fn net<R: Row>(changes: &[(R, Diff)]) -> Cow<'_, [(R, Diff)]> {
    let consolidated =
        changes.windows(2).all(|pair| pair[0].0 < pair[1].0) && changes.iter().all(|(_, diff)| *diff != 0);
    if consolidated {
        return Cow::Borrowed(changes);
    }
    let mut sorted = changes.to_vec();
    sorted.sort_by(|left, right| left.0.cmp(&right.0));
    let mut summed: Vec<(R, Diff)> = Vec::with_capacity(sorted.len());
    for (row, diff) in sorted {
        match summed.last_mut() {
            Some(last) if last.0 == row => last.1 += diff,
            _ => summed.push((row, diff)),
        }
    }
    summed.retain(|(_, diff)| *diff != 0);
    Cow::Owned(summed)
}

/// `rows` with the net changes, both ascending.
fn merge<R: Row>(rows: &[R], changes: &[(R, Diff)]) -> Result<Vec<R>> {
    let mut merged = Vec::with_capacity(rows.len() + changes.len());
    let mut rest = rows;
    for (row, diff) in changes {
        let before = rest.partition_point(|other| other < row);
        merged.extend_from_slice(&rest[..before]);
        rest = &rest[before..];
        let present = rest.first() == Some(row);
        match (Diff::from(present) + diff, present) {
            (0, true) => rest = &rest[1..],
            (1, false) => merged.push(row.clone()),
            (weight, _) => return Err(multiplicity(row, weight)),
        }
    }
    merged.extend_from_slice(rest);
    Ok(merged)
}

fn multiplicity<R: Row>(row: &R, weight: Diff) -> QueryError {
    let row = format!("{row:?}").chars().take(ROW_TEXT).collect();
    QueryError::Multiplicity { table: R::TABLE, weight, row }
}

/// Adds a piece, joining it with the one before when both are short.
fn append<R: Row>(pieces: &mut Vec<Piece<R>>, piece: Piece<R>) {
    if piece.rows().is_empty() {
        return;
    }
    if let Some(last) = pieces.last_mut()
        && last.rows().len() + piece.rows().len() <= MERGE_ROWS
    {
        let mut joined = last.rows().to_vec();
        joined.extend_from_slice(piece.rows());
        *last = Piece::Fresh(joined);
        return;
    }
    pieces.push(piece);
}

/// Cuts rows into chunks of nearly equal length.
fn split<R: Row>(mut rows: Vec<R>, chunks: &mut Vec<Arc<Chunk<R>>>) {
    let parts = rows.len().div_ceil(CHUNK_ROWS);
    for part in (1..parts).rev() {
        let tail = rows.split_off(rows.len() * part / (part + 1));
        chunks.push(Chunk::new(Arc::new(tail)));
    }
    chunks.push(Chunk::new(Arc::new(rows)));
    let start = chunks.len() - parts;
    chunks[start..].reverse();
}
