//! Model files of the shapes that Lehr has, with random weights.

use lehr_onnx::blocks::{AttentionPooling, GraphAttention, Norm, TransformerBlock};
use lehr_onnx::{Axis, Conv, Element, Error, Graph, Linear, LstmLayer, Opset, Shape, Tensor, Value};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub const MINUTES: usize = 120;
pub const SENSORS: usize = 20;

pub struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Evenly between these two.
    pub fn values(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.0.random_range(low..high)).collect()
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    fn tensor(&mut self, extents: &[usize], size: f32) -> Tensor {
        Tensor::f32(extents, &self.values(extents.iter().product(), -size, size)).expect("it fits")
    }

    /// With weights that keep values at about their size.
    fn linear(&mut self, inputs: usize, outputs: usize) -> Linear {
        let size = (3.0 / inputs as f32).sqrt();
        Linear { weight: self.tensor(&[inputs, outputs], size), bias: Some(self.tensor(&[outputs], 0.1)) }
    }

    fn norm(&mut self, width: usize) -> Norm {
        let gain = Tensor::f32([width], &self.values(width, 0.9, 1.1)).expect("it fits");
        Norm { gain, bias: self.tensor(&[width], 0.1), epsilon: 1e-5 }
    }
}

/// How large a forecaster is.
#[derive(Clone, Copy)]
pub struct Lstm {
    pub layers: usize,
    pub units: usize,
}

/// As the specification has it.
pub const FULL: Lstm = Lstm { layers: 2, units: 128 };
/// For tests of what does not depend on size.
pub const SMALL: Lstm = Lstm { layers: 1, units: 8 };

/// What the models here read, as one text.
pub const SCHEMA: &str = "schema-of-these-tests";

pub fn means() -> Vec<f32> {
    (0..SENSORS).map(|sensor| 100.0 * sensor as f32).collect()
}

/// Sequences around the means.
pub fn sequences(random: &mut Random, rows: usize) -> Vec<f32> {
    let mut values = random.values(rows * MINUTES * SENSORS, -30.0, 30.0);
    for minute in values.chunks_mut(SENSORS) {
        minute.iter_mut().zip(means()).for_each(|(value, mean)| *value += mean);
    }
    values
}

