//! Files of whole networks are taken by ONNX's checker, and ONNX Runtime gets from them what the equations say.

mod support;

use lehr_onnx::blocks::{AttentionPooling, GraphAttention, Norm, TransformerBlock};
use lehr_onnx::{Element, Graph, LstmLayer, Opset, Shape, Tensor};
use support::{Random, answer, linear, numbers, sigmoid, softmax, wide};

const TOLERANCE: f64 = 2e-5;

/// `[steps, D]` to `[steps, H]`, straight from the equations.
fn lstm(x: &[f64], layer: &LstmLayer) -> Vec<f64> {
    let (units, inputs) = (layer.recurrent.extents()[1], layer.input.extents()[1]);
    let (w, r) = (numbers(&layer.input), numbers(&layer.recurrent));
    let (wb, rb) = (numbers(&layer.input_bias), numbers(&layer.recurrent_bias));
    let (mut hidden, mut cell) = (vec![0.0; units], vec![0.0; units]);
    let mut steps = Vec::new();
    for row in x.chunks(inputs) {
        let gate = |index: usize| {
            let from_input: f64 = row.iter().zip(&w[index * inputs..]).map(|(x, w)| x * w).sum();
            let from_hidden: f64 = hidden.iter().zip(&r[index * units..]).map(|(h, r)| h * r).sum();
            from_input + from_hidden + wb[index] + rb[index]
        };
        let all: Vec<f64> = (0..4 * units).map(gate).collect();
        for unit in 0..units {
            let (input, output) = (sigmoid(all[unit]), sigmoid(all[units + unit]));
            let (forget, candidate) = (sigmoid(all[2 * units + unit]), all[3 * units + unit].tanh());
            cell[unit] = cell[unit] * forget + input * candidate;
            hidden[unit] = output * cell[unit].tanh();
        }
        steps.extend_from_slice(&hidden);
    }
    steps
}

#[test]
fn layers_of_lstm_with_attention_are_what_their_equations_say() {
    let mut random = Random::seeded();
    let (steps, sensors, units, seen) = (9, 4, 5, 3);
    let mut layer = |inputs: usize| LstmLayer {
        input: random.tensor(&[4 * units, inputs]),
        recurrent: random.tensor(&[4 * units, units]),
        input_bias: random.tensor(&[4 * units]),
        recurrent_bias: random.tensor(&[4 * units]),
    };
    let layers = [layer(sensors), layer(units)];
    let pooling = AttentionPooling { hidden: random.linear(units, seen, true), score: random.linear(seen, 1, false) };
    let head = random.linear(units, 3, true);

    let mut graph = Graph::new("forecaster", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([steps, sensors])).unwrap();
    let states = graph.lstm("lstm", input, &layers).unwrap();
    let pooled = pooling.build(&mut graph, "attention", states).unwrap();
    let logits = graph.linear("head", pooled.context, &head).unwrap();
    let probability = graph.sigmoid("head.sigmoid", logits).unwrap();
    graph.output("probability", probability).unwrap();
    graph.output("attention", pooled.weights).unwrap();

    for batch in [1, 3] {
        let x = random.values(batch * steps * sensors);
        let answer = answer(&graph, &[("input", &[batch, steps, sensors], &x)]);
        let (probability, attention) = (answer.output("probability"), answer.output("attention"));
        assert_eq!((probability.shape.clone(), attention.shape.clone()), (vec![batch, 3], vec![batch, steps]));
        let (mut probabilities, mut weights) = (Vec::new(), Vec::new());
        for row in x.chunks(steps * sensors) {
            let states = lstm(&lstm(&wide(row), &layers[0]), &layers[1]);
            let bent: Vec<f64> = linear(&states, &pooling.hidden).iter().map(|value| value.tanh()).collect();
            let shares = softmax(&linear(&bent, &pooling.score));
            let context: Vec<f64> = (0..units)
                .map(|unit| shares.iter().enumerate().map(|(step, share)| share * states[step * units + unit]).sum())
                .collect();
            probabilities.extend(linear(&context, &head).into_iter().map(sigmoid));
            weights.extend(shares);
        }
        probability.assert_close(&probabilities, TOLERANCE);
        attention.assert_close(&weights, TOLERANCE);
    }
}

