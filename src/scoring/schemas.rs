//! What a model file must be to be taken.

use lehr_domain::catalogue::Catalogue;
use lehr_domain::model::ModelKind;
use lehr_features::{FEATURES, sensors};
use lehr_scoring::{Contract, Ensemble, Forecaster, Inspector, Network, PREDICTIONS, SIDE_PX, Schema};

/// What models must read to be of use here: names and units of this plant.
#[derive(Debug)]
pub struct Schemas {
    sensors: Schema,
    predictions: Schema,
    pictures: Schema,
}

impl Schemas {
    /// A sensor that the plant does not have is one without a unit: no model reads that.
    pub fn of(catalogue: &Catalogue) -> Schemas {
        let unit = |parameter: &str| {
            let found = catalogue.sensors.iter().find(|sensor| sensor.parameter == parameter);
            found.map_or("", |sensor| sensor.unit.as_str())
        };
        let light = format!("light 0-1, {SIDE_PX}x{SIDE_PX}");
        Schemas {
            sensors: Schema::of(sensors().into_iter().map(|name| (name, unit(name)))),
            predictions: Schema::of(PREDICTIONS.into_iter().map(|name| (name, "probability"))),
            pictures: Schema::of(["red", "green", "blue"].map(|colour| (colour, light.as_str()))),
        }
    }

    pub fn contract(&self, kind: ModelKind) -> Contract {
        match kind {
            ModelKind::Forecaster => Forecaster::contract(self.sensors.clone()),
            ModelKind::Graph => Network::contract(self.sensors.clone(), FEATURES),
            ModelKind::Ensemble => Ensemble::contract(self.predictions.clone(), PREDICTIONS.len()),
            ModelKind::Inspector => Inspector::contract(self.pictures.clone()),
        }
    }
}
