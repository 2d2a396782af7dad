use burn::tensor::{Tensor, activation};

use super::network::VisionReading;
use super::patches::CELLS;

/// How much each part counts.
const OVERLAP: f64 = 2.0;
const DISTANCE: f64 = 0.5;
const CELL_ENTROPY: f64 = 10.0;

/// Logarithms of sizes beyond this are no boxes: e^3 patches are more than a picture.
const SIZE: f64 = 3.0;

/// What an inspector should say of a batch.
#[derive(Debug, Clone)]
pub struct Targets {
    /// `[rows, patches, 7]`: 1 at the class of a patch; zeros where no class is learned.
    pub classes: Tensor<3>,
    /// `[rows, patches, 1]`: how much the class of a patch counts.
    pub weights: Tensor<3>,
    /// `[rows, patches, 4]`, in patches.
    pub boxes: Tensor<3>,
    /// `[rows, patches, 1]`: a patch's part of those that stand for the same flaw; 0 where no flaw is.
    pub shares: Tensor<3>,
    /// How many flaws there are: small ones count as much as large ones.
    pub flaws: f64,
    /// `[rows, patches, 6 × 16]`.
    pub masks: Tensor<3>,
}

impl Targets {
    /// Focal loss of classes, distance and overlap of boxes, entropy and dice of masks.
    pub fn loss(&self, reading: VisionReading) -> Tensor<1> {
        let count = self.flaws.max(1.0);
        let classes = focal(reading.classes, self.classes.clone(), self.weights.clone()).div_scalar(count);
        let overlap = generalised_iou(reading.boxes.clone(), self.boxes.clone());
        let apart = overlap.neg().add_scalar(1.0) * self.shares.clone();
        let distance = (reading.boxes - self.boxes.clone()).abs() * self.shares.clone();
        let boxes = apart.sum().mul_scalar(OVERLAP / count) + distance.sum().mul_scalar(DISTANCE / count);
        classes + boxes + self.mask_loss(reading.masks)
    }

    fn mask_loss(&self, logits: Tensor<3>) -> Tensor<1> {
        let [rows, patches, numbers] = logits.dims();
        let kinds = numbers / (CELLS * CELLS);
        let truth = self.masks.clone();
        let entropy =
            logits.clone().clamp_min(0.0) + logits.clone().abs().neg().exp().log1p() - truth.clone() * logits.clone();
        let entropy = entropy.mean().mul_scalar(CELL_ENTROPY);
        // Dice of each picture's kinds that are there (Milletari et al., "V-Net", 2016).
        let per_kind = |x: Tensor<3>| -> Tensor<2> {
            x.reshape([rows, patches, kinds, CELLS * CELLS]).sum_dim(3).sum_dim(1).reshape([rows, kinds])
        };
        let said = activation::sigmoid(logits);
        let both = per_kind(said.clone() * truth.clone());
        let true_cells = per_kind(truth);
        let either = per_kind(said) + true_cells.clone();
        let present = true_cells.greater_scalar(0.0).float();
        let dice = both.mul_scalar(2.0).add_scalar(1.0) / either.add_scalar(1.0);
        let lost = dice.neg().add_scalar(1.0) * present.clone();
        entropy + lost.sum() / present.sum().clamp_min(1.0)
    }
}

/// −(1 − p)² ln p of each patch's class, weighted and summed: what is easy counts less (Lin et al., "Focal loss", 2017).
fn focal(logits: Tensor<3>, classes: Tensor<3>, weights: Tensor<3>) -> Tensor<1> {
    let logarithms = activation::log_softmax(logits, 2);
    let missed = logarithms.clone().exp().neg().add_scalar(1.0).square();
    (missed * logarithms * classes * weights).sum().neg()
}

/// Overlap of boxes `[rows, patches, 4]` less the share of their hull that neither covers, −1 to 1; `[rows, patches, 1]`
/// (Rezatofighi et al., "Generalized intersection over union", 2019).
pub fn generalised_iou(ours: Tensor<3>, theirs: Tensor<3>) -> Tensor<3> {
    let (ours, theirs) = (Edges::new(ours), Edges::new(theirs));
    let along = |low: [Tensor<3>; 2], high: [Tensor<3>; 2]| {
        let [low, other_low] = low;
        let [high, other_high] = high;
        let both = (high.clone().min_pair(other_high.clone()) - low.clone().max_pair(other_low.clone())).clamp_min(0.0);
        let hull = high.max_pair(other_high) - low.min_pair(other_low);
        (both, hull)
    };
    let (both_x, hull_x) = along([ours.left.clone(), theirs.left.clone()], [ours.right.clone(), theirs.right.clone()]);
    let (both_y, hull_y) = along([ours.top.clone(), theirs.top.clone()], [ours.bottom.clone(), theirs.bottom.clone()]);
    let both = both_x * both_y;
    let either = (ours.area() + theirs.area() - both.clone()).clamp_min(1e-6);
    let hull = (hull_x * hull_y).clamp_min(1e-6);
    both / either.clone() - (hull.clone() - either) / hull
}

struct Edges {
    left: Tensor<3>,
    right: Tensor<3>,
    top: Tensor<3>,
    bottom: Tensor<3>,
}

impl Edges {
    fn new(boxes: Tensor<3>) -> Self {
        let part = |index: usize| boxes.clone().narrow(2, index, 1);
        let half = |index: usize| part(index).clamp(-SIZE, SIZE).exp().mul_scalar(0.5);
        let (x, y, width, height) = (part(0), part(1), half(2), half(3));
        Self { left: x.clone() - width.clone(), right: x + width, top: y.clone() - height.clone(), bottom: y + height }
    }

    fn area(&self) -> Tensor<3> {
        (self.right.clone() - self.left.clone()) * (self.bottom.clone() - self.top.clone())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::writing::values;

    fn boxes(of: &[[f32; 4]]) -> Tensor<3> {
        let flat: Vec<f32> = of.iter().flatten().copied().collect();
        Tensor::from_data(TensorData::new(flat, [1, of.len(), 4]), &Device::flex())
    }

    #[test]
    fn overlap_of_boxes_is_what_geometry_says() {
        let two = 2.0f32.ln();
        // The same; apart by a side; a quarter within.
        let ours = boxes(&[[0.3, -0.2, 0.1, 0.7], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, two, two]]);
        let theirs = boxes(&[[0.3, -0.2, 0.1, 0.7], [2.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]);
        let found = values(generalised_iou(ours, theirs));
        for (found, expected) in found.iter().zip([1.0, -1.0 / 3.0, 0.25]) {
            assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
        }
    }

    #[test]
    fn sure_and_right_costs_nothing_and_sure_and_wrong_much() {
        let logits = |right: f32| -> Tensor<3> {
            let values = vec![right, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
            Tensor::from_data(TensorData::new(values, [1, 1, 7]), &Device::flex())
        };
        let truth = logits(1.0);
        let one: Tensor<3> = Tensor::ones([1, 1, 1], &Device::flex());
        let loss = |right: f32| focal(logits(right), truth.clone(), one.clone()).into_scalar::<f64>();
        assert!(loss(20.0) < 1e-9);
        // p = 1/7: (6/7)² ln 7.
        assert!((loss(0.0) - (6.0f64 / 7.0).powi(2) * 7.0f64.ln()).abs() < 1e-5);
        assert!(loss(-20.0) > 15.0);
    }
}
