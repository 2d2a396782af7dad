//! Files say what the networks say that they were written from.

mod support;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, activation};
use lehr_neural::ensemble::{Ensemble, Example};
use lehr_neural::fitting::Stop;
use lehr_neural::forecaster::{self, Architecture, Calibration, Forecaster, Scaler, Trained, Windows};
use lehr_neural::graph::{self, GraphArchitecture, GraphNetwork, GraphThresholds, Graphs, TrainedGraph};
use lehr_neural::recurrent::{Shape, Stack};
use lehr_neural::writing::{Identity, hash, values};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;
use support::onnx::{answer, assert_close, output};
use support::toy_graphs::ToyGraphs;
use support::{SENSORS, Toy};

fn identity(model: &'static str) -> Identity {
    Identity {
        model,
        version: "0.2.1".to_owned(),
        inputs: vec![("furnace_temperature".to_owned(), "°C".to_owned())],
        data: "0123".to_owned(),
        scaler: Some(json!({ "mean": [1.0] })),
        metrics: json!({ "f1": 0.5 }),
        trained: "2026-01-31".to_owned(),
    }
}

#[test]
fn a_forecaster_and_its_file_agree() {
    const STEPS: usize = 120;
    const ROWS: usize = 9;
    let device = Device::flex();
    let toy = Toy::new(ROWS, STEPS, 1);
    let architecture = Architecture { sensors: SENSORS, width: 24, layers: 2, attention: 12 };
    let trained = Trained {
        network: Forecaster::new(architecture, 2, &device).valid(),
        architecture,
        steps: STEPS,
        scaler: Scaler::fit(&toy).unwrap(),
        calibration: Calibration { slope: [1.5, 0.7, 2.0], shift: [0.2, -0.4, 0.1] },
        thresholds: [0.5; 3],
        history: Vec::new(),
        best_epoch: 0,
        stop: Stop::Complete,
    };
    let mut input = vec![0.0; ROWS * STEPS * SENSORS];
    for (row, window) in input.chunks_exact_mut(STEPS * SENSORS).enumerate() {
        toy.read(row, window);
    }
    // Values that are missing, and one far beyond what is known.
    let mut odd = OddToy { steps: STEPS, values: input.clone() };
    for at in [0, 7, STEPS * SENSORS - 1] {
        odd.values[at] = f32::NAN;
    }
    odd.values[STEPS * SENSORS + 3] = 1e9;

    let file = forecaster::export(&trained, &identity("forecaster")).unwrap();
    let said = answer(&file, &[("input", &[ROWS, STEPS, SENSORS], &odd.values)]);

    let ours: Vec<f32> = trained.probabilities(&odd).into_iter().flatten().map(|p| p as f32).collect();
    assert_close("probability", &ours, &output(&said, "probability"));
    assert_close("attention", &attention(&trained, &odd), &output(&said, "attention"));
    for row in output(&said, "attention").chunks_exact(STEPS) {
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
    assert_eq!((&said["opset"], &said["ir"]), (&json!(17), &json!(8)));
    let metadata = &said["metadata"];
    assert_eq!(metadata["lehr.model"], "forecaster");
    assert_eq!(metadata["lehr.version"], "0.2.1");
    assert_eq!(metadata["lehr.schema"], hash("furnace_temperature\t°C\n"));
    for key in ["lehr.data", "lehr.scaler", "lehr.metrics", "lehr.trained"] {
        assert!(metadata[key].is_string(), "{key}");
    }
}

struct OddToy {
    steps: usize,
    values: Vec<f32>,
}

impl Windows for OddToy {
    fn len(&self) -> usize {
        self.values.len() / (self.steps * SENSORS)
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn sensors(&self) -> usize {
        SENSORS
    }

    fn read(&self, index: usize, to: &mut [f32]) {
        to.copy_from_slice(&self.values[index * to.len()..][..to.len()]);
    }

    fn events(&self, _: usize) -> forecaster::Horizons<bool> {
        [false; 3]
    }
}

/// `[rows, steps]`.
fn attention(trained: &Trained, windows: &OddToy) -> Vec<f32> {
    let (rows, steps) = (windows.len(), windows.steps);
    let mut input = vec![0.0; rows * steps * SENSORS];
    for (at, &value) in windows.values.iter().enumerate() {
        let (row, step, sensor) = (at / (steps * SENSORS), at / SENSORS % steps, at % SENSORS);
        input[(step * rows + row) * SENSORS + sensor] = trained.scaler.scale(sensor, value);
    }
    let shape = Shape { steps, rows, inputs: SENSORS };
    let states = Stack::default().forward(&trained.network.layer_weights(), &input, shape, None);
    let extents = [steps, rows, trained.architecture.width];
    let states: Tensor<3> = Tensor::from_data(TensorData::new(states, extents), &Device::flex());
    values(trained.network.read(states, None).attention)
}

#[test]
fn a_graph_network_and_its_file_agree() {
    let device = Device::flex();
    let graphs = ToyGraphs::new(6, 3);
    let (rows, count, features) = (graphs.len(), graphs.nodes(), graphs.features());
    let architecture = GraphArchitecture { nodes: count, features, layers: 3, heads: 2, width: 8 };
    let trained = TrainedGraph {
        network: GraphNetwork::new(architecture, 4, &device).valid(),
        architecture,
        scaler: graph::FeatureScaler::fit(&graphs).unwrap(),
        thresholds: GraphThresholds { failure: 0.5, anomaly: 0.5, link: 0.5 },
        history: Vec::new(),
        best_epoch: 0,
        stop: Stop::Complete,
    };
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for index in 0..rows {
        let snapshot = graphs.snapshot(index);
        nodes.extend(snapshot.nodes);
        edges.extend(snapshot.edges);
    }

    let file = graph::export(&trained, &identity("graph")).unwrap();
    let said = answer(&file, &[("nodes", &[rows, count, features], &nodes), ("edges", &[rows, count, count], &edges)]);

    let scaled: Vec<f32> = nodes.chunks_exact(count * features).flat_map(|nodes| trained.scaler.scale(nodes)).collect();
    let nodes: Tensor<3> = Tensor::from_data(TensorData::new(scaled, [rows, count, features]), &device);
    let edges: Tensor<3> = Tensor::from_data(TensorData::new(edges, [rows, count, count]), &device);
    let ours = values(activation::sigmoid(trained.network.states(nodes, edges.clone())));
    let of = |which: usize| -> Vec<f32> { ours.iter().skip(which).step_by(2).copied().collect() };
    assert_close("failure", &of(0), &output(&said, "failure"));
    assert_close("anomaly", &of(1), &output(&said, "anomaly"));
    assert_close("edge", &values(activation::sigmoid(trained.network.links.forward(edges))), &output(&said, "edge"));
}

#[test]
fn an_ensemble_and_its_file_agree() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let examples: Vec<Example> = (0..400)
        .map(|_| {
            let members = vec![random.random(), random.random(), random.random()];
            let events = [members[0], members[1], 0.5].map(|p| random.random_bool(p));
            Example { members, events }
        })
        .collect();
    let ensemble = Ensemble::fit(&["forecaster", "graph", "vision"], &examples[..200], &examples[200..], 0.01).unwrap();
    let file = ensemble.export(&identity("ensemble")).unwrap();
    let mut members: Vec<f32> = examples[..20].iter().flat_map(|e| &e.members).map(|&p| p as f32).collect();
    members[0] = 0.0;
    members[4] = 1.0;
    let said = answer(&file, &[("predictions", &[20, 3], &members)]);
    let ours: Vec<f32> = members
        .chunks_exact(3)
        .flat_map(|members| ensemble.probabilities(&members.iter().map(|&p| f64::from(p)).collect::<Vec<_>>()))
        .map(|p| p as f32)
        .collect();
    assert_close("probability", &ours, &output(&said, "probability"));
}
