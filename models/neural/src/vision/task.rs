use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use lehr_camera::Kind;
use lehr_camera::set::{IGNORED, NONE, Recipe, Sample};
use rayon::prelude::*;

use super::loss::Targets;
use super::network::VisionTransformer;
use super::patches::{CLASSES, MASKS, PIXELS, mask_patches, patches};
use super::report::score;
use crate::fitting::{Step, Task, Validation, order};

/// Training of a [`VisionTransformer`] on pictures that are made as they are needed.
#[derive(Debug)]
pub struct VisionTask<'a> {
    pub training: &'a Recipe,
    pub validation: &'a Recipe,
    /// Pictures of a batch.
    pub rows: usize,
    /// Pictures of an epoch, drawn anew each time.
    pub epoch_pictures: usize,
    pub device: Device,
}

impl VisionTask<'_> {
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
        let order = order(step.seed, step.epoch, self.training.count as usize);
        let chosen = order[..self.of_epoch()].chunks(self.rows).nth(step.batch).unwrap_or_default();
        let samples = samples(self.training, chosen, step.epoch);
        let batch = Batch::new(&samples, self.training, &self.device.clone().autodiff());
        let loss = batch.targets.loss(network.forward(batch.patches));
        let gradients = GradientsParams::from_grads(loss.backward(), network);
        (loss.into_scalar::<f64>(), gradients)
    }

    fn validate(&mut self, network: &VisionTransformer) -> Validation {
        let scored = score(network, self.validation, self.rows, &self.device);
        let mut metrics = BTreeMap::new();
        metrics.insert("map".to_owned(), scored.report.map);
        metrics.insert("map_visible".to_owned(), scored.report.map_visible);
        metrics.insert("mask_iou".to_owned(), scored.report.mask_iou);
        Validation { loss: scored.loss, metrics }
    }
}

/// Samples of a set, in the order asked for.
pub(super) fn samples(recipe: &Recipe, chosen: &[usize], epoch: usize) -> Vec<Sample> {
    chosen.par_iter().map(|index| recipe.sample(*index as u64, epoch as u64)).collect()
}

/// Samples as tensors.
pub(super) struct Batch {
    /// `[rows, patches, PIXELS]`.
    pub patches: Tensor<3>,
    pub targets: Targets,
}

impl Batch {
    pub fn new(samples: &[Sample], recipe: &Recipe, device: &Device) -> Self {
        let (rows, count) = (samples.len(), recipe.grid() * recipe.grid());
        let mut pixels = Vec::with_capacity(rows * count * PIXELS);
        let mut masks = Vec::with_capacity(rows * count * MASKS);
        let mut classes = vec![0.0; rows * count * CLASSES];
        let (mut boxes, mut flawed) = (Vec::with_capacity(rows * count * 4), Vec::with_capacity(rows * count));
        for (row, sample) in samples.iter().enumerate() {
            patches(&sample.image, recipe.side(), &mut pixels);
            mask_patches(&sample.masks, recipe.cells(), &mut masks);
            boxes.extend(sample.boxes.iter().flatten());
            for (patch, class) in sample.classes.iter().enumerate() {
                if *class != IGNORED {
                    classes[(row * count + patch) * CLASSES + usize::from(*class)] = 1.0;
                }
                flawed.push(if *class < NONE { 1.0 } else { 0.0 });
            }
        }
        let positive = flawed.iter().filter(|flawed| **flawed > 0.0).count();
        let tensor = |values: Vec<f32>, last: usize| -> Tensor<3> {
            Tensor::from_data(TensorData::new(values, [rows, count, last]), device)
        };
        debug_assert_eq!(usize::from(NONE), Kind::COUNT, "none is the last class");
        Self {
            patches: tensor(pixels, PIXELS),
            targets: Targets {
                classes: tensor(classes, CLASSES),
                boxes: tensor(boxes, 4),
                flawed: tensor(flawed, 1),
                count: positive,
                masks: tensor(masks, MASKS),
            },
        }
    }
}
