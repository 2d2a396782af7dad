//! What a delta comes to in Redis. Pure.

use crate::keys::{field, stream_of};
use lehr_domain::table::Cell;
use lehr_targets::{Table, TableDelta, cell_to_json, row_to_json};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};

/// What a delta leaves of a table.
pub(crate) struct Left<'d> {
    /// Fields to delete.
    pub gone: Vec<String>,
    pub rows: Vec<(String, &'d [Cell])>,
}

impl<'d> Left<'d> {
    /// Of a row that disappears and appears, what appears is left.
    pub fn of(delta: &'d TableDelta) -> Left<'d> {
        let named = delta.changes.iter().map(|change| (field(&delta.table, &change.row), change));
        let (come, gone): (Vec<_>, Vec<_>) = named.partition(|(_, change)| change.appeared);
        let there: HashSet<&str> = come.iter().map(|(field, _)| field.as_str()).collect();
        let gone = gone.into_iter().map(|(field, _)| field).filter(|field| !there.contains(field.as_str())).collect();
        Left { gone, rows: come.into_iter().map(|(field, change)| (field, change.row.as_slice())).collect() }
    }
}

/// The value of a row: a JSON object of all columns.
pub(crate) fn value(table: &Table, row: &[Cell]) -> String {
    Value::Object(row_to_json(table, row)).to_string()
}

/// What a delta adds to the streams of a log, per stream in its order. Of each no more than the stream keeps: what comes
/// before would be cut off at once.
pub(crate) fn entries(delta: &TableDelta, most: usize) -> BTreeMap<String, Vec<&[Cell]>> {
    let mut streams: BTreeMap<String, Vec<&[Cell]>> = BTreeMap::new();
    // Nothing disappears of a log.
    for change in delta.changes.iter().filter(|change| change.appeared) {
        streams.entry(stream_of(&change.row)).or_default().push(&change.row);
    }
    for rows in streams.values_mut() {
        rows.drain(..rows.len().saturating_sub(most));
    }
    streams
}

/// Names and values of an entry: all columns but the first, which the stream is called by, and without those that are null.
pub(crate) fn entry(table: &Table, row: &[Cell]) -> Vec<(&'static str, String)> {
    let columns = table.columns.iter().zip(row).skip(1);
    let said = columns.filter_map(|(column, cell)| match (cell, cell_to_json(cell)) {
        (Cell::Text(text), _) => Some((column.name, text.clone())),
        (_, Value::Null) => None,
        (_, Value::String(text)) => Some((column.name, text)),
        (_, other) => Some((column.name, other.to_string())),
    });
    said.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::EventMs;
    use lehr_domain::table::{Column, ColumnType};
    use lehr_targets::Change;
    use std::sync::Arc;

    fn table(log: bool) -> Arc<Table> {
        let column = |name, kind| Column { name, kind, doc: "" };
        let columns = vec![
            column("sensor", ColumnType::Text),
            column("at", ColumnType::Time),
            column("value", ColumnType::Float),
        ];
        Arc::new(Table { name: "ware", doc: "", columns, key: 2, log })
    }

    fn change(appeared: bool, sensor: &str, at: i64, value: f64) -> Change {
        Change { appeared, row: vec![Cell::Text(sensor.into()), Cell::Time(EventMs(at)), Cell::Float(value)] }
    }

    #[test]
    fn a_row_that_changed_is_written_and_not_deleted() {
        let changes = vec![change(false, "a", 0, 1.0), change(false, "b", 0, 1.0), change(true, "b", 0, 2.0)];
        let delta = TableDelta { table: table(false), changes };
        let left = Left::of(&delta);
        assert_eq!(left.gone, [r#"["a","1970-01-01T00:00:00.000Z"]"#]);
        assert_eq!(left.rows.len(), 1);
        let written: Value = serde_json::from_str(&value(&delta.table, left.rows[0].1)).unwrap();
        assert_eq!(written, serde_json::json!({"sensor": "b", "at": "1970-01-01T00:00:00.000Z", "value": 2.0}));
    }

    #[test]
    fn of_a_log_the_last_entries_are_added_in_order() {
        let changes = vec![
            change(true, "a", 0, 1.0),
            change(true, "b", 0, 5.0),
            change(true, "a", 1, f64::NAN),
            change(false, "a", 2, 9.0),
            change(true, "a", 2, 3.0),
        ];
        let delta = TableDelta { table: table(true), changes };
        let streams = entries(&delta, 2);
        assert_eq!(streams.keys().collect::<Vec<_>>(), ["a", "b"]);
        let added: Vec<_> = streams["a"].iter().map(|row| entry(&delta.table, row)).collect();
        let at = |text: &str| ("at", text.to_owned());
        assert_eq!(
            added,
            [vec![at("1970-01-01T00:00:00.001Z")], vec![at("1970-01-01T00:00:00.002Z"), ("value", "3.0".to_owned())],]
        );
    }
}
