//! What the schema in the store has, and the statements that make what it lacks.

use super::cells::type_name;
use super::link::{Link, value};
use super::sql;
use crate::layout::{Lack, Layout, Misfit, Types};
use lehr_targets::{Table, TargetError};

const TYPES: Types = Types { key: "uuid", of: type_name };

/// `None` when there is no such schema.
pub(crate) async fn read(link: &mut Link, schema: &str) -> Result<Option<Layout>, TargetError> {
    let statement = sqlx::query(
        "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL)
         FROM pg_namespace n
         LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE n.nspname = $1",
    );
    let rows = link.rows("reading the schema", statement.bind(schema)).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut layout = Layout::default();
    for row in rows {
        let (table, column, kind): (Option<String>, Option<String>, Option<String>) =
            (value(&row, 0)?, value(&row, 1)?, value(&row, 2)?);
        if let Some(table) = table {
            layout.add(table, column.zip(kind));
        }
    }
    Ok(Some(layout))
}

pub(crate) fn missing(layout: &Layout, schema: &str, table: &Table) -> Result<String, TargetError> {
    let own = format!("{schema}.{}", table.name);
    match layout.lacks(table, &TYPES) {
        Ok(Lack::Table) => Ok(sql::create_table(schema, table)),
        Ok(Lack::Columns(columns)) => {
            Ok(columns.into_iter().map(|column| sql::add_column(schema, table, column)).collect())
        }
        Err(Misfit::Foreign) => {
            let problem = format!("{own} is there and is no table of Lehr's: choose another schema, or rename it");
            Err(TargetError::Refused(problem))
        }
        Err(Misfit::Typed { column, has, wanted }) => Err(TargetError::Refused(format!(
            "{own}.{column} is {has}, and Lehr has {wanted}: ALTER TABLE {own} ALTER COLUMN {column} TYPE {wanted} \
             USING …, or drop the schema and let Lehr fill it anew"
        ))),
    }
}