#[test]
fn weights_that_multiply_from_the_right_make_the_same_lstm() {
    let mut random = Random::seeded();
    let (steps, inputs, units) = (4, 3, 2);
    let (input, recurrent) = (random.tensor(&[inputs, 4 * units]), random.tensor(&[units, 4 * units]));
    let bias = random.tensor(&[4 * units]);
    let layer = LstmLayer::from_right(&input, &recurrent, bias.clone()).unwrap();
    let mut graph = Graph::new("lstm", Opset::V17);
    let x = graph.input("input", Element::F32, Shape::batched([steps, inputs])).unwrap();
    let states = graph.lstm("lstm", x, &[layer]).unwrap();
    graph.output("states", states).unwrap();

    let values = random.values(steps * inputs);
    let by_rows = LstmLayer {
        input: input.transposed().unwrap(),
        recurrent: recurrent.transposed().unwrap(),
        input_bias: Tensor::f32([4 * units], &[0.0; 8]).unwrap(),
        recurrent_bias: bias,
    };
    let answer = answer(&graph, &[("input", &[1, steps, inputs], &values)]);
    answer.output("states").assert_close(&lstm(&wide(&values), &by_rows), TOLERANCE);
}

fn normalised(x: &[f64], norm: &Norm) -> Vec<f64> {
    let (gain, bias) = (numbers(&norm.gain), numbers(&norm.bias));
    let row = |row: &[f64]| {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / row.len() as f64;
        let scale = 1.0 / (variance + f64::from(norm.epsilon)).sqrt();
        let out =
            row.iter().zip(gain.iter().zip(&bias)).map(|(value, (gain, bias))| (value - mean) * scale * gain + bias);
        out.collect::<Vec<f64>>()
    };
    x.chunks(gain.len()).flat_map(row).collect()
}

/// The error function by its Maclaurin series, which is exact enough for |x| < 4.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..100 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn gelu(x: f64) -> f64 {
    0.5 * x * (1.0 + erf(x / 2f64.sqrt()))
}

fn plus(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left + right).collect()
}

/// Of one row of the batch, `[tokens, width]`.
fn transformer(x: &[f64], block: &TransformerBlock, width: usize) -> Vec<f64> {
    let normed = normalised(x, &block.attention_norm);
    let [q, k, v] = [&block.query, &block.key, &block.value].map(|layer| linear(&normed, layer));
    let (tokens, per_head) = (x.len() / width, width / block.heads);
    let mut mixed = vec![0.0; x.len()];
    for head in 0..block.heads {
        let at = |token: usize, within: usize| token * width + head * per_head + within;
        for token in 0..tokens {
            let scores: Vec<f64> = (0..tokens)
                .map(|other| {
                    let product: f64 = (0..per_head).map(|within| q[at(token, within)] * k[at(other, within)]).sum();
                    product / (per_head as f64).sqrt()
                })
                .collect();
            for (other, share) in softmax(&scores).into_iter().enumerate() {
                for within in 0..per_head {
                    mixed[at(token, within)] += share * v[at(other, within)];
                }
            }
        }
    }
    let x = plus(x, &linear(&mixed, &block.output));
    let expanded = linear(&normalised(&x, &block.feed_forward_norm), &block.expand);
    let bent: Vec<f64> = expanded.into_iter().map(gelu).collect();
    plus(&x, &linear(&bent, &block.contract))
}

