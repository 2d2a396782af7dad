use std::path::PathBuf;
use std::time::Duration;

use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use lehr_metrics::Scored;

use super::calibration::{Calibration, threshold};
use super::network::{Architecture, Forecaster};
use super::predict::{Logits, predict};
use super::scaler::Scaler;
use super::task::ForecastTask;
use super::windows::{HORIZONS, Horizons, Windows};
use crate::error::NeuralError;
use crate::fitting::{Epoch, Event, Plan, Schedule, Stop, Watch, fit};

/// Fewer windows than this in a split are too few to say anything.
const WINDOWS_MIN: usize = 50;

/// How a forecaster is trained.
#[derive(Debug, Clone)]
pub struct Settings {
    pub architecture: Architecture,
    pub seed: u64,
    /// Windows of a batch.
    pub rows: usize,
    pub dropout: f64,
    /// Windows of an epoch; all where none is given.
    pub epoch_windows: Option<usize>,
    /// The greatest learning rate.
    pub rate: f64,
    pub epochs_max: usize,
    pub patience: usize,
    pub budget: Option<Duration>,
    pub checkpoints: Option<PathBuf>,
    pub resume: bool,
    /// Names the data.
    pub data: String,
}

impl Settings {
    pub fn new(architecture: Architecture, seed: u64) -> Self {
        Self {
            architecture,
            seed,
            rows: 256,
            dropout: 0.2,
            epoch_windows: None,
            rate: 1e-3,
            epochs_max: 50,
            patience: 5,
            budget: None,
            checkpoints: None,
            resume: false,
            data: String::new(),
        }
    }

    fn plan(&self) -> Plan {
        let Self { architecture, rows, dropout, epoch_windows, data, .. } = self;
        Plan {
            seed: self.seed,
            epochs_max: self.epochs_max,
            patience: self.patience,
            schedule: Schedule::Cosine { peak: self.rate, floor: self.rate * 0.01, warm_up: 0.02 },
            clip_norm: 1.0,
            budget: self.budget,
            checkpoints: self.checkpoints.clone(),
            resume: self.resume,
            fingerprint: format!(
                "forecaster {architecture:?}, {rows} rows, dropout {dropout}, {epoch_windows:?} windows an epoch, {data}"
            ),
        }
    }
}

/// A forecaster with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Trained {
    pub network: Forecaster,
    pub architecture: Architecture,
    /// Minutes of a window.
    pub steps: usize,
    pub scaler: Scaler,
    pub calibration: Calibration,
    /// Calibrated probabilities from which on an event is foretold.
    pub thresholds: Horizons<f64>,
    pub history: Vec<Epoch>,
    pub best_epoch: usize,
    pub stop: Stop,
}

impl Trained {
    /// Calibrated probabilities of all windows of a split.
    pub fn probabilities(&self, windows: &impl Windows) -> Vec<Horizons<f64>> {
        let logits = predict(&self.network, &self.scaler, windows, &Device::flex());
        logits.iter().map(|logits| self.calibration.probabilities(logits)).collect()
    }
}

/// Fits the weights to `training`, stops and chooses thresholds by `validation`, and calibrates by `calibration`. The
/// scaler is that of the training split.
///
/// # Errors
/// A split with too few windows, a loss that is no number, checkpoints of another training or that cannot be written.
pub fn train<W: Windows>(
    training: &W,
    validation: &W,
    calibration: &W,
    scaler: Scaler,
    settings: &Settings,
    watch: &mut dyn Watch,
) -> Result<Trained, NeuralError> {
    for (split, windows) in [("training", training), ("validation", validation), ("calibration", calibration)] {
        if windows.len() < WINDOWS_MIN {
            return Err(NeuralError::TooFew { split, found: windows.len(), needed: WINDOWS_MIN });
        }
    }
    let device = Device::flex();
    let network = Forecaster::new(settings.architecture, settings.seed, &device).train();
    let mut task = ForecastTask::new(training, validation, &scaler, &device);
    task.rows = settings.rows;
    task.dropout = settings.dropout;
    task.epoch_windows = settings.epoch_windows.unwrap_or(training.len());
    // A smaller epsilon than Burn's, as Kingma and Ba have it.
    let optimiser = AdamConfig::new().with_epsilon(1e-8).init();
    let fitted = fit(&mut task, network, optimiser, &settings.plan(), watch)?;
    drop(task);

    watch.see(&Event::Stage { name: "calibration" });
    let logits = predict(&fitted.network, &scaler, calibration, &device);
    let fit = Calibration::fit(&logits, calibration);
    let logits = predict(&fitted.network, &scaler, validation, &device);
    let thresholds = thresholds(&logits, validation, &fit)?;
    Ok(Trained {
        network: fitted.network,
        architecture: settings.architecture,
        steps: training.steps(),
        scaler,
        calibration: fit,
        thresholds,
        history: fitted.history,
        best_epoch: fitted.best_epoch,
        stop: fitted.stop,
    })
}

fn thresholds(
    logits: &Logits,
    windows: &impl Windows,
    calibration: &Calibration,
) -> Result<Horizons<f64>, NeuralError> {
    let probabilities: Vec<Horizons<f64>> = logits.iter().map(|logits| calibration.probabilities(logits)).collect();
    let mut thresholds = [0.5; HORIZONS];
    for (horizon, chosen) in thresholds.iter_mut().enumerate() {
        *chosen = threshold(&scored(&probabilities, windows, horizon)?);
    }
    Ok(thresholds)
}

/// One horizon's probabilities beside what came.
pub fn scored(probabilities: &[Horizons<f64>], windows: &impl Windows, horizon: usize) -> Result<Scored, NeuralError> {
    let scores = probabilities.iter().map(|p| p[horizon]);
    Ok(Scored::new(scores, (0..probabilities.len()).map(|index| windows.events(index)[horizon]))?)
}
