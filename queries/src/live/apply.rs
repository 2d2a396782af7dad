//! From one tick's pages to the next one's.

use super::page::{Chunk, Page};
use super::{CHUNK_JOIN_ROWS, CHUNK_ROWS, PAGE_JOIN_ROWS, PAGE_ROWS};
use crate::error::{QueryError, Result};
use lehr_dataflows::Diff;
use lehr_domain::table::Row;
use std::borrow::Cow;
use std::sync::Arc;

/// Most characters of a row that an error shows.
const ROW_TEXT: usize = 400;
/// Rows that a split page has at most: a chunk is never cut for it.
const SPLIT_ROWS: usize = PAGE_ROWS - CHUNK_ROWS;

/// The pages after `changes`, and by how many rows they grew.
pub fn apply<R: Row>(pages: &[Arc<Page<R>>], changes: &[(R, Diff)]) -> Result<(Vec<Arc<Page<R>>>, Diff)> {
    let changes = net(changes);
    let mut after = Pages { done: Vec::with_capacity(pages.len() + 1) };
    deal(
        pages,
        |page| page.first(),
        &changes,
        |dealt| {
            match dealt {
                Dealt::Untouched(pages) => after.keep(pages),
                Dealt::Changed(page, changes) => after.push(changed(page.map_or(&[], |page| page.chunks()), changes)?),
            }
            Ok(())
        },
    )?;
    Ok((after.done, changes.iter().map(|(_, diff)| diff).sum()))
}

