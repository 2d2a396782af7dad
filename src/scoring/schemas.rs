//! What a model file must be to be taken.

use super::ScoringError;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::model::ModelKind;
use lehr_features::{FEATURES, sensors};
use lehr_scoring::{Contract, Ensemble, Forecaster, Network, PREDICTIONS, Schema};

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
