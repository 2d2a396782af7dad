//! The registry on a runtime without a server, with model files that ONNX Runtime opens.

mod archive;
mod changes;
mod start;
mod training;

use super::{OpenError, Opener, Registry, Status};
use crate::runtime::{Runtime, RuntimeOptions, Submission};
use lehr_dataflows::forecasts::Window;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_domain::model::{ModelKind, ModelVersion};
use lehr_onnx::{Axis, Element, Graph, Linear, Opset, Shape, Tensor};
use lehr_scoring::{Attribution, Ensemble, Forecaster, Model, Network, Schema};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the ensembles here read, as one text.
const SCHEMA: &str = "schema-of-these-tests";
/// Predictions that they read.
const PREDICTIONS: usize = 7;

/// An ensemble that reads so many predictions.
pub fn combined(version: &str, predictions: usize) -> Graph {
    let mut graph = Graph::new("ensemble", Opset::V17);
    let shape = Shape::new([Axis::Batch, predictions.into()]);
    let input = graph.input("predictions", Element::F32, shape).unwrap();
    let weight = Tensor::f32([predictions, 3], &vec![0.25; predictions * 3]).unwrap();
    let logits = graph.linear("head", input, &Linear { weight, bias: None }).unwrap();
    let probability = graph.sigmoid("head.sigmoid", logits).unwrap();
    graph.output("probability", probability).unwrap();
    describe(&mut graph, "ensemble", version);
    graph
}

fn describe(graph: &mut Graph, model: &str, version: &str) {
    for (key, value) in [
        ("lehr.model", model),
        ("lehr.version", version),
        ("lehr.schema", SCHEMA),
        ("lehr.data", "recipe"),
        ("lehr.trained", "2026-01-05"),
        ("lehr.metrics", r#"{"test":[0.5]}"#),
    ] {
        graph.metadata(key, value);
    }
}

/// A forecaster that is taken, and foretells nothing of use.
pub fn forecaster(version: &str) -> Vec<u8> {
    let mut graph = Graph::new("forecaster", Opset::V17);
    let input = graph.input("input", Element::F32, Shape::batched([120, 20])).unwrap();
    let mean = graph.reduce_mean("mean", input, 1, false).unwrap();
    let weight = Tensor::f32([20, 3], &[0.001; 60]).unwrap();
    let logits = graph.linear("head", mean, &Linear { weight, bias: None }).unwrap();
    let probability = graph.sigmoid("head.sigmoid", logits).unwrap();
    let minutes = graph.reduce_mean("minutes", input, 2, false).unwrap();
    let attention = graph.softmax("attention", minutes, 1).unwrap();
    graph.output("probability", probability).unwrap();
    graph.output("attention", attention).unwrap();
    describe(&mut graph, "forecaster", version);
    let ones = [1.0; 20];
    graph.metadata("lehr.scaler", format!(r#"{{"mean":{ones:?},"deviation":{ones:?}}}"#));
    written(&graph)
}

/// A graph model that is taken.
pub fn network(version: &str) -> Vec<u8> {
    let mut graph = Graph::new("graph", Opset::V17);
    let nodes = graph.input("nodes", Element::F32, Shape::batched([20, 4])).unwrap();
    let edges = graph.input("edges", Element::F32, Shape::batched([20, 20])).unwrap();
    let mean = graph.reduce_mean("mean", nodes, 2, false).unwrap();
    let failure = graph.sigmoid("failure.sigmoid", mean).unwrap();
    let anomaly = graph.sigmoid("anomaly.sigmoid", mean).unwrap();
    let edge = graph.sigmoid("edge.sigmoid", edges).unwrap();
    for (name, value) in [("failure", failure), ("anomaly", anomaly), ("edge", edge)] {
        graph.output(name, value).unwrap();
    }
    describe(&mut graph, "graph", version);
    written(&graph)
}

pub fn written(graph: &Graph) -> Vec<u8> {
    graph.encode().unwrap()
}

/// An ensemble that is taken.
pub fn ensemble(version: &str) -> Vec<u8> {
    written(&combined(version, PREDICTIONS))
}

/// The library that the set-up fetched. Tests fail without it.
pub fn library() -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let library = cache.join("onnxruntime/libonnxruntime.so.1.31.1");
    assert!(library.exists(), "{} is not there: run `make test-setup`", library.display());
    library
}

/// Opens files with [`library`].
#[derive(Debug)]
pub struct Onnx(lehr_scoring::Runtime);

impl Onnx {
    pub fn load() -> Arc<Onnx> {
        Arc::new(Onnx(lehr_scoring::Runtime::load(Some(&library())).unwrap()))
    }
}

impl Opener for Onnx {
    fn check(&self, model: ModelKind, file: &Path) -> Result<(), OpenError> {
        let schema = Schema::from_text(SCHEMA);
        let contract = match model {
            ModelKind::Forecaster => Forecaster::contract(schema),
            ModelKind::Graph => Network::contract(schema, 4),
            ModelKind::Ensemble => Ensemble::contract(schema, PREDICTIONS),
            ModelKind::Inspector => return Err(OpenError::Refused("pictures are not looked at here".into())),
        };
        let checked = Model::read(&self.0, file, contract);
        checked.map(drop).map_err(|error| OpenError::Refused(error.to_string()))
    }

    fn status(&self) -> Vec<Status> {
        let detail = format!("ONNX Runtime {}", self.0.version());
        vec![Status { name: "ONNX Runtime".into(), detail, problem: None, failures: 0 }]
    }

    fn columns(&self) -> &'static [&'static str] {
        &[]
    }

    fn attribute(&self, version: ModelVersion, _: &Window) -> Result<Attribution, OpenError> {
        Err(OpenError::Refused(format!("forecaster {version} is not open")))
    }
}

/// A program that stands in for the one that trains. Never written while tests run, so that it can always be started.
pub fn trainer() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/registry/tests/trainer.sh")
}

/// A plant that was just registered.
fn runtime(data: &Path) -> Runtime {
    runtime_with(data, GraphConfig::default())
}

/// The same, with graphs that ask models.
pub fn runtime_with(data: &Path, graph: GraphConfig) -> Runtime {
    let options = RuntimeOptions {
        data: data.to_owned(),
        workers: 1,
        graph,
        catalogue: Catalogue::parse(DEFAULT).unwrap(),
        knowledge: lehr_causal::DEFAULT.to_owned(),
        simulated_clock: true,
        salvage: false,
        sizes: Default::default(),
    };
    let runtime = Runtime::start(options, |_| ()).unwrap();
    runtime.submit_blocking(Submission::default()).unwrap().wait().unwrap();
    runtime
}

/// A registry in a folder.
fn registry(data: &Path, opener: Arc<dyn Opener>) -> (Runtime, Registry) {
    let runtime = runtime(data);
    (runtime.clone(), Registry::new(runtime, data, opener))
}
