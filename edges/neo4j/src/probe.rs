//! Looks whether a store can be used, and changes nothing in it.

use crate::config::Config;
use crate::cypher;
use crate::drift::read;
use crate::link::{Link, value};
use crate::values::cell;
use lehr_domain::table::Cell;
use lehr_targets::TargetError;
use neo4rs::query;
use std::time::Duration;

/// For all of it.
const LIMIT: Duration = Duration::from_secs(20);

/// What is there, what is missing, how much was edited by hand, and what to do about it. An error when the store cannot
/// be reached or used.
pub async fn probe(config: &Config) -> Result<Vec<String>, String> {
    match tokio::time::timeout(LIMIT, look(config)).await {
        Ok(seen) => seen.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{}: no answer within {} s", config.address(), LIMIT.as_secs())),
    }
}

async fn look(config: &Config) -> Result<Vec<String>, TargetError> {
    let link = Link::open(config).await?;
    let how = if config.encrypts() { "encrypted" } else { "not encrypted" };
    let version = match version(&link).await {
        Ok(version) => version,
        // It was reached and let us in, but does not know the procedure.
        Err(TargetError::Refused(_)) => "a server that speaks Bolt and does not say its version".to_owned(),
        Err(away) => return Err(away),
    };
    let mut lines = vec![format!("{version}, database {}, user {}, {how}", config.database, config.user)];
    // After a refusal the connection is of no use.
    let link = Link::open(config).await?;
    let Some(mirror) = read(&link, &config.name).await? else {
        lines.push("the database mirrors nothing yet: constraints and nodes are made at the start".to_owned());
        return Ok(lines);
    };
    let now = mirror.position.now.as_deref().unwrap_or("no time");
    lines.push(format!("it holds tick {} ({now}), {} edges", mirror.position.tick.0, mirror.position.written.len()));
    lines.push(match mirror.edits() {
        0 => "nothing was edited by hand".to_owned(),
        1 => "1 relationship was edited by hand: import it, or undo it".to_owned(),
        count => format!("{count} relationships were edited by hand: import them, or undo them"),
    });
    Ok(lines)
}

async fn version(link: &Link) -> Result<String, TargetError> {
    let mut transaction = link.begin().await?;
    let rows = transaction.rows("asking for the version", query(cypher::VERSION)).await?;
    transaction.rollback().await?;
    let said = |name| match rows.first().map(|row| cell(&value(row, name))) {
        Some(Cell::Text(text)) => text,
        _ => "?".to_owned(),
    };
    Ok(format!("{} {} {}", said("name"), said("version"), said("edition")))
}
