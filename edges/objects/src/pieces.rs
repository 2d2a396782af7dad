//! A delta in bounded pieces, each of one day of a table.

use crate::cells::column;
use crate::day::Day;
use arrow::array::ArrayRef;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use lehr_domain::table::Cell;
use lehr_targets::{Change, Table, TableDelta, TargetError};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of one object of changes; some 10 MB while they are encoded.
const ROWS: usize = 100_000;

/// Text of one object, bytes. A row with more goes alone.
const BYTES: usize = 16 << 20;

/// Rows of a day in order of keys, each key once.
pub(crate) struct Piece<'d> {
    pub table: &'d Arc<Table>,
    pub day: Day,
    pub changes: Vec<&'d Change>,
}

/// What a delta leaves of a table, but for days that are closed.
pub(crate) fn pieces<'d>(of: &'d TableDelta, closed: impl Fn(Day) -> bool) -> Result<Vec<Piece<'d>>, TargetError> {
    let mut days: BTreeMap<Day, Vec<&Change>> = BTreeMap::new();
    for change in &of.changes {
        days.entry(Day::of_row(&of.table, &change.row)).or_default().push(change);
    }
    let mut pieces = Vec::new();
    for (day, changes) in days.into_iter().filter(|(day, _)| !closed(*day)) {
        let left = left(&of.table, &changes)?;
        pieces.extend(cut(&left).into_iter().map(|changes| Piece { table: &of.table, day, changes }));
    }
    Ok(pieces)
}

/// The last change of each key, in order of keys. Of a row that disappears and appears, what appears is left.
fn left<'d>(table: &Table, changes: &[&'d Change]) -> Result<Vec<&'d Change>, TargetError> {
    let keys = (0..table.key).map(|place| column(table, place, changes)).collect::<Result<Vec<_>, _>>()?;
    let keys = sortable(&keys)
        .map_err(|error| TargetError::Refused(format!("{}: {error}: report this as a fault of Lehr", table.name)))?;
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_by(|one, other| keys.row(*one).cmp(&keys.row(*other)));
    let last_of_key = |at: usize| order.get(at + 1).is_none_or(|next| keys.row(*next) != keys.row(order[at]));
    Ok((0..order.len()).filter(|at| last_of_key(*at)).map(|at| changes[order[at]]).collect())
}

/// Keys as bytes that sort as they do.
pub(crate) fn sortable(keys: &[ArrayRef]) -> Result<Rows, ArrowError> {
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    RowConverter::new(fields)?.convert_columns(keys)
}

fn cut<'d>(changes: &[&'d Change]) -> Vec<Vec<&'d Change>> {
    let (mut pieces, mut bytes) = (Vec::<Vec<&Change>>::new(), 0_usize);
    for change in changes {
        let text = |cell: &Cell| if let Cell::Text(text) = cell { text.len() } else { 0 };
        let more: usize = change.row.iter().map(text).sum();
        match pieces.last_mut() {
            Some(last) if last.len() < ROWS && bytes + more <= BYTES => last.push(change),
            _ => {
                pieces.push(vec![change]);
                bytes = 0;
            }
        }
        bytes += more;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::EventMs;
    use lehr_domain::table::{Column, ColumnType};

    #[test]
    fn what_is_left_of_a_key_is_in_each_day_once() {
        let column = |name, kind| Column { name, kind, doc: "What." };
        let columns = vec![column("id", ColumnType::Int), column("at", ColumnType::Time)];
        let table = Arc::new(Table { name: "ware", doc: "Ware.", columns, key: 1, log: false });
        let change = |appeared, id, at_h: i64| Change {
            appeared,
            row: vec![Cell::Int(id), Cell::Time(EventMs(at_h * 3_600_000))],
        };
        let changes = vec![
            change(false, 2, 1),
            change(true, 2, 2),
            change(false, 1, 3),
            change(true, 1, 30),
            change(true, 3, -1),
        ];
        let delta = TableDelta { table, changes };
        let closed = Day::of(EventMs(-1));
        let pieces = pieces(&delta, |day| day == closed).unwrap();
        let shown: Vec<_> = pieces.iter().map(|piece| (piece.day.to_string(), piece.changes.clone())).collect();
        let (gone, changed, moved) = (&delta.changes[2], &delta.changes[1], &delta.changes[3]);
        assert_eq!(shown, [("1970-01-01".to_owned(), vec![gone, changed]), ("1970-01-02".to_owned(), vec![moved])]);
    }

    #[test]
    fn pieces_are_bounded_and_leave_nothing_out() {
        let change = |bytes: usize| Change { appeared: true, row: vec![Cell::Text("a".repeat(bytes))] };
        for (sizes, expected) in
            [(vec![], vec![]), (vec![0; ROWS + 1], vec![ROWS, 1]), (vec![BYTES + 1, 1, BYTES - 1, 1], vec![1, 2, 1])]
        {
            let changes: Vec<Change> = sizes.iter().map(|size| change(*size)).collect();
            let all: Vec<&Change> = changes.iter().collect();
            let pieces = cut(&all);
            assert_eq!(pieces.iter().map(Vec::len).collect::<Vec<_>>(), expected);
            assert_eq!(pieces.concat(), all);
        }
    }
}
