//! Follows Lehr's tables.

use super::cells::{Stamp, bind};
use super::config::Config;
use super::link::{Link, value};
use super::{schema, sql};
use crate::pieces::Left;
use async_trait::async_trait;
use lehr_domain::Tick;
use lehr_domain::table::Cell;
use lehr_targets::{Delta, Table, TableDelta, Target, TargetError};
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use std::sync::Arc;

/// Rows of one statement. More gain nothing.
const ROWS: usize = 5000;

pub(crate) struct Postgres {
    config: Config,
    /// None before the first connection and after a failure.
    following: Option<Following>,
}

struct Following {
    link: Link,
    statements: Statements,
}

struct Statements {
    advance: Arc<str>,
    stand: Arc<str>,
    tables: HashMap<&'static str, TableStatements>,
}

struct TableStatements {
    upsert: Arc<str>,
    delete: Arc<str>,
}

impl Postgres {
    pub fn new(config: Config) -> Postgres {
        Postgres { config, following: None }
    }
}

#[async_trait]
impl Target for Postgres {
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.following = None;
        let followed: Vec<Arc<Table>> = tables.iter().filter(|table| self.config.follows(table)).cloned().collect();
        let mut link = Link::open(&self.config).await?;
        let tick = schema::prepare(&mut link, &self.config.schema, &followed).await?;
        self.following = Some(Following { link, statements: Statements::new(&self.config.schema, &followed) });
        Ok(Some(tick))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        // Taken out, so that a connection that failed, or whose delta nobody waited for, is not used again.
        let Some(mut following) = self.following.take() else {
            return Err(TargetError::Away("not connected".to_owned()));
        };
        let due: Vec<&TableDelta> = delta.tables.iter().filter(|of| self.config.follows(&of.table)).collect();
        following.apply(delta, &due).await?;
        self.following = Some(following);
        Ok(())
    }
}

impl Statements {
    fn new(schema: &str, tables: &[Arc<Table>]) -> Statements {
        let of = |table: &Arc<Table>| TableStatements {
            upsert: sql::upsert(schema, table).into(),
            delete: sql::delete(schema, table).into(),
        };
        Statements {
            advance: sql::advance(schema).into(),
            stand: sql::stand(schema).into(),
            tables: tables.iter().map(|table| (table.name, of(table))).collect(),
        }
    }
}

impl Following {
    async fn apply(&mut self, delta: &Delta, due: &[&TableDelta]) -> Result<(), TargetError> {
        self.link.script("beginning", "BEGIN ISOLATION LEVEL READ COMMITTED".to_owned()).await?;
        if !self.advance(delta).await? {
            return self.link.script("ending", "ROLLBACK".to_owned()).await;
        }
        for of in due {
            self.write(of).await?;
        }
        self.link.script("committing", "COMMIT".to_owned()).await
    }

    /// Whether the store stands where the delta begins. It then stands, in this transaction, where the delta ends.
    async fn advance(&mut self, delta: &Delta) -> Result<bool, TargetError> {
        let Following { link, statements } = self;
        let advance = sqlx::query(AssertSqlSafe(statements.advance.clone()))
            .bind(delta.tick.0 as i64)
            .bind(Stamp::of(delta.now))
            .bind(delta.after.0 as i64);
        if link.run("moving the position", advance).await? == 1 {
            return Ok(true);
        }
        let stand = sqlx::query(AssertSqlSafe(statements.stand.clone()));
        let rows = link.rows("reading the position", stand).await?;
        let holds = rows.first().map(|row| value::<i64>(row, 0)).transpose()?.unwrap_or(0) as u64;
        if holds >= delta.tick.0 {
            return Ok(false);
        }
        Err(TargetError::Differs { holds, left: delta.after.0 })
    }

    async fn write(&mut self, of: &TableDelta) -> Result<(), TargetError> {
        let Following { link, statements } = self;
        let table = &of.table;
        let Some(TableStatements { upsert, delete }) = statements.tables.get(table.name) else {
            return Err(TargetError::Refused(format!("table {} was not there when connecting", table.name)));
        };
        let doing = format!("writing {}", table.name);
        let left = Left::of(of);
        for keys in left.gone_pieces(ROWS) {
            link.run(&doing, sqlx::query(AssertSqlSafe(delete.clone())).bind(keys)).await?;
        }
        for piece in left.row_pieces(ROWS) {
            let (keys, rows): (Vec<_>, Vec<&[Cell]>) = piece.iter().copied().unzip();
            let mut statement = sqlx::query(AssertSqlSafe(upsert.clone())).bind(keys);
            for (place, column) in table.columns.iter().enumerate() {
                statement = bind(statement, table.name, column, place, &rows)?;
            }
            link.run(&doing, statement).await?;
        }
        Ok(())
    }
}
