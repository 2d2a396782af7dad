use std::path::PathBuf;

/// Why a network could not be trained, kept or written out.
#[derive(Debug, thiserror::Error)]
pub enum NeuralError {
    #[error("`{}` could not be {action}", path.display())]
    File { path: PathBuf, action: &'static str, source: std::io::Error },

    #[error("`{}` is no checkpoint of this training: {reason}; remove it or leave out --resume", path.display())]
    Checkpoint { path: PathBuf, reason: String },

    #[error("`{}` cannot be trained further: {reason}", path.display())]
    Start { path: PathBuf, reason: String },

    #[error("`{}` cannot say anything else of itself: {reason}", path.display())]
    Property { path: PathBuf, reason: String },

    #[error("the network's weights cannot be read or applied: {0}")]
    Weights(#[from] burn::store::RecordError),

    #[error("the network cannot be written as ONNX: {0}")]
    Export(#[from] lehr_onnx::Error),

    #[error("the network cannot be judged: {0}")]
    Metric(#[from] lehr_metrics::MetricError),

    #[error("the loss became {loss} in epoch {epoch}, batch {batch}; use a smaller learning rate")]
    Diverged { epoch: usize, batch: usize, loss: f64 },

    #[error("{split} holds {found} examples, at least {needed} are needed")]
    TooFew { split: &'static str, found: usize, needed: usize },

    #[error("`{field}` is {found}: {fix}")]
    Setting { field: &'static str, found: String, fix: &'static str },

    #[error("the pictures cannot be made: {0}")]
    Pictures(#[from] lehr_camera::CameraError),
}