fn describe(graph: &mut Graph, model: &str, version: &str) {
    graph.metadata("lehr.model", model);
    graph.metadata("lehr.version", version);
    graph.metadata("lehr.schema", SCHEMA);
    graph.metadata("lehr.metrics", r#"{"recall":0.93,"precision":0.84}"#);
    graph.metadata("lehr.trained", "2026-01-05");
    graph.metadata("card.author", "a test");
}

/// A forecaster that does not read the sensors in `blind`.
pub fn forecaster(seed: u64, size: Lstm, version: &str, blind: &[usize]) -> Graph {
    forecaster_of(seed, size, version, blind, SENSORS).expect("it is a model")
}

/// One that reads so many sensors.
pub fn forecaster_of(seed: u64, size: Lstm, version: &str, blind: &[usize], sensors: usize) -> Result<Graph, Error> {
    let mut random = Random::new(seed);
    let mut graph = Graph::new("forecaster", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([MINUTES, sensors]))?;
    let deviations = vec![12.0; sensors];
    let means: Vec<f32> = means().into_iter().cycle().take(sensors).collect();
    let mean = graph.constant("scaler.mean", Tensor::f32([sensors], &means)?)?;
    let deviation = graph.constant("scaler.deviation", Tensor::f32([sensors], &deviations)?)?;
    let centred = graph.sub("scaler.centred", input, mean)?;
    let scaled = graph.div("scaler", centred, deviation)?;

    let mut inputs = sensors;
    let mut layers = Vec::new();
    for layer in 0..size.layers {
        let gates = 4 * size.units;
        let weight = (3.0 / inputs as f32).sqrt();
        let mut by_input = random.values(inputs * gates, -weight, weight);
        if layer == 0 {
            blind.iter().for_each(|sensor| by_input[sensor * gates..(sensor + 1) * gates].fill(0.0));
        }
        let recurrent = random.tensor(&[size.units, gates], (3.0 / size.units as f32).sqrt());
        let by_input = Tensor::f32([inputs, gates], &by_input)?;
        layers.push(LstmLayer::from_right(&by_input, &recurrent, random.tensor(&[gates], 0.1))?);
        inputs = size.units;
    }
    let states = graph.lstm("lstm", scaled, &layers)?;
    let pooling = AttentionPooling {
        hidden: random.linear(size.units, 32),
        score: Linear { bias: None, ..random.linear(32, 1) },
    };
    let pooled = pooling.build(&mut graph, "attention", states)?;
    let logits = graph.linear("head", pooled.context, &random.linear(size.units, 3))?;
    let probability = graph.sigmoid("head.sigmoid", logits)?;
    graph.output("probability", probability)?;
    graph.output("attention", pooled.weights)?;
    describe(&mut graph, "forecaster", version);
    let json = |values: &[f32]| values.iter().map(f32::to_string).collect::<Vec<_>>().join(",");
    graph.metadata("lehr.scaler", format!(r#"{{"mean":[{}],"deviation":[{}]}}"#, json(&means), json(&deviations)));
    Ok(graph)
}

/// A vision transformer over patches of 16 pixels.
pub fn inspector(seed: u64, layers: usize, width: usize, heads: usize) -> Result<Graph, Error> {
    let mut random = Random::new(seed);
    let mut graph = Graph::new("inspector", Opset::V20);
    let input = graph.input("input", Element::F32, Shape::batched([3, 224, 224]))?;
    let patches = Conv {
        weight: random.tensor(&[width, 3, 16, 16], (3.0 / 768f32).sqrt()),
        bias: Some(random.tensor(&[width], 0.1)),
        stride: 16,
        padding: 0,
    };
    let patches = graph.conv("patches", input, &patches)?;
    let flat = graph.reshape("patches.flat", patches, Shape::batched([width, 196]))?;
    let tokens = graph.transpose("tokens", flat, &[0, 2, 1])?;
    let places = graph.constant("places.table", random.tensor(&[196, width], 0.1))?;
    let mut x = graph.add("places", tokens, places)?;
    for layer in 0..layers {
        let block = TransformerBlock {
            heads,
            attention_norm: random.norm(width),
            query: random.linear(width, width),
            key: random.linear(width, width),
            value: random.linear(width, width),
            output: random.linear(width, width),
            feed_forward_norm: random.norm(width),
            expand: random.linear(width, 4 * width),
            contract: random.linear(4 * width, width),
        };
        x = block.build(&mut graph, &format!("block.{layer}"), x)?;
    }
    let x = random.norm(width).build(&mut graph, "norm", x)?;
    let class = graph.linear("class.head", x, &random.linear(width, 7))?;
    let place = graph.linear("box.head", x, &random.linear(width, 4))?;
    // Sixteen cells of each mask in each patch, put where they belong.
    let cells = graph.linear("mask.head", x, &random.linear(width, 6 * 16))?;
    let cells = graph.reshape("mask.cells", cells, Shape::batched([14, 14, 6, 4, 4]))?;
    let cells = graph.transpose("mask.turned", cells, &[0, 3, 1, 4, 2, 5])?;
    let masks = graph.reshape("mask.logits", cells, Shape::batched([6, 56, 56]))?;
    let masks = graph.sigmoid("mask.sigmoid", masks)?;
    graph.output("class", class)?;
    graph.output("box", place)?;
    graph.output("mask", masks)?;
    describe(&mut graph, "inspector", "1.0.0");
    Ok(graph)
}

/// Two layers of graph attention.
pub fn network(seed: u64, features: usize) -> Result<Graph, Error> {
    let mut random = Random::new(seed);
    let mut graph = Graph::new("graph", Opset::V17);
    let nodes = graph.input("nodes", Element::F32, Shape::batched([SENSORS, features]))?;
    let edges = graph.input("edges", Element::F32, Shape::batched([SENSORS, SENSORS]))?;
    let strength = graph.abs("strength", edges)?;
    let least = graph.constant("least", Tensor::scalar(0.2)?)?;
    let mask = graph.greater("mask", strength, least)?;
    let (heads, width) = (2, 8);
    let mut x = nodes;
    let mut inputs = features;
    for layer in 0..2 {
        let attention = GraphAttention {
            heads,
            projection: Linear { bias: None, ..random.linear(inputs, heads * width) },
            source: random.tensor(&[heads, width], 0.5),
            target: random.tensor(&[heads, width], 0.5),
            edge: random.tensor(&[heads], 0.5),
        };
        let mixed = attention.build(&mut graph, &format!("layer.{layer}"), x, edges, mask)?;
        x = graph.elu(&format!("layer.{layer}.elu"), mixed)?;
        inputs = heads * width;
    }
    let mut verdict = |graph: &mut Graph, name: &str| -> Result<Value, Error> {
        let logits = graph.linear(&format!("{name}.head"), x, &random.linear(inputs, 1))?;
        let logits = graph.squeeze(&format!("{name}.logits"), logits, 2)?;
        graph.sigmoid(&format!("{name}.sigmoid"), logits)
    };
    let (failure, anomaly) = (verdict(&mut graph, "failure")?, verdict(&mut graph, "anomaly")?);
    let turned = graph.transpose("edge.turned", x, &[0, 2, 1])?;
    let products = graph.matmul("edge.products", x, turned)?;
    let edge = graph.sigmoid("edge.sigmoid", products)?;
    graph.output("failure", failure)?;
    graph.output("anomaly", anomaly)?;
    graph.output("edge", edge)?;
    describe(&mut graph, "graph", "1.0.0");
    Ok(graph)
}

pub fn ensemble(seed: u64, predictions: usize) -> Result<Graph, Error> {
    let mut random = Random::new(seed);
    let mut graph = Graph::new("ensemble", Opset::V17);
    let input = graph.input("predictions", Element::F32, Shape::new([Axis::Batch, predictions.into()]))?;
    let logits = graph.linear("head", input, &random.linear(predictions, 3))?;
    let probability = graph.sigmoid("head.sigmoid", logits)?;
    graph.output("probability", probability)?;
    describe(&mut graph, "ensemble", "1.0.0");
    Ok(graph)
}
