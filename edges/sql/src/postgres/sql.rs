//! The statements.

use super::cells::type_name;
use crate::names::{KEY, POSITION, TABLES, columns_and_replacements, key_text, name, text};
use lehr_domain::table::Column;
use lehr_targets::Table;

pub(crate) fn place(schema: &str, table: &str) -> String {
    format!("{}.{}", name(schema), name(table))
}

pub(crate) fn create_schema(schema: &str) -> String {
    format!(
        "CREATE SCHEMA {0}; COMMENT ON SCHEMA {0} IS {1};",
        name(schema),
        text("Tables of Lehr. Lehr writes them; others read.")
    )
}

pub(crate) fn create_position(schema: &str) -> String {
    let position = place(schema, POSITION);
    format!(
        "CREATE TABLE {position} (one BOOLEAN PRIMARY KEY DEFAULT true CHECK (one), tick BIGINT NOT NULL,
            now TIMESTAMPTZ, format INTEGER NOT NULL);
        COMMENT ON TABLE {position} IS {};
        COMMENT ON COLUMN {position}.tick IS {};
        COMMENT ON COLUMN {position}.now IS {};
        COMMENT ON COLUMN {position}.format IS {};",
        text("How far this schema follows Lehr: one row."),
        text("The last closed tick that all tables hold."),
        text("Plant time of the tick."),
        text("How Lehr lays out what is here."),
    )
}

pub(crate) fn create_tables(schema: &str) -> String {
    let tables = place(schema, TABLES);
    format!(
        "CREATE TABLE {tables} (name TEXT PRIMARY KEY, key TEXT NOT NULL, since BIGINT NOT NULL, until BIGINT);
        COMMENT ON TABLE {tables} IS {};
        COMMENT ON COLUMN {tables}.key IS {};
        COMMENT ON COLUMN {tables}.since IS {};
        COMMENT ON COLUMN {tables}.until IS {};",
        text("The tables that follow Lehr."),
        text("Columns that tell rows apart; lehr_key is a hash of them."),
        text("The tick from which on the table was kept: 0 when it holds all, else it lacks rows that are older."),
        text("The tick at which the table was no longer configured, and so left as it is."),
    )
}

pub(crate) fn create_table(schema: &str, table: &Table) -> String {
    let own = place(schema, table.name);
    let columns = table.columns.iter().map(|column| format!(", {}", definition(column))).collect::<String>();
    let mut script = format!(
        "CREATE TABLE {own} ({KEY} UUID PRIMARY KEY{columns});
        COMMENT ON TABLE {own} IS {};
        COMMENT ON COLUMN {own}.{KEY} IS {};",
        text(table.doc.trim()),
        text(&format!("Hash of {}.", key_text(table))),
    );
    table.columns.iter().for_each(|column| script.push_str(&comment(&own, column)));
    script
}

pub(crate) fn add_column(schema: &str, table: &Table, column: &Column) -> String {
    let own = place(schema, table.name);
    format!("ALTER TABLE {own} ADD COLUMN {};{}", definition(column), comment(&own, column))
}

fn definition(column: &Column) -> String {
    format!("{} {}", name(column.name), type_name(column.kind))
}

fn comment(own: &str, column: &Column) -> String {
    format!("COMMENT ON COLUMN {own}.{} IS {};", name(column.name), text(column.doc.trim()))
}

/// $1: keys, then one array a column.
pub(crate) fn upsert(schema: &str, table: &Table) -> String {
    let (columns, replaced) = columns_and_replacements(table);
    let arrays = table.columns.iter().enumerate();
    let arrays: String =
        arrays.map(|(place, column)| format!(", ${}::{}[]", place + 2, type_name(column.kind))).collect();
    format!(
        "INSERT INTO {} ({KEY}, {columns}) SELECT * FROM unnest($1::uuid[]{arrays})
         ON CONFLICT ({KEY}) DO UPDATE SET {replaced}",
        place(schema, table.name)
    )
}

/// $1: keys.
pub(crate) fn delete(schema: &str, table: &Table) -> String {
    format!("DELETE FROM {} WHERE {KEY} = ANY($1::uuid[])", place(schema, table.name))
}

/// $1: tick, $2: now, $3: after.
pub(crate) fn advance(schema: &str) -> String {
    format!("UPDATE {} SET tick = $1, now = $2 WHERE tick = $3", place(schema, POSITION))
}

/// Where it stands, waiting for a session that is moving it.
pub(crate) fn stand(schema: &str) -> String {
    format!("SELECT tick, format FROM {} FOR UPDATE", place(schema, POSITION))
}
