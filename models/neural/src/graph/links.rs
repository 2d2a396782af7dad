use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::Tensor;

use crate::fitting::Initial;

/// What is known of a pair: its correlation and its partial correlation, each with its sign and without.
const EVIDENCE: usize = 4;
const HIDDEN: usize = 8;

/// Added to the diagonal of the correlations before they are inverted: what is seen in two hours is no true correlation
/// matrix where minutes are missing.
pub const RIDGE: f64 = 0.3;
/// Steps of the inversion. Six are enough for figures that more would not change, and few enough that not even
/// correlations with an eigenvalue of −2, the worst that was seen, make large numbers.
pub const INVERSIONS: usize = 6;
/// The least diagonal of the inverse that is divided by.
pub const LEAST: f64 = 1e-3;

/// Which sensors belong together, judged pair by pair.
///
/// It reads correlations alone, and of each pair nothing but its own: no node's features, no node's place, no strength
/// of a node over all its pairs. Links are the same in every snapshot, so a network that could tell sensors apart would
/// know them by heart, with an area of 1 and nothing learned. What this one says follows from evidence, and sensors that
/// change places change their links with them.
#[derive(Module, Debug)]
pub struct LinkHead {
    /// `[EVIDENCE, HIDDEN]`.
    pub hidden: Linear,
    /// `[HIDDEN, 1]`.
    pub score: Linear,
}

impl LinkHead {
    pub fn new(initial: &mut Initial) -> Self {
        Self { hidden: initial.linear(EVIDENCE, HIDDEN), score: initial.linear(HIDDEN, 1) }
    }

    /// Logits `[rows, n, n]`, symmetric, of correlations `[rows, n, n]` with 1 on the diagonal.
    pub fn forward(&self, correlations: Tensor<3>) -> Tensor<3> {
        let [rows, count, _] = correlations.dims();
        let partial = partial(correlations.clone());
        let parts = vec![correlations.clone(), correlations.abs(), partial.clone(), partial.abs()];
        let hidden = self.hidden.forward(Tensor::stack::<4>(parts, 3)).tanh();
        self.score.forward(hidden).reshape([rows, count, count])
    }
}

/// Correlations of two sensors with what all others explain taken away: −P_ij / √(P_ii P_jj), where P is the inverse of
/// R + λ1. By Newton's and Schulz's iteration, X ← 2X − X (R + λ1) X, which is made of products alone and so can be
/// written as ONNX.
pub fn partial(correlations: Tensor<3>) -> Tensor<3> {
    let [rows, count, _] = correlations.dims();
    let one = Tensor::<2>::eye(count, &correlations.device()).unsqueeze::<3>();
    let raised = correlations + one.clone().mul_scalar(RIDGE);
    let mut inverse = one.clone().mul_scalar(1.0 / (count as f64 + RIDGE)).expand([rows, count, count]);
    for _ in 0..INVERSIONS {
        let product = inverse.clone().matmul(raised.clone()).matmul(inverse.clone());
        inverse = inverse.mul_scalar(2.0) - product;
    }
    let spread = (inverse.clone() * one).sum_dim(2).clamp_min(LEAST).sqrt();
    (inverse / spread.clone() / spread.swap_dims(1, 2)).neg()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::writing::values;

    /// A chain a – b – c: a and c correlate by what b explains, and by nothing else.
    #[test]
    fn what_a_third_explains_is_taken_away() {
        let chain = vec![1.0f32, 0.6, 0.36, 0.6, 1.0, 0.6, 0.36, 0.6, 1.0];
        let device = Device::flex();
        let found = values(partial(Tensor::from_data(TensorData::new(chain, [1, 3, 3]), &device)));
        // The ridge leaves a little: the true values are 0.51 and 0.
        assert!((0.35..0.52).contains(&found[1]), "{found:?}");
        assert!(found[2].abs() < 0.12, "{found:?}");
        assert!((found[1] - found[3]).abs() < 1e-6 && (found[2] - found[6]).abs() < 1e-6, "it is symmetric");
    }

    #[test]
    fn sensors_that_change_places_take_their_links_along() {
        let device = Device::flex();
        let head = LinkHead::new(&mut Initial::new(3, &device));
        let count = 5;
        let given = |i: usize, j: usize| if i == j { 1.0 } else { ((i * j + i + j) as f32 * 0.7).sin() * 0.4 };
        let place = [3, 0, 4, 1, 2];
        let matrix = |of: &dyn Fn(usize, usize) -> f32| {
            let all: Vec<f32> = (0..count * count).map(|at| of(at / count, at % count)).collect();
            Tensor::<3>::from_data(TensorData::new(all, [1, count, count]), &device)
        };
        let plain = values(head.forward(matrix(&given)));
        let moved = values(head.forward(matrix(&|i, j| given(place[i], place[j]))));
        for i in 0..count {
            for j in 0..count {
                assert!((moved[i * count + j] - plain[place[i] * count + place[j]]).abs() < 1e-5);
            }
        }
    }
}
