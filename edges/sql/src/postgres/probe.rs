//! Looks whether a store can be used, and changes nothing in it.

use super::config::Config;
use super::link::{Link, value};
use super::sql;
use crate::names::{POSITION, TABLES};
use lehr_targets::TargetError;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgRow;
use std::time::Duration;

/// For all of it.
const LIMIT: Duration = Duration::from_secs(20);

/// The oldest version that has all that Lehr uses.
const OLDEST: i32 = 90_500;

/// What is there, what is missing, and what to do about it. An error when the store cannot be reached or used.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    match tokio::time::timeout(LIMIT, look(config)).await {
        Ok(seen) => seen.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{}: no answer within {} s", config.address(), LIMIT.as_secs())),
    }
}

async fn look(config: &Config) -> Result<Vec<String>, TargetError> {
    let mut link = Link::open(config).await?;
    let statement = sqlx::query(
        "SELECT current_setting('server_version'), current_setting('server_version_num')::int,
            current_database()::text, current_user::text, current_setting('server_encoding'),
            coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
            pg_is_in_recovery(), current_setting('fsync') = 'on',
            has_database_privilege(current_database(), 'CREATE'),
            EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
            to_regclass($2) IS NOT NULL AND to_regclass($3) IS NOT NULL",
    );
    let [position, tables] = [POSITION, TABLES].map(|table| sql::place(&config.schema, table));
    let statement = statement.bind(&config.schema).bind(&position).bind(&tables);
    let rows = link.rows("looking", statement).await?;
    let row = rows.first().ok_or_else(|| TargetError::Away("the server gave no answer".to_owned()))?;
    let mut lines = server(row)?;
    let (may_create, has_schema, has_position): (bool, bool, bool) = (value(row, 8)?, value(row, 9)?, value(row, 10)?);
    if has_position {
        lines.push(standing(&mut link, config).await?);
    } else if has_schema {
        lines.push(format!("schema {} is there and empty of Lehr: its tables are made at the start", config.schema));
    } else if may_create {
        lines.push(format!("schema {} is made at the start", config.schema));
    } else {
        let user: String = value(row, 3)?;
        return Err(TargetError::Refused(format!(
            "schema {0} is missing and {user} may not make it: CREATE SCHEMA {0} AUTHORIZATION {user}",
            config.schema
        )));
    }
    Ok(lines)
}

fn server(row: &PgRow) -> Result<Vec<String>, TargetError> {
    let (version, number): (String, i32) = (value(row, 0)?, value(row, 1)?);
    let (database, user, encoding): (String, String, String) = (value(row, 2)?, value(row, 3)?, value(row, 4)?);
    if number < OLDEST {
        return Err(TargetError::Refused(format!("PostgreSQL {version} is too old: Lehr needs 9.5 or newer")));
    }
    if encoding != "UTF8" {
        return Err(TargetError::Refused(format!(
            "database {database} has the encoding {encoding}: create one with ENCODING 'UTF8'"
        )));
    }
    let (encrypted, standby, durable): (bool, bool, bool) = (value(row, 5)?, value(row, 6)?, value(row, 7)?);
    if standby {
        return Err(TargetError::Refused("the server is a standby: give the address of the primary".to_owned()));
    }
    let how = if encrypted { "encrypted" } else { "not encrypted" };
    let mut lines = vec![format!("PostgreSQL {version}, database {database}, user {user}, {how}")];
    if !durable {
        lines.push("fsync is off: after a crash of the server Lehr may have to fill the store anew".to_owned());
    }
    Ok(lines)
}

async fn standing(link: &mut Link, config: &Config) -> Result<String, TargetError> {
    let [position, tables] = [POSITION, TABLES].map(|table| sql::place(&config.schema, table));
    let statement = format!(
        "SELECT tick, coalesce(now::text, 'no time'), (SELECT count(*) FROM {tables} WHERE until IS NULL),
            (SELECT count(*) FROM {tables} WHERE until IS NULL AND since > 0) FROM {position}"
    );
    let rows = link.rows("looking", sqlx::query(AssertSqlSafe(statement))).await?;
    let Some(row) = rows.first() else { return Ok(format!("schema {} holds nothing yet", config.schema)) };
    let (tick, now, kept, partly): (i64, String, i64, i64) =
        (value(row, 0)?, value(row, 1)?, value(row, 2)?, value(row, 3)?);
    let partly = if partly > 0 { format!(", {partly} of them only from some tick on") } else { String::new() };
    Ok(format!("schema {} holds tick {tick} ({now}), {kept} tables{partly}", config.schema))
}
