//! Follows Lehr's tables.

use super::cells::{bind, bind_key, time_text};
use super::config::Config;
use super::link::{Link, value};
use super::{schema, sql};
use crate::pieces::Left;
use async_trait::async_trait;
use lehr_domain::Tick;
use lehr_targets::{Delta, Table, TableDelta, Target, TargetError};
use sqlx::AssertSqlSafe;
use std::collections::HashSet;
use std::fs;
use std::sync::Arc;

/// Rows of one statement. More gain nothing.
const ROWS: usize = 100;

/// Parameters that SQLite takes in one statement.
const PARAMETERS: usize = 32_766;

pub(crate) struct Sqlite {
    config: Config,
    /// None before it is opened and after a failure.
    following: Option<Following>,
}

struct Following {
    link: Link,
    tables: HashSet<&'static str>,
}

impl Sqlite {
    pub fn new(config: Config) -> Sqlite {
        Sqlite { config, following: None }
    }
}

#[async_trait]
impl Target for Sqlite {
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.following = None;
        let followed: Vec<Arc<Table>> = tables.iter().filter(|table| self.config.follows(table)).cloned().collect();
        let mut link = Link::open(&self.config).await?;
        let tick = schema::prepare(&mut link, &followed).await?;
        self.following = Some(Following { link, tables: followed.iter().map(|table| table.name).collect() });
        Ok(Some(tick))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        // Taken out, so that a file that failed, or whose delta nobody waited for, is opened again.
        let Some(mut following) = self.following.take() else {
            return Err(TargetError::Away("not open".to_owned()));
        };
        let due: Vec<&TableDelta> = delta.tables.iter().filter(|of| self.config.follows(&of.table)).collect();
        following.check(&self.config).await?;
        following.apply(delta, &due).await?;
        self.following = Some(following);
        Ok(())
    }
}

impl Following {
    /// Whether the file is still the one that was opened, and the log beside it has room.
    async fn check(&mut self, config: &Config) -> Result<(), TargetError> {
        if self.link.is_moved(&config.path) {
            return Err(TargetError::Away(format!("{} was moved, removed or replaced", config.address())));
        }
        let log_bytes = fs::metadata(config.log()).map_or(0, |log| log.len());
        if log_bytes < config.log_mib << 20 {
            return Ok(());
        }
        let rows = self.link.rows("emptying the log", sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")).await?;
        let is_held: i32 = rows.first().map_or(Ok(0), |row| value(row, 0))?;
        if is_held == 0 {
            return Ok(());
        }
        Err(TargetError::Away(format!(
            "a reader holds an old state of {} open, and the log beside it has {} MiB: end the reader's transaction, or \
             raise log_mib",
            config.address(),
            log_bytes >> 20
        )))
    }

    async fn apply(&mut self, delta: &Delta, due: &[&TableDelta]) -> Result<(), TargetError> {
        self.link.script("beginning", "BEGIN IMMEDIATE".to_owned()).await?;
        if !self.advance(delta).await? {
            return self.link.script("ending", "ROLLBACK".to_owned()).await;
        }
        for of in due {
            self.write(of).await?;
        }
        self.link.script("committing", "COMMIT".to_owned()).await
    }

    /// Whether the file stands where the delta begins. It then stands, in this transaction, where the delta ends.
    async fn advance(&mut self, delta: &Delta) -> Result<bool, TargetError> {
        let advance = sqlx::query(AssertSqlSafe(sql::advance()))
            .bind(delta.tick.0 as i64)
            .bind(time_text(delta.now))
            .bind(delta.after.0 as i64);
        if self.link.run("moving the position", advance).await? == 1 {
            return Ok(true);
        }
        let stand = sqlx::query(AssertSqlSafe(sql::stand()));
        let rows = self.link.rows("reading the position", stand).await?;
        let holds = rows.first().map(|row| value::<i64>(row, 0)).transpose()?.unwrap_or(0) as u64;
        if holds >= delta.tick.0 {
            return Ok(false);
        }
        Err(TargetError::Differs { holds, left: delta.after.0 })
    }

    async fn write(&mut self, of: &TableDelta) -> Result<(), TargetError> {
        let table = &of.table;
        if !self.tables.contains(table.name) {
            return Err(TargetError::Refused(format!("table {} was not there when opening", table.name)));
        }
        let doing = format!("writing {}", table.name);
        let most = ROWS.min(PARAMETERS / (table.columns.len() + 1)).max(1);
        let left = Left::of(of);
        for keys in left.gone_pieces(most) {
            // A piece of another length is another statement, which is not kept.
            let statement = sqlx::query(AssertSqlSafe(sql::delete(table, keys.len()))).persistent(keys.len() == most);
            self.link.run(&doing, keys.iter().fold(statement, bind_key)).await?;
        }
        for rows in left.row_pieces(most) {
            let mut statement =
                sqlx::query(AssertSqlSafe(sql::upsert(table, rows.len()))).persistent(rows.len() == most);
            for (key, row) in rows {
                statement = row.iter().fold(bind_key(statement, key), bind);
            }
            self.link.run(&doing, statement).await?;
        }
        Ok(())
    }
}
