use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use lehr_datasets::graphs::{FEATURES, describe};
use lehr_datasets::sequences::Sequences;
use lehr_neural::NeuralError;
use lehr_scoring::{
    Ensemble, Forecast, Forecaster, ModelVersion, Network, Options, PREDICTIONS, Runtime, Schema, Snapshot, Verdict,
};

use super::sensor_units;

/// Rows of a call. Few enough that progress is told, and no call comes near its time-out.
pub const ROWS: usize = 256;

/// Where written models are, and what runs them.
#[derive(Debug, Args)]
pub struct Models {
    /// The folder of the model files, each beside its history.
    #[arg(long, value_name = "DIR")]
    pub models: PathBuf,
    /// The library of ONNX Runtime; looked for beside this binary and in $LEHR_CACHE/onnxruntime if not given.
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
}

impl Models {
    pub fn path(&self, name: &str, version: &str, ending: &str) -> PathBuf {
        self.models.join(format!("{name}-{version}.{ending}"))
    }

    pub fn forecaster(&self, version: &str) -> Result<Forecaster, Box<dyn std::error::Error>> {
        let file = self.path("forecaster", version, "onnx");
        Ok(Forecaster::open(&self.runtime()?, &file, sensor_schema()?, options())?)
    }

    pub fn graph(&self, version: &str) -> Result<Network, Box<dyn std::error::Error>> {
        let file = self.path("graph", version, "onnx");
        Ok(Network::open(&self.runtime()?, &file, sensor_schema()?, FEATURES, options())?)
    }

    pub fn ensemble(&self, version: &str) -> Result<Ensemble, Box<dyn std::error::Error>> {
        let file = self.path("ensemble", version, "onnx");
        let schema = Schema::of(PREDICTIONS.map(|name| (name, PROBABILITY)));
        Ok(Ensemble::open(&self.runtime()?, &file, schema, PREDICTIONS.len(), options())?)
    }

    /// The newest version of a model in the folder; none where there is no such model.
    pub fn newest(&self, name: &str) -> Option<String> {
        let files = std::fs::read_dir(&self.models).ok()?.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let version = |file: String| -> Option<ModelVersion> {
            file.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(".onnx")?.parse().ok()
        };
        files.filter_map(version).max().map(|version| version.to_string())
    }

    /// The version of a model that somebody names, or the newest one.
    pub fn version(&self, name: &str, named: Option<&String>) -> Result<String, Box<dyn std::error::Error>> {
        let newest = || self.newest(name).ok_or_else(|| format!("`{}` holds no {name}", self.models.display()));
        Ok(named.cloned().map_or_else(newest, Ok)?)
    }

    /// What the training of a model left beside it.
    pub fn history(&self, name: &str, version: &str) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
        let path = self.path(name, version, "json");
        let bytes = read(&path)?;
        Ok(serde_json::from_slice(&bytes).map_err(|error| format!("`{}`: {error}", path.display()))?)
    }

    pub fn runtime(&self) -> Result<Runtime, lehr_scoring::Error> {
        Runtime::load(self.onnxruntime.as_deref())
    }
}

/// The unit of what an ensemble reads.
pub const PROBABILITY: &str = "probability";

fn sensor_schema() -> Result<Schema, Box<dyn std::error::Error>> {
    let units = sensor_units()?;
    Ok(Schema::of(units.iter().map(|(name, unit)| (name.as_str(), unit.as_str()))))
}

/// A worker for each core, and time enough on a machine that others use as well.
pub fn options() -> Options {
    let workers = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    Options { workers, time_out: Duration::from_secs(120) }
}

pub fn read(path: &Path) -> Result<Vec<u8>, NeuralError> {
    std::fs::read(path).map_err(|source| NeuralError::File { path: path.to_owned(), action: "read", source })
}

/// What the forecaster says of chosen windows.
pub fn forecasts(model: &Forecaster, part: &Sequences, chosen: &[usize]) -> Result<Vec<Forecast>, lehr_scoring::Error> {
    let mut all = Vec::with_capacity(chosen.len());
    for rows in chosen.chunks(ROWS) {
        all.extend(model.forecast(rows.iter().flat_map(|&index| part.window(index)).copied().collect())?);
    }
    Ok(all)
}

/// What the graph network says of the same windows.
pub fn verdicts(model: &Network, part: &Sequences, chosen: &[usize]) -> Result<Vec<Verdict>, lehr_scoring::Error> {
    let mut all = Vec::with_capacity(chosen.len());
    for rows in chosen.chunks(ROWS) {
        let snapshot = |&index: &usize| {
            let (nodes, edges) = describe(part.window(index));
            Snapshot { nodes, edges }
        };
        all.extend(model.judge(&rows.iter().map(snapshot).collect::<Vec<_>>())?);
    }
    Ok(all)
}
