use lehr_datasets::study::{Boosting, Linear, Settings};
use serde::{Deserialize, Serialize};

use super::report::right;
use super::scaler::FeatureScaler;
use super::task::{GraphScores, Graphs, scored};
use super::train::GraphThresholds;
use crate::error::NeuralError;

/// Who judges each sensor by itself, by the same features and the same rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    pub name: String,
    pub node_accuracy: f64,
    pub failure_auc: Option<f64>,
    pub failure_mcc: Option<f64>,
    pub anomaly_auc: Option<f64>,
    pub anomaly_mcc: Option<f64>,
}

/// What a sensor's own features say: as they are, and without their signs, since too high and too low are both wrong.
fn row(features: &[f32]) -> Vec<f32> {
    features.iter().copied().chain(features.iter().map(|x| x.abs())).collect()
}

type Judge = Box<dyn Fn(&[f32]) -> f64>;

/// Plain methods, trained on `training`, with thresholds from `validation`, on `test`.
///
/// # Errors
/// Splits without nodes.
pub fn baselines<G: Graphs>(
    training: &G,
    validation: &G,
    test: &G,
    scaler: &FeatureScaler,
) -> Result<Vec<Baseline>, NeuralError> {
    let (mut rows, mut failures, mut anomalies) = (Vec::new(), Vec::new(), Vec::new());
    for index in 0..training.len() {
        let snapshot = training.snapshot(index);
        rows.extend(scaler.scale(&snapshot.nodes).chunks_exact(training.features()).map(row));
        failures.extend(snapshot.failures);
        anomalies.extend(snapshot.anomalies);
    }
    if rows.is_empty() {
        return Err(NeuralError::TooFew { split: "training", found: 0, needed: 1 });
    }
    let linear = |labels: &[bool]| -> Judge {
        let fit = Linear::fit(&rows, labels);
        Box::new(move |row| fit.probability(row))
    };
    let boosted = |labels: &[bool]| -> Judge {
        let fit = Boosting::fit(&rows, labels, &Settings::default());
        Box::new(move |row| fit.probability(row))
    };
    let methods = [
        ("logistic regression on each sensor's own features", [linear(&failures), linear(&anomalies)]),
        ("gradient boosting on each sensor's own features", [boosted(&failures), boosted(&anomalies)]),
    ];
    methods.iter().map(|(name, [failure, anomaly])| of(name, failure, anomaly, validation, test, scaler)).collect()
}

fn of<G: Graphs>(
    name: &str,
    failure: &Judge,
    anomaly: &Judge,
    validation: &G,
    test: &G,
    scaler: &FeatureScaler,
) -> Result<Baseline, NeuralError> {
    let said = |graphs: &G| {
        let mut scores = GraphScores::default();
        for index in 0..graphs.len() {
            let snapshot = graphs.snapshot(index);
            let truths = snapshot.failures.iter().zip(&snapshot.anomalies);
            let nodes = scaler.scale(&snapshot.nodes);
            for (features, (&failed, &off)) in nodes.chunks_exact(graphs.features()).zip(truths) {
                let row = row(features);
                scores.failures.push((failure(&row), failed));
                scores.anomalies.push((anomaly(&row), off));
            }
        }
        scores
    };
    let thresholds = GraphThresholds::choose(&said(validation))?;
    let scores = said(test);
    let right = right(&scores, &thresholds);
    let (failures, anomalies) = (scored(&scores.failures)?, scored(&scores.anomalies)?);
    Ok(Baseline {
        name: name.to_owned(),
        node_accuracy: right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64,
        failure_auc: failures.auc(),
        failure_mcc: failures.at(thresholds.failure).mcc(),
        anomaly_auc: anomalies.auc(),
        anomaly_mcc: anomalies.at(thresholds.anomaly).mcc(),
    })
}
