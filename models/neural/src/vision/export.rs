use burn::nn::Linear;
use burn::tensor::Tensor;
use lehr_camera::Kind;
use lehr_camera::set::PATCH;
use lehr_onnx::blocks::{Norm, TransformerBlock};
use lehr_onnx::{Conv, Element, Graph, Opset, Shape};

use super::network::{self, Block, EPSILON};
use super::patches::{CELLS, DEVIATION, MEAN};
use super::train::TrainedVision;
use crate::error::NeuralError;
use crate::writing::{Identity, linear, tensor, values};

/// The inspector as an ONNX file.
///
/// Input `input` f32 `[batch, 3, side, side]`, light of 0 to 1. Outputs `class` f32 `[batch, patches, 7]`, logits;
/// `box` f32 `[batch, patches, 4]`, in patches; `mask` f32 `[batch, 6, side / 4, side / 4]`, probabilities.
pub fn export(trained: &TrainedVision, identity: &Identity) -> Result<Vec<u8>, NeuralError> {
    let network = &trained.network;
    let architecture = trained.architecture;
    let (side, width, grid, patches) =
        (architecture.side, architecture.width, architecture.grid(), architecture.patches());
    let mut graph = Graph::new("inspector", Opset::V20);
    let input = graph.input("input", Element::F32, Shape::batched([3, side, side]))?;
    let mean = graph.constant("scaler.mean", lehr_onnx::Tensor::scalar(MEAN)?)?;
    let deviation = graph.constant("scaler.deviation", lehr_onnx::Tensor::scalar(DEVIATION)?)?;
    let centred = graph.sub("scaler.centred", input, mean)?;
    let scaled = graph.div("scaler", centred, deviation)?;

    let embedded = graph.conv("embedding", scaled, &convolution(&network.embedding, width)?)?;
    let rows = graph.reshape("embedding.rows", embedded, Shape::batched([width, patches]))?;
    let rows = graph.transpose("embedding.patches", rows, &[0, 2, 1])?;
    let positions = graph.constant("positions", tensor(network.positions.val())?)?;
    let mut x = graph.add("placed", rows, positions)?;
    for (index, layer) in network.blocks.iter().enumerate() {
        x = block(layer, width)?.build(&mut graph, &format!("layer.{index}"), x)?;
    }
    let x = norm(&network.norm)?.build(&mut graph, "norm", x)?;

    let classes = graph.linear("class.logits", x, &linear(&network.classes)?)?;
    graph.output("class", classes)?;
    let boxes = graph.linear("box.patches", x, &linear(&network.boxes)?)?;
    graph.output("box", boxes)?;
    let masks = graph.linear("mask.patches", x, &linear(&network.masks)?)?;
    let masks = graph.reshape("mask.cells", masks, Shape::batched([grid, grid, Kind::COUNT, CELLS, CELLS]))?;
    let masks = graph.transpose("mask.turned", masks, &[0, 3, 1, 4, 2, 5])?;
    let masks = graph.reshape("mask.logits", masks, Shape::batched([Kind::COUNT, grid * CELLS, grid * CELLS]))?;
    let masks = graph.sigmoid("mask.probabilities", masks)?;
    graph.output("mask", masks)?;

    identity.write(&mut graph);
    Ok(graph.encode()?)
}

/// A layer on patches is a convolution in steps of its own size.
fn convolution(embedding: &Linear, width: usize) -> Result<Conv, NeuralError> {
    let turned = values(embedding.weight.val().transpose());
    let weight = lehr_onnx::Tensor::f32([width, 3, PATCH, PATCH], &turned)?;
    let bias = embedding.bias.as_ref().map(|bias| tensor(bias.val())).transpose()?;
    Ok(Conv { weight, bias, stride: PATCH, padding: 0 })
}

fn block(layer: &Block, width: usize) -> Result<TransformerBlock, NeuralError> {
    let part = |index: usize| -> Result<lehr_onnx::Linear, NeuralError> {
        let weight: Tensor<2> = layer.projection.weight.val().narrow(1, index * width, width);
        let bias = layer.projection.bias.as_ref().map(|bias| tensor(bias.val().narrow(0, index * width, width)));
        Ok(lehr_onnx::Linear { weight: tensor(weight)?, bias: bias.transpose()? })
    };
    Ok(TransformerBlock {
        heads: layer.heads,
        attention_norm: norm(&layer.attention_norm)?,
        query: part(0)?,
        key: part(1)?,
        value: part(2)?,
        output: linear(&layer.output)?,
        feed_forward_norm: norm(&layer.feed_forward_norm)?,
        expand: linear(&layer.expand)?,
        contract: linear(&layer.contract)?,
    })
}

fn norm(norm: &network::Norm) -> Result<Norm, NeuralError> {
    Ok(Norm { gain: tensor(norm.gain.val())?, bias: tensor(norm.bias.val())?, epsilon: EPSILON as f32 })
}
