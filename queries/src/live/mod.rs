//! A table as it is at one tick: its rows, sorted, in two levels of immutable pieces that successive ticks
//! share.
//!
//! ```text
//! table ─┬─ page ─┬─ chunk: some tens of consecutive rows, the unit of copying
//!        │        ├─ chunk
//!        │        └─ …        up to PAGE_ROWS rows together, the unit of the cached Arrow form
//!        ├─ page …
//! ```
//!
//! A tick that changes one row copies its chunk, the list of chunks of its page and the list of pages. So the
//! newest panes of 1000 sensors, which lie in 1000 pages, cost 1000 short copies, not 1000 pages of rows.
//!
//! Invariants: rows ascend strictly over the whole table (each is there exactly once); no page or chunk is
//! empty; a page has [`PAGE_ROWS`] rows at most, and two neighbours together more than [`PAGE_JOIN_ROWS`]; a
//! chunk has [`CHUNK_ROWS`] at most, and two neighbours of one page together more than [`CHUNK_JOIN_ROWS`]. So
//! a table of n rows has at most 2·n / [`PAGE_JOIN_ROWS`] + 1 pages, and a page of n rows at most
//! 2·n / [`CHUNK_JOIN_ROWS`] + 1 chunks.

mod apply;
mod page;

use crate::error::Result;
use ::arrow::record_batch::RecordBatch;
use lehr_dataflows::Diff;
use lehr_domain::names::Names;
use lehr_domain::table::Row;
pub use page::Page;
use page::Place;
use std::cmp::Ordering;
use std::sync::Arc;

/// Most rows of a page: what a query converts to Arrow when one of them changed, 1 ms.
pub const PAGE_ROWS: usize = 1024;
/// Neighbouring pages that together are no longer than this become one.
pub const PAGE_JOIN_ROWS: usize = PAGE_ROWS / 2;
/// Most rows of a chunk. Shorter ones mean more reference counts to touch per page, longer ones more bytes to copy
/// per changed row. A tick that restates the newest pane of each of 1000 sensors, 1000 panes each, took 3.6 ms of a
/// processor and 1.5 ms more to forget with 16 rows, 2.8 and 1.2 with 32, 2.4 and 0.5 with 64.
pub const CHUNK_ROWS: usize = 64;
/// Neighbouring chunks of a page that together are no longer than this become one.
pub const CHUNK_JOIN_ROWS: usize = CHUNK_ROWS / 2;

/// The rows of a table at one tick. Cloning costs two reference counts.
///
/// The order is that of the row type: by its fields as declared. Searches take a closure that says where a
/// row lies relative to what is sought, and must agree with that order.
#[derive(Clone, Debug)]
pub struct LiveTable<R: Row> {
    pages: Arc<[Arc<Page<R>>]>,
    len: usize,
    names: Arc<Names>,
}

impl<R: Row> Default for LiveTable<R> {
    fn default() -> LiveTable<R> {
        LiveTable { pages: Arc::new([]), len: 0, names: Arc::default() }
    }
}

impl<R: Row> PartialEq for LiveTable<R> {
    fn eq(&self, other: &LiveTable<R>) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

impl<R: Row> LiveTable<R> {
    /// The table after `changes`. Their order does not matter, and changes of the same row add up. Every row
    /// must end up there once or not at all; anything else is a bug in a graph and changes nothing.
    pub fn apply(&self, changes: &[(R, Diff)]) -> Result<LiveTable<R>> {
        if changes.is_empty() {
            return Ok(self.clone());
        }
        let (pages, grown) = apply::apply(&self.pages, changes)?;
        let len = self.len.checked_add_signed(grown).expect("no more rows leave than are there");
        Ok(LiveTable { pages: pages.into(), len, names: self.names.clone() })
    }

    /// The same rows with other names. Forgets the Arrow forms, because they hold texts of ids; so give the
    /// same `Arc` as long as nothing was registered.
    pub fn with_names(&self, names: &Arc<Names>) -> LiveTable<R> {
        if Arc::ptr_eq(&self.names, names) || self.names == *names {
            return self.clone();
        }
        let pages = self.pages.iter().map(|page| Page::new(page.chunks().to_vec())).collect();
        LiveTable { pages, len: self.len, names: names.clone() }
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

    pub fn pages(&self) -> &[Arc<Page<R>>] {
        &self.pages
    }

    /// The Arrow form of page `index`, built at the first call and shared by all ticks that share the page.
    pub fn batch(&self, index: usize) -> Result<RecordBatch> {
        self.pages[index].batch(&self.names)
    }

    /// All rows, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.pages.iter().flat_map(|page| page.iter())
    }

    pub fn first(&self) -> Option<&R> {
        self.pages.first().map(|page| page.first())
    }

    pub fn last(&self) -> Option<&R> {
        self.pages.last().map(|page| page.last())
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
        let end = (last + 1).min(self.pages.len());
        self.pages[first..end].iter().enumerate().flat_map(move |(offset, page)| {
            let low = if offset == 0 { from } else { Place::START };
            let high = if first + offset == last { to } else { page.end() };
            page.between(low, high)
        })
    }

    /// Page and place of the first row for which `before` does not hold.
    fn cut(&self, before: impl Fn(&R) -> bool) -> (usize, Place) {
        let page = self.pages.partition_point(|page| before(page.last()));
        (page, self.pages.get(page).map_or(Place::START, |found| found.cut(before)))
    }
}
