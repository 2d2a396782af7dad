//! What lies in the file, and what becomes of it when Lehr's tables change.

use crate::support::file::File;
use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_sql::sqlite::{Config, probe};
use lehr_targets::{Change, Delta, Table, TableDelta, Target, TargetError};
use std::sync::Arc;

fn column(name: &'static str, kind: ColumnType) -> Column {
    Column { name, kind, doc: " What's in it. " }
}

fn table(name: &'static str, columns: &[(&'static str, ColumnType)]) -> Arc<Table> {
    let columns = columns.iter().map(|(name, kind)| column(name, *kind)).collect();
    Arc::new(Table { name, doc: "Ware.", columns, key: 1, log: false })
}

fn ware() -> Arc<Table> {
    table("ware", &[("id", ColumnType::Int), ("weight", ColumnType::Float), ("name", ColumnType::Text)])
}

fn row(id: i64, name: &str) -> Vec<Cell> {
    vec![Cell::Int(id), Cell::Float(0.5), Cell::Text(name.to_owned())]
}

fn delta(after: u64, tick: u64, changes: &[(&Arc<Table>, bool, Vec<Cell>)]) -> Delta {
    let of = |(table, appeared, row): &(&Arc<Table>, bool, Vec<Cell>)| TableDelta {
        table: (*table).clone(),
        changes: vec![Change { appeared: *appeared, row: row.clone() }],
    };
    let tables = changes.iter().map(of).collect();
    Delta { after: Tick(after), tick: Tick(tick), now: EventMs(1_767_225_600_250), tables }
}

async fn connected(config: &Config, tables: &[Arc<Table>]) -> (Box<dyn Target>, u64) {
    let mut target = config.target();
    let tick = target.connect(tables).await.unwrap().expect("it keeps its tick");
    (target, tick.0)
}

