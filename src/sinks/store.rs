//! A store elsewhere as a sink of tables.

use super::delivery::MOST_WAITING;
use super::held::Held;
use super::tables::Tables;
use super::{Batch, Sink, SinkError};
use lehr_domain::Tick;
use lehr_targets::{Table, Target};
use std::path::Path;
use std::sync::Arc;

pub struct Store {
    held: Held,
    tables: Tables,
    most_waiting: usize,
}

/// For a store that takes its time to gather what changes: one batch under way, and one that grows.
const GATHERING: usize = 2;

impl Store {
    /// `folder` holds the marks of all stores. The store itself need not be there yet.
    pub fn new(name: &str, target: Box<dyn Target>, listed: &[Arc<Table>], folder: &Path) -> Result<Store, SinkError> {
        let held = Held::new(name, target, listed.to_vec(), folder)?;
        Ok(Store { held, tables: Tables::new(), most_waiting: MOST_WAITING })
    }

    /// One that is given few and large batches.
    pub fn gathering(self) -> Store {
        Store { most_waiting: GATHERING, ..self }
    }
}

impl Sink for Store {
    fn name(&self) -> &str {
        self.held.name()
    }

    fn position(&mut self) -> Result<Tick, SinkError> {
        Ok(Tick(self.held.standing().held))
    }

    fn under_way(&self) -> Vec<Tick> {
        self.held.standing().under_way.iter().copied().map(Tick).collect()
    }

    fn most_waiting(&self) -> usize {
        self.most_waiting
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if !batch.is_due(Tick(self.held.standing().held))? {
            return Ok(());
        }
        let Store { held, tables, .. } = self;
        held.bring(batch.tick, || tables.delta(batch))
    }
}
