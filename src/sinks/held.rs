//! A target elsewhere and what it holds: marked here, and held against what it says itself.

use super::SinkError;
use super::mark::{Mark, Standing};
use lehr_domain::Tick;
use lehr_targets::{Delta, Table, Target, TargetError};
use std::path::Path;
use std::sync::Arc;

pub struct Held {
    name: String,
    target: Box<dyn Target>,
    mark: Mark,
    /// What it is told of on connecting.
    tables: Vec<Arc<Table>>,
    /// The last tick that the target says it holds, since it was reached; it may keep none.
    reached: Option<Option<Tick>>,
    /// For the target's I/O. The sink's own thread drives it.
    threads: tokio::runtime::Runtime,
}

impl Held {
    /// `folder` holds the marks of all stores. The target itself need not be there yet.
    pub fn new(name: &str, target: Box<dyn Target>, tables: Vec<Arc<Table>>, folder: &Path) -> Result<Held, SinkError> {
        let threads = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let failed = |source| SinkError::Io { action: "start a thread for", file: name.to_owned(), source };
        let mark = Mark::open(folder, name)?;
        Ok(Held { name: name.to_owned(), target, mark, tables, reached: None, threads: threads.map_err(failed)? })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is known to hold, and what may have reached it, without asking it.
    pub fn standing(&self) -> &Standing {
        self.mark.standing()
    }

    /// The last tick that it holds. It is asked anew after every failure.
    pub fn position(&mut self) -> Result<Tick, SinkError> {
        let holds = match self.reached {
            Some(holds) => holds,
            None => {
                let connected = self.threads.block_on(self.target.connect(&self.tables));
                connected.map_err(|error| self.failed(error))?
            }
        };
        let standing = self.mark.standing();
        let held = Tick(standing.held);
        if let Some(holds) = holds.filter(|holds| !standing.may_hold(*holds)) {
            return Err(self.failed(TargetError::Differs { holds: holds.0, left: held.0 }));
        }
        self.reached = Some(holds);
        Ok(holds.unwrap_or(held))
    }

    /// Has it hold `tick`. `delta` gives what that takes, and is called unless the target holds it already.
    pub fn bring(&mut self, tick: Tick, delta: impl FnOnce() -> Delta) -> Result<(), SinkError> {
        if self.position()? < tick {
            self.mark.begin(tick)?;
            if let Err(error) = self.threads.block_on(self.target.apply(&delta())) {
                self.reached = None;
                return Err(self.failed(error));
            }
            self.reached = self.reached.map(|holds| holds.map(|_| tick));
        }
        self.mark.end(tick);
        Ok(())
    }

    fn failed(&self, source: TargetError) -> SinkError {
        SinkError::Store { store: self.name.clone(), source }
    }
}