#[test]
fn a_transformer_block_is_what_its_equations_say() {
    let mut random = Random::seeded();
    let (tokens, width, inner) = (5, 8, 16);
    let mut norm = || Norm { gain: random.tensor(&[width]), bias: random.tensor(&[width]), epsilon: 1e-5 };
    let (attention_norm, feed_forward_norm) = (norm(), norm());
    let block = TransformerBlock {
        heads: 2,
        attention_norm,
        query: random.linear(width, width, true),
        key: random.linear(width, width, true),
        value: random.linear(width, width, true),
        output: random.linear(width, width, true),
        feed_forward_norm,
        expand: random.linear(width, inner, true),
        contract: random.linear(inner, width, true),
    };
    let mut graph = Graph::new("transformer", Opset::V20);
    let input = graph.input("input", Element::F32, Shape::batched([tokens, width])).unwrap();
    let output = block.build(&mut graph, "block", input).unwrap();
    graph.output("output", output).unwrap();

    let x = random.values(2 * tokens * width);
    let answer = answer(&graph, &[("input", &[2, tokens, width], &x)]);
    assert_eq!((answer.about("opset").as_i64(), answer.about("ir").as_i64()), (Some(20), Some(9)));
    let expected: Vec<f64> = x.chunks(tokens * width).flat_map(|row| transformer(&wide(row), &block, width)).collect();
    answer.output("output").assert_close(&expected, TOLERANCE);
}

/// Of one row of the batch.
fn graph_attention(x: &[f64], edges: &[f64], layer: &GraphAttention, least: f64) -> Vec<f64> {
    let (heads, width) = (layer.source.extents()[0], layer.source.extents()[1]);
    let hidden = linear(x, &layer.projection);
    let [source, target, edge] = [&layer.source, &layer.target, &layer.edge].map(numbers);
    let count = hidden.len() / (heads * width);
    let mut output = vec![0.0; hidden.len()];
    for head in 0..heads {
        let at = |node: usize, within: usize| (node * heads + head) * width + within;
        let dot = |node: usize, vector: &[f64]| -> f64 {
            (0..width).map(|within| hidden[at(node, within)] * vector[head * width + within]).sum()
        };
        for node in 0..count {
            let neighbours: Vec<usize> = (0..count).filter(|other| edges[node * count + other].abs() > least).collect();
            let scores: Vec<f64> = neighbours
                .iter()
                .map(|&other| {
                    let score = dot(node, &source) + dot(other, &target) + edge[head] * edges[node * count + other];
                    if score > 0.0 { score } else { 0.2 * score }
                })
                .collect();
            for (share, &other) in softmax(&scores).iter().zip(&neighbours) {
                for within in 0..width {
                    output[at(node, within)] += share * hidden[at(other, within)];
                }
            }
        }
    }
    output
}

#[test]
fn graph_attention_is_what_its_equations_say() {
    let mut random = Random::seeded();
    let (count, inputs, heads, width, least) = (6, 4, 2, 3, 0.4);
    let layer = GraphAttention {
        heads,
        projection: random.linear(inputs, heads * width, false),
        source: random.tensor(&[heads, width]),
        target: random.tensor(&[heads, width]),
        edge: random.tensor(&[heads]),
    };
    let mut graph = Graph::new("plant", Opset::V17);
    let nodes = graph.input("nodes", Element::F32, Shape::batched([count, inputs])).unwrap();
    let edges = graph.input("edges", Element::F32, Shape::batched([count, count])).unwrap();
    let strength = graph.abs("strength", edges).unwrap();
    let limit = graph.constant("limit", Tensor::scalar(least as f32).unwrap()).unwrap();
    let mask = graph.greater("mask", strength, limit).unwrap();
    let mixed = layer.build(&mut graph, "attention", nodes, edges, mask).unwrap();
    graph.output("output", mixed).unwrap();

    let x = random.values(3 * count * inputs);
    let mut correlations = random.values(3 * count * count);
    for row in correlations.chunks_mut(count * count) {
        (0..count).for_each(|node| row[node * count + node] = 1.0);
    }
    let answer = answer(&graph, &[("nodes", &[3, count, inputs], &x), ("edges", &[3, count, count], &correlations)]);
    let rows = x.chunks(count * inputs).zip(correlations.chunks(count * count));
    let expected: Vec<f64> =
        rows.flat_map(|(x, edges)| graph_attention(&wide(x), &wide(edges), &layer, f64::from(least as f32))).collect();
    answer.output("output").assert_close(&expected, TOLERANCE);
}
