//! Which objects count, and what they add up to.

use crate::day::Day;
use lehr_domain::{EventMs, Tick};
use lehr_targets::{Table, TargetError};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The object with the position.
pub(crate) const POSITION: &str = "position.json";

const FORMAT: u32 = 1;

/// All of `position.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub format: u32,
    /// How often a Lehr began to write here.
    pub claim: u64,
    pub tick: u64,
    /// Plant time of the tick, milliseconds since the epoch. None at tick 0.
    pub now_ms: Option<i64>,
    pub tables: BTreeMap<String, Kept>,
}

/// What is kept of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Columns that tell its rows apart.
    pub key: Vec<String>,
    /// From which tick on it is kept; 0 when it holds all.
    pub since: u64,
    /// Until which it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// In order of ticks. No day without an object.
    pub days: BTreeMap<Day, Vec<Object>>,
}

/// An object that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// Its name below the prefix.
    pub object: String,
    pub rows: u64,
    pub bytes: u64,
    /// Plant time of the last tick in it.
    pub now_ms: i64,
}

impl Object {
    /// Of one delta, not merged yet.
    pub fn is_changes(&self) -> bool {
        self.object.rsplit('/').next().is_some_and(|name| name.starts_with("changes-"))
    }
}

impl Position {
    /// Of an empty store.
    pub fn empty() -> Position {
        Position { format: FORMAT, claim: 0, tick: 0, now_ms: None, tables: BTreeMap::new() }
    }

    pub fn read(bytes: &[u8]) -> Result<Position, TargetError> {
        let wrong = |why: String| {
            TargetError::Refused(format!(
                "{POSITION} is not what Lehr writes: {why}; give another prefix, or empty this one"
            ))
        };
        let position: Position = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if position.format != FORMAT {
            return Err(wrong(format!("it has format {}, and this Lehr writes {FORMAT}", position.format)));
        }
        Ok(position)
    }

    pub fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers, with days as keys")
    }

    pub fn tick(&self) -> Tick {
        Tick(self.tick)
    }

    pub fn now(&self) -> Option<EventMs> {
        self.now_ms.map(EventMs)
    }

    /// Takes note of which tables are kept from now on. What was left out for a while begins anew: its objects do not count
    /// any more.
    pub fn follow(&mut self, tables: &[Arc<Table>]) -> Result<(), TargetError> {
        let tick = self.tick;
        for (name, kept) in &mut self.tables {
            if !tables.iter().any(|table| table.name == name) {
                kept.until.get_or_insert(tick);
            }
        }
        for table in tables {
            let key: Vec<String> = table.columns.iter().take(table.key).map(|column| column.name.to_owned()).collect();
            let new = || Kept { key: key.clone(), since: tick, until: None, days: BTreeMap::new() };
            let kept = self.tables.entry(table.name.to_owned()).or_insert_with(new);
            if kept.until.is_some() {
                *kept = new();
            }
            if kept.key != key {
                return Err(TargetError::Refused(format!(
                    "rows of {} are told apart by {}, and Lehr does it by {}: give another prefix, so that the store is \
                     filled anew",
                    table.name,
                    kept.key.join(", "),
                    key.join(", ")
                )));
            }
        }
        Ok(())
    }

    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.tables.values().flat_map(|kept| kept.days.values()).flatten()
    }

    /// Names of all that counts.
    pub fn named(&self) -> BTreeSet<&str> {
        self.objects().map(|object| object.object.as_str()).collect()
    }

    pub fn add(&mut self, table: &str, day: Day, object: Object) {
        if let Some(kept) = self.tables.get_mut(table) {
            kept.days.entry(day).or_default().push(object);
        }
    }

    /// Puts what they were merged into in the place of objects.
    pub fn replace(&mut self, table: &str, day: Day, merged: &[Object], into: Vec<Object>) {
        let Some(kept) = self.tables.get_mut(table) else { return };
        let mut left: Vec<Object> = kept.days.remove(&day).unwrap_or_default();
        left.retain(|object| !merged.contains(object));
        // What is left is older: of a log, rows that were merged before.
        left.extend(into);
        if !left.is_empty() {
            kept.days.insert(day, left);
        }
    }
}

/// The folder of a day's objects.
pub(crate) fn folder(table: &str, day: Day) -> String {
    format!("{table}/day={day}")
}

/// Whether an object of this name is one of Lehr's: others are left alone.
pub(crate) fn is_own(table: &str, name: &str) -> bool {
    let parts =
        name.strip_prefix(table).and_then(|rest| rest.strip_prefix("/day=")).and_then(|rest| rest.split_once('/'));
    parts.is_some_and(|(_, file)| {
        let file = file.strip_suffix(crate::folder::PARTIAL).unwrap_or(file);
        let middle = file.strip_suffix(".parquet").unwrap_or_default();
        let numbers = middle.strip_prefix("changes-").or(middle.strip_prefix("rows-")).unwrap_or_default();
        !numbers.is_empty() && numbers.chars().all(|c| c.is_ascii_digit() || c == '-' || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lehr_domain::table::{Column, ColumnType};

    fn table(name: &'static str, key: &'static str) -> Arc<Table> {
        let columns = vec![Column { name: key, kind: ColumnType::Int, doc: "Number." }];
        Arc::new(Table { name, doc: "Ware.", columns, key: 1, log: false })
    }

    fn object(name: &str) -> Object {
        Object { object: name.to_owned(), rows: 1, bytes: 1, now_ms: 0 }
    }

    #[test]
    fn a_table_that_was_left_out_begins_anew() {
        let (ware, panes) = (table("ware", "id"), table("panes", "id"));
        let mut position = Position::empty();
        position.follow(&[ware.clone(), panes.clone()]).unwrap();
        position.add("ware", Day::NONE, object("a"));
        position.add("panes", Day::NONE, object("b"));
        position.tick = 5;
        position.follow(std::slice::from_ref(&panes)).unwrap();
        assert_eq!((position.tables["ware"].until, position.named().len()), (Some(5), 2));
        position.tick = 7;
        let mut position = Position::read(&position.bytes()).unwrap();
        position.follow(&[ware, panes]).unwrap();
        let (ware, panes) = (&position.tables["ware"], &position.tables["panes"]);
        assert_eq!((ware.since, ware.until, ware.days.len()), (7, None, 0));
        assert_eq!((panes.since, panes.until, panes.days.len()), (0, None, 1));
        assert!(position.follow(&[table("ware", "name")]).is_err());
    }

    #[test]
    fn what_is_not_lehrs_is_told_apart() {
        for own in ["ware/day=2026-01-31/changes-1-2.3-0.parquet", "ware/day=x/rows-2.3-0.parquet.partial"] {
            assert!(is_own("ware", own), "{own}");
        }
        for other in [
            "ware/day=2026-01-31/notes.txt",
            "ware/day=2026-01-31/rows-.parquet",
            "ware/rows-2.3-0.parquet",
            "ware/day=2026-01-31/deep/rows-2.3-0.parquet",
            "wares/day=2026-01-31/rows-2.3-0.parquet",
            "ware/day=2026-01-31/rows-mine.parquet",
        ] {
            assert!(!is_own("ware", other), "{other}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let newer = Position { format: 2, ..Position::empty() };
        for bytes in [b"{".to_vec(), b"{}".to_vec(), newer.bytes()] {
            assert!(matches!(Position::read(&bytes), Err(TargetError::Refused(_))));
        }
    }
}
