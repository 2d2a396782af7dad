use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, Progress};
use super::early::EarlyStopping;
use super::gradients::clip_to_norm;
use super::progress::{Event, Watch};
use super::schedule::Schedule;
use super::step::Step;
use crate::error::NeuralError;

/// A network's own part of its training.
pub trait Task {
    type Network: Module;

    /// The batches of one epoch.
    fn batches(&self) -> usize;

    /// Mean loss and gradients of one batch. The network's parameters require gradients.
    fn gradients(&mut self, network: &Self::Network, step: Step) -> (f64, GradientsParams);

    /// Loss and metrics on the validation split. The network is without autodiff.
    fn validate(&mut self, network: &Self::Network) -> Validation;
}

/// What the validation split says of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// What early stopping looks at.
    pub loss: f64,
    pub metrics: BTreeMap<String, f64>,
}

/// An epoch that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 0.
    pub epoch: usize,
    /// Mean training loss.
    pub loss: f64,
    /// The learning rate at its end.
    pub rate: f64,
    /// Mean norm of the gradients before clipping.
    pub gradient_norm: f64,
    pub validation: Validation,
    pub seconds: f64,
}

/// How a network is trained.
#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub epochs_max: usize,
    /// Epochs without improvement of the validation loss.
    pub patience: usize,
    pub schedule: Schedule,
    /// The limit of the gradients' common norm.
    pub clip_norm: f64,
    /// After its first epoch, a run begins none that would, if as long as the last, end later than this after the
    /// start. None: no limit.
    pub budget: Option<Duration>,
    /// Where a checkpoint is kept after each epoch. None: nowhere.
    pub checkpoints: Option<PathBuf>,
    /// Whether a checkpoint found there is continued. If not, it is overwritten.
    pub resume: bool,
    /// Names data and settings, so that no other training's checkpoint is continued.
    pub fingerprint: String,
}

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// All epochs are done.
    Complete,
    /// Validation has not improved for so long as the patience.
    Patience,
    /// The time is used up; the checkpoint can be resumed.
    Budget,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Complete => "all epochs are done",
            Self::Patience => "validation no longer improves",
            Self::Budget => "the time is used up",
        })
    }
}

/// A trained network: the weights of the best epoch.
#[derive(Debug, Clone)]
pub struct Fitted<N> {
    pub network: N,
    pub history: Vec<Epoch>,
    pub best_epoch: usize,
    pub stop: Stop,
}

/// Trains `network` and returns it as it was after the epoch with the least validation loss, without autodiff.
///
/// # Errors
/// A loss that is no number, a checkpoint of another training, files that cannot be written.
pub fn fit<T: Task>(
    task: &mut T,
    network: T::Network,
    optimiser: ModuleOptimizer,
    plan: &Plan,
    watch: &mut dyn Watch,
) -> Result<Fitted<T::Network>, NeuralError> {
    let started = Instant::now();
    let mut state = State::begin(network, optimiser, plan)?;
    let batches = task.batches();
    let mut epoch = state.progress.history.len();
    watch.see(&Event::Started { epoch, epochs_max: plan.epochs_max, batches });
    let mut last_epoch = None;
    let stop = loop {
        if epoch > 0 && state.progress.early.ends(epoch - 1) {
            break Stop::Patience;
        }
        if epoch >= plan.epochs_max {
            break Stop::Complete;
        }
        if let (Some(budget), Some(last)) = (plan.budget, last_epoch)
            && started.elapsed() + last > budget
        {
            break Stop::Budget;
        }
        let begun = Instant::now();
        state.run_epoch(task, epoch, plan, watch)?;
        last_epoch = Some(begun.elapsed());
        epoch += 1;
    };
    let best = state.progress.early.best.ok_or(NeuralError::Setting {
        field: "epochs_max",
        found: plan.epochs_max.to_string(),
        fix: "no epoch has been trained: allow one",
    })?;
    watch.see(&Event::Stopped { why: stop, best_epoch: best.epoch });
    let network = restore(state.network, &state.best)?.valid();
    Ok(Fitted { network, history: state.progress.history, best_epoch: best.epoch, stop })
}

