use super::described::NoModel;
use super::files::FileState;
use super::opener::OpenError;
use crate::runtime::RuntimeError;
use lehr_domain::model::{ModelKind, ModelVersion};
use std::path::PathBuf;

/// Why something about models cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    NoModel(#[from] NoModel),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{model} {version} is not registered; register its file first")]
    Unknown { model: ModelKind, version: ModelVersion },
    #[error(
        "{model} {version} is registered already, with other bytes (SHA-256 {digest}); give the new file another version"
    )]
    Taken { model: ModelKind, version: ModelVersion, digest: String },
    #[error("the file of {model} {version} is {state}; register the same file again")]
    File { model: ModelKind, version: ModelVersion, state: FileState },
    #[error("{model} {version} is in production already")]
    InProduction { model: ModelKind, version: ModelVersion },
    #[error("no other version of the {0} was in production before; promote one instead")]
    NoPrevious(ModelKind),
    #[error("no {0} is in production; promote one first")]
    NoProduction(ModelKind),
    #[error("the {0} has no challenger")]
    NoChallenger(ModelKind),
    #[error("{most} versions are registered, and there may not be more", most = super::REGISTERED_MOST)]
    Full,
    #[error("a card has {most} bytes at most; shorten it", most = super::files::CARD_MOST)]
    Card,
    #[error("cannot {action} {}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}
