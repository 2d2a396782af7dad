//! Cells as JSON.

use crate::delta::Table;
use lehr_domain::table::Cell;
use serde_json::{Map, Value};

/// Times as ISO 8601 in UTC. Floats that JSON cannot say become null.
pub fn cell_to_json(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(value) => (*value).into(),
        Cell::Int(value) => (*value).into(),
        Cell::Float(value) => (*value).into(),
        Cell::Text(value) => value.as_str().into(),
        Cell::Time(value) => value.to_string().into(),
    }
}

/// A row as an object: one member a column.
pub fn row_to_json(table: &Table, row: &[Cell]) -> Map<String, Value> {
    let columns = table.columns.iter().zip(row);
    columns.map(|(column, cell)| (column.name.to_owned(), cell_to_json(cell))).collect()
}
