use burn::module::Param;
use burn::tensor::Tensor;
use lehr_camera::Kind;
use lehr_onnx::blocks::{Norm, TransformerBlock};
use lehr_onnx::{Conv, Element, Graph, Interpolation, Opset, Shape};

use super::network::{self, Block, Convolution, EPSILON};
use super::patches::{CELLS, DEVIATION, MEAN};
use super::train::TrainedVision;
use super::trunk::CELL_HALVINGS;
use crate::error::NeuralError;
use crate::writing::{Identity, linear, tensor, values};

/// Along a side of a convolution.
const KERNEL: usize = 3;

/// The inspector as an ONNX file.
///
/// Input `input` f32 `[batch, 3, side, side]`, light of 0 to 1. Outputs `class` f32 `[batch, patches, 7]`, logits;
/// `box` f32 `[batch, patches, 4]`, in patches; `mask` f32 `[batch, 6, side / 4, side / 4]`, probabilities. `halved`:
/// whether its numbers are kept in half precision, which makes it half as large.
pub fn export(trained: &TrainedVision, identity: &Identity, halved: bool) -> Result<Vec<u8>, NeuralError> {
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

    let (mut seen, mut levels) = (scaled, vec![]);
    for (index, layer) in network.convolutions.iter().enumerate() {
        let name = format!("convolution.{index}");
        if layer.step == 2 {
            levels.push(seen);
        }
        let made = graph.conv(&name, seen, &whole_field(layer)?)?;
        let above = graph.relu(&format!("{name}.above"), made)?;
        seen = if layer.step == 1 { graph.add(&format!("{name}.sum"), seen, above)? } else { above };
    }
    let channels = network.embedding.weight.val().dims()[0];
    let rows = graph.reshape("places", seen, Shape::batched([channels, patches]))?;
    let rows = graph.transpose("places.patches", rows, &[0, 2, 1])?;
    let rows = graph.linear("embedding", rows, &linear(&network.embedding)?)?;
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
    // What came out after a halving is what the next one takes.
    let [cells, twos] = [0, 1].map(|part| levels[CELL_HALVINGS + part]);
    let cells = graph.conv("mask.fine.0", cells, &place(&network.fine[0])?)?;
    let twos = graph.conv("mask.fine.1", twos, &place(&network.fine[1])?)?;
    let twos = graph.resize("mask.fine.1.cells", twos, 2, Interpolation::Nearest)?;
    let fine = graph.add("mask.fine", cells, twos)?;
    let masks = graph.add("mask.all", masks, fine)?;
    let masks = graph.sigmoid("mask.probabilities", masks)?;
    graph.output("mask", masks)?;

    if halved {
        graph.halve_constants();
    }
    identity.write(&mut graph);
    Ok(graph.encode()?)
}

fn whole_field(layer: &Convolution) -> Result<Conv, NeuralError> {
    convolution(&layer.weight, &layer.bias, KERNEL, layer.step)
}

/// A convolution of one place.
fn place(layer: &burn::nn::Linear) -> Result<Conv, NeuralError> {
    convolution(&layer.weight, layer.bias.as_ref().expect("it begins with a bias"), 1, 1)
}

/// ONNX has the outputs first, then channels, then the kernel's rows and columns.
fn convolution(
    weight: &Param<Tensor<2>>,
    bias: &Param<Tensor<1>>,
    kernel: usize,
    stride: usize,
) -> Result<Conv, NeuralError> {
    let [field, outputs] = weight.val().dims();
    let inputs = field / (kernel * kernel);
    let turned = weight.val().reshape([kernel, kernel, inputs, outputs]).permute([3, 2, 0, 1]);
    let weight = lehr_onnx::Tensor::f32([outputs, inputs, kernel, kernel], &values(turned))?;
    Ok(Conv { weight, bias: Some(tensor(bias.val())?), stride, padding: kernel / 2 })
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
