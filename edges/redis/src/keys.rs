//! What is called how in the store.

use crate::config::{POSITION, TABLES, TICKS};
use lehr_domain::table::Cell;
use lehr_targets::{Table, cell_to_json};
use serde_json::Value;

#[derive(Clone)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Keys {
        Keys { prefix: prefix.to_owned() }
    }

    /// A hash: `tick`, `now`, `format`.
    pub fn position(&self) -> String {
        format!("{}{POSITION}", self.prefix)
    }

    /// A hash: per table, what tells its rows apart and since when it is kept.
    pub fn tables(&self) -> String {
        format!("{}{TABLES}", self.prefix)
    }

    /// A stream: an entry for each delta.
    pub fn ticks(&self) -> String {
        format!("{}{TICKS}", self.prefix)
    }

    /// A hash of the rows; of a log the set of its streams.
    pub fn table(&self, table: &str) -> String {
        format!("{}{table}", self.prefix)
    }

    /// The stream of those entries of a log whose first column is this.
    pub fn log(&self, table: &str, of: &str) -> String {
        format!("{}{table}:{of}", self.prefix)
    }
}

/// The field of a row: the cells of its key as a JSON array. Equal keys are equal bytes.
pub(crate) fn field(table: &Table, row: &[Cell]) -> String {
    let cells = table.key_of(row).iter().map(|cell| match cell {
        // Zero has two signs and is equal to itself.
        Cell::Float(value) => (value + 0.0).into(),
        other => cell_to_json(other),
    });
    Value::Array(cells.collect()).to_string()
}

/// What the streams of a log are told apart by.
pub(crate) fn stream_of(row: &[Cell]) -> String {
    match row.first() {
        Some(Cell::Text(text)) => text.clone(),
        Some(cell) => cell_to_json(cell).to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::EventMs;

    #[test]
    fn keys_are_readable_and_equal_when_cells_are() {
        let table = Table { name: "ware", doc: "", columns: Vec::new(), key: 3, log: false };
        let row = |float| vec![Cell::Text("a\"".into()), Cell::Time(EventMs(0)), Cell::Float(float), Cell::Int(1)];
        assert_eq!(field(&table, &row(-0.0)), r#"["a\"","1970-01-01T00:00:00.000Z",0.0]"#);
        assert_eq!(field(&table, &row(-0.0)), field(&table, &row(0.0)));
        assert_eq!(stream_of(&row(0.0)), "a\"");
        assert_eq!(stream_of(&[Cell::Int(7)]), "7");
        assert_eq!(Keys::new("lehr:").log("readings", "Line_A.speed"), "lehr:readings:Line_A.speed");
    }
}
