//! The versions that are open: each once, when it is first asked.

use super::{Scoring, ScoringError};
use crate::registry;
use lehr_dataflows::forecasts::Terms;
use lehr_domain::defect_event::HORIZONS;
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_features::FEATURES;
use lehr_scoring::{DEFECTS, Ensemble, Forecaster, Inspector, Metadata, Model, Network, Options, Runtime, Thresholds};
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which versions score is asked of a handful; more are open only while somebody tries many.
const OPEN_MOST: usize = 16;
/// A version that could not be opened is not tried again before this.
const TRIED_AGAIN: Duration = Duration::from_secs(10);
/// A window that is not scored is missing for good: a busy machine is waited for.
const TIME_OUT: Duration = Duration::from_secs(60);

/// From which probability on an event is expected, where training did not choose.
const HALF: f32 = 0.5;

/// A model and from which probability on it expects an event, by horizon; or sees a defect, by class.
#[derive(Debug)]
pub struct Ready<M, const N: usize = HORIZONS> {
    pub model: M,
    pub thresholds: [f32; N],
}

pub type Inspecting = Ready<Inspector, DEFECTS>;

#[derive(Clone, Debug)]
enum Slot {
    Forecaster(Arc<Ready<Forecaster>>),
    Graph(Arc<Ready<Network>>),
    Ensemble(Arc<Ready<Ensemble>>),
    Inspector(Arc<Inspecting>),
    Failed(Instant, String),
}

/// Those that were asked.
#[derive(Debug, Default)]
pub struct Opened(BTreeMap<(ModelKind, ModelVersion), Slot>);

impl Opened {
    pub fn states(&self) -> Vec<(ModelKind, ModelVersion, Result<(), String>)> {
        let state = |slot: &Slot| if let Slot::Failed(_, why) = slot { Err(why.clone()) } else { Ok(()) };
        self.0.iter().map(|((kind, version), slot)| (*kind, *version, state(slot))).collect()
    }
}

impl Scoring {
    pub(super) fn opened(&self) -> MutexGuard<'_, Opened> {
        // Slots are whole whoever panicked.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forecaster(&self, version: ModelVersion) -> Result<Arc<Ready<Forecaster>>, ScoringError> {
        match self.open(ModelKind::Forecaster, version)? {
            Slot::Forecaster(ready) => Ok(ready),
            _ => unreachable!("slots hold what their kind says"),
        }
    }

    pub(super) fn graph(&self, version: ModelVersion) -> Result<Arc<Ready<Network>>, ScoringError> {
        match self.open(ModelKind::Graph, version)? {
            Slot::Graph(ready) => Ok(ready),
            _ => unreachable!("slots hold what their kind says"),
        }
    }

    pub(super) fn ensemble(&self, version: ModelVersion) -> Result<Arc<Ready<Ensemble>>, ScoringError> {
        match self.open(ModelKind::Ensemble, version)? {
            Slot::Ensemble(ready) => Ok(ready),
            _ => unreachable!("slots hold what their kind says"),
        }
    }

    pub(super) fn inspector(&self, version: ModelVersion) -> Result<Arc<Inspecting>, ScoringError> {
        match self.open(ModelKind::Inspector, version)? {
            Slot::Inspector(ready) => Ok(ready),
            _ => unreachable!("slots hold what their kind says"),
        }
    }

    /// The version's slot; opened under the lock, so that nobody opens it twice.
    fn open(&self, kind: ModelKind, version: ModelVersion) -> Result<Slot, ScoringError> {
        let runtime = self.runtime()?;
        let mut opened = self.opened();
        match opened.0.get(&(kind, version)) {
            Some(Slot::Failed(at, why)) if at.elapsed() < TRIED_AGAIN => {
                return Err(ScoringError::NotOpen(why.clone()));
            }
            Some(Slot::Failed(..)) | None => {}
            Some(slot) => return Ok(slot.clone()),
        }
        let slot = self.read(runtime, kind, version);
        if opened.0.len() >= OPEN_MOST {
            opened.0.pop_first();
        }
        let kept = slot.as_ref().map_or_else(|error| Slot::Failed(Instant::now(), error.to_string()), Slot::clone);
        if let Slot::Failed(_, why) = &kept {
            tracing::warn!("{kind} {version} scores nothing: {why}");
        }
        opened.0.insert((kind, version), kept);
        slot
    }

    fn read(&self, runtime: &Runtime, kind: ModelKind, version: ModelVersion) -> Result<Slot, ScoringError> {
        let file = registry::file(&self.folder, kind, version);
        let model = Model::read(runtime, &file, self.schemas.contract(kind))?;
        let options = Options { time_out: TIME_OUT, ..Options::default() };
        Ok(match kind {
            ModelKind::Forecaster => {
                let thresholds = thresholds(model.metadata(), HALF);
                let model = Forecaster::from_model(runtime, model, options)?;
                Slot::Forecaster(Arc::new(Ready { model, thresholds }))
            }
            ModelKind::Graph => {
                let thresholds = thresholds(model.metadata(), HALF);
                let model = Network::from_model(runtime, model, FEATURES, options)?;
                Slot::Graph(Arc::new(Ready { model, thresholds }))
            }
            ModelKind::Ensemble => {
                let thresholds = thresholds(model.metadata(), HALF);
                let model = Ensemble::from_model(runtime, model, options)?;
                Slot::Ensemble(Arc::new(Ready { model, thresholds }))
            }
            ModelKind::Inspector => {
                let usual = Thresholds::default();
                let thresholds = thresholds(model.metadata(), usual.score);
                // What is sure enough for the most lenient class; each class has its own say afterwards.
                let score = thresholds.iter().copied().fold(1.0, f32::min);
                let model = Inspector::from_model(runtime, model, options, Thresholds { score, ..usual })?;
                Slot::Inspector(Arc::new(Ready { model, thresholds }))
            }
        })
    }
}

/// Those that training chose, else the usual one.
fn thresholds<const N: usize>(metadata: &Metadata, usual: f32) -> [f32; N] {
    chosen(metadata.metrics.get("thresholds"), usual)
}

/// One above 1 is never reached: what a model would tell wrongly too often is not told.
fn chosen<const N: usize>(given: Option<&serde_json::Value>, usual: f32) -> [f32; N] {
    let given = given.and_then(|value| value.as_array());
    let of = |place: usize| given?.get(place)?.as_f64().filter(|limit| *limit >= 0.0);
    std::array::from_fn(|place| of(place).map_or(usual, |limit| limit as f32))
}

const _: () = assert!(Terms::PLANT.window == lehr_features::MINUTES);

#[cfg(test)]
mod tests {
    use super::chosen;
    use serde_json::json;

    #[test]
    fn thresholds_are_those_of_the_training_also_the_one_that_nothing_reaches() {
        let given = json!([0.25, 1.01, -1.0, "much"]);
        assert_eq!(chosen(Some(&given), 0.5), [0.25, 1.01, 0.5, 0.5, 0.5]);
        assert_eq!(chosen(None, 0.5), [0.5; 2]);
    }
}
