//! Rows as JSON text, written straight into what travels: a frame of thousands of rows is built without a tree
//! of values in between.

use lehr_domain::names::Names;
use lehr_domain::table::{Cell, Row};
use std::io::Write;
use std::marker::PhantomData;

/// Writes rows of one table as objects, the same members and values as [`crate::arrow::row_to_json`]. The
/// names of the columns are made ready once, not once a row.
pub struct JsonRows<R> {
    /// `{"first":` and then `,"next":` …
    keys: Vec<String>,
    rows: PhantomData<fn(&R)>,
}

impl<R: Row> Default for JsonRows<R> {
    fn default() -> JsonRows<R> {
        let key = |(place, name): (usize, &str)| format!("{}\"{name}\":", if place == 0 { '{' } else { ',' });
        JsonRows {
            keys: R::columns().iter().map(|column| column.name).enumerate().map(key).collect(),
            rows: PhantomData,
        }
    }
}

impl<R: Row> JsonRows<R> {
    /// Adds an array of rows.
    pub fn array<'r>(&self, out: &mut Vec<u8>, rows: impl IntoIterator<Item = &'r R>, names: &Names) {
        out.push(b'[');
        for (place, row) in rows.into_iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            self.row(out, row, names);
        }
        out.push(b']');
    }

    fn row(&self, out: &mut Vec<u8>, row: &R, names: &Names) {
        let cells = row.cells(names);
        debug_assert_eq!(self.keys.len(), cells.len(), "one cell a column in {}", R::TABLE);
        for (key, cell) in self.keys.iter().zip(&cells) {
            out.extend_from_slice(key.as_bytes());
            write_cell(out, cell);
        }
        out.push(b'}');
    }
}

/// As [`crate::arrow::cell_to_json`]: neither NaN nor infinity exist, times are ISO 8601, UTC.
fn write_cell(out: &mut Vec<u8>, cell: &Cell) {
    let written = match cell {
        Cell::Null => out.write_all(b"null"),
        Cell::Bool(value) => out.write_all(if *value { b"true" } else { b"false" }),
        Cell::Int(value) => write!(out, "{value}"),
        Cell::Float(value) => serde_json::to_writer(out, value).map_err(Into::into),
        Cell::Text(value) => serde_json::to_writer(out, value).map_err(Into::into),
        Cell::Time(value) => write!(out, "\"{value}\""),
    };
    written.expect("memory takes every byte");
}
