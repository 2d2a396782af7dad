//! Several sorted sequences as one.

use super::{HistoryError, Journalled};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// All rows of all sources, in order. Sources are sorted. After an error it ends.
pub struct Merged<I> {
    sources: Vec<I>,
    /// The next row of each source that has one.
    heads: BinaryHeap<Reverse<(Journalled, usize)>>,
    failed: Option<HistoryError>,
}

impl<I: Iterator<Item = Result<Journalled, HistoryError>>> Merged<I> {
    pub fn of(sources: Vec<I>) -> Merged<I> {
        let count = sources.len();
        let mut merged = Merged { sources, heads: BinaryHeap::with_capacity(count), failed: None };
        (0..count).for_each(|source| merged.pull(source));
        merged
    }

    fn pull(&mut self, source: usize) {
        match self.sources[source].next() {
            Some(Ok(row)) => self.heads.push(Reverse((row, source))),
            Some(Err(error)) => self.failed = Some(error),
            None => {}
        }
    }
}

impl<I: Iterator<Item = Result<Journalled, HistoryError>>> Iterator for Merged<I> {
    type Item = Result<Journalled, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.sources.clear();
            self.heads.clear();
            return Some(Err(error));
        }
        // A file alone needs no heap: most days have one.
        if let [only] = &mut self.sources[..] {
            let Some(Reverse((row, _))) = self.heads.pop() else { return only.next() };
            return Some(Ok(row));
        }
        let Reverse((row, source)) = self.heads.pop()?;
        self.pull(source);
        Some(Ok(row))
    }
}
