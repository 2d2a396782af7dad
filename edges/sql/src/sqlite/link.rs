//! The open file. After an error it is closed, and what was not committed is gone.

use super::cells::Statement;
use super::config::Config;
use super::failure::failure;
use lehr_targets::TargetError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Decode, Row, Sqlite, Type};
use std::fs;
use std::future::Future;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// For what another program holds.
const BUSY: Duration = Duration::from_secs(5);

/// To be opened: after a crash what the log holds is taken over first.
const OPEN: Duration = Duration::from_secs(30);

/// For each statement. A commit writes all of a delta that did not fit into memory, and waits for the disk.
const STATEMENT: Duration = Duration::from_secs(120);

/// What the log is cut to when all of it is in the file, bytes. A large delta leaves no large log behind.
const LOG_KEPT: &str = "16777216";

/// Two statements a table, and some.
const STATEMENTS: usize = 256;

pub(crate) struct Link {
    connection: SqliteConnection,
    file: FileId,
}

/// The file behind a path.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// Looks without opening: closing a file would end the locks that this process has on it.
    fn of(path: &Path) -> Option<FileId> {
        fs::metadata(path).ok().map(|file| FileId { device: file.dev(), number: file.ino() })
    }
}

impl Link {
    /// The file is made when it is missing.
    pub async fn open(config: &Config) -> Result<Link, TargetError> {
        let options = options(config)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("journal_size_limit", LOG_KEPT);
        Link::with(config, options).await
    }

    /// As it is, and nothing is made.
    pub async fn look(config: &Config) -> Result<Link, TargetError> {
        Link::with(config, options(config).create_if_missing(false)).await
    }

    async fn with(config: &Config, options: SqliteConnectOptions) -> Result<Link, TargetError> {
        let doing = format!("opening {}", config.address());
        let connection = bounded(OPEN, &doing, options.connect()).await?;
        match FileId::of(&config.path) {
            Some(file) => Ok(Link { connection, file }),
            None => Err(TargetError::Away(format!("{doing}: it is gone again"))),
        }
    }

    /// Whether `path` is no longer this file. SQLite does not notice, and goes on in the file that was moved or removed.
    pub fn is_moved(&self, path: &Path) -> bool {
        FileId::of(path) != Some(self.file)
    }

    /// Rows that it changed.
    pub async fn run(&mut self, doing: &str, statement: Statement<'_>) -> Result<u64, TargetError> {
        let done = bounded(STATEMENT, doing, statement.execute(&mut self.connection)).await?;
        Ok(done.rows_affected())
    }

    pub async fn rows(&mut self, doing: &str, statement: Statement<'_>) -> Result<Vec<SqliteRow>, TargetError> {
        bounded(STATEMENT, doing, statement.fetch_all(&mut self.connection)).await
    }

    /// Statements without parameters, whose results are of no interest. Names in them are quoted.
    pub async fn script(&mut self, doing: &str, script: String) -> Result<(), TargetError> {
        let script = sqlx::raw_sql(AssertSqlSafe(script));
        bounded(STATEMENT, doing, script.execute(&mut self.connection)).await?;
        Ok(())
    }
}

fn options(config: &Config) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(&config.path).busy_timeout(BUSY);
    options.statement_cache_capacity(STATEMENTS).disable_statement_logging()
}

/// A value of a row. Another type than expected is what somebody made of Lehr's own tables.
pub(crate) fn value<'r, T: Decode<'r, Sqlite> + Type<Sqlite>>(
    row: &'r SqliteRow,
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
        Err(_) => Err(TargetError::Away(format!("{doing}: the disk did not answer within {} s", limit.as_secs()))),
    }
}
