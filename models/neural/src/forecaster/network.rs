use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor, activation};
use serde::{Deserialize, Serialize};

use super::windows::HORIZONS;
use crate::fitting::Initial;
use crate::recurrent::LayerWeights;
use crate::writing::values;

/// The sizes of a forecaster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Architecture {
    pub sensors: usize,
    /// Units of each recurrent layer.
    pub width: usize,
    pub layers: usize,
    /// Width of the attention's hidden layer.
    pub attention: usize,
}

impl Architecture {
    /// Two layers of 128 units.
    pub fn full(sensors: usize) -> Self {
        Self { sensors, width: 128, layers: 2, attention: 64 }
    }
}

/// Weights of one recurrent layer, gates in the order input, output, forget, cell.
#[derive(Module, Debug)]
pub struct Recurrent {
    /// `[inputs, 4 width]`.
    pub input: Param<Tensor<2>>,
    /// `[width, 4 width]`.
    pub hidden: Param<Tensor<2>>,
    /// `[4 width]`.
    pub bias: Param<Tensor<1>>,
}

/// The network between the scaler and the calibration.
#[derive(Module, Debug)]
pub struct Forecaster {
    pub layers: Vec<Recurrent>,
    /// `[width, attention]`, with bias.
    pub attention: Linear,
    /// `[attention, 1]`; a bias would cancel in the softmax.
    pub energy: Linear,
    /// `[2 width, 3]`: from the pooled states and the last one.
    pub heads: Linear,
}

/// What a forecaster says of a batch.
#[derive(Debug, Clone)]
pub struct Reading {
    /// `[rows, 3]`, before calibration.
    pub logits: Tensor<2>,
    /// `[rows, steps]`; each row sums to 1.
    pub attention: Tensor<2>,
}

impl Forecaster {
    pub fn new(architecture: Architecture, seed: u64, device: &Device) -> Self {
        let Architecture { sensors, width, layers, attention } = architecture;
        let mut initial = Initial::new(seed, device);
        let layer = |index: usize, initial: &mut Initial| {
            let inputs = if index == 0 { sensors } else { width };
            // The forget gate begins open, so that gradients reach far back (Jozefowicz et al., 2015).
            let bias = (0..4 * width).map(|unit| if unit / width == 2 { 1.0 } else { 0.0 }).collect();
            Recurrent {
                input: initial.uniform([inputs, 4 * width], (3.0 / inputs as f64).sqrt() * 0.5),
                hidden: initial.uniform([width, 4 * width], (3.0 / width as f64).sqrt() * 0.5),
                bias: initial.given([4 * width], bias),
            }
        };
        Self {
            layers: (0..layers).map(|index| layer(index, &mut initial)).collect(),
            attention: initial.linear(width, attention),
            energy: initial.projection(attention, 1),
            heads: initial.linear(2 * width, HORIZONS),
        }
    }

    /// The recurrent layers' weights, for [`Stack`](crate::recurrent::Stack).
    pub fn layer_weights(&self) -> Vec<LayerWeights> {
        self.layers
            .iter()
            .map(|layer| {
                let [inputs, gates] = layer.input.val().dims();
                LayerWeights {
                    inputs,
                    width: gates / 4,
                    input: values(layer.input.val()),
                    hidden: values(layer.hidden.val()),
                    bias: values(layer.bias.val()),
                }
            })
            .collect()
    }

    /// From the last layer's states, `[steps, rows, width]`, to the logits. `mask` `[rows, 2 width]` is the dropout of
    /// what the heads read.
    pub fn read(&self, states: Tensor<3>, mask: Option<Tensor<2>>) -> Reading {
        let [steps, rows, width] = states.dims();
        let energy = self.energy.forward(self.attention.forward(states.clone()).tanh());
        let shares = activation::softmax(energy, 0);
        let context = (states.clone() * shares.clone()).sum_dim(0).reshape([rows, width]);
        let last = states.narrow(0, steps - 1, 1).reshape([rows, width]);
        let read = Tensor::cat(vec![context, last], 1);
        let read = match mask {
            Some(mask) => read * mask,
            None => read,
        };
        Reading { logits: self.heads.forward(read), attention: shares.reshape([steps, rows]).transpose() }
    }
}
