//! Windows of lines, scored as the graphs ask for it.

use super::{Scoring, ScoringError};
use lehr_dataflows::forecasts::{Forecast, Said, Scored, Scorer, Terms, Verdict, Versions, Window};
use lehr_domain::Micro;
use lehr_domain::defect_event::HORIZONS;
use lehr_domain::model::ModelVersion;
use lehr_features::{FEATURES, SENSORS, describe, sensors};
use lehr_scoring::Snapshot;
use std::sync::atomic::Ordering;

/// In the order of the features.
static COLUMNS: [&str; SENSORS] = sensors();

impl Scorer for Scoring {
    fn columns(&self) -> &'static [&'static str] {
        &COLUMNS
    }

    fn terms(&self) -> Terms {
        Terms::PLANT
    }

    fn score(&self, versions: Versions, windows: &[Window]) -> Vec<Option<Scored>> {
        match self.scored(versions, windows) {
            Ok(scored) => scored.into_iter().map(Some).collect(),
            Err(error) => {
                self.failed.fetch_add(windows.len() as u64, Ordering::Relaxed);
                tracing::debug!("{} windows were not scored: {error}", windows.len());
                vec![None; windows.len()]
            }
        }
    }
}

impl Scoring {
    fn scored(&self, versions: Versions, windows: &[Window]) -> Result<Vec<Scored>, ScoringError> {
        let forecaster = self.forecaster(versions.forecaster)?;
        let values: Vec<Vec<f32>> = windows.iter().map(values).collect();
        let said = forecaster.model.forecast(values.concat())?;
        let foretold: Vec<[f32; HORIZONS]> = said.into_iter().map(|forecast| forecast.probability).collect();
        // A graph model, or an ensemble, that is not there takes nothing from the forecaster.
        let verdicts = versions.graph.and_then(|version| self.verdicts(version, &values).ok());
        let combined = versions.ensemble.zip(verdicts.as_ref());
        let combined = combined.and_then(|(version, verdicts)| self.combined(version, &foretold, verdicts).ok());
        let rows = foretold.into_iter().enumerate().map(|(row, probability)| Scored {
            said: Said {
                forecaster: forecast(probability, &forecaster.thresholds),
                ensemble: combined.as_ref().map(|combined| combined[row]),
            },
            verdicts: verdicts.as_ref().map(|verdicts| verdicts[row].clone()),
        });
        Ok(rows.collect())
    }

    fn verdicts(
        &self,
        version: ModelVersion,
        values: &[Vec<f32>],
    ) -> Result<Vec<Vec<Verdict>>, ScoringError> {
        let graph = self.graph(version)?;
        let snapshots: Vec<Snapshot> = values
            .iter()
            .map(|window| {
                let (nodes, edges) = describe(window);
                debug_assert_eq!(nodes.len(), SENSORS * FEATURES);
                Snapshot { nodes, edges }
            })
            .collect();
        let judged = graph.model.judge(&snapshots)?;
        let of_sensor = |(failure, anomaly): (&f32, &f32)| Verdict { failure: micro(*failure), anomaly: micro(*anomaly) };
        Ok(judged.iter().map(|row| row.failure.iter().zip(&row.anomaly).map(of_sensor).collect()).collect())
    }

    fn combined(
        &self,
        version: ModelVersion,
        foretold: &[[f32; HORIZONS]],
        verdicts: &[Vec<Verdict>],
    ) -> Result<Vec<Forecast>, ScoringError> {
        let ensemble = self.ensemble(version)?;
        let predictions = foretold.iter().zip(verdicts).flat_map(|(foretold, verdicts)| predictions(foretold, verdicts));
        let combined = ensemble.model.combine(predictions.collect())?;
        Ok(combined.into_iter().map(|probability| forecast(probability, &ensemble.thresholds)).collect())
    }
}

/// What an ensemble reads of one window: [`super::files::PREDICTIONS`].
fn predictions(foretold: &[f32; HORIZONS], verdicts: &[Verdict]) -> Vec<f32> {
    let greatest = |of: fn(&Verdict) -> Micro| verdicts.iter().map(of).max().unwrap_or_default().to_f64() as f32;
    let sum: f64 = verdicts.iter().map(|verdict| verdict.anomaly.to_f64()).sum();
    let mean = sum / verdicts.len().max(1) as f64;
    let of_graph = [greatest(|verdict| verdict.failure), greatest(|verdict| verdict.anomaly), mean as f32];
    foretold.iter().copied().chain(of_graph).collect()
}

fn forecast(probability: [f32; HORIZONS], thresholds: &[f32; HORIZONS]) -> Forecast {
    Forecast {
        probability: probability.map(micro),
        expected: std::array::from_fn(|horizon| probability[horizon] >= thresholds[horizon]),
    }
}

/// Of a probability; the models' contracts see to it that it is one.
fn micro(probability: f32) -> Micro {
    Micro((f64::from(probability.clamp(0.0, 1.0)) * 1e6).round() as i64)
}

/// As models read it: NaN where there was no good reading.
pub fn values(window: &Window) -> Vec<f32> {
    window.0.iter().map(|value| value.map_or(f32::NAN, |value| value.to_f64() as f32)).collect()
}