struct State<N> {
    network: N,
    optimiser: ModuleOptimizer,
    best: Vec<u8>,
    progress: Progress,
}

impl<N: Module> State<N> {
    fn begin(network: N, optimiser: ModuleOptimizer, plan: &Plan) -> Result<Self, NeuralError> {
        let fingerprint = fingerprint(plan);
        let kept = match &plan.checkpoints {
            Some(folder) if plan.resume => Checkpoint::load(folder)?.map(|kept| (folder, kept)),
            _ => None,
        };
        let Some((folder, kept)) = kept else {
            let early = EarlyStopping::new(plan.patience);
            let progress = Progress { fingerprint, history: Vec::new(), early };
            return Ok(Self { network, optimiser, best: Vec::new(), progress });
        };
        if kept.progress.fingerprint != fingerprint {
            let reason = format!("it was made with `{}`, not `{fingerprint}`", kept.progress.fingerprint);
            return Err(NeuralError::Checkpoint { path: folder.clone(), reason });
        }
        Ok(Self {
            network: restore(network, &kept.weights)?,
            optimiser: optimiser.load_record(OptimizerRecord::from_bytes(Bytes::from_bytes_vec(kept.optimiser))?),
            best: kept.best,
            progress: kept.progress,
        })
    }

    fn run_epoch<T: Task<Network = N>>(
        &mut self,
        task: &mut T,
        epoch: usize,
        plan: &Plan,
        watch: &mut dyn Watch,
    ) -> Result<(), NeuralError> {
        let started = Instant::now();
        let batches = task.batches();
        let (mut loss_sum, mut norm_sum, mut rate) = (0.0, 0.0, 0.0);
        for batch in 0..batches {
            let (loss, gradients) = task.gradients(&self.network, Step { seed: plan.seed, epoch, batch });
            if !loss.is_finite() {
                return Err(NeuralError::Diverged { epoch, batch, loss });
            }
            let (gradients, norm) = clip_to_norm(gradients, &self.network, plan.clip_norm);
            rate = plan.schedule.rate(epoch * batches + batch, plan.epochs_max * batches);
            self.network = self.optimiser.step(rate, self.network.clone(), gradients);
            loss_sum += loss;
            norm_sum += norm;
            watch.see(&Event::Batch { epoch, batch, batches, loss: loss_sum / (batch + 1) as f64 });
        }
        let validation = task.validate(&self.network.valid());
        let best = self.progress.early.improves(epoch, validation.loss);
        let weights = self.network.clone().into_record().into_bytes()?.to_vec();
        if best {
            self.best.clone_from(&weights);
        }
        let count = batches.max(1) as f64;
        let seconds = started.elapsed().as_secs_f64();
        let ended = Epoch { epoch, loss: loss_sum / count, rate, gradient_norm: norm_sum / count, validation, seconds };
        watch.see(&Event::Epoch { epoch: &ended, best });
        self.progress.history.push(ended);
        if let Some(folder) = &plan.checkpoints {
            let optimiser = self.optimiser.to_record().into_bytes()?.to_vec();
            let (progress, best) = (self.progress.clone(), self.best.clone());
            Checkpoint { progress, weights, optimiser, best }.save(folder)?;
        }
        Ok(())
    }
}

/// A network with the weights of a checkpoint.
pub fn restore<N: Module>(network: N, weights: &[u8]) -> Result<N, NeuralError> {
    Ok(network.try_load_record(ModuleRecord::from_bytes(Bytes::from_bytes_vec(weights.to_vec()))?)?)
}

/// Data, settings and the plan; the budget is left out, as it says only when to pause.
fn fingerprint(plan: &Plan) -> String {
    let Plan { seed, epochs_max, patience, schedule, clip_norm, fingerprint, .. } = plan;
    format!("{fingerprint}; seed {seed}, {epochs_max} epochs, patience {patience}, {schedule:?}, clip {clip_norm}")
}
