//! Why a set could not be made.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("recipe {field}: {why}")]
    Recipe { field: &'static str, why: String },
    #[error("set at {}: {source}; name a folder that can be written", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("set at {}: {why}; delete the file, and it is made again", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error(transparent)]
    Plant(#[from] lehr_plant::PlantError),
    #[error(transparent)]
    Metric(#[from] lehr_metrics::MetricError),
}
