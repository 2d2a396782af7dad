//! What tables a store has, and what of Lehr's they lack.

use crate::names::KEY;
use lehr_domain::table::{Column, ColumnType};
use lehr_targets::Table;
use std::collections::HashMap;

/// Per table, per column, what the database calls its type.
#[derive(Default)]
pub(crate) struct Layout {
    tables: HashMap<String, HashMap<String, String>>,
}

/// What a database calls types.
pub(crate) struct Types {
    pub key: &'static str,
    pub of: fn(ColumnType) -> &'static str,
}

/// What is to be made. Nothing is ever removed.
#[derive(Debug)]
pub(crate) enum Lack<'t> {
    Table,
    Columns(Vec<&'t Column>),
}

/// What only somebody can put right who knows what else uses the table.
#[derive(Debug)]
pub(crate) enum Misfit<'t> {
    /// A table of this name is no table of Lehr's.
    Foreign,
    Typed {
        column: &'t str,
        has: String,
        wanted: &'static str,
    },
}

impl Layout {
    /// A table without columns has a row of its own.
    pub fn add(&mut self, table: String, column: Option<(String, String)>) {
        self.tables.entry(table).or_default().extend(column);
    }

    pub fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    pub fn lacks<'t>(&self, table: &'t Table, types: &Types) -> Result<Lack<'t>, Misfit<'t>> {
        let Some(columns) = self.tables.get(table.name) else { return Ok(Lack::Table) };
        if columns.get(KEY).is_none_or(|kind| kind != types.key) {
            return Err(Misfit::Foreign);
        }
        let mut missing = Vec::new();
        for column in &table.columns {
            let wanted = (types.of)(column.kind);
            match columns.get(column.name) {
                Some(has) if has == wanted => {}
                Some(has) => return Err(Misfit::Typed { column: column.name, has: has.clone(), wanted }),
                None => missing.push(column),
            }
        }
        Ok(Lack::Columns(missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(columns: &[(&str, &str)]) -> Layout {
        let mut layout = Layout::default();
        for (name, kind) in columns {
            layout.add("ware".to_owned(), Some((name.to_string(), kind.to_string())));
        }
        layout
    }

    #[test]
    fn what_is_missing_is_made_and_what_differs_is_refused() {
        let columns = vec![
            Column { name: "id", kind: ColumnType::Int, doc: "Number." },
            Column { name: "at", kind: ColumnType::Time, doc: "When." },
        ];
        let ware = Table { name: "ware", doc: "Ware.", columns, key: 1, log: false };
        let types = Types { key: "uuid", of: |kind| if kind == ColumnType::Int { "bigint" } else { "time" } };
        let (key, id, at) = (("lehr_key", "uuid"), ("id", "bigint"), ("at", "time"));
        let lacks = |columns: &[(&str, &str)]| match layout(columns).lacks(&ware, &types) {
            Ok(Lack::Table) => "a table".to_owned(),
            Ok(Lack::Columns(columns)) => format!("{:?}", columns.iter().map(|column| column.name).collect::<Vec<_>>()),
            Err(misfit) => format!("{misfit:?}"),
        };
        assert_eq!(lacks(&[]), "a table");
        assert_eq!(lacks(&[key, id, at, ("more", "text")]), "[]");
        assert_eq!(lacks(&[key, id]), "[\"at\"]");
        assert_eq!(lacks(&[id, at]), "Foreign");
        assert_eq!(lacks(&[key, ("id", "text"), at]), "Typed { column: \"id\", has: \"text\", wanted: \"bigint\" }");
    }
}
