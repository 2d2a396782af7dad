//! The recurrent layers in Burn's tensors alone: what the gradients by hand are compared with.

use burn::tensor::{Tensor, activation};
use lehr_neural::forecaster::Forecaster;

/// From `[steps, rows, sensors]` to `[steps, rows, width]`.
pub fn states_on_the_tape(network: &Forecaster, input: Tensor<3>) -> Tensor<3> {
    let [steps, rows, _] = input.dims();
    let mut sequence: Vec<Tensor<2>> = (0..steps).map(|step| input.clone().narrow(0, step, 1).squeeze_dim(0)).collect();
    for layer in &network.layers {
        let width = layer.hidden.val().dims()[0];
        let mut hidden: Tensor<2> = Tensor::zeros([rows, width], &input.device());
        let mut cell = hidden.clone();
        for here in &mut sequence {
            let gates = here.clone().matmul(layer.input.val())
                + hidden.matmul(layer.hidden.val())
                + layer.bias.val().unsqueeze();
            let gate = |index: usize| gates.clone().narrow(1, index * width, width);
            let (i, o, f) = (activation::sigmoid(gate(0)), activation::sigmoid(gate(1)), activation::sigmoid(gate(2)));
            cell = f * cell + i * gate(3).tanh();
            hidden = o * cell.clone().tanh();
            *here = hidden.clone();
        }
    }
    Tensor::stack(sequence, 0)
}
