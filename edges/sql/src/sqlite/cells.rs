//! Cells as SQLite has them.

use crate::key::RowKey;
use crate::names::without_nul;
use lehr_domain::EventMs;
use lehr_domain::table::{Cell, ColumnType};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

pub(crate) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// How a column is declared. SQLite reads of it only what it prefers to store; programs read the rest. With a name that
/// they take for a time some of them expect a form of their own, so it is a kind of text.
pub(crate) fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool => "BOOLEAN",
        ColumnType::Int => "INTEGER",
        ColumnType::Float => "REAL",
        ColumnType::Text => "TEXT",
        ColumnType::Time => "TIME TEXT",
    }
}

pub(crate) fn bind_key<'q>(statement: Statement<'q>, key: &RowKey) -> Statement<'q> {
    statement.bind(&key.bytes()[..])
}

/// SQLite has no NaN and makes it null.
pub(crate) fn bind<'q>(statement: Statement<'q>, cell: &Cell) -> Statement<'q> {
    match cell {
        Cell::Null => statement.bind(None::<i64>),
        Cell::Bool(value) => statement.bind(*value),
        Cell::Int(value) => statement.bind(*value),
        Cell::Float(value) => statement.bind(*value),
        Cell::Text(value) => statement.bind(without_nul(value)),
        Cell::Time(value) => statement.bind(time_text(*value)),
    }
}

/// 0000-01-01 and 10000-01-01, milliseconds since the epoch.
const FIRST_MS: i64 = -62_167_219_200_000;
const END_MS: i64 = 253_402_300_800_000;

/// ISO 8601 in UTC with milliseconds: read by people and by SQLite's own functions, and in order of time when sorted.
/// What is beyond the years 0 to 9999 is `-infinity` or `infinity`, which sort before and behind the others.
pub(crate) fn time_text(time: EventMs) -> String {
    match time.0 {
        ms if ms < FIRST_MS => "-infinity".to_owned(),
        ms if ms >= END_MS => "infinity".to_owned(),
        _ => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_texts_in_order_of_time() {
        let times = [i64::MIN, FIRST_MS - 1, FIRST_MS, -1, 0, 1_767_225_600_250, END_MS - 1, END_MS, i64::MAX];
        let texts = times.map(|ms| time_text(EventMs(ms)));
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(texts[1..3], ["-infinity", "0000-01-01T00:00:00.000Z"]);
        assert_eq!(texts[5], "2026-01-01T00:00:00.250Z");
        assert_eq!(texts[6..8], ["9999-12-31T23:59:59.999Z", "infinity"]);
    }
}
