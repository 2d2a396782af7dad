//! Trained models at work: their files opened, checked and asked, as the graphs ask for scores.
//!
//! - `schemas`: what a model file must be to be taken
//! - `opened`: the versions that are open
//! - `lines`: what the graphs ask: windows scored
//! - `pictures`: what the graphs ask: pictures inspected
//! - `ahead`: pictures looked at before the graphs ask
//! - `opener`: what the registry asks
//!
//! Without ONNX Runtime, or without a version's file, nothing is scored, and health says so. What is scored is a function
//! of the window, or of the picture, and of the file's bytes; whoever registers a version sees to it that its file stays
//! the same.

mod ahead;
mod lines;
mod opened;
mod opener;
mod pictures;
mod schemas;
#[cfg(test)]
mod tests;

pub use ahead::Ahead;
pub use lehr_scoring::Attribution;
pub use pictures::{Pictures, RGB_BYTES};

use ahead::Shelf;
use lehr_dataflows::forecasts::Window;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_scoring::{Model, Runtime};
use opened::Opened;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    /// Nothing can be scored at all.
    #[error("{0}")]
    NoRuntime(String),
    #[error(transparent)]
    Model(#[from] lehr_scoring::Error),
    /// It was tried a moment ago.
    #[error("{0}")]
    NotOpen(String),
}

/// The models of a plant: opened when they are first asked.
#[derive(Debug)]
pub struct Scoring {
    runtime: Result<Runtime, String>,
    folder: PathBuf,
    schemas: schemas::Schemas,
    opened: Mutex<Opened>,
    pictures: Option<Arc<dyn Pictures>>,
    /// Pictures that somebody looks at before they are asked for.
    shelf: Shelf,
    /// Windows that were to be scored and were not.
    failed: AtomicU64,
    /// Pictures that were to be inspected and were not.
    uninspected: AtomicU64,
}

/// How scoring is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The library that scores, or why there is none.
    pub runtime: Result<String, String>,
    /// Of each version that was asked: open, or why it is not.
    pub models: Vec<(ModelKind, ModelVersion, Result<(), String>)>,
    /// Windows that were to be scored and were not, since the start.
    pub failed: u64,
    /// Pictures that were to be inspected and were not, since the start.
    pub uninspected: u64,
}

impl Scoring {
    /// For the models of a folder, such as [`crate::registry::folder`] of a data directory. `library`: ONNX Runtime, where it is not to be
    /// looked for. That there is none is no error: Lehr serves without scores.
    pub fn start(folder: PathBuf, library: Option<&Path>, catalogue: &Catalogue) -> Scoring {
        let runtime = Runtime::load(library).map_err(|error| error.to_string());
        if let Err(problem) = &runtime {
            tracing::warn!("nothing is scored: {problem}");
        }
        Scoring {
            runtime,
            folder,
            schemas: schemas::Schemas::of(catalogue),
            opened: Mutex::default(),
            pictures: None,
            shelf: Shelf::default(),
            failed: AtomicU64::new(0),
            uninspected: AtomicU64::new(0),
        }
    }

    /// With pictures to inspect: without them none is.
    pub fn with_pictures(self, pictures: Arc<dyn Pictures>) -> Scoring {
        Scoring { pictures: Some(pictures), ..self }
    }

    pub fn status(&self) -> Status {
        let runtime = self.runtime.as_ref().map(|runtime| format!("{runtime:?}")).map_err(String::clone);
        let [failed, uninspected] = [&self.failed, &self.uninspected].map(|count| count.load(Ordering::Relaxed));
        Status { runtime, models: self.opened().states(), failed, uninspected }
    }

    /// Whether a file is a model of this kind that can be used here. Error: why it is not.
    pub fn check(&self, kind: ModelKind, file: &Path) -> Result<(), ScoringError> {
        Model::read(self.runtime()?, file, self.schemas.contract(kind))?;
        Ok(())
    }

    /// What each sensor did to a version's forecast for a window. Costs 21 forecasts.
    pub fn attribute(&self, version: ModelVersion, window: &Window) -> Result<Attribution, ScoringError> {
        let forecaster = self.forecaster(version)?;
        Ok(forecaster.model.attribute(&lines::values(window))?)
    }

    fn runtime(&self) -> Result<&Runtime, ScoringError> {
        self.runtime.as_ref().map_err(|problem| ScoringError::NoRuntime(problem.clone()))
    }
}
