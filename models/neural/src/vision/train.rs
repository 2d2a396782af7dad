use std::path::PathBuf;
use std::time::Duration;

use burn::module::{Module, ParamGroup};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::tensor::Device;
use lehr_camera::set::Recipe;

use super::muon::Muon;
use super::network::{VisionArchitecture, VisionTransformer};
use super::start::started_from;
use super::task::VisionTask;
use crate::error::NeuralError;
use crate::fitting::{Epoch, Plan, Schedule, Stop, Watch, fit};
use crate::kernels::Precision;

/// How an inspector is trained.
#[derive(Debug, Clone)]
pub struct VisionSettings {
    pub architecture: VisionArchitecture,
    pub seed: u64,
    /// Of all products within the network.
    pub precision: Precision,
    /// Which of several trainings, each of which goes on from the one before: pictures come in another order each time.
    pub round: u64,
    /// Pictures of a batch.
    pub rows: usize,
    pub rate: f64,
    /// The share of all steps up to which the rate stays at its greatest.
    pub hold: f64,
    /// Decoupled from the gradient (Loshchilov and Hutter, 2019).
    pub weight_decay: f64,
    pub epochs_max: usize,
    /// Pictures of an epoch, drawn anew each time; no more than there are.
    pub epoch_pictures: usize,
    /// Epochs before all layers join, and the layers that are there before: what is shallow learns faster.
    pub shallow_epochs: usize,
    pub shallow_layers: usize,
    /// Epochs that look at windows of pictures, which teach more in the same time; the others look at whole ones.
    pub window_epochs: usize,
    /// Patches along the side of a window.
    pub window: usize,
    /// Windows cut of each picture that is made.
    pub looks: usize,
    pub patience: usize,
    /// A written inspector of the same sizes to begin with, or the folder of a training, instead of chance.
    pub start: Option<PathBuf>,
    pub budget: Option<Duration>,
    pub checkpoints: Option<PathBuf>,
    pub resume: bool,
}

impl VisionSettings {
    pub fn new(architecture: VisionArchitecture, seed: u64) -> Self {
        Self {
            architecture,
            seed,
            precision: Precision::Single,
            round: 0,
            rows: 32,
            rate: 2e-3,
            hold: 0.0,
            weight_decay: 0.05,
            epochs_max: 100,
            epoch_pictures: 5_000,
            shallow_epochs: 0,
            shallow_layers: 0,
            window_epochs: 0,
            window: 8,
            looks: 4,
            patience: 15,
            start: None,
            budget: None,
            checkpoints: None,
            resume: false,
        }
    }
}

/// An inspector with what belongs to it.
#[derive(Debug, Clone)]
pub struct TrainedVision {
    pub network: VisionTransformer,
    pub architecture: VisionArchitecture,
    pub history: Vec<Epoch>,
    pub best_epoch: usize,
    pub stop: Stop,
}

/// Fits weights to `training` and stops by `validation`.
///
/// # Errors
/// Sets of another side than the network's or without pictures, a loss that is no number, checkpoints of another
/// training or that cannot be written.
pub fn train(
    training: &Recipe,
    validation: &Recipe,
    settings: &VisionSettings,
    watch: &mut dyn Watch,
) -> Result<TrainedVision, NeuralError> {
    let architecture = settings.architecture;
    for (split, recipe) in [("training", training), ("validation", validation)] {
        if recipe.side() != architecture.side {
            let found = format!("{} pixels for a set of {}", architecture.side, recipe.side());
            return Err(NeuralError::Setting { field: "side", found, fix: "use one for both" });
        }
        if recipe.count == 0 {
            return Err(NeuralError::TooFew { split, found: 0, needed: 1 });
        }
    }
    if architecture.heads == 0 || !architecture.width.is_multiple_of(architecture.heads) {
        let found = format!("{} for {} heads", architecture.width, architecture.heads);
        return Err(NeuralError::Setting { field: "width", found, fix: "use a multiple of the heads" });
    }
    let device = Device::flex();
    let mut network = VisionTransformer::new(architecture, settings.seed, &device);
    if let Some(path) = &settings.start {
        network = started_from(network, architecture, path)?;
    }
    let network = network.train();
    let optimiser = optimiser(settings.weight_decay as f32, settings.precision);
    let plan = Plan {
        seed: settings.seed ^ settings.round.rotate_right(16),
        epochs_max: settings.epochs_max,
        patience: settings.patience,
        schedule: Schedule::Cosine {
            peak: settings.rate,
            floor: settings.rate * 0.01,
            warm_up: 0.03,
            hold: settings.hold,
        },
        clip_norm: 1.0,
        budget: settings.budget,
        checkpoints: settings.checkpoints.clone(),
        resume: settings.resume,
        fingerprint: format!(
            "inspector {architecture:?}, {}, {} rows, {} of an epoch, {} layers for {}, windows of {} for {}, {} of a picture, decay {}, start {:?}, {:016x}, {:016x}",
            settings.precision,
            settings.rows,
            settings.epoch_pictures,
            settings.shallow_layers,
            settings.shallow_epochs,
            settings.window,
            settings.window_epochs,
            settings.looks,
            settings.weight_decay,
            settings.start,
            training.hash(),
            validation.hash()
        ),
    };
    let mut task = VisionTask::new(training, validation, settings, device);
    let fitted = fit(&mut task, network, optimiser, &plan, watch)?;
    Ok(TrainedVision {
        network: fitted.network,
        architecture,
        history: fitted.history,
        best_epoch: fitted.best_epoch,
        stop: fitted.stop,
    })
}

/// Matrices within the network take steps of the same size in all their directions. The first convolution, what reads the
/// network out, and all that is no matrix take those of AdamW.
fn optimiser(weight_decay: f32, precision: Precision) -> ModuleOptimizer {
    let matrices = ParamGroup::from_any_regexes(vec![
        r"^convolutions\.([1-9]|\d\d+)\.weight$",
        r"^embedding\.weight$",
        r"^blocks\.\d+\.(projection|output|expand|contract)\.weight$",
    ])
    .expect("the patterns are regular expressions");
    let muon = Muon::new(f64::from(weight_decay), precision);
    AdamWConfig::new().with_weight_decay(weight_decay).init().with_group(matrices, muon, None)
}
