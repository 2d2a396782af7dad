use lehr_camera::set::PATCH;

use super::attention::Heads;
use super::block::BlockTape;
use super::fine::{CELL_HALVINGS, FineRoom, Levels};
use super::stem::StemTape;
use super::whole::{Group, TrunkGradients, TrunkWeights};
use crate::kernels::add;
use crate::vision::patches::MASKS;

/// What the way back of a few pictures needs of their way forth. Kept between batches so that its memory is.
#[derive(Debug, Clone, Default)]
pub struct GroupTape {
    stems: Vec<StemTape>,
    /// What the convolutions made of the pictures, `[pictures × patches, channels]`.
    stem: Vec<f32>,
    blocks: Vec<BlockTape>,
    room: FineRoom,
    gradient: Vec<f32>,
    of_stem: Vec<f32>,
    of_levels: [Vec<f32>; 2],
}

impl GroupTape {
    /// To `out` `[pictures × patches, width]`, through the first `depth` layers, and `fine` `[pictures × patches, 6 × 16]`.
    pub fn forward(
        &mut self,
        weights: &TrunkWeights,
        depth: usize,
        group: Group<'_>,
        out: &mut [f32],
        fine: &mut [f32],
    ) {
        let side = group.grid * PATCH;
        self.stems.resize(group.corners.len(), StemTape::default());
        self.stem.clear();
        let masks = fine.chunks_exact_mut(group.grid * group.grid * MASKS);
        for ((tape, picture), fine) in self.stems.iter_mut().zip(group.light.chunks_exact(side * side * 3)).zip(masks) {
            self.stem.extend_from_slice(tape.forward(weights.precision, &weights.convolutions, picture, side));
            self.room.forward(&weights.fine, levels(tape, weights), group.grid, fine);
        }
        weights.embedding.forward(weights.precision, &self.stem, out);
        let (width, row) = (weights.width(), group.grid * weights.width());
        for (at, out) in out.chunks_exact_mut(row).enumerate() {
            add(out, &weights.positions[place(weights, group, at) * width..][..row]);
        }
        self.blocks.resize(weights.blocks.len(), BlockTape::default());
        for (block, tape) in weights.blocks.iter().zip(&mut self.blocks).take(depth) {
            block.forward(heads(weights, group), out, tape);
        }
    }

    /// Given the loss's gradient at what came out, adds that at the weights to `gradients`.
    pub fn backward(
        &mut self,
        weights: &TrunkWeights,
        depth: usize,
        group: Group<'_>,
        gradient: &[f32],
        of_fine: &[f32],
        gradients: &mut TrunkGradients,
    ) {
        self.gradient.clear();
        self.gradient.extend_from_slice(gradient);
        for at in (0..depth.min(weights.blocks.len())).rev() {
            let (block, tape) = (&weights.blocks[at], &mut self.blocks[at]);
            block.backward(heads(weights, group), tape, &mut self.gradient, &mut gradients.blocks[at]);
        }
        let (width, row) = (weights.width(), group.grid * weights.width());
        for (at, gradient) in self.gradient.chunks_exact(row).enumerate() {
            add(&mut gradients.positions[place(weights, group, at) * width..][..row], gradient);
        }
        self.of_stem.resize(self.stem.len(), 0.0);
        let of_stem = &mut self.of_stem[..];
        weights.embedding.backward(weights.precision, &self.stem, &self.gradient, &mut gradients.embedding, of_stem);
        let side = group.grid * PATCH;
        let channels = self.stem.len() / self.stems.len().max(1);
        let each = group.light.chunks_exact(side * side * 3).zip(self.of_stem.chunks_exact(channels));
        let each = each.zip(of_fine.chunks_exact(group.grid * group.grid * MASKS));
        for (tape, ((picture, gradient), of_fine)) in self.stems.iter_mut().zip(each) {
            let [cells, twos] = &mut self.of_levels;
            let levels = levels(tape, weights);
            for (of_level, level) in [&mut *cells, &mut *twos].into_iter().zip(levels) {
                of_level.resize(level.len(), 0.0);
            }
            self.room.backward(&weights.fine, levels, group.grid, of_fine, &mut gradients.fine, [cells, twos]);
            let of_levels = [(CELL_HALVINGS, &cells[..]), (CELL_HALVINGS + 1, &twos[..])];
            tape.backward(
                weights.precision,
                &weights.convolutions,
                picture,
                gradient,
                &of_levels,
                &mut gradients.convolutions,
            );
        }
    }
}

fn levels<'a>(tape: &'a StemTape, weights: &TrunkWeights) -> Levels<'a> {
    [CELL_HALVINGS, CELL_HALVINGS + 1].map(|halvings| tape.level(&weights.convolutions, halvings))
}

fn heads(weights: &TrunkWeights, group: Group<'_>) -> Heads {
    Heads {
        patches: group.grid * group.grid,
        width: weights.width(),
        heads: weights.heads,
        precision: weights.precision,
    }
}

/// The patch of a whole picture where a row of patches begins; rows of all pictures are numbered one behind the other.
fn place(weights: &TrunkWeights, group: Group<'_>, row: usize) -> usize {
    let whole = (weights.positions.len() / weights.width()).isqrt();
    let [top, left] = group.corners[row / group.grid];
    (top + row % group.grid) * whole + left
}
