pub mod forecaster;
mod span;
pub mod vision;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
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
