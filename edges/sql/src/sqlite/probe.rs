//! Looks whether a file can be used, and changes nothing in it.

use super::config::Config;
use super::link::{Link, value};
use crate::names::{POSITION, TABLES};
use lehr_targets::TargetError;
use sqlx::AssertSqlSafe;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// For all of it.
const LIMIT: Duration = Duration::from_secs(20);

/// What is there, what is missing, and what to do about it. An error when the file cannot be used.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    match tokio::time::timeout(LIMIT, look(config)).await {
        Ok(seen) => seen.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{}: the disk did not answer within {} s", config.address(), LIMIT.as_secs())),
    }
}

async fn look(config: &Config) -> Result<Vec<String>, TargetError> {
    let address = config.address();
    // Not opened but by SQLite: closing a file ends the locks that this process has on it.
    let Ok(file) = fs::metadata(&config.path) else {
        let folder = config.path.parent().unwrap_or(Path::new("/"));
        if !folder.is_dir() {
            let problem = format!("there is no folder {}: make it, writable for this user", folder.display());
            return Err(TargetError::Refused(problem));
        }
        return Ok(vec![format!("{address} is made at the start")]);
    };
    let mut link = Link::look(config).await?;
    let rows = link.rows("looking", sqlx::query("SELECT sqlite_version()")).await?;
    let version: String = rows.first().map_or(Ok(String::new()), |row| value(row, 0))?;
    let log_bytes = fs::metadata(config.log()).map_or(0, |log| log.len());
    let mut lines = vec![format!(
        "SQLite {version}, {address}, {:.1} MiB, its log {:.1} MiB",
        mebibytes(file.len()),
        mebibytes(log_bytes)
    )];
    match link.script("looking", "BEGIN IMMEDIATE; ROLLBACK".to_owned()).await {
        Ok(()) => {}
        Err(TargetError::Away(_)) => lines.push("another program has been writing the file for seconds".to_owned()),
        Err(error) => return Err(error),
    }
    lines.push(standing(&mut link).await?);
    Ok(lines)
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

async fn standing(link: &mut Link) -> Result<String, TargetError> {
    let own = format!("SELECT count(*) FROM sqlite_master WHERE name IN ('{POSITION}', '{TABLES}')");
    let rows = link.rows("looking", sqlx::query(AssertSqlSafe(own))).await?;
    if rows.first().map_or(Ok(0), |row| value::<i64>(row, 0))? < 2 {
        return Ok("the file is empty of Lehr: its tables are made at the start".to_owned());
    }
    let statement = format!(
        "SELECT tick, coalesce(now, 'no time'), (SELECT count(*) FROM {TABLES} WHERE until IS NULL),
            (SELECT count(*) FROM {TABLES} WHERE until IS NULL AND since > 0) FROM {POSITION}"
    );
    let rows = link.rows("looking", sqlx::query(AssertSqlSafe(statement))).await?;
    let Some(row) = rows.first() else { return Ok("the file holds nothing yet".to_owned()) };
    let (tick, now, kept, partly): (i64, String, i64, i64) =
        (value(row, 0)?, value(row, 1)?, value(row, 2)?, value(row, 3)?);
    let partly = if partly > 0 { format!(", {partly} of them only from some tick on") } else { String::new() };
    Ok(format!("the file holds tick {tick} ({now}), {kept} tables{partly}"))
}
