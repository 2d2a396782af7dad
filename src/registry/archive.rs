//! Files of versions in object stores: a copy of each that is registered, and the way back of one that is lost.
//!
//! ```text
//! models/KIND/VERSION/model.onnx      as it was registered
//! models/KIND/VERSION/card.md         as it is now
//! models/KIND/VERSION/training.json   what its training left, where there is something
//! ```
//!
//! The folder of models is what Lehr works with; nothing waits for a store. A file that is missing or damaged in the folder
//! comes back from the store, if it has the bytes there that were registered: so who can write to the store cannot change
//! what scores. Nothing is deleted but a card or a history that there is a newer one of.

use super::files::{CARD_MOST, FILE_MOST, FileState, HISTORY_MOST, digest};
use super::{Registry, RegistryError};
use crate::causes::with_causes;
use bytes::Bytes;
use lehr_dataflows::tables::ModelRow;
use lehr_objects::{Artifact, Artifacts, Config};
use lehr_tags::Backoff;
use lehr_targets::TargetError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often it is looked whether the files of the folder are as they were registered.
const LOOKED_EVERY: Duration = Duration::from_secs(60);
/// Folder of all models in a store.
const MODELS: &str = "models";
/// Problems that are told, of all that a round meets.
const TOLD_MOST: usize = 3;

/// What there is of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Never another one.
    Model,
    /// These two may change: the folder's counts.
    Card,
    History,
}

impl Piece {
    const ALL: [Piece; 3] = [Piece::Model, Piece::Card, Piece::History];

    fn name(self, row: &ModelRow) -> String {
        let file = match self {
            Piece::Model => "model.onnx",
            Piece::Card => "card.md",
            Piece::History => "training.json",
        };
        format!("{MODELS}/{}/{}/{file}", row.model, row.version)
    }

    /// Bytes of the longest that is taken back.
    fn most(self) -> usize {
        match self {
            Piece::Model => FILE_MOST,
            Piece::Card => CARD_MOST,
            Piece::History => HISTORY_MOST,
        }
    }
}

/// How a store is in step with what is registered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// Versions whose file the store has, as far as is known.
    pub versions: usize,
    /// Registered versions whose file it has not.
    pub missing: usize,
    /// Files that came back from it since the start.
    pub restored: u64,
    /// Why it is not in step.
    pub problem: Option<String>,
}

/// An object store that keeps the files of versions too.
pub struct Archive {
    config: Config,
    registry: Registry,
    /// What the store is known to have; nothing is known after a failure.
    held: tokio::sync::Mutex<Option<Held>>,
    archived: Mutex<Archived>,
}

struct Held {
    artifacts: Artifacts,
    by_name: BTreeMap<String, Artifact>,
}

/// Why a file is not in step.
#[derive(Debug, thiserror::Error)]
enum ArchiveError {
    #[error(transparent)]
    Store(#[from] TargetError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error("{name} is in the store with other bytes than were registered: delete it there")]
    OtherBytes { name: String },
    #[error("{name} in the store has {bytes} bytes, and {most} may come back: delete it there")]
    TooLarge { name: String, bytes: u64, most: usize },
}

impl Archive {
    /// Keeps a store in step, for as long as the threads of the caller's runtime live. Nothing waits for it.
    pub fn start(config: Config, registry: Registry) -> Arc<Archive> {
        let archive = Arc::new(Archive::new(config, registry));
        tokio::spawn(archive.clone().run());
        archive
    }

    pub(super) fn new(config: Config, registry: Registry) -> Archive {
        Archive { config, registry, held: Default::default(), archived: Mutex::default() }
    }

    /// Name of the store.
    pub fn store(&self) -> &str {
        &self.config.name
    }

