//! The forecaster: two hours of a line's sensors in, the risk of a defect within 1, 4 and 24 hours out.

use std::path::Path;

use lehr_features::fill;

use crate::{Batch, Contract, Error, MINUTES, Model, Options, Pool, Port, Runtime, SENSORS, Scaler, Schema, WINDOW};

/// Forecasts: within so many hours.
pub const HORIZONS_H: [u32; 3] = [1, 4, 24];

/// How far the sum of attention may be from 1 by rounding: 120 additions of f32.
const ATTENTION_ROUNDING: f32 = 1e-4;

/// A forecast for a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Of a defect within each of [`HORIZONS_H`], calibrated.
    pub probability: [f32; HORIZONS_H.len()],
    /// How much each of the [`MINUTES`] counted; they sum to 1.
    pub attention: Vec<f32>,
}

/// What each sensor did to a forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    pub forecast: Forecast,
    /// For each of [`SENSORS`] and [`HORIZONS_H`]: by how much the probability is higher for what the sensor read than
    /// it would be, had the sensor read its mean of the training data throughout.
    pub sensors: Vec<[f32; HORIZONS_H.len()]>,
}

/// A forecaster that is ready.
#[derive(Debug)]
pub struct Forecaster {
    pool: Pool,
    scaler: Scaler,
}

impl Forecaster {
    /// What a forecaster's file must be.
    pub fn contract(schema: Schema) -> Contract {
        Contract {
            model: "forecaster",
            schema,
            inputs: vec![Port::new("input", [MINUTES, SENSORS])],
            outputs: vec![Port::new("probability", [HORIZONS_H.len()]), Port::new("attention", [MINUTES])],
            scaled: Some(SENSORS),
        }
    }

    /// # Errors
    /// When the file cannot be read or is refused.
    pub fn open(runtime: &Runtime, file: &Path, schema: Schema, options: Options) -> Result<Self, Error> {
        Self::from_model(runtime, Model::read(runtime, file, Self::contract(schema))?, options)
    }

    /// From a model that was checked against [`Forecaster::contract`].
    ///
    /// # Errors
    /// When it fails on the means of its training data.
    pub fn from_model(runtime: &Runtime, model: Model, options: Options) -> Result<Self, Error> {
        let scaler = model.metadata().scaler.clone().expect("its contract asks for a scaler");
        let trial = Batch { rows: 1, values: vec![scaler.mean.repeat(MINUTES)] };
        let pool = Pool::open(runtime, model, options, &trial)?;
        let forecaster = Forecaster { pool, scaler };
        forecaster.forecast(trial.values.into_iter().next().expect("one input"))?;
        Ok(forecaster)
    }

    pub fn model(&self) -> &Model {
        self.pool.model()
    }

    /// Forecasts for any number of sequences, one behind the other, each of [`WINDOW`] numbers in engineering units:
    /// minute by minute, all sensors of a minute together. NaN stands for a value that is missing: it is filled as
    /// for training, by [`lehr_features::fill`].
    ///
    /// # Errors
    /// When the numbers are no whole sequences or infinite, or scoring fails.
    pub fn forecast(&self, mut sequences: Vec<f32>) -> Result<Vec<Forecast>, Error> {
        if !sequences.len().is_multiple_of(WINDOW) {
            let problem = format!("{} numbers are no whole sequences of {WINDOW}", sequences.len());
            return Err(Error::Input { field: "input".to_owned(), problem });
        }
        sequences.chunks_mut(WINDOW).for_each(|sequence| fill(sequence, &self.scaler.mean));
        let rows = sequences.len() / WINDOW;
        let scored = self.pool.score(Batch { rows, values: vec![sequences] })?;
        let probabilities = scored.values[0].as_chunks::<{ HORIZONS_H.len() }>().0;
        probabilities
            .iter()
            .zip(scored.values[1].chunks(MINUTES))
            .map(|(probability, attention)| self.checked(*probability, attention))
            .collect()
    }

    /// What each sensor did to the forecast for one sequence, by occlusion: the forecast is made again without each of
    /// them. Costs `SENSORS` + 1 forecasts, always.
    ///
    /// Zeiler, Fergus: Visualizing and understanding convolutional networks, 2014. Sensors that stand for each other
    /// share what they do, and each alone looks smaller than the two of them.
    ///
    /// # Errors
    /// As for [`Forecaster::forecast`].
    pub fn attribute(&self, sequence: &[f32]) -> Result<Attribution, Error> {
        if sequence.len() != WINDOW {
            let problem = format!("{} numbers are given, a sequence has {WINDOW}", sequence.len());
            return Err(Error::Input { field: "input".to_owned(), problem });
        }
        let mut sequences = sequence.repeat(SENSORS + 1);
        for (sensor, without) in sequences[WINDOW..].chunks_mut(WINDOW).enumerate() {
            for minute in without.chunks_mut(SENSORS) {
                minute[sensor] = self.scaler.mean[sensor];
            }
        }
        let mut forecasts = self.forecast(sequences)?.into_iter();
        let forecast = forecasts.next().expect("as many as sequences");
        let by = |without: Forecast| {
            std::array::from_fn(|horizon| forecast.probability[horizon] - without.probability[horizon])
        };
        let sensors = forecasts.map(by).collect();
        Ok(Attribution { forecast, sensors })
    }

    fn checked(&self, probability: [f32; HORIZONS_H.len()], attention: &[f32]) -> Result<Forecast, Error> {
        let bad = |output, problem| Error::Output { model: self.model().name().to_owned(), output, problem };
        if let Some(value) = probability.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            return Err(bad("probability", format!("{value} is not between 0 and 1")));
        }
        let sum: f32 = attention.iter().sum();
        if attention.iter().any(|&share| share < 0.0) || (sum - 1.0).abs() > ATTENTION_ROUNDING {
            return Err(bad("attention", format!("its shares sum to {sum}, or one is below 0")));
        }
        Ok(Forecast { probability, attention: attention.to_vec() })
    }
}