/// The chunks of a page after `changes`.
fn changed<R: Row>(chunks: &[Chunk<R>], changes: &[(R, Diff)]) -> Result<Vec<Chunk<R>>> {
    let mut after = Pieces(Vec::with_capacity(chunks.len() + 2));
    deal(
        chunks,
        |chunk| &chunk[0],
        changes,
        |dealt| {
            match dealt {
                Dealt::Untouched(chunks) => chunks.iter().for_each(|chunk| after.push(Piece::Kept(chunk.clone()))),
                Dealt::Changed(chunk, changes) => {
                    after.push(Piece::Fresh(merge(chunk.map_or(&[], |chunk| chunk), changes)?));
                }
            }
            Ok(())
        },
    )?;
    Ok(after.finish())
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

/// What becomes of some neighbouring items.
enum Dealt<'a, T, R> {
    Untouched(&'a [T]),
    /// The item into whose range the changes fall; `None` when there are no items.
    Changed(Option<&'a T>, &'a [(R, Diff)]),
}

/// Deals ascending changes out to ascending items (the pages of a table, the chunks of a page), each to the
/// last item that begins at or before it. Looks only at items near a change.
fn deal<'a, T, R: Ord>(
    items: &'a [T],
    first: impl Fn(&T) -> &R,
    changes: &'a [(R, Diff)],
    mut take: impl FnMut(Dealt<'a, T, R>) -> Result<()>,
) -> Result<()> {
    if items.is_empty() {
        return if changes.is_empty() { Ok(()) } else { take(Dealt::Changed(None, changes)) };
    }
    let (mut rest, mut changes) = (items, changes);
    while let Some((row, _)) = changes.first() {
        // What lies before the first item of all belongs to it.
        let before = leading(&rest[1..], |item| first(item) <= row);
        if before > 0 {
            take(Dealt::Untouched(&rest[..before]))?;
        }
        let until = rest.get(before + 1).map_or(changes.len(), |next| leading(changes, |(row, _)| row < first(next)));
        take(Dealt::Changed(Some(&rest[before]), &changes[..until]))?;
        rest = &rest[before + 1..];
        changes = &changes[until..];
    }
    if rest.is_empty() { Ok(()) } else { take(Dealt::Untouched(rest)) }
}

/// How many items at the front hold; the rest must not. Costs the logarithm of the answer, not of the length.
fn leading<T>(items: &[T], holds: impl Fn(&T) -> bool) -> usize {
    let mut reach = 1;
    while reach <= items.len() && holds(&items[reach - 1]) {
        reach *= 2;
    }
    let from = reach / 2;
    from + items[from..items.len().min(reach)].partition_point(holds)
}

/// `rows` with the net changes, both ascending.
fn merge<R: Row>(rows: &[R], changes: &[(R, Diff)]) -> Result<Vec<R>> {
    let mut merged = Vec::with_capacity(rows.len() + changes.len());
    let mut rest = rows;
    for (row, diff) in changes {
        let before = leading(rest, |other| other < row);
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

/// A chunk on its way from one tick to the next.
enum Piece<R> {
    Kept(Chunk<R>),
    Fresh(Vec<R>),
}

impl<R> Piece<R> {
    fn rows(&self) -> &[R] {
        match self {
            Piece::Kept(chunk) => chunk,
            Piece::Fresh(rows) => rows,
        }
    }
}

/// Chunks of a page, as they are put together.
struct Pieces<R>(Vec<Piece<R>>);

impl<R: Row> Pieces<R> {
    /// Adds a piece, joining it with the one before when both are short.
    fn push(&mut self, piece: Piece<R>) {
        if piece.rows().is_empty() {
            return;
        }
        if let Some(last) = self.0.last_mut()
            && last.rows().len() + piece.rows().len() <= CHUNK_JOIN_ROWS
        {
            let mut joined = last.rows().to_vec();
            joined.extend_from_slice(piece.rows());
            *last = Piece::Fresh(joined);
            return;
        }
        self.0.push(piece);
    }

    fn finish(self) -> Vec<Chunk<R>> {
        let mut chunks = Vec::with_capacity(self.0.len());
        for piece in self.0 {
            match piece {
                Piece::Kept(chunk) => chunks.push(chunk),
                Piece::Fresh(rows) if rows.len() <= CHUNK_ROWS => chunks.push(rows.into()),
                Piece::Fresh(rows) => {
                    let (count, mut rows) = (rows.len(), rows.into_iter());
                    let parts = count.div_ceil(CHUNK_ROWS);
                    let length = |part: usize| count * (part + 1) / parts - count * part / parts;
                    chunks.extend((0..parts).map(|part| rows.by_ref().take(length(part)).collect::<Chunk<R>>()));
                }
            }
        }
        chunks
    }
}

/// Pages of a table, as they are put together.
struct Pages<R> {
    done: Vec<Arc<Page<R>>>,
}

impl<R: Row> Pages<R> {
    /// Adds pages that did not change. The first of them may join what came before.
    fn keep(&mut self, pages: &[Arc<Page<R>>]) {
        let Some(first) = pages.first() else { return };
        let joins = self.done.last().is_some_and(|last| last.rows() + first.rows() <= PAGE_JOIN_ROWS);
        if joins {
            self.push(first.chunks().to_vec());
        }
        self.done.extend_from_slice(&pages[usize::from(joins)..]);
    }

    /// Adds a page of these chunks, or several when they are too many rows; joins the page before when both
    /// are short.
    fn push(&mut self, chunks: Vec<Chunk<R>>) {
        let rows = count(&chunks);
        if rows == 0 {
            return;
        }
        if let Some(last) = self.done.pop_if(|last| last.rows() + rows <= PAGE_JOIN_ROWS) {
            let mut joined = Pieces(Vec::with_capacity(last.chunks().len() + chunks.len()));
            last.chunks().iter().cloned().chain(chunks).for_each(|chunk| joined.push(Piece::Kept(chunk)));
            self.done.push(Page::new(joined.finish()));
        } else if rows <= PAGE_ROWS {
            self.done.push(Page::new(chunks));
        } else {
            self.split(chunks, rows);
        }
    }

    /// Adds pages of nearly equal length.
    fn split(&mut self, chunks: Vec<Chunk<R>>, rows: usize) {
        let parts = rows.div_ceil(SPLIT_ROWS);
        let mut chunks = chunks.into_iter().peekable();
        let mut placed = 0;
        for part in 1..=parts {
            let (until, mut page) = (rows * part / parts, Vec::new());
            while let Some(chunk) = chunks.next_if(|_| placed < until) {
                placed += chunk.len();
                page.push(chunk);
            }
            self.done.push(Page::new(page));
        }
    }
}

fn count<R>(chunks: &[Chunk<R>]) -> usize {
    chunks.iter().map(|chunk| chunk.len()).sum()
}
