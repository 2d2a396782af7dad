//! What the schema in the store has, and what of a table it lacks.

use crate::cells::type_name;
use crate::link::{Link, value};
use crate::sql;
use lehr_targets::{Table, TargetError};
use std::collections::HashMap;

/// Per table, per column, what PostgreSQL calls its type.
pub(crate) struct Layout {
    tables: HashMap<String, HashMap<String, String>>,
}

impl Layout {
    /// `None` when there is no such schema.
    pub async fn read(link: &mut Link, schema: &str) -> Result<Option<Layout>, TargetError> {
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
        let mut tables: HashMap<String, HashMap<String, String>> = HashMap::new();
        for row in rows {
            let (Some(table), column, kind): (Option<String>, Option<String>, Option<String>) =
                (value(&row, 0)?, value(&row, 1)?, value(&row, 2)?)
            else {
                continue;
            };
            let columns = tables.entry(table).or_default();
            columns.extend(column.zip(kind));
        }
        Ok(Some(Layout { tables }))
    }

    pub fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// The statements that make what is missing of a table. Nothing is ever removed. What has another type than Lehr
    /// writes is refused: only who knows what else reads it can say what should become of it.
    pub fn missing(&self, schema: &str, table: &Table) -> Result<String, TargetError> {
        let own = format!("{schema}.{}", table.name);
        let Some(columns) = self.tables.get(table.name) else { return Ok(sql::create_table(schema, table)) };
        if columns.get(sql::KEY).is_none_or(|kind| kind != "uuid") {
            let problem = format!("{own} is there and is no table of Lehr's: choose another schema, or rename it");
            return Err(TargetError::Refused(problem));
        }
        let mut script = String::new();
        for column in &table.columns {
            let wanted = type_name(column.kind);
            match columns.get(column.name) {
                Some(kind) if kind == wanted => {}
                Some(kind) => {
                    return Err(TargetError::Refused(format!(
                        "{own}.{0} is {kind}, and Lehr has {wanted}: ALTER TABLE {own} ALTER COLUMN {0} TYPE {wanted} \
                         USING …, or drop the schema and let Lehr fill it anew",
                        column.name
                    )));
                }
                None => script.push_str(&sql::add_column(schema, table, column)),
            }
        }
        Ok(script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    fn layout(columns: &[(&str, &str)]) -> Layout {
        let columns = columns.iter().map(|(name, kind)| (name.to_string(), kind.to_string()));
        Layout { tables: HashMap::from([("ware".to_owned(), columns.collect())]) }
    }

    #[test]
    fn what_is_missing_is_made_and_what_differs_is_refused() {
        let columns = vec![
            Column { name: "id", kind: ColumnType::Int, doc: "Number." },
            Column { name: "at", kind: ColumnType::Time, doc: "When." },
        ];
        let ware = Table { name: "ware", doc: "Ware.", columns, key: 1, log: false };
        let missing = |columns: &[(&str, &str)]| layout(columns).missing("lehr", &ware);
        let key = ("lehr_key", "uuid");
        let at = ("at", "timestamp with time zone");
        assert_eq!(missing(&[key, ("id", "bigint"), at, ("more", "text")]).unwrap(), "");
        let added = missing(&[key, ("id", "bigint")]).unwrap();
        assert!(
            added.starts_with("ALTER TABLE \"lehr\".\"ware\" ADD COLUMN \"at\" timestamp with time zone;"),
            "{added}"
        );
        let foreign = missing(&[("id", "bigint"), at]).unwrap_err().to_string();
        assert!(foreign.starts_with("lehr.ware is there and is no table of Lehr's"), "{foreign}");
        let other = missing(&[key, ("id", "text"), at]).unwrap_err().to_string();
        assert!(other.starts_with("lehr.ware.id is text, and Lehr has bigint: ALTER TABLE"), "{other}");
        assert!(Layout { tables: HashMap::new() }.missing("lehr", &ware).unwrap().starts_with("CREATE TABLE"));
    }
}
