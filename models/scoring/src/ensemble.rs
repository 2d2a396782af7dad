//! The ensemble: what the other models say in, one probability for each horizon out.

use std::path::Path;

use crate::forecaster::HORIZONS_H;
use crate::{Batch, Contract, Error, Forecast, Model, Options, Pool, Port, Runtime, Schema, Verdict};

/// What the ensemble reads of a forecast and of a verdict on the same two hours, in this order. All are probabilities.
pub const PREDICTIONS: [&str; 6] = [
    "forecaster_1h",
    "forecaster_4h",
    "forecaster_24h",
    "graph_failure_greatest",
    "graph_anomaly_greatest",
    "graph_anomaly_mean",
];

/// One row of [`PREDICTIONS`]. The same for training and for live scoring.
pub fn predictions(forecast: &Forecast, verdict: &Verdict) -> [f32; PREDICTIONS.len()] {
    let greatest = |of: &[f32]| of.iter().copied().fold(0.0, f32::max);
    let mean = verdict.anomaly.iter().sum::<f32>() / verdict.anomaly.len().max(1) as f32;
    let [one, four, day] = forecast.probability;
    [one, four, day, greatest(&verdict.failure), greatest(&verdict.anomaly), mean]
}

/// An ensemble that is ready.
#[derive(Debug)]
pub struct Ensemble {
    pool: Pool,
}

impl Ensemble {
    /// What an ensemble's file must be, with so many predictions of others.
    pub fn contract(schema: Schema, predictions: usize) -> Contract {
        Contract {
            model: "ensemble",
            schema,
            inputs: vec![Port::new("predictions", [predictions])],
            outputs: vec![Port::new("probability", [HORIZONS_H.len()])],
            scaled: None,
        }
    }

    /// # Errors
    /// When the file cannot be read or is refused.
    pub fn open(
        runtime: &Runtime,
        file: &Path,
        schema: Schema,
        predictions: usize,
        options: Options,
    ) -> Result<Self, Error> {
        Self::from_model(runtime, Model::read(runtime, file, Self::contract(schema, predictions))?, options)
    }

    /// From a model that was checked against [`Ensemble::contract`].
    ///
    /// # Errors
    /// When it fails on predictions that say nothing.
    pub fn from_model(runtime: &Runtime, model: Model, options: Options) -> Result<Self, Error> {
        let predictions = model.contract().inputs[0].per_row();
        let trial = Batch { rows: 1, values: vec![vec![0.5; predictions]] };
        Ok(Ensemble { pool: Pool::open(runtime, model, options, &trial)? })
    }

    pub fn model(&self) -> &Model {
        self.pool.model()
    }

    /// The probabilities of a defect within each of [`HORIZONS_H`], for each row of predictions.
    ///
    /// # Errors
    /// When the numbers are no whole rows or not finite, or scoring fails.
    pub fn combine(&self, predictions: Vec<f32>) -> Result<Vec<[f32; HORIZONS_H.len()]>, Error> {
        let per_row = self.model().contract().inputs[0].per_row();
        if !predictions.len().is_multiple_of(per_row) {
            let problem = format!("{} numbers are no whole rows of {per_row}", predictions.len());
            return Err(Error::Input { field: "predictions".to_owned(), problem });
        }
        let scored = self.pool.score(Batch { rows: predictions.len() / per_row, values: vec![predictions] })?;
        Ok(scored.values[0].as_chunks().0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_forecast_and_the_worst_of_the_sensors() {
        let forecast = Forecast { probability: [0.1, 0.2, 0.3], attention: vec![] };
        let verdict = Verdict { failure: vec![0.0, 0.5], anomaly: vec![0.25, 0.75], edge: vec![] };
        assert_eq!(predictions(&forecast, &verdict), [0.1, 0.2, 0.3, 0.5, 0.75, 0.5]);
    }
}
