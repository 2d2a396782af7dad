use std::path::PathBuf;
use std::time::Duration;

use crate::metadata::Schema;

/// What can go wrong between a model file and a score.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing that was looked at is an ONNX Runtime that can be used.
    #[error("no ONNX Runtime 1.{least} or later was found: {looked}. Put libonnxruntime.so beside the binary or name it",
        least = crate::runtime::LEAST_MINOR)]
    NoRuntime { looked: String },
    /// A process loads one library, once.
    #[error("ONNX Runtime is loaded from {loaded} already, and {asked} cannot be loaded as well", loaded = loaded.display(),
        asked = asked.display())]
    OtherRuntime { loaded: PathBuf, asked: PathBuf },
    /// ONNX Runtime failed where no model is to blame.
    #[error("ONNX Runtime failed to {doing}: {problem}")]
    Runtime { doing: &'static str, problem: String },
    #[error("model file {file} cannot be read: {source}", file = file.display())]
    Read { file: PathBuf, source: std::io::Error },
    /// A file that is not taken.
    #[error("model {model} is refused: {refusal}")]
    Refused { model: String, refusal: Refusal },
    /// What is to be scored does not fit.
    #[error("{field}: {problem}")]
    Input { field: String, problem: String },
    /// The call took longer than it may, waiting included.
    #[error("no score within {after:?}: fewer rows, more workers or a longer time-out are needed")]
    TimedOut { after: Duration },
    #[error("model {model} failed: {problem}")]
    Run { model: String, problem: String },
    /// A model gave what it never should.
    #[error("model {model} gave a bad {output}: {problem}")]
    Output { model: String, output: &'static str, problem: String },
}

/// Why a model file is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it has {bytes} bytes, and {most} at most are expected")]
    TooLarge { bytes: u64, most: u64 },
    #[error("it is no model that ONNX Runtime can load: {problem}")]
    NotLoaded { problem: String },
    #[error("its opset is {found}, expected is {least} to {most}")]
    Opset { found: String, least: u32, most: u32 },
    #[error("its metadata lacks {key}")]
    Missing { key: &'static str },
    #[error("its metadata {key} is {found:?}, expected is {expected}")]
    Metadata { key: &'static str, found: String, expected: String },
    #[error("its schema is {found}, expected is {expected}: it reads other inputs, in another order or unit")]
    Schema { found: Schema, expected: Schema },
    #[error("its {side} are {found}, expected are {expected}")]
    Ports { side: &'static str, found: String, expected: String },
    #[error("it failed when it was tried: {problem}")]
    Tried { problem: String },
}
