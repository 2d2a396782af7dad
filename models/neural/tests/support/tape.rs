//! Layers in Burn's tensors alone: what the gradients by hand are compared with.

use burn::tensor::module::{conv2d, layer_norm};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, activation};
use lehr_neural::forecaster::Forecaster;
use lehr_neural::vision::VisionTransformer;

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

/// From scaled pictures `[rows, side, side, 3]` to what is known of patches, `[rows, patches, width]`, and what the
/// convolutions say of masks, `[rows, patches, 6 × 16]`.
pub fn patches_on_the_tape(network: &VisionTransformer, pictures: Tensor<4>) -> (Tensor<3>, Tensor<3>) {
    let mut x = pictures.permute([0, 3, 1, 2]);
    let mut levels = vec![];
    for convolution in &network.convolutions {
        if convolution.step == 2 {
            levels.push(x.clone());
        }
        let [_, inputs, _, _] = x.dims();
        let weight = convolution.weight.val();
        let outputs = weight.dims()[1];
        let weight = weight.reshape([3, 3, inputs, outputs]).permute([3, 2, 0, 1]);
        let step = convolution.step;
        let options = ConvOptions::new([step, step], [1, 1], [1, 1], 1);
        let made = activation::relu(conv2d(x.clone(), weight, Some(convolution.bias.val()), options));
        x = if step == 1 { x + made } else { made };
    }
    let said =
        |level: Tensor<4>, part: usize| network.fine[part].forward(level.permute([0, 2, 3, 1])).permute([0, 3, 1, 2]);
    let twos = said(levels[3].clone(), 1);
    let [count, kinds, high, wide] = twos.dims();
    let twos: Tensor<6> = twos.reshape([count, kinds, high, 1, wide, 1]).repeat(&[1, 1, 1, 2, 1, 2]);
    let cells = said(levels[2].clone(), 0) + twos.reshape([count, kinds, 2 * high, 2 * wide]);
    let grid = high / 2;
    let fine = cells.reshape([count, kinds, grid, 4, grid, 4]).permute([0, 2, 4, 1, 3, 5]);
    let fine: Tensor<3> = fine.reshape([count, grid * grid, kinds * 16]);
    let [rows, channels, down, across] = x.dims();
    let x = x.reshape([rows, channels, down * across]).swap_dims(1, 2);
    let mut x = network.embedding.forward(x) + network.positions.val().unsqueeze::<3>();
    let [_, patches, width] = x.dims();
    for block in &network.blocks {
        let norm = |x: Tensor<3>, norm: &lehr_neural::vision::Norm| {
            layer_norm(x, norm.gain.val(), Some(norm.bias.val()), 1e-5)
        };
        let all = block.projection.forward(norm(x.clone(), &block.attention_norm));
        let part = |index: usize| {
            let part = all.clone().narrow(2, index * width, width);
            part.reshape([rows, patches, block.heads, width / block.heads]).swap_dims(1, 2)
        };
        let scores = part(0).matmul(part(1).swap_dims(2, 3)).div_scalar(((width / block.heads) as f64).sqrt());
        let mixed = activation::softmax(scores, 3).matmul(part(2));
        x = x + block.output.forward(mixed.swap_dims(1, 2).reshape([rows, patches, width]));
        let inner = activation::gelu(block.expand.forward(norm(x.clone(), &block.feed_forward_norm)));
        x = x + block.contract.forward(inner);
    }
    (x, fine)
}
