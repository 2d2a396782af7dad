//! A store elsewhere as a sink of tables.

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
}

impl Store {
    /// `folder` holds the marks of all stores. The store itself need not be there yet.
    pub fn new(name: &str, target: Box<dyn Target>, listed: &[Arc<Table>], folder: &Path) -> Result<Store, SinkError> {
        Ok(Store { held: Held::new(name, target, listed.to_vec(), folder)?, tables: Tables::new() })
    }
}

impl Sink for Store {
    fn name(&self) -> &str {
        self.held.name()
    }

    fn position(&mut self) -> Result<Tick, SinkError> {
        Ok(Tick(self.held.standing().held))
    }

    fn under_way(&self) -> Tick {
        Tick(self.held.standing().under_way)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if !batch.is_due(Tick(self.held.standing().held))? {
            return Ok(());
        }
        let Store { held, tables } = self;
        held.bring(batch.tick, || tables.delta(batch))
    }
}
