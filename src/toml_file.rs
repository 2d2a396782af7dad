//! Files that a user writes in TOML.

use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Why a file cannot be used. Names it, and the place in it.
#[derive(Debug, thiserror::Error)]
pub enum TomlFileError {
    #[error("cannot read {}: {why}", .file.display())]
    File { file: PathBuf, why: String },
    #[error("{}: {error}", .file.display())]
    Syntax { file: PathBuf, error: Box<toml::de::Error> },
}

/// Reads a file of at most `mib` MiB.
pub fn read<T: DeserializeOwned>(file: &Path, mib: u64) -> Result<T, TomlFileError> {
    let failed = |why: String| TomlFileError::File { file: file.to_owned(), why };
    let size = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
    if size > mib << 20 {
        return Err(failed(format!("it is longer than {mib} MiB")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| TomlFileError::Syntax { file: file.to_owned(), error: Box::new(error) })
}