    pub fn archived(&self) -> Archived {
        self.archived.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn run(self: Arc<Self>) {
        let mut changes = self.registry.changes();
        let mut backoff = Backoff::default();
        loop {
            changes.borrow_and_update();
            let pause = match self.round().await {
                true => {
                    backoff.succeeded();
                    LOOKED_EVERY
                }
                false => backoff.failed(),
            };
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Brings store and folder in step; whether they are. What cannot be done for one file is told, and the others are gone
    /// on with.
    pub(super) async fn round(&self) -> bool {
        let rows: Vec<ModelRow> = self.registry.0.runtime.snapshot().models.iter().cloned().collect();
        let mut held = self.held.lock().await;
        let (mut restored, mut problems) = (0, Vec::new());
        if held.is_none() {
            match self.look().await {
                Ok(found) => *held = Some(found),
                Err(error) => problems.push(error.to_string()),
            }
        }
        let mut versions = None;
        if let Some(held) = held.as_mut() {
            for (row, piece) in rows.iter().flat_map(|row| Piece::ALL.map(|piece| (row, piece))) {
                match self.bring_in_step(row, piece, held).await {
                    Ok(came_back) => restored += u64::from(came_back),
                    Err(error) => {
                        problems.push(with_causes(&error));
                        if matches!(error, ArchiveError::Store(TargetError::Away(_))) {
                            break;
                        }
                    }
                }
            }
            versions = Some(rows.iter().filter(|row| held.has(row)).count());
        }
        let in_step = problems.is_empty();
        if !in_step {
            *held = None;
        }
        let mut archived = self.archived.lock().unwrap_or_else(PoisonError::into_inner);
        archived.versions = versions.unwrap_or(archived.versions).min(rows.len());
        archived.missing = rows.len() - archived.versions;
        archived.restored += restored;
        archived.problem = (!in_step).then(|| told(&problems));
        in_step
    }

    async fn look(&self) -> Result<Held, TargetError> {
        let artifacts = Artifacts::open(&self.config)?;
        let listed = artifacts.list(MODELS).await?;
        let by_name = listed.into_iter().map(|artifact| (artifact.name.clone(), artifact)).collect();
        Ok(Held { artifacts, by_name })
    }

    /// Whether the file came back from the store.
    async fn bring_in_step(&self, row: &ModelRow, piece: Piece, held: &mut Held) -> Result<bool, ArchiveError> {
        let name = piece.name(row);
        let there = held.by_name.get(&name).cloned();
        let sha256 = there.as_ref().map(|there| there.sha256.clone());
        if piece == Piece::Model && sha256.as_ref().is_some_and(|sha256| *sha256 != row.digest) {
            return Err(ArchiveError::OtherBytes { name });
        }
        if let Some(bytes) = self.needed(row, piece, sha256).await? {
            if there.is_some() {
                held.by_name.remove(&name);
                held.artifacts.delete(&name).await?;
            }
            let put = held.artifacts.put(&name, Bytes::from(bytes)).await?;
            held.by_name.insert(name, put);
            return Ok(false);
        }
        match there {
            Some(there) if self.is_lost(row, piece).await => self.take_back(row, piece, &there, held).await,
            _ => Ok(false),
        }
    }

    /// The bytes that the store must have and has not.
    async fn needed(
        &self,
        row: &ModelRow,
        piece: Piece,
        sha256: Option<String>,
    ) -> Result<Option<Vec<u8>>, RegistryError> {
        let row = row.clone();
        self.on_disk(move |registry| match piece {
            Piece::Model if sha256.is_some() || registry.state(&row) != FileState::Ready => Ok(None),
            Piece::Model => registry.file(&row).map(Some),
            Piece::Card | Piece::History => {
                let bytes = beside(registry, &row, piece);
                Ok(bytes.filter(|bytes| sha256.is_none_or(|sha256| digest(bytes) != sha256)))
            }
        })
        .await
    }

    async fn is_lost(&self, row: &ModelRow, piece: Piece) -> bool {
        let row = row.clone();
        self.on_disk(move |registry| match piece {
            Piece::Model => registry.state(&row) != FileState::Ready,
            Piece::Card | Piece::History => beside(registry, &row, piece).is_none(),
        })
        .await
    }

    async fn take_back(
        &self,
        row: &ModelRow,
        piece: Piece,
        there: &Artifact,
        held: &Held,
    ) -> Result<bool, ArchiveError> {
        let (name, most) = (there.name.clone(), piece.most());
        if there.bytes > most as u64 {
            return Err(ArchiveError::TooLarge { name, bytes: there.bytes, most });
        }
        let Some(bytes) = held.artifacts.get(&name).await? else { return Ok(false) };
        if piece == Piece::Model && digest(&bytes) != row.digest {
            return Err(ArchiveError::OtherBytes { name });
        }
        let lost = row.clone();
        self.on_disk(move |registry| registry.put_back(&lost, piece, &bytes)).await?;
        tracing::info!("{name} was lost here, and came back from store {}", self.config.name);
        Ok(true)
    }

    async fn on_disk<T: Send + 'static>(&self, work: impl FnOnce(&Registry) -> T + Send + 'static) -> T {
        let registry = self.registry.clone();
        let done = tokio::task::spawn_blocking(move || work(&registry)).await;
        done.expect("files are read and written without a panic, and nobody takes that back")
    }
}

impl Held {
    fn has(&self, row: &ModelRow) -> bool {
        self.by_name.get(&Piece::Model.name(row)).is_some_and(|there| there.sha256 == row.digest)
    }
}

impl Registry {
    /// Writes the file of a registered version where it was lost.
    fn put_back(&self, row: &ModelRow, piece: Piece, bytes: &[u8]) -> Result<(), RegistryError> {
        let _edit = self.edit();
        let files = &self.0.files;
        match piece {
            Piece::Model => files.take_in(bytes)?.keep(row.model, row.version),
            Piece::Card => files.put_card(row.model, row.version, &String::from_utf8_lossy(bytes)),
            Piece::History => files.put_history(row.model, row.version, bytes),
        }
    }
}

/// What lies beside a model in the folder.
fn beside(registry: &Registry, row: &ModelRow, piece: Piece) -> Option<Vec<u8>> {
    match piece {
        Piece::Model => None,
        Piece::Card => registry.card(row.model, row.version).map(String::into_bytes),
        Piece::History => registry.history(row.model, row.version),
    }
}

fn told(problems: &[String]) -> String {
    let mut text = problems.iter().take(TOLD_MOST).cloned().collect::<Vec<_>>().join("; ");
    if problems.len() > TOLD_MOST {
        text.push_str(&format!("; and {} more", problems.len() - TOLD_MOST));
    }
    text
}
