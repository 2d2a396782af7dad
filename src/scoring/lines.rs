//! Windows of lines, scored as the graphs ask for it.

use super::{Scoring, ScoringError};
use lehr_dataflows::forecasts::{Forecast, Said, Scored, Scorer, Terms, Verdict, Versions, Window};
use lehr_domain::Micro;
use lehr_domain::defect_event::HORIZONS;
use lehr_domain::model::ModelVersion;
use lehr_features::{SENSORS, describe, sensors};
use lehr_scoring::{Forecast as Foretold, Snapshot, Verdict as Judged, predictions};
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
        let foretold = forecaster.model.forecast(values.concat())?;
        // A graph model, or an ensemble, that is not there takes nothing from the forecaster.
        let judged = versions.graph.and_then(|version| self.judged(version, &values).ok());
        let combined = versions.ensemble.zip(judged.as_ref());
        let combined = combined.and_then(|(version, judged)| self.combined(version, &foretold, judged).ok());
        let rows = foretold.iter().enumerate().map(|(row, said)| Scored {
            said: Said {
                forecaster: forecast(said.probability, &forecaster.thresholds),
                ensemble: combined.as_ref().map(|combined| combined[row]),
            },
            verdicts: judged.as_ref().map(|judged| verdicts(&judged[row])),
        });
        Ok(rows.collect())
    }

    fn judged(&self, version: ModelVersion, values: &[Vec<f32>]) -> Result<Vec<Judged>, ScoringError> {
        let described = values.iter().map(|window| {
            let (nodes, edges) = describe(window);
            Snapshot { nodes, edges }
        });
        Ok(self.graph(version)?.model.judge(&described.collect::<Vec<_>>())?)
    }

    fn combined(
        &self,
        version: ModelVersion,
        foretold: &[Foretold],
        judged: &[Judged],
    ) -> Result<Vec<Forecast>, ScoringError> {
        let ensemble = self.ensemble(version)?;
        let rows = foretold.iter().zip(judged).flat_map(|(foretold, judged)| predictions(foretold, judged));
        let combined = ensemble.model.combine(rows.collect())?;
        Ok(combined.into_iter().map(|probability| forecast(probability, &ensemble.thresholds)).collect())
    }
}

fn verdicts(judged: &Judged) -> Vec<Verdict> {
    let of_sensor = |(failure, anomaly): (&f32, &f32)| Verdict { failure: micro(*failure), anomaly: micro(*anomaly) };
    judged.failure.iter().zip(&judged.anomaly).map(of_sensor).collect()
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
