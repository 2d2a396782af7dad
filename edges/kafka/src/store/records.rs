//! Rows as records. Pure.

use lehr_domain::table::Cell;
use lehr_targets::{Table, TableDelta, cell_to_json, row_to_json};
use serde_json::Value;
use std::collections::HashSet;

/// Of a table, one a key: the row that is there now, or a tombstone. Of a log, one a row.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// Cells as a JSON array: those of the table's key, or of a log the first alone, such as the sensor. Equal keys are
    /// equal bytes, and so lie in one partition, in order.
    pub key: String,
    /// The row as a JSON object; nothing when the key is gone.
    pub value: Option<String>,
}

fn key(table: &Table, row: &[Cell]) -> String {
    let mut cells = table.key_of(row);
    if table.log {
        cells = &cells[..cells.len().min(1)];
    }
    Value::Array(cells.iter().map(cell_to_json).collect()).to_string()
}

/// What a delta comes to, in its order.
pub fn records(delta: &TableDelta) -> impl Iterator<Item = Record> {
    let table = &delta.table;
    let appeared = delta.changes.iter().filter(|change| change.appeared && !table.log);
    let there: HashSet<String> = appeared.map(|change| key(table, &change.row)).collect();
    delta.changes.iter().filter_map(move |change| {
        let key = key(table, &change.row);
        match change.appeared {
            true => Some(Record { key, value: Some(Value::Object(row_to_json(table, &change.row)).to_string()) }),
            // One that changed is no tombstone in between. Nothing disappears from a log.
            false => (!table.log && !there.contains(&key)).then_some(Record { key, value: None }),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::EventMs;
    use lehr_domain::table::{Column, ColumnType};
    use lehr_targets::Change;
    use std::sync::Arc;

    #[test]
    fn a_log_has_a_record_a_row_under_its_sensor() {
        let column = |name, kind| Column { name, kind, doc: "" };
        let columns = vec![column("sensor_id", ColumnType::Text), column("at", ColumnType::Time)];
        let table = Arc::new(Table { name: "readings", doc: "", columns, key: 2, log: true });
        let row = |sensor: &str, at| vec![Cell::Text(sensor.into()), Cell::Time(EventMs(at))];
        let changes = [row("a", 0), row("b", 0), row("a", 1)].map(|row| Change { appeared: true, row }).into();
        let found: Vec<Record> = records(&TableDelta { table, changes }).collect();
        let keys: Vec<&str> = found.iter().map(|record| record.key.as_str()).collect();
        assert_eq!(keys, [r#"["a"]"#, r#"["b"]"#, r#"["a"]"#]);
        assert_eq!(found[2].value.as_deref(), Some(r#"{"at":"1970-01-01T00:00:00.001Z","sensor_id":"a"}"#));
    }

    #[test]
    fn a_key_has_one_record_whatever_happened_to_it() {
        let column = |name, kind| Column { name, kind, doc: "" };
        let columns =
            vec![column("line", ColumnType::Text), column("at", ColumnType::Time), column("value", ColumnType::Float)];
        let table = Arc::new(Table { name: "ware", doc: "", columns, key: 2, log: false });
        let row = |line: &str, value| vec![Cell::Text(line.into()), Cell::Time(EventMs(0)), value];
        let change = |appeared, row| Change { appeared, row };
        let changes = vec![
            change(false, row("a\"", Cell::Float(1.0))),
            change(false, row("b", Cell::Float(2.0))),
            change(true, row("b", Cell::Float(2.5))),
            change(true, row("c", Cell::Null)),
        ];
        let found: Vec<Record> = records(&TableDelta { table, changes }).collect();
        let expected = [
            (r#"["a\"","1970-01-01T00:00:00.000Z"]"#, None),
            (
                r#"["b","1970-01-01T00:00:00.000Z"]"#,
                Some(r#"{"at":"1970-01-01T00:00:00.000Z","line":"b","value":2.5}"#),
            ),
            (
                r#"["c","1970-01-01T00:00:00.000Z"]"#,
                Some(r#"{"at":"1970-01-01T00:00:00.000Z","line":"c","value":null}"#),
            ),
        ];
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (found, (key, row)) in found.iter().zip(expected) {
            assert_eq!(found.key, key);
            assert_eq!(found.value.as_deref().map(value), row.map(value));
        }
        assert_eq!(found.len(), expected.len());
    }
}
