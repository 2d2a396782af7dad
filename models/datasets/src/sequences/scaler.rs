//! Mean and standard deviation of each sensor.

use super::SENSORS;
use serde::{Deserialize, Serialize};

/// In engineering units, in the order of [`super::sensors`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    pub mean: [f32; SENSORS],
    /// Above zero.
    pub std: [f32; SENSORS],
}

impl Default for Scaler {
    fn default() -> Scaler {
        Scaler { mean: [0.0; SENSORS], std: [1.0; SENSORS] }
    }
}

/// Sums from which a scaler is made.
#[derive(Clone, Default)]
pub(super) struct Sums {
    n: [f64; SENSORS],
    mean: [f64; SENSORS],
    squares: [f64; SENSORS],
}

impl Sums {
    /// Takes rows of sensors; what is not a number is missing and left out.
    pub fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(SENSORS) {
            for (sensor, value) in row.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
                // Welford 1962: means of 1500 °C with deviations of a degree leave no room for plain sums.
                self.n[sensor] += 1.0;
                let off = f64::from(*value) - self.mean[sensor];
                self.mean[sensor] += off / self.n[sensor];
                self.squares[sensor] += off * (f64::from(*value) - self.mean[sensor]);
            }
        }
    }

    /// A sensor that never changed gets a deviation of 1.
    pub fn scaler(&self) -> Scaler {
        let std = |sensor: usize| {
            let std = (self.squares[sensor] / self.n[sensor].max(1.0)).sqrt() as f32;
            if std > 0.0 { std } else { 1.0 }
        };
        Scaler { mean: self.mean.map(|mean| mean as f32), std: std::array::from_fn(std) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_means_and_deviations() {
        let mut sums = Sums::default();
        let mut rows = vec![5.0; 4 * SENSORS];
        for (row, value) in [1500.0, 1502.0, f32::NAN, 1504.0].into_iter().enumerate() {
            rows[row * SENSORS] = value;
        }
        sums.add(&rows[..2 * SENSORS]);
        sums.add(&rows[2 * SENSORS..]);
        let scaler = sums.scaler();
        assert_eq!((scaler.mean[0], scaler.mean[1]), (1502.0, 5.0));
        assert!((scaler.std[0] - (8.0f32 / 3.0).sqrt()).abs() < 1e-6);
        assert_eq!(scaler.std[1], 1.0);
    }
}
