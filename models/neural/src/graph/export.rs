use lehr_onnx::blocks::GraphAttention;
use lehr_onnx::{Element, Graph, Opset, Shape, Tensor, Value};

use super::network::WEAK;
use super::task::FeatureScaler;
use super::train::TrainedGraph;
use crate::error::NeuralError;
use crate::writing::{Identity, linear, tensor};

/// The graph network as an ONNX file.
///
/// Inputs `nodes` f32 `[batch, nodes, features]` and `edges` f32 `[batch, nodes, nodes]`, correlations with 1 on the
/// diagonal. Outputs `failure` and `anomaly` f32 `[batch, nodes]` and `edge` f32 `[batch, nodes, nodes]`, probabilities.
pub fn export(trained: &TrainedGraph, identity: &Identity) -> Result<Vec<u8>, NeuralError> {
    let mut graph = Graph::new("graph", Opset::V17);
    let architecture = trained.architecture;
    let count = architecture.nodes;
    let nodes = graph.input("nodes", Element::F32, Shape::batched([count, architecture.features]))?;
    let edges = graph.input("edges", Element::F32, Shape::batched([count, count]))?;
    let strength = graph.abs("strength", edges)?;
    let neighbours = neighbours(&mut graph, strength, count)?;

    let mut x = scale(&mut graph, nodes, &trained.scaler)?;
    for (index, layer) in trained.network.layers.iter().enumerate() {
        let name = format!("layer.{index}");
        let attention = GraphAttention {
            heads: architecture.heads,
            projection: linear(&layer.projection)?,
            source: tensor(layer.source.val())?,
            target: tensor(layer.target.val())?,
            edge: tensor(layer.edge.val())?,
        };
        let mixed = attention.build(&mut graph, &format!("{name}.attention"), x, edges, neighbours)?;
        let own = graph.linear(&format!("{name}.own"), x, &linear(&layer.own)?)?;
        let sum = graph.add(&format!("{name}.sum"), mixed, own)?;
        x = graph.elu(&name, sum)?;
    }

    let logits = graph.linear("nodes.logits", x, &linear(&trained.network.nodes)?)?;
    let probabilities = graph.sigmoid("nodes.probabilities", logits)?;
    let parts = graph.split("nodes.parts", probabilities, 2, &[1, 1])?;
    for (name, part) in ["failure", "anomaly"].into_iter().zip(parts) {
        let flat = graph.reshape(&format!("{name}.flat"), part, Shape::batched([count]))?;
        graph.output(name, flat)?;
    }

    let pairs = pairs(&mut graph, x, trained)?;
    let signed = graph.unsqueeze("direct.signed", edges, 3)?;
    let unsigned = graph.unsqueeze("direct.unsigned", strength, 3)?;
    let seen = graph.concat("direct.seen", &[signed, unsigned], 3)?;
    let direct = graph.linear("direct", seen, &linear(&trained.network.direct)?)?;
    let direct = graph.reshape("direct.flat", direct, Shape::batched([count, count]))?;
    let links = graph.add("edge.logits", pairs, direct)?;
    let links = graph.sigmoid("edge.probabilities", links)?;
    graph.output("edge", links)?;

    identity.write(&mut graph);
    Ok(graph.encode()?)
}

/// bool `[batch, nodes, nodes]`: |r| > 0.2, and each node itself.
fn neighbours(graph: &mut Graph, strength: Value, count: usize) -> Result<Value, NeuralError> {
    let unit: Vec<f32> = (0..count * count).map(|at| if at % (count + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let unit = graph.constant("neighbours.own", Tensor::f32([count, count], &unit)?)?;
    let weak = graph.constant("neighbours.weak", Tensor::scalar(WEAK as f32)?)?;
    let with_own = graph.add("neighbours.strength", strength, unit)?;
    Ok(graph.greater("neighbours", with_own, weak)?)
}

fn scale(graph: &mut Graph, nodes: Value, scaler: &FeatureScaler) -> Result<Value, NeuralError> {
    let features = scaler.mean.len();
    let mean = graph.constant("scaler.mean", Tensor::f32([features], &scaler.mean)?)?;
    let deviation = graph.constant("scaler.deviation", Tensor::f32([features], &scaler.deviation)?)?;
    let centred = graph.sub("scaler.centred", nodes, mean)?;
    Ok(graph.div("scaler", centred, deviation)?)
}

/// What two nodes' states say of their link: the same from either side.
fn pairs(graph: &mut Graph, x: Value, trained: &TrainedGraph) -> Result<Value, NeuralError> {
    let one_side = graph.linear("pair", x, &linear(&trained.network.pair)?)?;
    let other_side = graph.transpose("pair.other", x, &[0, 2, 1])?;
    let product = graph.matmul("pair.product", one_side, other_side)?;
    let scale = 1.0 / (trained.architecture.hidden() as f32).sqrt();
    let scale = graph.constant("pair.scale", Tensor::scalar(scale)?)?;
    let half = graph.mul("pair.half", product, scale)?;
    let turned = graph.transpose("pair.turned", half, &[0, 2, 1])?;
    Ok(graph.add("pair.sum", half, turned)?)
}
