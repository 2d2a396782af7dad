//! A delta in pieces that fit into a statement.

use crate::key::RowKey;
use lehr_domain::table::Cell;
use lehr_targets::TableDelta;
use std::collections::BTreeMap;

/// Text of one statement, bytes. A row with more goes alone; PostgreSQL and SQLite take 1 GB.
const BYTES: usize = 4 << 20;

/// What a delta leaves of a table, in order of keys, so that sessions that lock rows do so in the same order.
pub(crate) struct Left<'d> {
    pub gone: Vec<RowKey>,
    pub rows: Vec<(RowKey, &'d [Cell])>,
}

impl<'d> Left<'d> {
    /// Of a row that disappears and appears, what appears is left.
    pub fn of(delta: &'d TableDelta) -> Left<'d> {
        let mut left: BTreeMap<RowKey, Option<&[Cell]>> = BTreeMap::new();
        for change in &delta.changes {
            let row = left.entry(RowKey::of(delta.table.key_of(&change.row))).or_default();
            if change.appeared {
                *row = Some(&change.row);
            }
        }
        let mut split = Left { gone: Vec::new(), rows: Vec::new() };
        for (key, row) in left {
            match row {
                Some(row) => split.rows.push((key, row)),
                None => split.gone.push(key),
            }
        }
        split
    }

    /// Pieces of at most `most` keys.
    pub fn gone_pieces(&self, most: usize) -> impl Iterator<Item = &[RowKey]> {
        self.gone.chunks(most)
    }

    /// Pieces of at most `most` rows.
    pub fn row_pieces(&self, most: usize) -> Vec<&[(RowKey, &'d [Cell])]> {
        pieces(&self.rows, most, |(_, row)| text_bytes(row))
    }
}

fn text_bytes(row: &[Cell]) -> usize {
    row.iter().map(|cell| if let Cell::Text(text) = cell { text.len() } else { 0 }).sum()
}

fn pieces<T>(rows: &[T], most: usize, bytes_of: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut pieces, mut start, mut bytes) = (Vec::new(), 0, 0_usize);
    for (place, row) in rows.iter().enumerate() {
        let more = bytes_of(row);
        if place > start && (place - start >= most || bytes + more > BYTES) {
            pieces.push(&rows[start..place]);
            (start, bytes) = (place, 0);
        }
        bytes += more;
    }
    if start < rows.len() {
        pieces.push(&rows[start..]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_bounded_and_leave_nothing_out() {
        for (sizes, expected) in [
            (vec![], vec![]),
            (vec![0; 7], vec![7]),
            (vec![0; 8], vec![7, 1]),
            (vec![BYTES + 1, 1, BYTES - 1, 1], vec![1, 2, 1]),
        ] {
            let pieces = pieces(&sizes, 7, |size| *size);
            assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), expected);
            assert_eq!(pieces.concat(), sizes);
        }
    }
}
