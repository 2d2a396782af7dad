use lehr_datasets::sequences;
use serde::{Deserialize, Serialize};

use super::windows::Windows;
use crate::error::NeuralError;

/// Values further from the mean than so many standard deviations are taken as that far, so that a broken instrument
/// does not drive the network where it has never been.
pub const REACH: f32 = 8.0;

/// Windows looked at for the scaler; means of more are no better.
const LOOKED_AT_MAX: usize = 20_000;

/// Mean and standard deviation of each sensor, of training data alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    pub mean: Vec<f32>,
    /// Never 0: that of a sensor that does not move is 1.
    pub deviation: Vec<f32>,
}

impl Scaler {
    /// From evenly spread windows of the training split.
    pub fn fit(windows: &impl Windows) -> Result<Self, NeuralError> {
        let (sensors, steps) = (windows.sensors(), windows.steps());
        if windows.is_empty() {
            return Err(NeuralError::TooFew { split: "training", found: 0, needed: 1 });
        }
        let stride = windows.len().div_ceil(LOOKED_AT_MAX);
        let mut window = vec![0.0f32; steps * sensors];
        // Welford's sums: exact where the deviation is small beside the mean.
        let (mut counts, mut means, mut squares) = (vec![0.0f64; sensors], vec![0.0f64; sensors], vec![0.0; sensors]);
        for index in (0..windows.len()).step_by(stride) {
            windows.read(index, &mut window);
            for minute in window.chunks_exact(sensors) {
                for (sensor, &value) in minute.iter().enumerate().filter(|(_, value)| value.is_finite()) {
                    let value = f64::from(value);
                    counts[sensor] += 1.0;
                    let away = value - means[sensor];
                    means[sensor] += away / counts[sensor];
                    squares[sensor] += away * (value - means[sensor]);
                }
            }
        }
        let deviation = |sensor: usize| {
            let deviation = (squares[sensor] / f64::max(counts[sensor], 1.0)).sqrt() as f32;
            // Rounding alone makes a constant vary a little.
            if deviation > 1e-6 * (1.0 + means[sensor].abs() as f32) { deviation } else { 1.0 }
        };
        Ok(Self {
            mean: means.iter().map(|&mean| mean as f32).collect(),
            deviation: (0..sensors).map(deviation).collect(),
        })
    }

    /// A sensor's value in standard deviations from its mean, within ±[`REACH`]; 0 for one that is missing.
    pub fn scale(&self, sensor: usize, value: f32) -> f32 {
        if value.is_nan() {
            return 0.0;
        }
        ((value - self.mean[sensor]) / self.deviation[sensor]).clamp(-REACH, REACH)
    }
}

impl From<&sequences::Scaler> for Scaler {
    fn from(scaler: &sequences::Scaler) -> Self {
        Self { mean: scaler.mean.to_vec(), deviation: scaler.std.to_vec() }
    }
}
