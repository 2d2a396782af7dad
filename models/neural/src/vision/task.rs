use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use lehr_camera::Kind;
use lehr_camera::set::{IGNORED, NONE, Recipe};
use rayon::prelude::*;

use super::loss::Targets;
use super::network::VisionTransformer;
use super::part::Part;
use super::patches::{CLASSES, MASKS};
use super::pool::{Pool, PoolSize};
use super::report::score;
use super::train::VisionSettings;
use super::trunk::{Known, Pictures, Trunk};
use crate::fitting::{Step, Task, Validation, order};
use crate::kernels::Precision;
use crate::writing::values;

/// How much a flaw's patches count together, in patches without one.
const FLAWED: f32 = 2.0;

/// Training of a [`VisionTransformer`] on pictures that are made as they are needed.
#[derive(Debug)]
pub struct VisionTask<'a> {
    pub training: &'a Recipe,
    pub validation: &'a Recipe,
    /// Pictures of a batch.
    pub rows: usize,
    /// Pictures of an epoch, drawn anew each time.
    pub epoch_pictures: usize,
    /// Epochs before all layers join, and the layers that are there before.
    pub shallow_epochs: usize,
    pub shallow_layers: usize,
    /// Epochs that look at windows of pictures, and patches along the side of one.
    pub window_epochs: usize,
    pub window: usize,
    /// Windows cut of each picture that is made.
    pub looks: usize,
    pub device: Device,
    precision: Precision,
    /// Layers that have been trained.
    depth: usize,
    trunk: Trunk,
    pool: Pool,
}

impl<'a> VisionTask<'a> {
    pub fn new(training: &'a Recipe, validation: &'a Recipe, settings: &VisionSettings, device: Device) -> Self {
        Self {
            training,
            validation,
            rows: settings.rows.max(1),
            epoch_pictures: settings.epoch_pictures.max(1),
            shallow_epochs: settings.shallow_epochs,
            shallow_layers: settings.shallow_layers,
            window_epochs: settings.window_epochs,
            window: settings.window,
            looks: settings.looks.max(1),
            device,
            precision: settings.precision,
            depth: settings.architecture.layers,
            trunk: Trunk::default(),
            pool: Pool::default(),
        }
    }

    /// Loss and gradients of parts of the same size, through the first `depth` layers. The network's parameters require gradients.
    pub fn gradients_of(
        &mut self,
        network: &VisionTransformer,
        parts: &[Part],
        depth: usize,
    ) -> (f64, GradientsParams) {
        let device = self.device.clone().autodiff();
        let batch = Batch::new(parts, &device);
        let weights = network.trunk(self.precision);
        let known = self.trunk.forward(&weights, depth, &batch.pictures);

        // The tape begins at what is known of patches; the way through the layers is our own.
        let (patches, fine) = known.tensors(parts.len(), batch.pictures.patches(), &device);
        let (patches, fine) = (patches.require_grad(), fine.require_grad());
        let loss = batch.targets.loss(network.read(patches.clone(), fine.clone()));
        let mut tape = loss.backward();
        let mut of = |leaf: Tensor<3>| values(leaf.grad_remove(&mut tape).expect("the loss reads what is known"));
        let of_known = Known { patches: of(patches), fine: of(fine) };
        let mut gradients = GradientsParams::from_grads(tape, network);

        let of_trunk = self.trunk.backward(&weights, depth, &batch.pictures, &of_known);
        network.register(of_trunk, depth, &mut gradients, &self.device);
        (loss.into_scalar::<f64>(), gradients)
    }

    fn of_epoch(&self) -> usize {
        self.epoch_pictures.min(self.training.count as usize)
    }
}

impl Task for VisionTask<'_> {
    type Network = VisionTransformer;

    fn batches(&self) -> usize {
        self.of_epoch().div_ceil(self.rows)
    }

    fn gradients(&mut self, network: &VisionTransformer, step: Step) -> (f64, GradientsParams) {
        let mut parts = if step.epoch < self.window_epochs {
            let (rows, of_epoch) = (self.rows, self.of_epoch());
            let size = PoolSize { rows, of_epoch, looks: self.looks, window: self.window };
            self.pool.windows(self.training, step, size)
        } else {
            let order = order(step.seed, step.epoch, self.training.count as usize);
            parts(
                self.training,
                order[..self.of_epoch()].chunks(self.rows).nth(step.batch).unwrap_or_default(),
                step.epoch,
            )
        };
        if self.training.augmented {
            let mut random = step.random(b'v', 0);
            parts.iter_mut().for_each(|part| part.vary(&mut random));
        }
        let all = network.blocks.len();
        let depth = if step.epoch < self.shallow_epochs { self.shallow_layers.min(all) } else { all };
        self.depth = depth;
        self.gradients_of(network, &parts, depth)
    }

    fn validate(&mut self, network: &VisionTransformer) -> Validation {
        let scored = score(network, self.precision, self.depth, self.validation, self.rows);
        let mut metrics = BTreeMap::new();
        let report = scored.tally.report(&[0.5; Kind::COUNT]);
        metrics.insert("map".to_owned(), report.map);
        metrics.insert("map_visible".to_owned(), report.map_visible);
        metrics.insert("box_iou".to_owned(), report.box_iou);
        metrics.insert("mask_iou".to_owned(), report.mask_iou);
        Validation { loss: scored.loss, metrics }
    }
}

/// Samples of a set, in the order asked for, as they are to be looked at.
pub fn parts(recipe: &Recipe, chosen: &[usize], epoch: usize) -> Vec<Part> {
    chosen.par_iter().map(|index| Part::whole(&recipe.sample(*index as u64, epoch as u64), recipe)).collect()
}

/// Parts of the same size as a network and its loss read them.
#[derive(Debug, Clone)]
pub struct Batch {
    pub pictures: Pictures,
    pub targets: Targets,
}

impl Batch {
    pub fn new(parts: &[Part], device: &Device) -> Self {
        let (rows, grid) = (parts.len(), parts.first().map_or(0, |part| part.grid));
        let count = grid * grid;
        let mut classes = vec![0.0; rows * count * CLASSES];
        let mut weights = Vec::with_capacity(rows * count);
        for (patch, (class, share)) in parts.iter().flat_map(|part| part.classes.iter().zip(&part.shares)).enumerate() {
            if *class != IGNORED {
                classes[patch * CLASSES + usize::from(*class)] = 1.0;
            }
            weights.push(if *class < NONE { FLAWED * share } else { 1.0 });
        }
        let tensor = |values: Vec<f32>, last: usize| -> Tensor<3> {
            Tensor::from_data(TensorData::new(values, [rows, count, last]), device)
        };
        let all = |of: fn(&Part) -> &[f32]| -> Vec<f32> { parts.iter().flat_map(of).copied().collect() };
        let shares = all(|part| &part.shares);
        debug_assert_eq!(usize::from(NONE), Kind::COUNT, "none is the last class");
        Self {
            pictures: Pictures {
                grid,
                corners: parts.iter().map(|part| part.corner).collect(),
                light: all(|part| &part.light),
            },
            targets: Targets {
                classes: tensor(classes, CLASSES),
                weights: tensor(weights, 1),
                boxes: tensor(parts.iter().flat_map(|part| part.boxes.as_flattened()).copied().collect(), 4),
                flaws: f64::from(shares.iter().sum::<f32>()),
                shares: tensor(shares, 1),
                masks: tensor(all(|part| &part.masks), MASKS),
            },
        }
    }
}
