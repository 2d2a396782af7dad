//! A store elsewhere as a sink: what it holds is marked here, and what it keeps itself is held against that.

use super::mark::{Mark, Standing};
use super::tables::Tables;
use super::{Batch, Sink, SinkError};
use lehr_domain::Tick;
use lehr_targets::{Table, Target, TargetError};
use std::path::Path;
use std::sync::Arc;

pub struct Store {
    name: String,
    target: Box<dyn Target>,
    mark: Mark,
    tables: Tables,
    listed: Vec<Arc<Table>>,
    /// The last tick that the store says it holds, since it was reached; it may keep none.
    reached: Option<Option<Tick>>,
    /// For the target's I/O. The sink's own thread drives it.
    threads: tokio::runtime::Runtime,
}

impl Store {
    /// `folder` holds the marks of all stores. The store itself need not be there yet.
    pub fn new(name: &str, target: Box<dyn Target>, folder: &Path) -> Result<Store, SinkError> {
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let failed = |source| SinkError::Io { action: "start a thread for", file: name.to_owned(), source };
        let tables = Tables::new();
        Ok(Store {
            name: name.to_owned(),
            target,
            mark: Mark::open(folder, name)?,
            listed: tables.list(),
            tables,
            reached: None,
            threads: threads.map_err(failed)?,
        })
    }

    fn failed(&self, source: TargetError) -> SinkError {
        SinkError::Store { store: self.name.clone(), source }
    }

    /// What the store holds, as far as it says so. It is asked anew after every failure.
    fn reach(&mut self) -> Result<Option<Tick>, SinkError> {
        if let Some(holds) = self.reached {
            return Ok(holds);
        }
        let holds = self.threads.block_on(self.target.connect(&self.listed)).map_err(|error| self.failed(error))?;
        let Standing { held, under_way } = self.mark.standing();
        if let Some(Tick(holds)) = holds
            && !(held..=under_way).contains(&holds)
        {
            return Err(self.failed(TargetError::Differs { holds, left: held }));
        }
        self.reached = Some(holds);
        Ok(holds)
    }
}

impl Sink for Store {
    fn name(&self) -> &str {
        &self.name
    }

    fn position(&mut self) -> Result<Tick, SinkError> {
        Ok(Tick(self.mark.standing().held))
    }

    fn under_way(&self) -> Tick {
        Tick(self.mark.standing().under_way)
    }

    fn apply(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if !batch.is_due(Tick(self.mark.standing().held))? {
            return Ok(());
        }
        let holds = self.reach()?;
        if holds.is_none_or(|holds| holds < batch.tick) {
            self.mark.begin(batch.tick)?;
            let delta = self.tables.delta(batch);
            if let Err(error) = self.threads.block_on(self.target.apply(&delta)) {
                self.reached = None;
                return Err(self.failed(error));
            }
            self.reached = Some(holds.map(|_| batch.tick));
        }
        self.mark.end(batch.tick);
        Ok(())
    }
}
