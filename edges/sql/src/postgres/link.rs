//! A connection, each of whose statements is bounded in time. After an error it is dropped: the server then rolls back
//! what was not committed, at once or when it finds out.

use super::cells::Statement;
use super::config::Config;
use super::failure::failure;
use lehr_targets::TargetError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Decode, Postgres, Row, Type};
use std::future::Future;
use std::time::Duration;

/// To be connected and logged in.
const CONNECT: Duration = Duration::from_secs(10);

/// For what another session holds, above all one that a lost connection left behind.
const LOCK_MS: u64 = 5000;

/// The server gives up first, so that it does not work for nobody; this much later the client does.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) struct Link {
    connection: PgConnection,
    timeout: Duration,
}

impl Link {
    pub async fn open(config: &Config) -> Result<Link, TargetError> {
        let options = config.options()?;
        let doing = format!("connecting to {}", config.address());
        let connection = bounded(CONNECT, &doing, options.connect()).await?;
        let mut link = Link { connection, timeout: config.timeout() };
        link.script("setting up the session", settings(config.timeout())).await?;
        Ok(link)
    }

    /// Rows that it changed.
    pub async fn run(&mut self, doing: &str, statement: Statement<'_>) -> Result<u64, TargetError> {
        let done = bounded(self.timeout + GRACE, doing, statement.execute(&mut self.connection)).await?;
        Ok(done.rows_affected())
    }

    pub async fn rows(&mut self, doing: &str, statement: Statement<'_>) -> Result<Vec<PgRow>, TargetError> {
        bounded(self.timeout + GRACE, doing, statement.fetch_all(&mut self.connection)).await
    }

    /// Statements without parameters, whose results are of no interest. Names in them are quoted by `sql`.
    pub async fn script(&mut self, doing: &str, script: String) -> Result<(), TargetError> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        bounded(self.timeout + GRACE, doing, script.execute(&mut self.connection)).await?;
        Ok(())
    }
}

/// - A session whose Lehr is gone without a word must not hold its locks for ever.
/// - What Lehr was told is committed must survive a crash of the server: else the store would fall behind what Lehr
///   knows it holds. Where the server waits for more than its own disk, it goes on to.
fn settings(timeout: Duration) -> String {
    let statement_ms = timeout.as_millis();
    format!(
        "SET statement_timeout = {statement_ms}; SET lock_timeout = {LOCK_MS};
        SET idle_in_transaction_session_timeout = {statement_ms};
        SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}

/// A value of a row. Another type than expected is what somebody made of Lehr's own tables.
pub(crate) fn value<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
    row: &'r PgRow,
    place: usize,
) -> Result<T, TargetError> {
    row.try_get(place).map_err(|error| failure("reading an answer", error))
}

async fn bounded<T>(
    limit: Duration,
    doing: &str,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, TargetError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(|error| failure(doing, error)),
        Err(_) => Err(TargetError::Away(format!("{doing}: no answer within {} s", limit.as_secs()))),
    }
}
