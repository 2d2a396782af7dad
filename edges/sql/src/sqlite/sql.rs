//! The statements.

use super::cells::type_name;
use crate::names::{KEY, POSITION, TABLES, columns_and_replacements, key_text, name, without_nul};
use lehr_domain::table::Column;
use lehr_targets::Table;

/// SQLite keeps the text by which a table was made, so what is in it is said there: `.schema` shows it.
fn comment(text: &str) -> String {
    format!("/* {} */", without_nul(text.trim()).replace("*/", "* /"))
}

pub(crate) fn create_position() -> String {
    format!(
        "CREATE TABLE {POSITION} {} (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tick INTEGER NOT NULL {},
  now TIME TEXT {},
  format INTEGER NOT NULL {});",
        comment("How far this file follows Lehr: one row."),
        comment("The last closed tick that all tables hold."),
        comment("Plant time of the tick."),
        comment("How Lehr lays out what is here."),
    )
}

pub(crate) fn create_tables() -> String {
    format!(
        "CREATE TABLE {TABLES} {} (
  name TEXT PRIMARY KEY,
  key TEXT NOT NULL {},
  since INTEGER NOT NULL {},
  until INTEGER {});",
        comment("The tables that follow Lehr."),
        comment("Columns that tell rows apart; lehr_key is a hash of them."),
        comment("The tick from which on the table was kept: 0 when it holds all, else it lacks rows that are older."),
        comment("The tick at which the table was no longer configured, and so left as it is."),
    )
}

pub(crate) fn create_table(table: &Table) -> String {
    let columns = table.columns.iter().map(|column| format!(",\n  {}", definition(column))).collect::<String>();
    let hash = comment(&format!("Hash of {}.", key_text(table)));
    format!("CREATE TABLE {} {} (\n  {KEY} BLOB PRIMARY KEY {hash}{columns});", name(table.name), comment(table.doc))
}

pub(crate) fn add_column(table: &Table, column: &Column) -> String {
    format!("ALTER TABLE {} ADD COLUMN {};", name(table.name), definition(column))
}

fn definition(column: &Column) -> String {
    format!("{} {} {}", name(column.name), type_name(column.kind), comment(column.doc))
}

/// The key and all columns, row by row.
pub(crate) fn upsert(table: &Table, rows: usize) -> String {
    let (columns, replaced) = columns_and_replacements(table);
    let row = format!("({})", repeated("?", table.columns.len() + 1));
    format!(
        "INSERT INTO {} ({KEY}, {columns}) VALUES {} ON CONFLICT ({KEY}) DO UPDATE SET {replaced}",
        name(table.name),
        repeated(&row, rows)
    )
}

/// By keys.
pub(crate) fn delete(table: &Table, keys: usize) -> String {
    format!("DELETE FROM {} WHERE {KEY} IN ({})", name(table.name), repeated("?", keys))
}

fn repeated(text: &str, times: usize) -> String {
    vec![text; times].join(",")
}

/// $1: tick, $2: now, $3: after.
pub(crate) fn advance() -> String {
    format!("UPDATE {POSITION} SET tick = $1, now = $2 WHERE tick = $3")
}

pub(crate) fn stand() -> String {
    format!("SELECT tick, format FROM {POSITION}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::ColumnType;

    #[test]
    fn docs_cannot_end_their_comment() {
        let columns = vec![Column { name: "id", kind: ColumnType::Int, doc: " Number */ of ware. " }];
        let table = Table { name: "ware", doc: "Ware.", columns, key: 1, log: false };
        assert_eq!(
            create_table(&table),
            "CREATE TABLE \"ware\" /* Ware. */ (\n  lehr_key BLOB PRIMARY KEY /* Hash of id. */,\n  \
             \"id\" INTEGER /* Number * / of ware. */);"
        );
    }

    #[test]
    fn rows_go_into_one_statement() {
        let columns = vec![Column { name: "id", kind: ColumnType::Int, doc: "Number." }];
        let table = Table { name: "ware", doc: "Ware.", columns, key: 1, log: false };
        assert!(upsert(&table, 2).contains("VALUES (?,?),(?,?) ON CONFLICT"), "{}", upsert(&table, 2));
        assert!(delete(&table, 3).ends_with("IN (?,?,?)"));
    }
}
