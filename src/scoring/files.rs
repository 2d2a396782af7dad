//! Where model files are, and what one must be to be taken.

use super::ScoringError;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_features::{FEATURES, sensors};
use lehr_scoring::{Contract, Ensemble, Forecaster, Model, Network, PREDICTIONS, Runtime, Schema};
use std::path::{Path, PathBuf};

/// Of a data directory.
pub fn folder(data: &Path) -> PathBuf {
    data.join("models")
}

/// Of a version, in that folder.
pub fn file(folder: &Path, kind: ModelKind, version: ModelVersion) -> PathBuf {
    folder.join(format!("{kind}-{version}.onnx"))
}

/// What a file says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    pub kind: ModelKind,
    pub version: ModelVersion,
    pub digest: String,
    pub bytes: u64,
    pub trained: String,
    pub data: String,
    pub schema: String,
    /// JSON.
    pub metrics: String,
}

/// What models must read to be of use here: names and units of this plant.
#[derive(Debug)]
pub struct Schemas {
    sensors: Schema,
    predictions: Schema,
}

impl Schemas {
    /// A sensor that the plant does not have is one without a unit: no model reads that.
    pub fn of(catalogue: &Catalogue) -> Schemas {
        let unit = |parameter: &str| {
            let found = catalogue.sensors.iter().find(|sensor| sensor.parameter == parameter);
            found.map_or("", |sensor| sensor.unit.as_str())
        };
        Schemas {
            sensors: Schema::of(sensors().into_iter().map(|name| (name, unit(name)))),
            predictions: Schema::of(PREDICTIONS.into_iter().map(|name| (name, "probability"))),
        }
    }

    pub fn contract(&self, kind: ModelKind) -> Result<Contract, ScoringError> {
        match kind {
            ModelKind::Forecaster => Ok(Forecaster::contract(self.sensors.clone())),
            ModelKind::Graph => Ok(Network::contract(self.sensors.clone(), FEATURES)),
            ModelKind::Ensemble => Ok(Ensemble::contract(self.predictions.clone(), PREDICTIONS.len())),
            ModelKind::Inspector => Err(ScoringError::Inspector),
        }
    }
}

/// Reads a file and checks it. Error: it is not what its kind must be, and why.
pub fn check(runtime: &Runtime, schemas: &Schemas, kind: ModelKind, file: &Path) -> Result<Checked, ScoringError> {
    let model = Model::read(runtime, file, schemas.contract(kind)?)?;
    let metadata = model.metadata();
    Ok(Checked {
        kind,
        version: metadata.version,
        digest: model.digest().to_owned(),
        bytes: model.length(),
        trained: metadata.trained.clone().unwrap_or_default(),
        data: metadata.data.clone().unwrap_or_default(),
        schema: metadata.schema.to_string(),
        metrics: serde_json::Value::Object(metadata.metrics.clone()).to_string(),
    })
}
