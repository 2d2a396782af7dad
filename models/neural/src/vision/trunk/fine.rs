use lehr_camera::Kind;

use super::block::LinearWeights;
use crate::kernels::Precision;
use crate::vision::patches::{CELLS, MASKS};

/// After how many halvings a place is a cell of the masks.
pub const CELL_HALVINGS: usize = 2;

/// What the convolutions say of masks by themselves: an edge is where they saw it, and a patch, which knows what is
/// there, is too coarse to say (Lin et al., "Feature pyramid networks", 2017). One part looks at each cell, the other at
/// two by two of them.
///
/// `[channels, 6]` each.
pub type FineWeights = [LinearWeights; 2];

/// What went in: the convolutions' places after two and after three halvings, of one picture.
pub type Levels<'a> = [&'a [f32]; 2];

/// Room that is used up.
#[derive(Debug, Clone, Default)]
pub struct FineRoom {
    parts: [Vec<f32>; 2],
}

impl FineRoom {
    fn resize(&mut self, grid: usize) {
        for (halvings, part) in self.parts.iter_mut().enumerate() {
            part.resize(((grid * CELLS) >> halvings).pow(2) * Kind::COUNT, 0.0);
        }
    }

    /// Logits of one picture, `[patches, 6 × 16]`.
    pub fn forward(&mut self, weights: &FineWeights, levels: Levels<'_>, grid: usize, to: &mut [f32]) {
        self.resize(grid);
        for ((weights, level), part) in weights.iter().zip(levels).zip(&mut self.parts) {
            weights.forward(Precision::Single, level, part);
        }
        let [cells, twos] = &self.parts;
        each(grid, |at, cell, two| to[at] = cells[cell] + twos[two]);
    }

    /// Given the loss's gradient at what came out, adds that at the weights to `gradients`, and writes that at what went
    /// in to `of_levels`.
    pub fn backward(
        &mut self,
        weights: &FineWeights,
        levels: Levels<'_>,
        grid: usize,
        gradient: &[f32],
        gradients: &mut FineWeights,
        of_levels: [&mut [f32]; 2],
    ) {
        self.resize(grid);
        let [cells, twos] = &mut self.parts;
        twos.fill(0.0);
        each(grid, |at, cell, two| {
            cells[cell] = gradient[at];
            twos[two] += gradient[at];
        });
        let parts = weights.iter().zip(levels).zip(gradients).zip(of_levels).zip(&self.parts);
        for ((((weights, level), gradients), of_level), part) in parts {
            weights.backward(Precision::Single, level, part, gradients, of_level);
        }
    }
}

/// For each number of the masks: its place among the patches', among the cells', and among the cells' two by two.
fn each(grid: usize, mut with: impl FnMut(usize, usize, usize)) {
    let across = grid * CELLS;
    for at in 0..grid * grid * MASKS {
        let (patch, within) = (at / MASKS, at % MASKS);
        let (kind, row, column) = (within / (CELLS * CELLS), within / CELLS % CELLS, within % CELLS);
        let (row, column) = (patch / grid * CELLS + row, patch % grid * CELLS + column);
        let two = row / 2 * (across / 2) + column / 2;
        with(at, (row * across + column) * Kind::COUNT + kind, two * Kind::COUNT + kind);
    }
}

/// The same sizes, all 0.
pub fn zero(weights: &FineWeights) -> FineWeights {
    weights.each_ref().map(LinearWeights::zero)
}

pub fn add_all(to: &mut FineWeights, from: &FineWeights) {
    to.iter_mut().zip(from).for_each(|(to, from)| to.add(from));
}
