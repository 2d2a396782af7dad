//! The outputs of a replay as files: one Parquet file a table, rows sorted.

use lehr_dataflows::for_all_tables;
use lehr_dataflows::tables::*;
use lehr_domain::names::Names;
use lehr_domain::table::Row;
use lehr_queries::arrow::write_parquet;
use lehr_queries::{QueryError, Result};
use std::collections::BTreeMap;
use std::path::Path;

macro_rules! declare_write {
    ($(($field:ident, $row:ident)),* $(,)?) => {
        /// Writes every table; the changes must be consolidated. Gives the rows of each.
        pub fn write(out: &Path, total: &Changes, names: &Names) -> Result<BTreeMap<&'static str, usize>> {
            let mut rows = BTreeMap::new();
            $(
                if let Some((row, weight)) = total.$field.iter().find(|(_, weight)| *weight != 1) {
                    return Err(QueryError::Multiplicity { table: $row::TABLE, weight: *weight, row: format!("{row:?}") });
                }
                let path = out.join(concat!(stringify!($field), ".parquet"));
                write_parquet(&path, total.$field.iter().map(|(row, _)| row), names)?;
                rows.insert($row::TABLE, total.$field.len());
            )*
            Ok(rows)
        }
    };
}
for_all_tables!(declare_write);
