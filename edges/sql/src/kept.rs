//! Since when a store keeps which table.

use crate::names::key_text;
use lehr_targets::Table;
use std::sync::Arc;

/// A table as the store has it written down.
pub(crate) struct Kept {
    pub name: String,
    /// Columns that tell its rows apart.
    pub key: String,
    /// It has not followed since.
    pub left: bool,
}

/// What is to be written down anew.
#[derive(Debug)]
pub(crate) struct Plan<'t> {
    /// Tables that are kept from now on. One that begins in the middle begins empty: what it holds is of another time.
    pub begin: Vec<&'t Table>,
    /// Tables that are kept no longer.
    pub leave: Vec<String>,
}

/// Rows of `table` are told apart by `key` in the store, and by other columns in Lehr.
#[derive(Debug)]
pub(crate) struct Rekeyed<'t> {
    pub table: &'t Table,
    pub key: String,
}

/// `was_there` says whether the store had a table before it was connected to.
pub(crate) fn plan<'t>(
    kept: Vec<Kept>,
    tables: &'t [Arc<Table>],
    was_there: impl Fn(&str) -> bool,
) -> Result<Plan<'t>, Rekeyed<'t>> {
    let mut begin: Vec<&Table> = Vec::new();
    for table in tables {
        match kept.iter().find(|kept| kept.name == table.name) {
            Some(kept) if kept.key != key_text(table) => return Err(Rekeyed { table, key: kept.key.clone() }),
            Some(kept) if was_there(table.name) && !kept.left => {}
            _ => begin.push(table),
        }
    }
    let follows = |name: &str| tables.iter().any(|table| table.name == name);
    let left = kept.into_iter().filter(|kept| !kept.left && !follows(&kept.name));
    Ok(Plan { begin, leave: left.map(|kept| kept.name).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    fn table(name: &'static str) -> Arc<Table> {
        let columns = vec![Column { name: "id", kind: ColumnType::Int, doc: "Number." }];
        Arc::new(Table { name, doc: "Ware.", columns, key: 1, log: false })
    }

    fn kept(name: &str, key: &str, left: bool) -> Kept {
        Kept { name: name.to_owned(), key: key.to_owned(), left }
    }

    #[test]
    fn what_was_away_begins_anew_and_what_is_not_followed_is_left() {
        let tables = ["new", "stays", "back", "dropped"].map(table);
        let written = vec![
            kept("stays", "id", false),
            kept("back", "id", true),
            kept("dropped", "id", false),
            kept("gone", "id", false),
            kept("long_gone", "id", true),
        ];
        let plan = plan(written, &tables, |name| name != "dropped" && name != "new").unwrap();
        let begin: Vec<&str> = plan.begin.iter().map(|table| table.name).collect();
        assert_eq!(begin, ["new", "back", "dropped"]);
        assert_eq!(plan.leave, ["gone"]);
    }

    #[test]
    fn rows_that_were_told_apart_otherwise_are_named() {
        let tables = [table("ware")];
        let Rekeyed { table, key } = plan(vec![kept("ware", "id, at", false)], &tables, |_| true).unwrap_err();
        assert_eq!((table.name, key.as_str()), ("ware", "id, at"));
    }
}
