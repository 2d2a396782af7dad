//! What must be able to open model files. The registry runs no network: whoever scores is handed in.

use lehr_dataflows::forecasts::Window;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_scoring::Attribution;
use std::path::Path;

/// Why a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The file is not what is expected of it; says what is wrong and what was expected.
    #[error("{0}")]
    Refused(String),
    /// Whatever the file is: there is nothing to open it with. Says what to do.
    #[error("{0}")]
    Unavailable(String),
}

/// A part of what scores, as health shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Such as `ONNX Runtime` or `forecaster 1.0.0`.
    pub name: String,
    /// What there is to say when all is well.
    pub detail: String,
    /// Why it cannot be used, or what it failed with last.
    pub problem: Option<String>,
    /// How often it failed since the start.
    pub failures: u64,
}

/// Opens model files and runs them.
///
/// **Contract:** whether a file is taken depends on its bytes and the kind alone.
pub trait Opener: Send + Sync + std::fmt::Debug {
    /// Opens a file as a model of this kind, and tries it.
    fn check(&self, model: ModelKind, file: &Path) -> Result<(), OpenError>;

    /// What is there to score with: the library first, then the models that are open.
    fn status(&self) -> Vec<Status>;

    /// Names of the parameters that windows hold, column by column.
    fn columns(&self) -> &'static [&'static str];

    /// What each sensor did to a forecaster's forecast for a window.
    fn attribute(&self, version: ModelVersion, window: &Window) -> Result<Attribution, OpenError>;
}

impl<T: Opener + ?Sized> Opener for &T {
    fn check(&self, model: ModelKind, file: &Path) -> Result<(), OpenError> {
        (**self).check(model, file)
    }

    fn status(&self) -> Vec<Status> {
        (**self).status()
    }

    fn columns(&self) -> &'static [&'static str] {
        (**self).columns()
    }

    fn attribute(&self, version: ModelVersion, window: &Window) -> Result<Attribution, OpenError> {
        (**self).attribute(version, window)
    }
}

/// Opens nothing: where no models score.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Nothing {
    fn unavailable() -> OpenError {
        OpenError::Unavailable("this server scores no models".to_owned())
    }
}

impl Opener for Nothing {
    fn check(&self, _: ModelKind, _: &Path) -> Result<(), OpenError> {
        Err(Nothing::unavailable())
    }

    fn status(&self) -> Vec<Status> {
        Vec::new()
    }

    fn columns(&self) -> &'static [&'static str] {
        &[]
    }

    fn attribute(&self, _: ModelVersion, _: &Window) -> Result<Attribution, OpenError> {
        Err(Nothing::unavailable())
    }
}
