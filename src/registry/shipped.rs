//! Versions that come with Lehr, within its binary.

use super::aliases::Aliases;
use super::changes::Changed;
use super::error::RegistryError;
use super::files::FileState;
use super::{Registry, find};
use crate::causes::with_causes;
use lehr_domain::model::{ModelKind, ModelVersion};

/// The file and the card of a version, and what its training left: an ensemble is trained with that.
pub struct Shipped {
    pub file: &'static [u8],
    pub card: &'static str,
    pub history: &'static [u8],
}

/// The files, cards and histories of these names in `models/artifacts`.
macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$( Shipped {
            file: include_bytes!(concat!("../../models/artifacts/", $name, ".onnx")),
            card: include_str!(concat!("../../models/artifacts/", $name, ".md")),
            history: include_bytes!(concat!("../../models/artifacts/", $name, ".json")),
        } ),*]
    };
}

/// All that come with Lehr, such as "forecaster-1.0.0".
const SHIPPED: &[Shipped] = shipped!["forecaster-1.0.0", "graph-1.0.0", "ensemble-1.0.0", "inspector-0.4.0"];

/// Who registers and deploys what comes with Lehr.
const BY: &str = "lehr";

impl Registry {
    /// Registers what comes with Lehr and is not registered, and puts back what was lost of it. Then, of each kind that
    /// never had a version in production, puts the newest that can score there, from now on.
    ///
    /// What cannot be done for one version is logged, and the others are gone on with: without models Lehr does
    /// everything else.
    ///
    /// Error: the runtime has stopped.
    pub fn start(&self) -> Result<(), RegistryError> {
        self.start_with(SHIPPED)
    }

    pub(super) fn start_with(&self, shipped: &[Shipped]) -> Result<(), RegistryError> {
        logged(self.0.files.tidy())?;
        for Shipped { file, card, history } in shipped {
            if !self.is_there(file) {
                let registered = self.register_shipped(file, card, &Changed::new(BY, "comes with Lehr"));
                if let Some((model, version)) = logged(registered)? {
                    logged(self.keep_history(model, version, history))?;
                }
            }
        }
        for model in ModelKind::ALL {
            self.deploy_first(model)?;
        }
        Ok(())
    }

    /// Whether the version is registered and its file is sound. It may be of other bytes, where what a version says of
    /// itself was told better later: what is registered stays.
    fn is_there(&self, file: &[u8]) -> bool {
        let Ok(said) = super::Description::read(file) else { return false };
        let snapshot = self.0.runtime.snapshot();
        find(&snapshot, said.model, said.version).is_some_and(|row| self.state(row) == FileState::Ready)
    }

    fn deploy_first(&self, model: ModelKind) -> Result<(), RegistryError> {
        let snapshot = self.0.runtime.snapshot();
        let Aliases { production, previous, .. } = Aliases::of(&snapshot, model);
        if production.or(previous).is_some() {
            return Ok(());
        }
        let versions: Vec<ModelVersion> =
            snapshot.models.range(|row| row.model.cmp(&model)).rev().map(|row| row.version).collect();
        for version in versions {
            let changed = Changed::new(BY, "the first of its kind");
            if logged(self.promote(model, version, &changed))?.is_some() {
                break;
            }
        }
        Ok(())
    }
}

/// What is wrong with a version is logged; what stops everything is given back.
fn logged<T>(done: Result<T, RegistryError>) -> Result<Option<T>, RegistryError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error @ RegistryError::Runtime(_)) => Err(error),
        Err(error) => {
            tracing::warn!("models: {}", with_causes(&error));
            Ok(None)
        }
    }
}
