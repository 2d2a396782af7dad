//! What lies in the database, and what becomes of it when Lehr's tables change.

use crate::support::server::Server;
use lehr_domain::table::{Cell, Column, ColumnType};
use lehr_domain::{EventMs, Tick};
use lehr_sql::postgres::{Config, probe};
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
    Delta { after: Tick(after), tick: Tick(tick), now: EventMs(1_767_225_600_000), tables }
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
    let server = Server::start();
    let columns = [
        ("line", ColumnType::Text),
        ("good", ColumnType::Bool),
        ("pieces", ColumnType::Int),
        ("weight", ColumnType::Float),
        ("at", ColumnType::Time),
    ];
    let config = server.config("schema = \"plant \\\"7\\\"\"");
    let made = probe(&config).await.unwrap();
    assert!(made[0].starts_with("PostgreSQL 1") && made[1].ends_with("is made at the start"), "{made:?}");
    let (_, tick) = connected(&config, &[table("ware", &columns)]).await;
    assert_eq!(tick, 0);
    let seen = server.psql(
        "SELECT column_name, data_type, col_description('\"plant \"\"7\"\"\".ware'::regclass, ordinal_position::int)
         FROM information_schema.columns WHERE table_name = 'ware' ORDER BY ordinal_position",
    );
    let expected = "lehr_key|uuid|Hash of line.\nline|text|What's in it.\ngood|boolean|What's in it.\n\
        pieces|bigint|What's in it.\nweight|double precision|What's in it.\nat|timestamp with time zone|What's in it.";
    assert_eq!(seen, expected);
    let holds = probe(&config).await.unwrap();
    assert!(holds[1].ends_with("holds tick 0 (no time), 1 tables"), "{holds:?}");
}

#[tokio::test]
async fn columns_come_and_go_and_types_stay() {
    let server = Server::start();
    let config = server.config("");
    let old = ware();
    let (mut target, _) = connected(&config, std::slice::from_ref(&old)).await;
    target.apply(&delta(0, 1, &[(&old, true, row(1, "a"))])).await.unwrap();

    let new = table("ware", &[("id", ColumnType::Int), ("name", ColumnType::Text), ("broken", ColumnType::Bool)]);
    let (mut target, tick) = connected(&config, std::slice::from_ref(&new)).await;
    assert_eq!(tick, 1);
    let come = vec![Cell::Int(2), Cell::Text("b".to_owned()), Cell::Bool(true)];
    target.apply(&delta(1, 2, &[(&new, true, come)])).await.unwrap();
    let rows = server.psql("SELECT id, weight, name, broken FROM lehr.ware ORDER BY id");
    assert_eq!(rows, "1|0.5|a|\n2||b|t");

    let other = table("ware", &[("id", ColumnType::Int), ("name", ColumnType::Float)]);
    let why = refusal(&config, &[other]).await;
    assert!(why.starts_with("lehr.ware.name is text, and Lehr has double precision: ALTER TABLE"), "{why}");
    let mut keyed = (*new).clone();
    keyed.key = 2;
    let why = refusal(&config, &[Arc::new(keyed)]).await;
    assert!(why.starts_with("rows of lehr.ware are told apart by id, and Lehr has id, name: drop"), "{why}");
    server.psql("CREATE TABLE lehr.other (id BIGINT)");
    let why = refusal(&config, &[table("other", &[("id", ColumnType::Int)])]).await;
    assert!(why.starts_with("lehr.other is there and is no table of Lehr's"), "{why}");
    server.psql("UPDATE lehr.position SET format = 9");
    let why = refusal(&config, &[new]).await;
    assert!(why.starts_with("schema lehr has format 9, and this Lehr writes 1"), "{why}");
}

#[tokio::test]
async fn only_tables_that_are_asked_for_are_kept_and_one_that_was_left_begins_anew() {
    let server = Server::start();
    let (one, two) = (ware(), table("users", &[("id", ColumnType::Int)]));
    let tables = [one.clone(), two.clone()];
    let changes = |id| [(&one, true, row(id, "a")), (&two, true, vec![Cell::Int(id)])];
    let only = server.config("tables = [\"ware\"]");
    only.check(&tables).unwrap();
    let (mut target, _) = connected(&only, &tables).await;
    target.apply(&delta(0, 1, &changes(1))).await.unwrap();
    assert_eq!(server.psql("SELECT count(*), to_regclass('lehr.users') FROM lehr.ware"), "1|");

    let (mut target, _) = connected(&server.config("tables = [\"users\"]"), &tables).await;
    target.apply(&delta(1, 2, &changes(2))).await.unwrap();
    let kept = || server.psql("SELECT name, key, since, until FROM lehr.tables ORDER BY name");
    assert_eq!(kept(), "users|id|1|\nware|id|0|1");

    let (mut target, tick) = connected(&server.config(""), &tables).await;
    assert_eq!((tick, server.psql("SELECT count(*) FROM lehr.ware").as_str()), (2, "0"));
    target.apply(&delta(2, 3, &changes(3))).await.unwrap();
    assert_eq!(kept(), "users|id|1|\nware|id|2|");
    assert_eq!(server.psql("SELECT (SELECT array_agg(id) FROM lehr.ware), array_agg(id) FROM lehr.users"), "{3}|{2,3}");
    let seen = probe(&server.config("")).await.unwrap();
    assert!(seen[1].contains("holds tick 3") && seen[1].ends_with("2 of them only from some tick on"), "{seen:?}");
}

#[tokio::test]
async fn a_user_without_rights_is_told_which() {
    let server = Server::start();
    let password = server.folder().join("password");
    let secret = std::fs::read_to_string(&password).unwrap().replace('\'', "''");
    server.psql(&format!("CREATE ROLE writer LOGIN PASSWORD '{secret}'"));
    let config = Config { user: Some("writer".to_owned()), ..server.config("") };
    let why = refusal(&config, &[ware()]).await;
    assert!(why.contains("permission denied for database glass") && why.contains("grant it"), "{why}");
    let why = probe(&config).await.unwrap_err();
    assert!(why.ends_with("CREATE SCHEMA lehr AUTHORIZATION writer"), "{why}");
    // No more than it was told is needed.
    server.psql("CREATE SCHEMA lehr AUTHORIZATION writer");
    let (mut target, _) = connected(&config, &[ware()]).await;
    target.apply(&delta(0, 1, &[(&ware(), true, row(1, "a"))])).await.unwrap();
    assert_eq!(server.psql("SELECT name FROM lehr.ware"), "a");
}

/// What others do to the rows is put right where Lehr writes again, and never stops it.
#[tokio::test]
async fn rows_that_others_changed_are_no_obstacle() {
    let server = Server::start();
    let (mut target, _) = connected(&server.config(""), &[ware()]).await;
    target.apply(&delta(0, 1, &[(&ware(), true, row(1, "a"))])).await.unwrap();
    server.psql("CREATE INDEX ON lehr.ware (name); DELETE FROM lehr.ware");
    target.apply(&delta(1, 2, &[(&ware(), false, row(1, "a")), (&ware(), true, row(2, "b"))])).await.unwrap();
    server.psql("UPDATE lehr.ware SET name = 'x'");
    let mut changed = delta(2, 3, &[(&ware(), false, row(2, "b"))]);
    changed.tables[0].changes.push(Change { appeared: true, row: row(2, "c") });
    target.apply(&changed).await.unwrap();
    assert_eq!(server.psql("SELECT id, name FROM lehr.ware"), "2|c");
}
