use std::path::PathBuf;
use std::time::Duration;

use burn::module::Module;
use burn::optim::AdamWConfig;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::network::{GraphArchitecture, GraphNetwork};
use super::scaler::FeatureScaler;
use super::task::{GraphScores, GraphTask, Graphs, scored};
use crate::error::NeuralError;
use crate::fitting::{Epoch, Plan, Schedule, Stop, Watch, fit};

/// How a graph network is trained.
#[derive(Debug, Clone)]
pub struct GraphSettings {
    pub architecture: GraphArchitecture,
    pub seed: u64,
    /// Graphs of a batch.
    pub rows: usize,
    pub rate: f64,
    /// Decoupled from the gradient (Loshchilov and Hutter, 2019).
    pub weight_decay: f64,
    pub epochs_max: usize,
    pub patience: usize,
    pub budget: Option<Duration>,
    pub checkpoints: Option<PathBuf>,
    pub resume: bool,
    /// Names the data.
    pub data: String,
}

impl GraphSettings {
    pub fn new(architecture: GraphArchitecture, seed: u64) -> Self {
        Self {
            architecture,
            seed,
            rows: 64,
            rate: 3e-3,
            weight_decay: 1e-2,
            epochs_max: 30,
            patience: 5,
            budget: None,
            checkpoints: None,
            resume: false,
            data: String::new(),
        }
    }
}

/// Probabilities from which on something is said to be so.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GraphThresholds {
    pub failure: f64,
    pub anomaly: f64,
    pub link: f64,
}

impl GraphThresholds {
    /// Those of the greatest F1; 0.5 where nothing is so.
    pub fn choose(scores: &GraphScores) -> Result<Self, NeuralError> {
        let threshold = |pairs: &[(f64, bool)]| -> Result<f64, NeuralError> {
            Ok(scored(pairs)?.best_f1().map_or(0.5, |best| best.at.threshold))
        };
        Ok(Self {
            failure: threshold(&scores.failures)?,
            anomaly: threshold(&scores.anomalies)?,
            link: threshold(&scores.links)?,
        })
    }
}

/// A graph network with all that belongs to it.
#[derive(Debug, Clone)]
pub struct TrainedGraph {
    pub network: GraphNetwork,
    pub architecture: GraphArchitecture,
    pub scaler: FeatureScaler,
    pub thresholds: GraphThresholds,
    pub history: Vec<Epoch>,
    pub best_epoch: usize,
    pub stop: Stop,
}

impl TrainedGraph {
    pub fn scores(&self, graphs: &impl Graphs) -> GraphScores {
        GraphScores::new(&self.network, graphs, &self.scaler, &Device::flex())
    }
}

/// Fits the weights to `training`; stops and chooses thresholds by `validation`.
///
/// # Errors
/// A split without graphs, a loss that is no number, checkpoints of another training or that cannot be written.
pub fn train<G: Graphs>(
    training: &G,
    validation: &G,
    scaler: FeatureScaler,
    settings: &GraphSettings,
    watch: &mut dyn Watch,
) -> Result<TrainedGraph, NeuralError> {
    for (split, graphs) in [("training", training), ("validation", validation)] {
        if graphs.is_empty() {
            return Err(NeuralError::TooFew { split, found: 0, needed: 1 });
        }
    }
    let device = Device::flex();
    let network = GraphNetwork::new(settings.architecture, settings.seed, &device).train();
    let optimiser = AdamWConfig::new().with_weight_decay(settings.weight_decay as f32).init();
    let plan = Plan {
        seed: settings.seed,
        epochs_max: settings.epochs_max,
        patience: settings.patience,
        schedule: Schedule::Cosine { peak: settings.rate, floor: settings.rate * 0.01, warm_up: 0.02, hold: 0.0 },
        clip_norm: 1.0,
        budget: settings.budget,
        checkpoints: settings.checkpoints.clone(),
        resume: settings.resume,
        fingerprint: format!(
            "graph {:?}, {} rows, decay {}, {}",
            settings.architecture, settings.rows, settings.weight_decay, settings.data
        ),
    };
    let mut task = GraphTask { training, validation, scaler: &scaler, rows: settings.rows, device: device.clone() };
    let fitted = fit(&mut task, network, optimiser, &plan, watch)?;
    let scores = GraphScores::new(&fitted.network, validation, &scaler, &device);
    let thresholds = GraphThresholds::choose(&scores)?;
    Ok(TrainedGraph {
        network: fitted.network,
        architecture: settings.architecture,
        scaler,
        thresholds,
        history: fitted.history,
        best_epoch: fitted.best_epoch,
        stop: fitted.stop,
    })
}
