//! Random numbers, what other programs say of a file, and arithmetic on plain vectors.
#![allow(dead_code)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lehr_onnx::{Graph, Linear, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Numbers from a seed that can be given again as LEHR_SEED.
pub struct Random(ChaCha8Rng);

impl Random {
    pub fn seeded() -> Self {
        let seed = std::env::var("LEHR_SEED").ok().map(|text| text.parse().expect("a number"));
        let since = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let seed: u64 = seed.unwrap_or_else(|| since().subsec_nanos().into());
        println!("LEHR_SEED={seed}");
        Random(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.0.random_range(-1.0..1.0)).collect()
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    pub fn tensor(&mut self, extents: &[usize]) -> Tensor {
        Tensor::f32(extents, &self.values(extents.iter().product())).expect("it fits")
    }

    pub fn linear(&mut self, inputs: usize, outputs: usize, bias: bool) -> Linear {
        let weight = self.tensor(&[inputs, outputs]);
        Linear { weight, bias: bias.then(|| self.tensor(&[outputs])) }
    }
}

/// Numbers with a shape, as f64, so that references add no error of their own that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Numbers {
    pub fn new(shape: &[usize], values: &[f32]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), values.len());
        Numbers { shape: shape.to_vec(), values: wide(values) }
    }

    #[track_caller]
    pub fn assert_close(&self, expected: &[f64], tolerance: f64) {
        assert_eq!(self.values.len(), expected.len());
        for (index, (value, expected)) in self.values.iter().zip(expected).enumerate() {
            let allowed = tolerance * expected.abs().max(1.0);
            assert!((value - expected).abs() <= allowed, "value {index} is {value}, expected {expected}");
        }
    }
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

pub fn numbers(tensor: &Tensor) -> Vec<f64> {
    wide(&tensor.to_f32().expect("weights are f32"))
}

/// Rows of `x` times `[inputs, outputs]`, plus the bias.
pub fn linear(x: &[f64], layer: &Linear) -> Vec<f64> {
    let (inputs, outputs) = (layer.weight.extents()[0], layer.weight.extents()[1]);
    let weight = numbers(&layer.weight);
    let bias = layer.bias.as_ref().map_or_else(|| vec![0.0; outputs], numbers);
    x.chunks(inputs)
        .flat_map(|row| {
            (0..outputs)
                .map(|output| {
                    let products =
                        row.iter().enumerate().map(|(input, value)| value * weight[input * outputs + output]);
                    bias[output] + products.sum::<f64>()
                })
                .collect::<Vec<f64>>()
        })
        .collect()
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub fn softmax(row: &[f64]) -> Vec<f64> {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|value| (value - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// What ONNX's checker and ONNX Runtime made of a graph.
pub struct Answer(Value);

impl Answer {
    #[track_caller]
    pub fn output(&self, name: &str) -> Numbers {
        let output = &self.0["outputs"][name];
        assert!(output.is_object(), "there is no output {name}");
        let shape: Vec<usize> = serde_json::from_value(output["shape"].clone()).expect("a shape");
        // What is read may be off by the last bit of an f64, which the f32 that was written does not have.
        let values: Vec<f64> = serde_json::from_value(output["values"].clone()).expect("numbers");
        Numbers { shape, values: values.into_iter().map(|value| f64::from(value as f32)).collect() }
    }

    pub fn about(&self, what: &str) -> &Value {
        &self.0[what]
    }
}

/// Writes the file, has it checked and run. Tests that need Python fail without it.
#[track_caller]
pub fn answer(graph: &Graph, inputs: &[(&str, &[usize], &[f32])]) -> Answer {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("model.onnx");
    std::fs::write(&file, graph.encode().expect("it is whole")).expect("it is written");
    let inputs: serde_json::Map<String, Value> = inputs
        .iter()
        .map(|(name, shape, values)| ((*name).to_owned(), json!({"shape": shape, "values": values})))
        .collect();
    let ask = json!({"model": file, "inputs": inputs}).to_string();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx_says.py");
    let mut python =
        Command::new(python()).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    python.stdin.take().expect("asked for").write_all(ask.as_bytes()).expect("it listens");
    let output = python.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the file was refused");
    Answer(serde_json::from_slice(&output.stdout).expect("it answers in JSON"))
}

fn python() -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let python = cache.join("onnx/venv/bin/python");
    assert!(python.exists(), "{} is not there: run `make test-setup`", python.display());
    python
}
