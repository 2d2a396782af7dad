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
            schedule: Schedule::Cosine { peak: self.rate, floor: self.rate * 0.01, warm_up: 0.02, hold: 0.0 },
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

/// Fits the weights to `training`, stops by `validation`, calibrates by `calibration` and chooses thresholds by both. The
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
    let of_calibration = predict(&fitted.network, &scaler, calibration, &device);
    let fit = Calibration::fit(&of_calibration, calibration);
    let of_validation = predict(&fitted.network, &scaler, validation, &device);
    let thresholds = thresholds(&[(&of_validation, validation), (&of_calibration, calibration)], &fit)?;
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

/// By both splits that no weight was fit to: the more plants, the surer the choice.
fn thresholds<W: Windows>(splits: &[(&Logits, &W)], calibration: &Calibration) -> Result<Horizons<f64>, NeuralError> {
    let mut thresholds = [0.5; HORIZONS];
    for (horizon, chosen) in thresholds.iter_mut().enumerate() {
        let (mut scores, mut events) = (Vec::new(), Vec::new());
        for (logits, windows) in splits {
            scores.extend(logits.iter().map(|logits| calibration.probabilities(logits)[horizon]));
            events.extend((0..logits.len()).map(|index| windows.events(index)[horizon]));
        }
        *chosen = threshold(&Scored::new(scores.into_iter(), events.into_iter())?);
    }
    Ok(thresholds)
}
