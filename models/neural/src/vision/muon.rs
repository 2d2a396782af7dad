use burn::optim::momentum::{Momentum, MomentumConfig, MomentumState};
use burn::optim::{LearningRate, Optimizer};
use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use crate::kernels::{Matrix, Precision, multiply};
use crate::writing::values;

/// Coefficients of a step towards the nearest orthogonal matrix, and how many steps there are (Jordan et al., 2024).
const STEP: [f32; 3] = [3.4445, -4.775, 2.0315];
const STEPS: usize = 5;
/// Kept from dividing by nothing.
const LEAST_NORM: f32 = 1e-7;
/// Rows of a product that a thread takes at once.
const ROWS: usize = 128;

/// Takes steps of the same size in all directions of a matrix, which teaches about twice as much with the same pictures as
/// AdamW (Jordan et al., "Muon", 2024); steps as large as AdamW's (Liu et al., "Muon is scalable for LLM training", 2025).
/// What Burn's does, by the products of [`crate::kernels`]: for the layers of an inspector that is most of a step's time.
#[derive(Clone)]
pub struct Muon {
    momentum: Momentum,
    weight_decay: f64,
    precision: Precision,
}

impl Muon {
    pub fn new(weight_decay: f64, precision: Precision) -> Self {
        let momentum = Momentum::new(&MomentumConfig { momentum: 0.95, dampening: 0.0, nesterov: true });
        Self { momentum, weight_decay, precision }
    }
}

impl Optimizer for Muon {
    type State<const D: usize> = MomentumState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let dims = tensor.dims();
        assert_eq!(D, 2, "matrices alone have directions");
        let (gradient, state) = self.momentum.transform(gradient, state);
        let turned = orthogonal(self.precision, values(gradient), dims[0], dims[1]);
        let turned = Tensor::from_data(TensorData::new(turned, dims), &tensor.device());
        let adjusted = rate * 0.2 * (dims[0].max(dims[1]) as f64).sqrt();
        (tensor.mul_scalar(1.0 - rate * self.weight_decay) - turned.mul_scalar(adjusted), Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.to_device(device)
    }
}

/// About the orthogonal matrix that is nearest to one of `rows` and `columns`: all its singular values come to lie near 1.
fn orthogonal(precision: Precision, matrix: Vec<f32>, rows: usize, columns: usize) -> Vec<f32> {
    if rows > columns {
        return turned(&orthogonal(precision, turned(&matrix, rows, columns), columns, rows), columns, rows);
    }
    let norm = matrix.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt() as f32;
    let mut x: Vec<f32> = matrix.iter().map(|value| value / norm.max(LEAST_NORM)).collect();
    let (mut square, mut fourth, mut next) = (vec![0.0; rows * rows], vec![0.0; rows * rows], vec![0.0; x.len()]);
    let [linear, cubic, quintic] = STEP;
    for _ in 0..STEPS {
        by_rows(precision, &mut square, &x, columns, Matrix::new(&x, rows, columns).transposed());
        by_rows(precision, &mut fourth, &square, rows, Matrix::new(&square, rows, rows));
        square.iter_mut().zip(&fourth).for_each(|(square, fourth)| *square = cubic * *square + quintic * fourth);
        by_rows(precision, &mut next, &square, rows, Matrix::new(&x, rows, columns));
        x.iter_mut().zip(&next).for_each(|(x, next)| *x = linear * *x + next);
    }
    x
}

/// `to = left right`, some rows at a time; `inner` is the length of a row of `left`.
fn by_rows(precision: Precision, to: &mut [f32], left: &[f32], inner: usize, right: Matrix<'_>) {
    let columns = to.len() / (left.len() / inner);
    let rows = to.par_chunks_mut(ROWS * columns).zip(left.par_chunks(ROWS * inner));
    rows.for_each(|(to, left)| multiply(precision, to, Matrix::new(left, left.len() / inner, inner), right, false));
}

/// A matrix of `rows` and `columns`, its columns as rows.
fn turned(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])).collect()
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::nn::Linear;
    use burn::optim::decay::WeightDecayConfig;
    use burn::optim::{AdjustLrFn, GradientsParams, ModuleOptimizer, MuonConfig};

    use super::*;

    /// Steps of a layer of these sizes towards given gradients.
    fn stepped(mut optimiser: ModuleOptimizer, rows: usize, columns: usize) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let wave = |step: f32| -> Tensor<2> {
            let values: Vec<f32> = (0..rows * columns).map(|at| (at as f32 * step).sin()).collect();
            Tensor::from_data(TensorData::new(values, [rows, columns]), &device)
        };
        let mut layer = Linear { weight: Param::from_tensor(wave(0.3)), bias: None };
        for step in [0.7, 1.1, 1.9] {
            let gradients = (layer.weight.val() * wave(step)).sum().backward();
            let gradients = GradientsParams::from_grads(gradients, &layer);
            layer = optimiser.step(0.02, layer, gradients);
        }
        values(layer.weight.val())
    }

    #[test]
    fn steps_are_those_of_burn() {
        for (rows, columns) in [(5, 9), (9, 5), (150, 7)] {
            let burns = MuonConfig::new()
                .with_weight_decay(Some(WeightDecayConfig { penalty: 0.05 }))
                .with_adjust_lr_fn(AdjustLrFn::MatchRmsAdamW);
            let (ours, theirs) = (
                stepped(ModuleOptimizer::from(Muon::new(0.05, Precision::Single)), rows, columns),
                stepped(burns.init(), rows, columns),
            );
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert!((ours - theirs).abs() < 1e-4, "{ours} is not {theirs}");
            }
        }
    }
}
