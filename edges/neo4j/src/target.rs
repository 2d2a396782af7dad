//! Follows Lehr's edges.

use crate::config::{Config, Shape, TABLE, shape};
use crate::cypher::{self, FORMAT};
use crate::link::{Link, Transaction};
use crate::mirror::{Mirror, Position};
use crate::plan::{Plan, Write};
use crate::values::{bolt, map};
use async_trait::async_trait;
use lehr_domain::Tick;
use lehr_targets::{Delta, Table, TableDelta, Target, TargetError};
use neo4rs::{BoltType, Query, query};
use std::sync::Arc;

/// Of one statement. A row has two texts of 1000 characters at most.
const ROWS: usize = 500;

pub(crate) struct Mirroring {
    config: Config,
    /// None before the first connection and after a failure.
    following: Option<Following>,
}

struct Following {
    link: Link,
    store: String,
    shape: Shape,
}

impl Mirroring {
    pub fn new(config: Config) -> Mirroring {
        Mirroring { config, following: None }
    }
}

#[async_trait]
impl Target for Mirroring {
    async fn connect(&mut self, tables: &[Arc<Table>]) -> Result<Option<Tick>, TargetError> {
        self.following = None;
        let table = tables.iter().find(|table| table.name == TABLE);
        let table = table.ok_or_else(|| TargetError::Refused(format!("Lehr has no table {TABLE} to mirror")))?;
        let shape = shape(table).map_err(|why| TargetError::Refused(format!("the store {why}")))?;
        let link = Link::open(&self.config).await?;
        for statement in cypher::SCHEMA {
            link.alone("making constraints", query(statement)).await?;
        }
        let following = Following { link, store: self.config.name.clone(), shape };
        let tick = following.stand(table).await?;
        self.following = Some(following);
        Ok(Some(tick))
    }

    async fn apply(&mut self, delta: &Delta) -> Result<(), TargetError> {
        // Taken out, so that a connection that failed, or whose delta nobody waited for, is not used again.
        let Some(following) = self.following.take() else {
            return Err(TargetError::Away("not connected".to_owned()));
        };
        following.apply(delta).await?;
        self.following = Some(following);
        Ok(())
    }
}

impl Following {
    fn of_store(&self, statement: &str) -> Query {
        query(statement).param("store", self.store.as_str())
    }

    /// The tick that the mirror holds. Takes note of the table's columns.
    async fn stand(&self, table: &Table) -> Result<Tick, TargetError> {
        let mut transaction = self.link.begin().await?;
        // Before anything is made: another store's database is left as it is.
        Position::read(&mut transaction, &self.store).await?;
        transaction.run("making the position", self.of_store(cypher::BEGIN).param("format", FORMAT)).await?;
        transaction.run("locking the position", self.of_store(cypher::LOCK)).await?;
        let position = self.position(&mut transaction).await?;
        let mut columns = position.columns.clone();
        columns.extend(table.columns.iter().map(|column| column.name.to_owned()));
        columns.sort();
        columns.dedup();
        if columns != position.columns {
            let write = self.of_store(cypher::COLUMNS).param("columns", columns);
            transaction.run("writing the columns", write).await?;
        }
        transaction.commit().await?;
        Ok(position.tick)
    }

    async fn position(&self, transaction: &mut Transaction) -> Result<Position, TargetError> {
        let position = Position::read(transaction, &self.store).await?;
        position.ok_or_else(|| TargetError::Away("LehrPosition is gone: somebody removed it".to_owned()))
    }

    async fn apply(&self, delta: &Delta) -> Result<(), TargetError> {
        let mut transaction = self.link.begin().await?;
        transaction.run("locking the position", self.of_store(cypher::LOCK)).await?;
        if !self.advance(&mut transaction, delta).await? {
            return transaction.rollback().await;
        }
        let overwritten = match delta.tables.iter().find(|of| of.table.name == TABLE) {
            Some(edges) => self.write(&mut transaction, edges).await?,
            None => Vec::new(),
        };
        transaction.commit().await?;
        overwritten.iter().for_each(|edit| tracing::warn!("store {}: {edit}", self.store));
        Ok(())
    }

    /// Whether the mirror stands where the delta begins. It then stands, in this transaction, where the delta ends.
    async fn advance(&self, transaction: &mut Transaction, delta: &Delta) -> Result<bool, TargetError> {
        let advance = self
            .of_store(cypher::ADVANCE)
            .param("after", delta.after.0 as i64)
            .param("tick", delta.tick.0 as i64)
            .param("now", delta.now.to_string());
        if transaction.count("moving the position", advance).await? == 1 {
            return Ok(true);
        }
        let position = Position::read(transaction, &self.store).await?;
        let holds = position.map_or(Tick(0), |position| position.tick);
        if holds >= delta.tick {
            return Ok(false);
        }
        Err(TargetError::Differs { holds: holds.0, left: delta.after.0 })
    }

    /// Edges change when people change them, and there are few. So all of the mirror is read to find what was edited.
    /// Gives the edits that are overwritten.
    async fn write(&self, transaction: &mut Transaction, edges: &TableDelta) -> Result<Vec<String>, TargetError> {
        let position = self.position(transaction).await?;
        let mirror = Mirror::read(transaction, position).await?;
        let plan = Plan::of(&mirror, edges, self.shape)?;
        for (numbers, at) in
            plan.deleted.chunks(ROWS).map(|piece| piece.iter().copied().unzip::<_, _, Vec<_>, Vec<_>>())
        {
            transaction.run("removing edges", query(cypher::DELETE).param("edges", numbers).param("at", at)).await?;
        }
        let (there, new): (Vec<&Write>, Vec<&Write>) = plan.writes.iter().partition(|write| write.at.is_some());
        for (statement, writes) in [(cypher::UPDATE, there), (cypher::CREATE, new)] {
            for piece in writes.chunks(ROWS) {
                let rows: Vec<BoltType> = piece.iter().map(|write| parameter(write)).collect();
                let count = transaction.count("writing edges", query(statement).param("rows", rows)).await?;
                if count != piece.len() as i64 {
                    let why = format!("writing edges: {count} of {} are there: somebody changes them", piece.len());
                    return Err(TargetError::Away(why));
                }
            }
        }
        let kinds: Vec<(&String, &String)> = plan.kinds.iter().collect();
        for piece in kinds.chunks(ROWS) {
            let node =
                |(id, kind): &(&String, &String)| map([("id", id.as_str().into()), ("kind", kind.as_str().into())]);
            let kinds: Vec<BoltType> = piece.iter().map(node).collect();
            transaction.run("writing kinds of nodes", query(cypher::KINDS).param("kinds", kinds)).await?;
        }
        let left: Vec<&str> = plan.left.iter().map(String::as_str).collect();
        for piece in left.chunks(ROWS) {
            transaction.run("removing nodes", query(cypher::FORGET).param("nodes", piece)).await?;
        }
        let (edges, hashes): (Vec<i64>, Vec<i64>) = plan.written.iter().unzip();
        let written = self.of_store(cypher::WRITTEN).param("edges", edges).param("hashes", hashes);
        transaction.run("writing what is written", written).await?;
        Ok(plan.overwritten)
    }
}

fn parameter(write: &Write) -> BoltType {
    let properties = map(write.properties.iter().map(|(name, cell)| (name.as_str(), bolt(cell))));
    map([
        ("at", write.at.into()),
        ("cause", write.cause.as_str().into()),
        ("effect", write.effect.as_str().into()),
        ("properties", properties),
    ])
}
