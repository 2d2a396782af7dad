pub mod controls;
pub mod ensemble;
pub mod evaluate;
pub mod forecaster;
mod found;
pub mod graph;
mod inspected;
mod models;
mod span;
pub mod vision;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lehr_datasets::sequences::sensors;
use lehr_domain::catalogue::{Catalogue, DEFAULT};
use lehr_neural::NeuralError;
use lehr_neural::fitting::{JsonLines, Terminal, Watch};

/// What every training is told.
#[derive(Debug, Args)]
pub struct Common {
    /// Where the model, its card and the checkpoints go.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The model's semantic version.
    #[arg(long = "model-version", value_name = "VERSION", default_value = "0.1.0")]
    pub version: String,
    /// The seed of weights, order and dropout.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Time for training, such as 30m or 2h; a training that it cuts short can be resumed.
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    pub budget: Option<std::time::Duration>,
    /// Goes on from the checkpoint in the folder of the model, if there is one.
    #[arg(long)]
    pub resume: bool,
    /// Tells progress as JSON lines on standard output, for another program.
    #[arg(long)]
    pub json: bool,
}

impl Common {
    pub fn watch(&self) -> Box<dyn Watch + Send> {
        if self.json { Box::new(JsonLines::new(std::io::stdout())) } else { Box::new(Terminal::new()) }
    }
}

/// The set of examples.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Set {
    /// That of the shipped models.
    Full,
    /// A few thousand, for trying things out.
    Small,
}

/// Name and unit of each sensor that models read, in their order.
pub fn sensor_units() -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
    let catalogue = Catalogue::parse(DEFAULT)?;
    let unit = |name: &str| {
        let entry = catalogue.sensors.iter().find(|entry| entry.parameter == name);
        entry.map(|entry| (name.to_owned(), entry.unit.clone())).ok_or_else(|| format!("no sensor is named {name}"))
    };
    Ok(sensors().iter().map(|name| unit(name)).collect::<Result<_, _>>()?)
}

pub fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// Writes a model, its card and its history as `NAME-VERSION` with their endings; returns the model's path.
pub fn keep(
    common: &Common,
    name: &str,
    model: &[u8],
    card: &str,
    history: &serde_json::Value,
) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let name = format!("{name}-{}", common.version);
    let path = write(&common.out, &format!("{name}.onnx"), model)?;
    write(&common.out, &format!("{name}.md"), card.as_bytes())?;
    write(&common.out, &format!("{name}.json"), &serde_json::to_vec_pretty(history)?)?;
    Ok(path)
}

/// Writes a file into a folder, which is made if need be.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, NeuralError> {
    let path = folder.join(name);
    fs::create_dir_all(folder).and_then(|()| fs::write(&path, bytes)).map_err(|source| NeuralError::File {
        path: path.clone(),
        action: "written",
        source,
    })?;
    Ok(path)
}
