use burn::tensor::{Device, Tensor, TensorData};
use lehr_camera::set::PATCH;
use rayon::prelude::*;

use super::block::{BlockWeights, LinearWeights};
use super::convolution::ConvolutionWeights;
use super::fine::{self, FineWeights};
use super::group::GroupTape;
use crate::kernels::{Precision, add};
use crate::vision::patches::MASKS;

/// Pictures of a group: few, so that what lies between fits the processor's caches, but enough that the sums of the
/// weights' gradients, which are read and written once a group, do not count.
const GROUP: usize = 4;

/// The numbers of a trunk.
#[derive(Debug, Clone, PartialEq)]
pub struct TrunkWeights {
    /// Of its products.
    pub precision: Precision,
    pub heads: usize,
    pub convolutions: Vec<ConvolutionWeights>,
    pub fine: FineWeights,
    /// From the last convolution's channels to the width.
    pub embedding: LinearWeights,
    /// `[patches of a whole picture, width]`.
    pub positions: Vec<f32>,
    pub blocks: Vec<BlockWeights>,
}

/// Gradients of [`TrunkWeights`], of the same sizes; of no more layers than were asked for.
pub type TrunkGradients = TrunkWeights;

impl TrunkWeights {
    /// The same sizes, all 0, of the first `depth` layers.
    pub fn zero(&self, depth: usize) -> Self {
        Self {
            precision: self.precision,
            heads: self.heads,
            convolutions: self.convolutions.iter().map(ConvolutionWeights::zero).collect(),
            fine: fine::zero(&self.fine),
            embedding: self.embedding.zero(),
            positions: vec![0.0; self.positions.len()],
            blocks: self.blocks.iter().take(depth).map(BlockWeights::zero).collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.convolutions.iter_mut().zip(&other.convolutions).for_each(|(to, from)| to.add(from));
        fine::add_all(&mut self.fine, &other.fine);
        self.embedding.add(&other.embedding);
        add(&mut self.positions, &other.positions);
        self.blocks.iter_mut().zip(&other.blocks).for_each(|(to, from)| to.add(from));
    }

    pub fn width(&self) -> usize {
        self.embedding.bias.len()
    }
}

/// Pictures, or windows of them, of the same size.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    /// Patches along a side.
    pub grid: usize,
    /// Of each: the patch of the whole picture that is its first; row, column.
    pub corners: Vec<[usize; 2]>,
    /// `[pictures, side, side, 3]`, scaled.
    pub light: Vec<f32>,
}

impl Pictures {
    pub fn patches(&self) -> usize {
        self.grid * self.grid
    }

    /// In groups.
    fn groups(&self) -> impl IndexedParallelIterator<Item = Group<'_>> {
        let picture = 3 * (self.grid * PATCH).pow(2);
        let light = self.light.par_chunks(GROUP * picture);
        self.corners.par_chunks(GROUP).zip(light).map(|(corners, light)| Group { grid: self.grid, corners, light })
    }
}

/// A few of [`Pictures`].
#[derive(Clone, Copy)]
pub struct Group<'a> {
    pub grid: usize,
    pub corners: &'a [[usize; 2]],
    pub light: &'a [f32],
}

/// What is known of pictures, or the loss's gradient at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// `[pictures × patches, width]`.
    pub patches: Vec<f32>,
    /// What the convolutions say of masks, logits `[pictures × patches, 6 × 16]`.
    pub fine: Vec<f32>,
}

impl Known {
    /// As [`crate::vision::VisionTransformer::read`] takes it.
    pub fn tensors(self, pictures: usize, patches: usize, device: &Device) -> (Tensor<3>, Tensor<3>) {
        let tensor = |values: Vec<f32>| {
            let width = values.len() / (pictures * patches);
            Tensor::from_data(TensorData::new(values, [pictures, patches, width]), device)
        };
        (tensor(self.patches), tensor(self.fine))
    }
}

/// Runs pictures forth and back. Keeps its memory between batches.
#[derive(Debug, Default)]
pub struct Trunk {
    tapes: Vec<GroupTape>,
}

impl Trunk {
    /// What is known after the first `depth` layers.
    pub fn forward(&mut self, weights: &TrunkWeights, depth: usize, pictures: &Pictures) -> Known {
        let rows = pictures.corners.len() * pictures.patches();
        let of_group = GROUP * pictures.patches();
        self.tapes.resize(pictures.corners.len().div_ceil(GROUP), GroupTape::default());
        let mut known = Known { patches: vec![0.0; rows * weights.width()], fine: vec![0.0; rows * MASKS] };
        let out =
            known.patches.par_chunks_mut(of_group * weights.width()).zip(known.fine.par_chunks_mut(of_group * MASKS));
        let groups = self.tapes.par_iter_mut().zip(pictures.groups()).zip(out);
        groups.for_each(|((tape, group), (patches, fine))| tape.forward(weights, depth, group, patches, fine));
        known
    }

    /// The weights' gradients, given that of what [`Self::forward`] returned last for the same weights and pictures.
    pub fn backward(
        &mut self,
        weights: &TrunkWeights,
        depth: usize,
        pictures: &Pictures,
        gradient: &Known,
    ) -> TrunkGradients {
        let of_group = GROUP * pictures.patches();
        let of_patches = gradient.patches.par_chunks(of_group * weights.width());
        let all: Vec<TrunkGradients> = self
            .tapes
            .par_iter_mut()
            .zip(pictures.groups())
            .zip(of_patches.zip(gradient.fine.par_chunks(of_group * MASKS)))
            .map(|((tape, group), (of_patches, of_fine))| {
                let mut gradients = weights.zero(depth);
                tape.backward(weights, depth, group, of_patches, of_fine, &mut gradients);
                gradients
            })
            .collect();
        let mut sum = weights.zero(depth);
        // In their order, whatever thread was first.
        all.iter().for_each(|gradients| sum.add(gradients));
        sum
    }
}
