use super::{Failure, data};
use crate::registry::training::{TrainingError, TrainingOptions};
use clap::Args;
use lehr_domain::SpanMs;
use lehr_domain::model::ModelVersion;
use std::path::PathBuf;
use std::process::Command;

/// Judge model files on the data that was kept back from their training.
///
/// Needs no server. Each figure is shown beside its target, what plain methods reach, and the best that is possible; one that
/// is better than possible ends the command with an error.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The folder of the model files, each beside what its training left.
    #[arg(long, value_name = "DIR", default_value = "models/artifacts")]
    models: PathBuf,
    /// Where simulated plants are kept; those of the test parts that are missing are made.
    #[arg(long, value_name = "DIR", default_value = "data/training")]
    data: PathBuf,
    /// One version, instead of the newest of each model.
    #[arg(long = "model-version", value_name = "VERSION", value_parser = super::models::version)]
    version: Option<ModelVersion>,
    /// Time for scoring; what does not fit in is left out.
    #[arg(long, default_value = "5m", value_parser = data::span)]
    budget: SpanMs,
    /// ONNX Runtime's library, where it is not to be looked for.
    #[arg(long, value_name = "FILE")]
    onnxruntime: Option<PathBuf>,
    /// The program that trains and judges models; lehr-train beside this binary when absent.
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
}

impl EvaluateArgs {
    pub fn run(&self, json: bool) -> Result<(), Failure> {
        let program = TrainingOptions::new(&self.data, self.train.clone()).program;
        if !program.is_file() {
            return Err(TrainingError::NoProgram(program).into());
        }
        let mut command = Command::new(&program);
        command.arg("evaluate").arg("--models").arg(&self.models).arg("--data").arg(&self.data);
        command.arg("--budget").arg(format!("{}s", (self.budget.0 / 1000).max(1)));
        if let Some(version) = self.version {
            command.arg("--model-version").arg(version.to_string());
        }
        if let Some(library) = &self.onnxruntime {
            command.arg("--onnxruntime").arg(library);
        }
        if json {
            command.arg("--json");
        }
        let status = command.status().map_err(|error| format!("{}: {error}", program.display()))?;
        if !status.success() {
            return Err("the models could not be judged, or a figure is better than it can be".into());
        }
        Ok(())
    }
}
