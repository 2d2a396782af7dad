use lehr_onnx::blocks::GraphAttention;
use lehr_onnx::{Element, Graph, Opset, Shape, Tensor, Value};

use super::links::{INVERSIONS, LEAST, LinkHead, RIDGE};
use super::network::WEAK;
use super::scaler::{FeatureScaler, REACH};
use super::train::TrainedGraph;
use crate::error::NeuralError;
use crate::writing::{Identity, linear, tensor};

/// The graph network as an ONNX file.
///
/// Inputs `nodes` f32 `[batch, nodes, features]` and `edges` f32 `[batch, nodes, nodes]`, correlations with 1 on the
/// diagonal. Outputs `failure` and `anomaly` f32 `[batch, nodes]` and `edge` f32 `[batch, nodes, nodes]`, probabilities.
/// `edge` follows from `edges` alone: give the mean of days of correlations where links are asked for, and those of the two
/// hours that `nodes` are of where sensors are.
pub fn export(trained: &TrainedGraph, identity: &Identity) -> Result<Vec<u8>, NeuralError> {
    let mut graph = Graph::new("graph", Opset::V17);
    let architecture = trained.architecture;
    let count = architecture.nodes;
    let nodes = graph.input("nodes", Element::F32, Shape::batched([count, architecture.features]))?;
    let edges = graph.input("edges", Element::F32, Shape::batched([count, count]))?;
    let strength = graph.abs("strength", edges)?;
    let neighbours = neighbours(&mut graph, strength, count)?;

    let mut x = scale(&mut graph, nodes, count, &trained.scaler)?;
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

    let links = links(&mut graph, edges, strength, count, &trained.network.links)?;
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

/// What [`FeatureScaler::scale`] does.
fn scale(graph: &mut Graph, nodes: Value, count: usize, scaler: &FeatureScaler) -> Result<Value, NeuralError> {
    let features = scaler.mean.len() / count;
    let mean = graph.constant("scaler.mean", Tensor::f32([count, features], &scaler.mean)?)?;
    let deviation = graph.constant("scaler.deviation", Tensor::f32([count, features], &scaler.deviation)?)?;
    let centred = graph.sub("scaler.centred", nodes, mean)?;
    let x = graph.div("scaler.scaled", centred, deviation)?;
    let far = graph.abs("scaler.far", x)?;
    let share = graph.constant("scaler.share", Tensor::scalar(1.0 / REACH as f32)?)?;
    let far = graph.mul("scaler.reached", far, share)?;
    let one = graph.constant("scaler.one", Tensor::scalar(1.0)?)?;
    let far = graph.add("scaler.shrink", far, one)?;
    Ok(graph.div("scaler", x, far)?)
}

/// What [`LinkHead::forward`] does, and the probabilities of its logits.
fn links(
    graph: &mut Graph,
    edges: Value,
    strength: Value,
    count: usize,
    head: &LinkHead,
) -> Result<Value, NeuralError> {
    let partial = partial(graph, edges, count)?;
    let of_partial = graph.abs("links.partial.strength", partial)?;
    let mut parts = Vec::new();
    for (name, part) in [("edges", edges), ("strength", strength), ("partial", partial), ("own", of_partial)] {
        parts.push(graph.unsqueeze(&format!("links.evidence.{name}"), part, 3)?);
    }
    let evidence = graph.concat("links.evidence", &parts, 3)?;
    let hidden = graph.linear("links.hidden", evidence, &linear(&head.hidden)?)?;
    let hidden = graph.tanh("links.bent", hidden)?;
    let logits = graph.linear("links.logits", hidden, &linear(&head.score)?)?;
    let logits = graph.reshape("links.flat", logits, Shape::batched([count, count]))?;
    Ok(graph.sigmoid("links", logits)?)
}

/// What [`partial`](super::links::partial) does.
fn partial(graph: &mut Graph, edges: Value, count: usize) -> Result<Value, NeuralError> {
    let diagonal = |value: f64| -> Vec<f32> {
        (0..count * count).map(|at| if at % (count + 1) == 0 { value as f32 } else { 0.0 }).collect()
    };
    let ridge = graph.constant("links.ridge", Tensor::f32([count, count], &diagonal(RIDGE))?)?;
    let raised = graph.add("links.raised", edges, ridge)?;
    let first = diagonal(1.0 / (count as f64 + RIDGE));
    let mut inverse = graph.constant("links.inverse", Tensor::f32([count, count], &first)?)?;
    let two = graph.constant("links.two", Tensor::scalar(2.0)?)?;
    for step in 0..INVERSIONS {
        let name = format!("links.inverse.{step}");
        let half = graph.matmul(&format!("{name}.half"), inverse, raised)?;
        let product = graph.matmul(&format!("{name}.product"), half, inverse)?;
        let double = graph.mul(&format!("{name}.double"), inverse, two)?;
        inverse = graph.sub(&name, double, product)?;
    }
    let own = graph.constant("links.own", Tensor::f32([count, count], &diagonal(1.0))?)?;
    let own = graph.mul("links.diagonal", inverse, own)?;
    let own = graph.reduce_sum("links.spread", own, 2, true)?;
    let least = graph.constant("links.least", Tensor::scalar(LEAST as f32)?)?;
    let enough = graph.greater("links.enough", own, least)?;
    let own = graph.where_("links.kept", enough, own, least)?;
    let spread = graph.sqrt("links.root", own)?;
    let turned = graph.transpose("links.root.turned", spread, &[0, 2, 1])?;
    let by_row = graph.div("links.by_row", inverse, spread)?;
    let by_both = graph.div("links.by_both", by_row, turned)?;
    Ok(graph.neg("links.partial", by_both)?)
}