async fn refusal(config: &Config, tables: &[Arc<Table>]) -> String {
    match config.target().connect(tables).await {
        Err(TargetError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tables_are_typed_and_say_what_they_hold() {
    let file = File::new();
    let columns = [
        ("line", ColumnType::Text),
        ("good", ColumnType::Bool),
        ("pieces", ColumnType::Int),
        ("weight", ColumnType::Float),
        ("at", ColumnType::Time),
    ];
    let wares = table("ware", &columns);
    let (mut target, tick) = connected(&file.config(""), std::slice::from_ref(&wares)).await;
    assert_eq!(tick, 0);
    assert_eq!(
        file.ask("SELECT name, type FROM pragma_table_info('ware')"),
        "lehr_key|BLOB\nline|TEXT\ngood|BOOLEAN\npieces|INTEGER\nweight|REAL\nat|TIME TEXT"
    );
    let text = file.ask("SELECT sql FROM sqlite_master WHERE name = 'ware'");
    assert!(text.contains("/* Ware. */") && text.contains("\"weight\" REAL /* What's in it. */"), "{text}");
    let holds = probe(&file.config("")).await.unwrap();
    assert!(holds[0].starts_with("SQLite 3."), "{holds:?}");
    assert_eq!(holds[1], "the file holds tick 0 (no time), 1 tables");

    let at = Cell::Time(EventMs(1_767_247_200_250));
    let cells = vec![Cell::Text("A".to_owned()), Cell::Bool(true), Cell::Int(i64::MAX), Cell::Float(2.0), at];
    target.apply(&delta(0, 1, &[(&wares, true, cells)])).await.unwrap();
    assert_eq!(
        file.ask(
            "SELECT *, typeof(weight), strftime('%H:%M', at) FROM (SELECT line, good, pieces, weight, at FROM ware)"
        ),
        "A|1|9223372036854775807|2.0|2026-01-01T06:00:00.250Z|real|06:00"
    );
    let holds = probe(&file.config("")).await.unwrap();
    assert_eq!(holds[1], "the file holds tick 1 (2026-01-01T00:00:00.250Z), 1 tables");
    let settings = file.ask("PRAGMA journal_mode");
    assert_eq!(settings, "wal");
}

#[tokio::test]
async fn columns_come_and_go_and_types_stay() {
    let file = File::new();
    let config = file.config("");
    let old = ware();
    let (mut target, _) = connected(&config, std::slice::from_ref(&old)).await;
    target.apply(&delta(0, 1, &[(&old, true, row(1, "a"))])).await.unwrap();
    drop(target);

    let new = table("ware", &[("id", ColumnType::Int), ("name", ColumnType::Text), ("broken", ColumnType::Bool)]);
    let (mut target, tick) = connected(&config, std::slice::from_ref(&new)).await;
    assert_eq!(tick, 1);
    let come = vec![Cell::Int(2), Cell::Text("b".to_owned()), Cell::Bool(true)];
    target.apply(&delta(1, 2, &[(&new, true, come)])).await.unwrap();
    drop(target);
    assert_eq!(file.ask("SELECT id, weight, name, broken FROM ware ORDER BY id"), "1|0.5|a|\n2||b|1");
    let text = file.ask("SELECT sql FROM sqlite_master WHERE name = 'ware'");
    assert!(text.contains("\"broken\" BOOLEAN /* What's in it. */"), "{text}");

    for (kind, has) in [(ColumnType::Float, "REAL"), (ColumnType::Time, "TIME TEXT")] {
        let other = table("ware", &[("id", ColumnType::Int), ("name", kind)]);
        let why = refusal(&config, &[other]).await;
        assert!(why.starts_with(&format!("ware.name is TEXT, and Lehr has {has}: move the file away")), "{why}");
    }
    let mut keyed = (*new).clone();
    keyed.key = 2;
    let why = refusal(&config, &[Arc::new(keyed)]).await;
    assert!(why.starts_with("rows of ware are told apart by id, and Lehr has id, name: move"), "{why}");
    file.ask("CREATE TABLE other (id INTEGER)");
    let why = refusal(&config, &[table("other", &[("id", ColumnType::Int)])]).await;
    assert!(why.starts_with("other is there and is no table of Lehr's"), "{why}");
    file.ask("UPDATE position SET format = 9");
    let why = refusal(&config, &[new]).await;
    assert!(why.starts_with("the file has format 9, and this Lehr writes 1"), "{why}");
}

#[tokio::test]
async fn only_tables_that_are_asked_for_are_kept_and_one_that_was_left_begins_anew() {
    let file = File::new();
    let (one, two) = (ware(), table("users", &[("id", ColumnType::Int)]));
    let tables = [one.clone(), two.clone()];
    let changes = |id| [(&one, true, row(id, "a")), (&two, true, vec![Cell::Int(id)])];
    let only = file.config("tables = [\"ware\"]");
    only.check(&tables).unwrap();
    let (mut target, _) = connected(&only, &tables).await;
    target.apply(&delta(0, 1, &changes(1))).await.unwrap();
    drop(target);
    let reader = file.reader();
    assert_eq!(reader.ask("SELECT count(*) FROM ware"), "1");
    assert!(reader.try_to("SELECT * FROM users").unwrap_err().contains("no such table"));

    let (mut target, _) = connected(&file.config("tables = [\"users\"]"), &tables).await;
    target.apply(&delta(1, 2, &changes(2))).await.unwrap();
    drop(target);
    let kept = || reader.ask("SELECT name, key, since, until FROM tables ORDER BY name");
    assert_eq!(kept(), "users|id|1|\nware|id|0|1");

    let (mut target, tick) = connected(&file.config(""), &tables).await;
    assert_eq!((tick, reader.ask("SELECT count(*) FROM ware").as_str()), (2, "0"));
    target.apply(&delta(2, 3, &changes(3))).await.unwrap();
    drop(target);
    assert_eq!(kept(), "users|id|1|\nware|id|2|");
    assert_eq!(reader.ask("SELECT id FROM ware"), "3");
    assert_eq!(reader.ask("SELECT id FROM users ORDER BY id"), "2\n3");
    let seen = probe(&file.config("")).await.unwrap();
    assert!(seen[1].contains("holds tick 3") && seen[1].ends_with("2 of them only from some tick on"), "{seen:?}");
}

/// What others do to the rows is put right where Lehr writes again, and never stops it.
#[tokio::test]
async fn rows_that_others_changed_are_no_obstacle() {
    let file = File::new();
    let other = file.reader();
    other.ask("CREATE TABLE notes (text TEXT)");
    let (mut target, _) = connected(&file.config(""), &[ware()]).await;
    target.apply(&delta(0, 1, &[(&ware(), true, row(1, "a"))])).await.unwrap();
    other.ask("CREATE INDEX by_name ON ware (name)");
    other.ask("CREATE VIEW names AS SELECT name FROM ware");
    other.ask("ALTER TABLE ware ADD COLUMN mine TEXT");
    other.ask("DELETE FROM ware");
    target.apply(&delta(1, 2, &[(&ware(), false, row(1, "a")), (&ware(), true, row(2, "b"))])).await.unwrap();
    other.ask("UPDATE ware SET name = 'x', mine = 'y'");
    let mut changed = delta(2, 3, &[(&ware(), false, row(2, "b"))]);
    changed.tables[0].changes.push(Change { appeared: true, row: row(2, "c") });
    target.apply(&changed).await.unwrap();
    assert_eq!(other.ask("SELECT id, name, mine FROM ware"), "2|c|y");
    let (_, tick) = connected(&file.config(""), &[ware()]).await;
    assert_eq!(tick, 3);
}
