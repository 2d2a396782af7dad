//! A connection, each of whose exchanges is bounded in time. After an error it is dropped: the server then rolls back what
//! was not committed, at once or when it finds out.

use crate::config::Config;
use crate::failure::failure;
use lehr_targets::TargetError;
use neo4rs::{BoltType, Error, Graph, Query, Row, Txn};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// To be connected and logged in.
const CONNECT: Duration = Duration::from_secs(10);

/// Times that an exchange may be woken. A connection that ends inside a message is not noticed by neo4rs, which asks for
/// more at once and without end. An exchange is woken once for each packet at most, and carries some hundred rows: a
/// tenth of this at the very most.
const WAKES: u32 = 10_000;

pub(crate) struct Link {
    graph: Graph,
    timeout: Duration,
}

/// Rolled back by the server when it is dropped, as the whole link then is.
pub(crate) struct Transaction {
    txn: Txn,
    timeout: Duration,
}

impl Link {
    /// Connected, logged in and in the database.
    pub async fn open(config: &Config) -> Result<Link, TargetError> {
        let options = config.options()?;
        let doing = format!("connecting to {}", config.address());
        // Nothing is sent yet.
        let graph = bounded(CONNECT, &doing, Graph::connect(options)).await?;
        let txn = bounded(CONNECT, &doing, graph.start_txn()).await?;
        bounded(CONNECT, &doing, txn.rollback()).await?;
        Ok(Link { graph, timeout: config.timeout() })
    }

    pub async fn begin(&self) -> Result<Transaction, TargetError> {
        let txn = bounded(self.timeout, "beginning", self.graph.start_txn()).await?;
        Ok(Transaction { txn, timeout: self.timeout })
    }

    /// In a transaction of its own, as Neo4j asks for what changes a schema.
    pub async fn alone(&self, doing: &str, statement: Query) -> Result<(), TargetError> {
        let mut transaction = self.begin().await?;
        transaction.run(doing, statement).await?;
        transaction.commit().await
    }
}

impl Transaction {
    pub async fn run(&mut self, doing: &str, statement: Query) -> Result<(), TargetError> {
        bounded(self.timeout, doing, self.txn.run(statement)).await
    }

    pub async fn rows(&mut self, doing: &str, statement: Query) -> Result<Vec<Row>, TargetError> {
        let mut stream = bounded(self.timeout, doing, self.txn.execute(statement)).await?;
        let mut rows = Vec::new();
        while let Some(row) = bounded(self.timeout, doing, stream.next(self.txn.handle())).await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// The number `count` of the only row of the answer.
    pub async fn count(&mut self, doing: &str, statement: Query) -> Result<i64, TargetError> {
        let rows = self.rows(doing, statement).await?;
        match rows.first().map(|row| value(row, "count")) {
            Some(BoltType::Integer(count)) => Ok(count.value),
            _ => Err(TargetError::Away(format!("{doing}: the server gave no number"))),
        }
    }

    pub async fn commit(self) -> Result<(), TargetError> {
        bounded(self.timeout, "committing", self.txn.commit()).await
    }

    pub async fn rollback(self) -> Result<(), TargetError> {
        bounded(self.timeout, "ending", self.txn.rollback()).await
    }
}

/// Null where there is no such value.
pub(crate) fn value(row: &Row, name: &str) -> BoltType {
    row.get::<BoltType>(name).unwrap_or(BoltType::Null(neo4rs::BoltNull))
}

async fn bounded<T>(
    limit: Duration,
    doing: &str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, TargetError> {
    let mut work = pin!(work);
    let mut wakes = 0;
    let counted = poll_fn(|context| {
        wakes += 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if wakes >= WAKES => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    });
    match tokio::time::timeout(limit, counted).await {
        Ok(Some(done)) => done.map_err(|error| failure(doing, error)),
        Ok(None) => Err(TargetError::Away(format!("{doing}: the connection ended within an answer"))),
        Err(_) => Err(TargetError::Away(format!("{doing}: no answer within {} s", limit.as_secs()))),
    }
}
