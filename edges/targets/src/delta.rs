//! What changed between two ticks.

use lehr_domain::names::Names;
use lehr_domain::table::{Cell, Column, Row};
use lehr_domain::{EventMs, Tick};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// A table, as a store has to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// What one row is.
    pub doc: &'static str,
    pub columns: Vec<Column>,
    /// Leading columns that tell the rows of any tick apart.
    pub key: usize,
    /// Rows only ever appear, and a great many of them: what happened, such as readings, and not what is.
    pub log: bool,
}

/// A row that appeared or disappeared. One whose other cells changed does both.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub appeared: bool,
    /// One cell a column.
    pub row: Vec<Cell>,
}

/// What changed of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct TableDelta {
    pub table: Arc<Table>,
    /// Per key, what disappeared comes before what appeared. No row twice.
    pub changes: Vec<Change>,
}

/// What changed between two closed ticks. A store that holds all up to `after` holds all up to `tick` behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    pub after: Tick,
    pub tick: Tick,
    /// Plant time of `tick`.
    pub now: EventMs,
    /// Tables of which nothing changed are left out.
    pub tables: Vec<TableDelta>,
}

impl Table {
    pub fn of<R: Row>(key: usize) -> Table {
        Table { name: R::TABLE, doc: R::DOC, columns: R::columns(), key, log: false }
    }

    /// Whether a store keeps this table whose configuration names `chosen`. Logs are kept where they are named alone.
    pub fn is_kept(&self, chosen: Option<&[String]>) -> bool {
        match chosen {
            Some(names) => names.iter().any(|name| name == self.name),
            None => !self.log,
        }
    }

    /// The cells that tell a row apart.
    pub fn key_of<'r>(&self, row: &'r [Cell]) -> &'r [Cell] {
        &row[..self.key.min(row.len())]
    }
}

impl TableDelta {
    /// From rows with their change of multiplicity, consolidated. Rows that differ in what is no column alone cancel out;
    /// `None` when nothing is left.
    pub fn of<R: Row>(table: &Arc<Table>, rows: &[(R, isize)], names: &Names) -> Option<TableDelta> {
        let mut kept: Vec<(Vec<Cell>, isize)> = Vec::with_capacity(rows.len());
        let mut places: HashMap<u64, Vec<usize>> = HashMap::with_capacity(rows.len());
        // What disappears first, and in order: so per key the old row stands before the new one.
        let (gone, come): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, diff)| *diff < 0);
        for (row, diff) in gone.into_iter().chain(come) {
            let cells = row.cells(names);
            let alike = places.entry(hash(&cells)).or_default();
            match alike.iter().find(|place| kept[**place].0 == cells) {
                Some(place) => kept[*place].1 += diff,
                None => {
                    alike.push(kept.len());
                    kept.push((cells, *diff));
                }
            }
        }
        let left = kept.into_iter().filter(|(_, sum)| *sum != 0);
        let changes: Vec<Change> = left.map(|(row, sum)| Change { appeared: sum > 0, row }).collect();
        (!changes.is_empty()).then(|| TableDelta { table: table.clone(), changes })
    }
}

/// Equal for equal rows; of use within one process only.
fn hash(row: &[Cell]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for cell in row {
        match cell {
            Cell::Null => 0_u8.hash(&mut hasher),
            Cell::Bool(value) => value.hash(&mut hasher),
            Cell::Int(value) => value.hash(&mut hasher),
            // Zero has two signs and is equal to itself.
            Cell::Float(value) => (value + 0.0).to_bits().hash(&mut hasher),
            Cell::Text(value) => value.hash(&mut hasher),
            Cell::Time(value) => value.0.hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    lehr_domain::table! {
        /// Ware.
        pub struct Ware in "ware" {
            /// Number.
            pub number: i64,
            /// Weight, g.
            pub weight: i64,
        }
        hidden {
            /// Not shown.
            pub note: i64,
        }
    }

    fn ware(number: i64, weight: i64, note: i64) -> Ware {
        Ware { number, weight, note }
    }

    #[test]
    fn the_old_row_stands_before_the_new_one_and_what_is_not_shown_changes_nothing() {
        let table = Arc::new(Table::of::<Ware>(1));
        let rows = [
            (ware(1, 500, 0), 1),
            (ware(1, 510, 0), -1),
            (ware(2, 300, 1), -1),
            (ware(2, 300, 2), 1),
            (ware(3, 200, 0), 1),
        ];
        let delta = TableDelta::of(&table, &rows, &Names::default()).unwrap();
        let shown: Vec<(bool, &[Cell])> =
            delta.changes.iter().map(|change| (change.appeared, change.row.as_slice())).collect();
        let row = |number, weight| [Cell::Int(number), Cell::Int(weight)];
        assert_eq!(shown, [(false, &row(1, 510)[..]), (true, &row(1, 500)), (true, &row(3, 200))]);
        assert_eq!(table.key_of(&delta.changes[0].row), [Cell::Int(1)]);
        assert_eq!(TableDelta::of(&table, &rows[2..4], &Names::default()), None);
    }
}
