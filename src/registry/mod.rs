//! Trained models: registered, deployed, and trained anew.
//!
//! A version is a row of the journal (`models`) and a file in `DATA/models`; the row's digest says which bytes the file
//! must have. Which version scores is said by deployments, rows of the journal too: so a replay scores with the versions
//! that scored then, and what follows from a promotion follows from an input.
//!
//! - `described`: what a file says of itself, read without running it
//! - `opener`: what must be able to open files; it is handed in
//! - `files`: the folder, in which a file is whole or not there
//! - `archive`: the same files in object stores, from which they come back when they are lost
//! - `aliases`: which version is in production, which was before, which challenges it
//! - `changes`: registering, promoting, rolling back
//! - `shipped`: versions that come with Lehr
//! - `quality`: how forecasts held, summed up
//! - `window`: what a forecast was made from
//! - `training`: jobs that train a new version in a process of their own
//!
//! **Invariants.** A version is its bytes: what is registered is never replaced by something else. What is promoted was
//! opened and tried just before. A change is checked and made under one lock, and leaves a line in the audit trail in the
//! same tick.

mod aliases;
mod archive;
mod changes;
mod described;
mod error;
mod files;
mod opener;
pub mod quality;
mod shipped;
#[cfg(test)]
pub(crate) mod tests;
pub mod training;
mod window;

pub use aliases::Aliases;
pub use archive::{Archive, Archived};
pub use changes::Changed;
pub use described::{Description, NoModel};
pub use error::RegistryError;
pub(crate) use files::Files;
pub use files::{FILE_MOST, FileState, file, folder};
pub use opener::{Nothing, OpenError, Opener, Status};
pub use window::{Seen, seen};

use crate::runtime::Runtime;
use lehr_dataflows::tables::ModelRow;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_queries::Snapshot;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// Versions that may be registered, of all kinds together: ten years of a training a week of each. A version takes 1 kB of
/// memory and its file's size on disk.
pub const REGISTERED_MOST: usize = 2_000;

/// The models of a plant. Cheap to clone.
///
/// What changes something blocks, for the disk and for the tick: call it from a thread that may wait.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

struct Shared {
    runtime: Runtime,
    files: Files,
    opener: Arc<dyn Opener>,
    /// Held while a change is checked and until its tick has closed.
    edits: Mutex<()>,
    /// Moves when a file is there that was not there before.
    changes: watch::Sender<u64>,
}

impl Registry {
    /// The models whose files are below a data directory.
    pub fn new(runtime: Runtime, data: &Path, opener: Arc<dyn Opener>) -> Registry {
        let (files, changes) = (Files::new(data), watch::Sender::new(0));
        Registry(Arc::new(Shared { runtime, files, opener, edits: Mutex::new(()), changes }))
    }

    pub fn opener(&self) -> &dyn Opener {
        &*self.0.opener
    }

    /// Whether the file of a registered version is there, and is the one that was registered. Reads a file whole when it
    /// is looked at for the first time, or was written since.
    pub fn state(&self, row: &ModelRow) -> FileState {
        self.0.files.state(row.model, row.version, &row.digest)
    }

    /// The file of a registered version.
    ///
    /// Error: it is missing, or is not the one that was registered.
    pub fn file(&self, row: &ModelRow) -> Result<Vec<u8>, RegistryError> {
        match self.state(row) {
            FileState::Ready => self.0.files.read(row.model, row.version),
            state => Err(RegistryError::File { model: row.model, version: row.version, state }),
        }
    }

    /// What the training of a version left beside it: other models are trained from it. `None` when nothing is kept.
    pub fn history(&self, model: ModelKind, version: ModelVersion) -> Option<Vec<u8>> {
        self.0.files.history(model, version)
    }

    /// Keeps what the training of a version left beside it.
    pub fn keep_history(&self, model: ModelKind, version: ModelVersion, bytes: &[u8]) -> Result<(), RegistryError> {
        self.0.files.put_history(model, version, bytes)?;
        self.changed();
        Ok(())
    }

    /// Moves when there are other files than before.
    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn changed(&self) {
        self.0.changes.send_modify(|times| *times += 1);
    }

    /// A registered version that is in production, and its file.
    ///
    /// Error: none is, or its file is not there.
    pub fn in_production(&self, model: ModelKind) -> Result<(ModelVersion, Vec<u8>), RegistryError> {
        let snapshot = self.0.runtime.snapshot();
        let version = Aliases::of(&snapshot, model).production.ok_or(RegistryError::NoProduction(model))?;
        let row = find(&snapshot, model, version).ok_or(RegistryError::Unknown { model, version })?;
        Ok((version, self.file(row)?))
    }

    /// The card of a version, Markdown; `None` when none was given.
    pub fn card(&self, model: ModelKind, version: ModelVersion) -> Option<String> {
        self.0.files.card(model, version)
    }
}

/// A registered version.
pub fn find(snapshot: &Snapshot, model: ModelKind, version: ModelVersion) -> Option<&ModelRow> {
    snapshot.models.get(|row| row.model.cmp(&model).then(row.version.cmp(&version)))
}
