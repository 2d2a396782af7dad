//! Cells as PostgreSQL has them: columns as arrays, which one `unnest` makes rows of.

use crate::key::RowKey;
use crate::names::without_nul;
use lehr_domain::EventMs;
use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_targets::TargetError;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgHasArrayType, PgTypeInfo};
use sqlx::query::Query;
use sqlx::{Encode, Postgres, Type};

pub(crate) type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// What PostgreSQL calls the type of a column.
pub(crate) fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool => "boolean",
        ColumnType::Int => "bigint",
        ColumnType::Float => "double precision",
        ColumnType::Text => "text",
        ColumnType::Time => "timestamp with time zone",
    }
}

/// Binds what `rows` have in their column number `place`.
pub(crate) fn bind<'q>(
    statement: Statement<'q>,
    table: &str,
    column: &Column,
    place: usize,
    rows: &[&[Cell]],
) -> Result<Statement<'q>, TargetError> {
    macro_rules! array {
        ($kind:ident, |$value:ident| $convert:expr) => {
            rows.iter()
                .map(|row| match &row[place] {
                    Cell::Null => Ok(None),
                    Cell::$kind($value) => Ok(Some($convert)),
                    other => Err(misfit(table, column, other)),
                })
                .collect::<Result<Vec<_>, TargetError>>()?
        };
    }
    Ok(match column.kind {
        ColumnType::Bool => statement.bind(array!(Bool, |value| *value)),
        ColumnType::Int => statement.bind(array!(Int, |value| *value)),
        ColumnType::Float => statement.bind(array!(Float, |value| *value)),
        ColumnType::Text => statement.bind(array!(Text, |value| without_nul(value))),
        ColumnType::Time => statement.bind(array!(Time, |value| Stamp::of(*value))),
    })
}

fn misfit(table: &str, column: &Column, cell: &Cell) -> TargetError {
    TargetError::Refused(format!(
        "{table}.{} is {:?} and has {cell:?}: report this as a fault of Lehr",
        column.name, column.kind
    ))
}

/// An instant: microseconds since the start of 2000. What PostgreSQL cannot say (before 4714 BC, after the year 294276)
/// is its `infinity` or `-infinity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(i64);

/// The start of 2000, milliseconds since the epoch.
const ORIGIN_MS: i64 = 946_684_800_000;

/// 4714-11-24 BC and 294277-01-01, as PostgreSQL bounds its timestamps, microseconds since the start of 2000.
const FIRST_US: i64 = -211_813_488_000_000_000;
const END_US: i64 = 9_223_371_331_200_000_000;

impl Stamp {
    pub fn of(time: EventMs) -> Stamp {
        let us = time.0.saturating_sub(ORIGIN_MS).saturating_mul(1000);
        Stamp(match us {
            us if us < FIRST_US => i64::MIN,
            us if us >= END_US => i64::MAX,
            us => us,
        })
    }
}

impl Type<Postgres> for Stamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl PgHasArrayType for Stamp {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1185))
    }
}

impl Encode<'_, Postgres> for Stamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }
}

/// A UUID, which is PostgreSQL's type of 16 bytes.
impl Type<Postgres> for RowKey {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2950))
    }
}

impl PgHasArrayType for RowKey {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(2951))
    }
}

impl Encode<'_, Postgres> for RowKey {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.bytes());
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_what_can_be_said_are_infinite() {
        assert_eq!(Stamp::of(EventMs(ORIGIN_MS + 1)), Stamp(1000));
        assert_eq!(Stamp::of(EventMs(0)), Stamp(-946_684_800_000_000));
        let end = END_US / 1000 + ORIGIN_MS;
        for (time, stamp) in [(i64::MAX, i64::MAX), (i64::MIN, i64::MIN), (end, i64::MAX), (end - 1, END_US - 1000)] {
            assert_eq!(Stamp::of(EventMs(time)), Stamp(stamp));
        }
    }
}
