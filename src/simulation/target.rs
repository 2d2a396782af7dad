//! A database that follows the tables: rows and the last tick change in one transaction.

use super::Violation;
use super::model::Model;
use crate::sinks::{Batch, Sink, SinkError};
use lehr_domain::{EventMs, Tick};
use lehr_queries::Snapshot;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// What the database holds, and how it behaves. It has a disk of its own, and no crash of Lehr touches it.
#[derive(Default)]
pub struct Database {
    held: Snapshot,
    pub down: bool,
    /// Commits and then says nothing of it.
    pub loses_answers: bool,
    /// The mutation: applies what it is given, whatever it holds.
    pub ignores_ticks: bool,
    violation: Option<Violation>,
    /// Batches that it held already.
    pub repeated: u64,
    /// Batches of more than one tick.
    pub joined: u64,
}

impl Database {
    pub fn tick(&self) -> Tick {
        self.held.tick
    }

    pub fn check(&self, model: &Model) -> Result<(), Violation> {
        if let Some(violation) = &self.violation {
            return Err(violation.clone());
        }
        model.check_tables(&self.held, "the database")
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if !self.ignores_ticks && !batch.is_due(self.held.tick)? {
            self.repeated += 1;
            return Ok(());
        }
        self.joined += u64::from(batch.tick > batch.after.next());
        match self.held.apply(batch.tick, batch.now, EventMs(0), &batch.names, &batch.changes) {
            Ok(held) => self.held = held,
            Err(error) => self.violation = Some(Violation(format!("the database cannot apply a batch: {error}"))),
        }
        Ok(())
    }
}

/// A connection to the database.
pub struct Connection(pub Rc<RefCell<Database>>);

fn refused(file: &str) -> SinkError {
    SinkError::Io { action: "reach", file: file.to_owned(), source: io::Error::other("it is down") }
}

impl Sink for Connection {
    fn name(&self) -> &str {
        "database"
    }

    fn position(&mut self) -> Result<Tick, SinkError> {
        Ok(self.0.borrow().tick())
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let mut database = self.0.borrow_mut();
        if database.down {
            return Err(refused("the database"));
        }
        database.apply(batch)?;
        if database.loses_answers { Err(refused("the answer of the database")) } else { Ok(()) }
    }
}
