use lehr_camera::set::PATCH;
use rayon::prelude::*;

use super::block::{BlockWeights, LinearWeights};
use super::convolution::ConvolutionWeights;
use super::group::GroupTape;
use crate::kernels::add;

/// Pictures of a group: few, so that what lies between fits the processor's caches, but enough that the sums of the
/// weights' gradients, which are read and written once a group, do not count.
const GROUP: usize = 4;

/// The numbers of a trunk.
#[derive(Debug, Clone, PartialEq)]
pub struct TrunkWeights {
    pub heads: usize,
    pub convolutions: Vec<ConvolutionWeights>,
    /// From the last convolution's channels to the width.
    pub embedding: LinearWeights,
    /// `[patches of a whole picture, width]`.
    pub positions: Vec<f32>,
    pub blocks: Vec<BlockWeights>,
}

/// Gradients of [`TrunkWeights`], of the same sizes.
pub type TrunkGradients = TrunkWeights;

impl TrunkWeights {
    pub fn zero(&self) -> Self {
        Self {
            heads: self.heads,
            convolutions: self.convolutions.iter().map(ConvolutionWeights::zero).collect(),
            embedding: self.embedding.zero(),
            positions: vec![0.0; self.positions.len()],
            blocks: self.blocks.iter().map(BlockWeights::zero).collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.convolutions.iter_mut().zip(&other.convolutions).for_each(|(to, from)| to.add(from));
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

/// Runs pictures forth and back. Keeps its memory between batches.
#[derive(Debug, Default)]
pub struct Trunk {
    tapes: Vec<GroupTape>,
}

impl Trunk {
    /// What is known of each patch, `[pictures × patches, width]`, after the first `depth` layers.
    pub fn forward(&mut self, weights: &TrunkWeights, depth: usize, pictures: &Pictures) -> Vec<f32> {
        let of_picture = pictures.patches() * weights.width();
        self.tapes.resize(pictures.corners.len().div_ceil(GROUP), GroupTape::default());
        let mut out = vec![0.0; pictures.corners.len() * of_picture];
        let groups = self.tapes.par_iter_mut().zip(pictures.groups()).zip(out.par_chunks_mut(GROUP * of_picture));
        groups.for_each(|((tape, group), out)| tape.forward(weights, depth, group, out));
        out
    }

    /// The weights' gradients, given that of what [`Self::forward`] returned last for the same weights and pictures.
    pub fn backward(
        &mut self,
        weights: &TrunkWeights,
        depth: usize,
        pictures: &Pictures,
        gradient: &[f32],
    ) -> TrunkGradients {
        let of_groups = gradient.par_chunks(GROUP * pictures.patches() * weights.width());
        let all: Vec<TrunkGradients> = self
            .tapes
            .par_iter_mut()
            .zip(pictures.groups())
            .zip(of_groups)
            .map(|((tape, group), gradient)| {
                let mut gradients = weights.zero();
                tape.backward(weights, depth, group, gradient, &mut gradients);
                gradients
            })
            .collect();
        let mut sum = weights.zero();
        // In their order, whatever thread was first.
        all.iter().for_each(|gradients| sum.add(gradients));
        sum
    }
}
