//! What the registry asks of a plant's models.

use super::{Scoring, ScoringError};
use crate::registry::{OpenError, Opener, Status};
use lehr_dataflows::forecasts::{Scorer, Window};
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_scoring::Attribution;
use std::path::Path;

impl Opener for Scoring {
    fn check(&self, model: ModelKind, file: &Path) -> Result<(), OpenError> {
        Scoring::check(self, model, file).map_err(told)
    }

    fn status(&self) -> Vec<Status> {
        let status = Scoring::status(self);
        let (detail, problem) = match status.runtime {
            Ok(library) => (library, None),
            Err(why) => (String::new(), Some(why)),
        };
        // What was not scored is counted in one place: it belongs to no version alone.
        let failures = status.failed + status.uninspected;
        let library = Status { name: "ONNX Runtime".into(), detail, problem, failures };
        let models = status.models.into_iter().map(|(model, version, state)| Status {
            name: format!("{model} {version}"),
            detail: "open".into(),
            problem: state.err(),
            failures: 0,
        });
        std::iter::once(library).chain(models).collect()
    }

    fn columns(&self) -> &'static [&'static str] {
        Scorer::columns(self)
    }

    fn attribute(&self, version: ModelVersion, window: &Window) -> Result<Attribution, OpenError> {
        Scoring::attribute(self, version, window).map_err(told)
    }
}

fn told(error: ScoringError) -> OpenError {
    match error {
        ScoringError::NoRuntime(why) => OpenError::Unavailable(why),
        other => OpenError::Refused(other.to_string()),
    }
}
