//! Makes what is missing in the store and finds out where it stands, in one transaction.

use super::layout;
use super::link::{Link, value};
use super::sql;
use crate::kept::{Kept, plan};
use crate::layout::Layout;
use crate::names::{FORMAT, POSITION, TABLES, key_text};
use lehr_domain::Tick;
use lehr_targets::{Table, TargetError};
use sqlx::AssertSqlSafe;
use std::sync::Arc;

/// Sees to it that `tables` can follow, and gives the tick that they hold.
pub(crate) async fn prepare(link: &mut Link, schema: &str, tables: &[Arc<Table>]) -> Result<Tick, TargetError> {
    link.script("beginning", "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned()).await?;
    check_encoding(link).await?;
    // Two sessions that make the same tables would each fail on what the other has made.
    let alone = sqlx::query("SELECT pg_advisory_xact_lock(hashtext('lehr'), hashtext($1))").bind(schema);
    link.run("waiting for other sessions", alone).await?;
    let layout = layout::read(link, schema).await?;
    let script = missing(layout.as_ref(), schema, tables)?;
    if !script.is_empty() {
        link.script("making tables", script).await?;
    }
    let tick = stand(link, schema).await?;
    keep(link, schema, tables, layout.as_ref(), tick).await?;
    link.script("committing", "COMMIT".to_owned()).await?;
    Ok(tick)
}

/// Others cannot hold every text.
async fn check_encoding(link: &mut Link) -> Result<(), TargetError> {
    let statement = sqlx::query("SELECT current_setting('server_encoding')");
    let rows = link.rows("reading the encoding", statement).await?;
    match rows.first().map(|row| value::<String>(row, 0)).transpose()? {
        Some(encoding) if encoding != "UTF8" => {
            let problem = format!("the database has the encoding {encoding}: create one with ENCODING 'UTF8'");
            Err(TargetError::Refused(problem))
        }
        _ => Ok(()),
    }
}

fn missing(layout: Option<&Layout>, schema: &str, tables: &[Arc<Table>]) -> Result<String, TargetError> {
    let mut script = String::new();
    if layout.is_none() {
        script.push_str(&sql::create_schema(schema));
    }
    let has = |table| layout.is_some_and(|layout| layout.has(table));
    if !has(POSITION) {
        script.push_str(&sql::create_position(schema));
    }
    if !has(TABLES) {
        script.push_str(&sql::create_tables(schema));
    }
    for table in tables {
        script.push_str(&match layout {
            Some(layout) => layout::missing(layout, schema, table)?,
            None => sql::create_table(schema, table),
        });
    }
    Ok(script)
}

/// An empty store stands at tick 0.
async fn stand(link: &mut Link, schema: &str) -> Result<Tick, TargetError> {
    let position = sql::place(schema, POSITION);
    let first = format!("INSERT INTO {position} (tick, format) VALUES (0, $1) ON CONFLICT DO NOTHING");
    link.run("reading the position", sqlx::query(AssertSqlSafe(first)).bind(FORMAT)).await?;
    let rows = link.rows("reading the position", sqlx::query(AssertSqlSafe(sql::stand(schema)))).await?;
    let Some(row) = rows.first() else {
        return Err(TargetError::Refused(format!("{schema}.{POSITION} has no row: let this user read it")));
    };
    match value::<i32>(row, 1)? {
        FORMAT => Ok(Tick(value::<i64>(row, 0)? as u64)),
        other => Err(TargetError::Refused(format!(
            "schema {schema} has format {other}, and this Lehr writes {}: drop the schema and let Lehr fill it anew",
            FORMAT
        ))),
    }
}

/// Writes down which tables follow, and from when on.
async fn keep(
    link: &mut Link,
    schema: &str,
    tables: &[Arc<Table>],
    layout: Option<&Layout>,
    tick: Tick,
) -> Result<(), TargetError> {
    let was_there = |name: &str| layout.is_some_and(|layout| layout.has(name));
    let plan = plan(kept(link, schema).await?, tables, was_there).map_err(|rekeyed| {
        TargetError::Refused(format!(
            "rows of {schema}.{} are told apart by {}, and Lehr has {}: drop the schema and let Lehr fill it anew",
            rekeyed.table.name,
            rekeyed.key,
            key_text(rekeyed.table)
        ))
    })?;
    for table in plan.begin {
        begin(link, schema, table, tick).await?;
    }
    for name in plan.leave {
        tracing::warn!("table {schema}.{name} is no longer kept: it stays as it is");
        let leave = format!("UPDATE {} SET until = $1 WHERE name = $2", sql::place(schema, TABLES));
        link.run("leaving a table", sqlx::query(AssertSqlSafe(leave)).bind(tick.0 as i64).bind(name)).await?;
    }
    Ok(())
}

async fn kept(link: &mut Link, schema: &str) -> Result<Vec<Kept>, TargetError> {
    let list = format!("SELECT name, key, until IS NOT NULL FROM {}", sql::place(schema, TABLES));
    let rows = link.rows("listing tables", sqlx::query(AssertSqlSafe(list))).await?;
    rows.iter().map(|row| Ok(Kept { name: value(row, 0)?, key: value(row, 1)?, left: value(row, 2)? })).collect()
}

async fn begin(link: &mut Link, schema: &str, table: &Table, tick: Tick) -> Result<(), TargetError> {
    let name = table.name;
    if tick > Tick(0) {
        tracing::warn!("table {schema}.{name} is kept from tick {} on: it lacks rows that are older", tick.0);
    }
    let empty = format!("DELETE FROM {}", sql::place(schema, name));
    link.run("emptying a table", sqlx::query(AssertSqlSafe(empty))).await?;
    let write = format!(
        "INSERT INTO {} (name, key, since) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET key = EXCLUDED.key, since = EXCLUDED.since, until = NULL",
        sql::place(schema, TABLES)
    );
    let write = sqlx::query(AssertSqlSafe(write)).bind(name).bind(key_text(table)).bind(tick.0 as i64);
    link.run("beginning a table", write).await.map(|_| ())
}
