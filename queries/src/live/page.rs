//! Some consecutive rows of a table, in chunks, and their Arrow form once somebody asked for it.

use super::PAGE_ROWS;
use crate::arrow::rows_to_batch;
use crate::error::Result;
use ::arrow::record_batch::RecordBatch;
use lehr_domain::names::Names;
use lehr_domain::table::Row;
use std::sync::{Arc, OnceLock};

/// A run of consecutive rows: what a tick copies to change one of them.
pub type Chunk<R> = Arc<[R]>;

/// Some consecutive chunks. Not empty, and none of them is.
#[derive(Debug)]
pub struct Page<R> {
    chunks: Box<[Chunk<R>]>,
    rows: usize,
    batch: OnceLock<RecordBatch>,
}

/// Where a row lies in its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    chunk: usize,
    row: usize,
}

impl Place {
    pub const START: Place = Place { chunk: 0, row: 0 };
}

impl<R: Row> Page<R> {
    pub(super) fn new(chunks: Vec<Chunk<R>>) -> Arc<Page<R>> {
        debug_assert!(chunks.iter().all(|chunk| !chunk.is_empty()), "an empty chunk");
        let rows = chunks.iter().map(|chunk| chunk.len()).sum();
        debug_assert!((1..=PAGE_ROWS).contains(&rows), "a page of {rows} rows");
        Arc::new(Page { chunks: chunks.into(), rows, batch: OnceLock::new() })
    }

    pub fn chunks(&self) -> &[Chunk<R>] {
        &self.chunks
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    pub(super) fn first(&self) -> &R {
        &self.chunks[0][0]
    }

    pub(super) fn last(&self) -> &R {
        self.chunks.last().and_then(|chunk| chunk.last()).expect("neither page nor chunk is empty")
    }

    pub(super) fn end(&self) -> Place {
        Place { chunk: self.chunks.len(), row: 0 }
    }

    /// The place of the first row for which `before` does not hold; there must be one.
    pub(super) fn cut(&self, before: impl Fn(&R) -> bool) -> Place {
        let chunk = self.chunks.partition_point(|chunk| chunk.last().is_some_and(&before));
        Place { chunk, row: self.chunks[chunk].partition_point(|row| before(row)) }
    }

    /// The rows from `low` until before `high`.
    pub(super) fn between(&self, low: Place, high: Place) -> impl DoubleEndedIterator<Item = &R> {
        let end = (high.chunk + 1).min(self.chunks.len()).max(low.chunk);
        self.chunks[low.chunk..end].iter().enumerate().flat_map(move |(offset, chunk)| {
            let from = if offset == 0 { low.row } else { 0 };
            let to = if low.chunk + offset == high.chunk { high.row } else { chunk.len() };
            chunk[from..to.max(from)].iter()
        })
    }

    pub(super) fn batch(&self, names: &Names) -> Result<RecordBatch> {
        if let Some(batch) = self.batch.get() {
            return Ok(batch.clone());
        }
        let built = rows_to_batch(self.iter(), names)?;
        Ok(self.batch.get_or_init(|| built).clone())
    }
}
