//! Makes what is missing in the file and finds out where it stands, in one transaction.

use super::cells::type_name;
use super::link::{Link, value};
use super::sql;
use crate::kept::{Kept, plan};
use crate::layout::{Lack, Layout, Misfit, Types};
use crate::names::{FORMAT, POSITION, TABLES, key_text, name};
use lehr_domain::Tick;
use lehr_targets::{Table, TargetError};
use sqlx::AssertSqlSafe;
use std::sync::Arc;

const TYPES: Types = Types { key: "BLOB", of: type_name };

/// What to do when nothing else helps.
const ANEW: &str = "move the file away and let Lehr fill another one under a new name";

/// Sees to it that `tables` can follow, and gives the tick that they hold.
pub(crate) async fn prepare(link: &mut Link, tables: &[Arc<Table>]) -> Result<Tick, TargetError> {
    link.script("beginning", "BEGIN IMMEDIATE".to_owned()).await?;
    let layout = read(link).await?;
    let script = missing(&layout, tables)?;
    if !script.is_empty() {
        link.script("making tables", script).await?;
    }
    let tick = stand(link).await?;
    keep(link, tables, &layout, tick).await?;
    link.script("committing", "COMMIT".to_owned()).await?;
    Ok(tick)
}

/// Tables that others keep in the file by modules of theirs are passed over: Lehr may not have the module.
async fn read(link: &mut Link) -> Result<Layout, TargetError> {
    let statement = sqlx::query(
        "SELECT t.name, c.name, c.type FROM sqlite_master t LEFT JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL %'",
    );
    let mut layout = Layout::default();
    for row in link.rows("reading the schema", statement).await? {
        let (column, kind): (Option<String>, Option<String>) = (value(&row, 1)?, value(&row, 2)?);
        layout.add(value(&row, 0)?, column.zip(kind));
    }
    Ok(layout)
}

fn missing(layout: &Layout, tables: &[Arc<Table>]) -> Result<String, TargetError> {
    let mut script = String::new();
    if !layout.has(POSITION) {
        script.push_str(&sql::create_position());
    }
    if !layout.has(TABLES) {
        script.push_str(&sql::create_tables());
    }
    for table in tables {
        let own = table.name;
        match layout.lacks(table, &TYPES) {
            Ok(Lack::Table) => script.push_str(&sql::create_table(table)),
            Ok(Lack::Columns(columns)) => {
                columns.into_iter().for_each(|column| script.push_str(&sql::add_column(table, column)));
            }
            Err(Misfit::Foreign) => {
                return Err(TargetError::Refused(format!(
                    "{own} is there and is no table of Lehr's: choose another file, or rename it"
                )));
            }
            Err(Misfit::Typed { column, has, wanted }) => {
                return Err(TargetError::Refused(format!(
                    "{own}.{column} is {has}, and Lehr has {wanted}: {ANEW}, or rename the column in the old file"
                )));
            }
        }
    }
    Ok(script)
}

/// An empty file stands at tick 0.
async fn stand(link: &mut Link) -> Result<Tick, TargetError> {
    let first = format!("INSERT INTO {POSITION} (one, tick, format) VALUES (1, 0, $1) ON CONFLICT DO NOTHING");
    link.run("reading the position", sqlx::query(AssertSqlSafe(first)).bind(FORMAT)).await?;
    let rows = link.rows("reading the position", sqlx::query(AssertSqlSafe(sql::stand()))).await?;
    let Some(row) = rows.first() else {
        return Err(TargetError::Refused(format!("{POSITION} has no row: {ANEW}")));
    };
    match value::<i32>(row, 1)? {
        FORMAT => Ok(Tick(value::<i64>(row, 0)? as u64)),
        other => {
            Err(TargetError::Refused(format!("the file has format {other}, and this Lehr writes {FORMAT}: {ANEW}")))
        }
    }
}

/// Writes down which tables follow, and from when on.
async fn keep(link: &mut Link, tables: &[Arc<Table>], layout: &Layout, tick: Tick) -> Result<(), TargetError> {
    let plan = plan(kept(link).await?, tables, |name| layout.has(name)).map_err(|rekeyed| {
        TargetError::Refused(format!(
            "rows of {} are told apart by {}, and Lehr has {}: {ANEW}",
            rekeyed.table.name,
            rekeyed.key,
            key_text(rekeyed.table)
        ))
    })?;
    for table in plan.begin {
        begin(link, table, tick).await?;
    }
    for name in plan.leave {
        tracing::warn!("table {name} is no longer kept: it stays as it is");
        let leave = format!("UPDATE {TABLES} SET until = $1 WHERE name = $2");
        link.run("leaving a table", sqlx::query(AssertSqlSafe(leave)).bind(tick.0 as i64).bind(name)).await?;
    }
    Ok(())
}

async fn kept(link: &mut Link) -> Result<Vec<Kept>, TargetError> {
    let list = format!("SELECT name, key, until IS NOT NULL FROM {TABLES}");
    let rows = link.rows("listing tables", sqlx::query(AssertSqlSafe(list))).await?;
    rows.iter().map(|row| Ok(Kept { name: value(row, 0)?, key: value(row, 1)?, left: value(row, 2)? })).collect()
}

async fn begin(link: &mut Link, table: &Table, tick: Tick) -> Result<(), TargetError> {
    if tick > Tick(0) {
        tracing::warn!("table {} is kept from tick {} on: it lacks rows that are older", table.name, tick.0);
    }
    let empty = format!("DELETE FROM {}", name(table.name));
    link.run("emptying a table", sqlx::query(AssertSqlSafe(empty))).await?;
    let write = format!(
        "INSERT INTO {TABLES} (name, key, since) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET key = EXCLUDED.key, since = EXCLUDED.since, until = NULL"
    );
    let write = sqlx::query(AssertSqlSafe(write)).bind(table.name).bind(key_text(table)).bind(tick.0 as i64);
    link.run("beginning a table", write).await.map(|_| ())
}
