use lehr_datasets::graphs::FEATURES;
use lehr_datasets::sequences::sensors;
use lehr_domain::catalogue::Catalogue;
use serde::{Deserialize, Serialize};

use super::task::Graphs;
use crate::error::NeuralError;

/// How far scaled features reach: x becomes x / (1 + |x| / REACH). A furnace that is cold is a hundred deviations away,
/// and one that is odd is three: both are to be told apart from what is usual.
pub const REACH: f64 = 8.0;

/// What minute means of a sound sensor show within two hours, whichever it is: a spread of 0.8 sigma and an autocorrelation
/// of 0.35; and by how much they differ from that when something is wrong, so that one that is stuck, and does not move at
/// all, stands out as much as one that moves too much.
const USUAL_SPREAD: f64 = 0.8;
const SPREAD_SCALE: f64 = 0.2;
const USUAL_AUTOCORRELATION: f64 = 0.35;
const AUTOCORRELATION_SCALE: f64 = 0.2;
/// A tenth of the minutes missing is much.
const MISSING_SCALE: f64 = 0.1;

/// What is subtracted from and divided by, for each feature of each node: `[nodes, features]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureScaler {
    pub mean: Vec<f32>,
    /// Above zero.
    pub deviation: Vec<f32>,
}

impl FeatureScaler {
    /// By what the plant's catalogue calls usual: values from the target, in its sigmas; spreads and rises in sigmas. So a node's features say how a sensor behaves, and not which one it is.
    ///
    /// # Errors
    /// A sensor without target or sigma.
    pub fn of_catalogue(catalogue: &Catalogue) -> Result<Self, NeuralError> {
        let (mut mean, mut deviation) = (Vec::new(), Vec::new());
        for name in sensors() {
            let entry = catalogue.sensors.iter().find(|entry| entry.parameter == name);
            let usual = entry.and_then(|entry| entry.target.zip(entry.sigma));
            let Some((target, sigma)) = usual.filter(|(_, sigma)| *sigma > 0.0) else {
                let fix = "give the sensor a target and a sigma above 0 in the catalogue";
                return Err(NeuralError::Setting { field: "sensor", found: name.to_owned(), fix });
            };
            // The order of `lehr_datasets::graphs::FEATURES`: mean, deviation, rise, autocorrelation, missing.
            let of_mean = [target, USUAL_SPREAD * sigma, 0.0, USUAL_AUTOCORRELATION, 0.0];
            let of_deviation = [sigma, SPREAD_SCALE * sigma, sigma, AUTOCORRELATION_SCALE, MISSING_SCALE];
            const { assert!(FEATURES == 5, "one for each feature") };
            mean.extend(of_mean.map(|value| value as f32));
            deviation.extend(of_deviation.map(|value| value as f32));
        }
        Ok(Self { mean, deviation })
    }

    /// By the data: each feature over all nodes.
    pub fn fit(graphs: &impl Graphs) -> Result<Self, NeuralError> {
        let features = graphs.features();
        let (mut count, mut sums, mut squares) = (0.0, vec![0.0f64; features], vec![0.0f64; features]);
        let each = |see: &mut dyn FnMut(usize, f64)| {
            for index in 0..graphs.len() {
                for node in graphs.snapshot(index).nodes.chunks_exact(features) {
                    node.iter().enumerate().for_each(|(feature, &value)| see(feature, f64::from(value)));
                }
            }
        };
        each(&mut |feature, value| {
            sums[feature] += value;
            count += 1.0;
        });
        if count == 0.0 {
            return Err(NeuralError::TooFew { split: "training", found: 0, needed: 1 });
        }
        count /= features as f64;
        let mean: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        each(&mut |feature, value| squares[feature] += (value - mean[feature]).powi(2));
        let deviation = |(feature, square): (usize, &f64)| {
            let deviation = (square / count).sqrt();
            if deviation > 1e-6 * (1.0 + mean[feature].abs()) { deviation as f32 } else { 1.0 }
        };
        let deviation: Vec<f32> = squares.iter().enumerate().map(deviation).collect();
        let mean: Vec<f32> = mean.iter().map(|&mean| mean as f32).collect();
        Ok(Self { mean: mean.repeat(graphs.nodes()), deviation: deviation.repeat(graphs.nodes()) })
    }

    /// The nodes of one snapshot, `[nodes, features]`.
    pub fn scale(&self, nodes: &[f32]) -> Vec<f32> {
        assert_eq!(nodes.len(), self.mean.len(), "a scaler is for as many features of as many nodes");
        let scaled = |((value, mean), deviation): ((&f32, &f32), &f32)| {
            let x = (value - mean) / deviation;
            x / (1.0 + x.abs() / REACH as f32)
        };
        nodes.iter().zip(&self.mean).zip(&self.deviation).map(scaled).collect()
    }
}

#[cfg(test)]
mod tests {
    use lehr_domain::catalogue::DEFAULT;

    use super::*;

    #[test]
    fn what_is_usual_is_alike_for_all_sensors_and_what_is_far_stays_within_reach() {
        let scaler = FeatureScaler::of_catalogue(&Catalogue::parse(DEFAULT).unwrap()).unwrap();
        // Each sensor a sigma above its target, with a spread of a sigma.
        let node = |(mean, sigma): (&f32, &f32)| [mean + sigma, *sigma, 0.0, 0.35, 0.0];
        let pairs = || scaler.mean.iter().zip(&scaler.deviation).step_by(FEATURES);
        let usual = scaler.scale(&pairs().flat_map(node).collect::<Vec<_>>());
        for node in usual.chunks_exact(FEATURES) {
            let expected = [8.0 / 9.0, 8.0 / 9.0, 0.0, 0.0, 0.0];
            node.iter().zip(expected).for_each(|(x, known)| assert!((x - known).abs() < 1e-3, "{node:?}"));
        }
        let far = |(mean, sigma): (&f32, &f32)| [mean + 1e6 * sigma, 0.0, 0.0, 0.0, 1.0];
        let far = scaler.scale(&pairs().flat_map(far).collect::<Vec<_>>());
        assert!(far.iter().all(|x| x.abs() <= REACH as f32));
    }
}
