//! ONNX Runtime, seeds, and models on disk.
#![allow(dead_code)]

pub mod models;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lehr_onnx::Graph;
use lehr_scoring::{Forecaster, Model, Options, Runtime, Schema};
use tempfile::TempDir;

/// The library that the set-up fetched. Tests fail without it.
#[track_caller]
pub fn runtime() -> Runtime {
    Runtime::load(Some(&library())).expect("it loads")
}

#[track_caller]
pub fn library() -> PathBuf {
    let cache = std::env::var_os("LEHR_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("lehr")
    });
    let path = cache.join("onnxruntime/libonnxruntime.so.1.31.1");
    assert!(path.exists(), "{} is not there: run `make test-setup`", path.display());
    path
}

/// A seed that can be given again as LEHR_SEED.
pub fn seed() -> u64 {
    let seed = std::env::var("LEHR_SEED").ok().map(|text| text.parse().expect("a number"));
    let since = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let seed: u64 = seed.unwrap_or_else(|| since().subsec_nanos().into());
    println!("LEHR_SEED={seed}");
    seed
}

pub fn schema() -> Schema {
    Schema::from_text(models::SCHEMA)
}

/// So many workers, and more time than a slow machine needs.
pub fn workers(count: usize) -> Options {
    Options { workers: NonZero::new(count).expect("one or more"), time_out: Duration::from_secs(300) }
}

pub struct Files(TempDir);

impl Files {
    pub fn new() -> Self {
        Files(tempfile::tempdir().expect("a folder"))
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("it is written");
        path
    }

    pub fn write_graph(&self, name: &str, graph: &Graph) -> PathBuf {
        self.write(name, &graph.encode().expect("it is whole"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// A forecaster from a graph.
pub fn forecaster(graph: &Graph, options: Options) -> Forecaster {
    let runtime = runtime();
    let bytes = graph.encode().expect("it is whole");
    let model = Model::check(&runtime, "forecaster", bytes, Forecaster::contract(schema())).expect("it is taken");
    Forecaster::from_model(&runtime, model, options).expect("it runs")
}
