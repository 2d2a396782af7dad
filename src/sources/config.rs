//! The file of sources: which peers there are, and what their tags mean.

use super::folder::Folder;
use super::peers::Peer;
use lehr_domain::names::Names;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Sources that one system may have.
const MOST: usize = 200;
/// Bytes of the longest file that is read.
const LONGEST: u64 = 16 << 20;

/// As written: a list for each protocol. Each page of docs/sources has the entries of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcesConfig {
    folder: Vec<Folder>,
    modbus: Vec<lehr_modbus::Config>,
}

/// Why the file cannot be used. Names the entry and the fix.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    #[error("cannot read {}: {why}", .file.display())]
    File { file: PathBuf, why: String },
    #[error("{}: {error}", .file.display())]
    Syntax { file: PathBuf, error: Box<toml::de::Error> },
    #[error("source {name}: {why}")]
    Source { name: String, why: String },
    #[error("two sources are named {0}: each needs a name of its own")]
    Twice(String),
    #[error("{0} sources are more than {MOST}")]
    TooMany(usize),
}

impl SourcesConfig {
    pub fn read(file: &Path) -> Result<SourcesConfig, SourcesError> {
        let failed = |why: String| SourcesError::File { file: file.to_owned(), why };
        let size = std::fs::metadata(file).map_err(|error| failed(error.to_string()))?.len();
        if size > LONGEST {
            return Err(failed(format!("it is longer than {} MiB", LONGEST >> 20)));
        }
        let text = std::fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        toml::from_str(&text).map_err(|error| SourcesError::Syntax { file: file.to_owned(), error: Box::new(error) })
    }

    /// The peers, each of which can be run with these names registered.
    pub fn peers(self, names: &Names) -> Result<Vec<Arc<dyn Peer>>, SourcesError> {
        let together = lehr_modbus::check_together(&self.modbus);
        together.map_err(|error| SourcesError::Source { name: "modbus".into(), why: error.to_string() })?;
        let mut peers: Vec<Arc<dyn Peer>> = Vec::new();
        peers.extend(self.folder.into_iter().map(|config| Arc::new(config) as Arc<dyn Peer>));
        peers.extend(self.modbus.into_iter().map(|config| Arc::new(config) as Arc<dyn Peer>));
        if peers.len() > MOST {
            return Err(SourcesError::TooMany(peers.len()));
        }
        let mut taken = BTreeSet::new();
        for peer in &peers {
            let name = peer.name().to_owned();
            peer.check(names).map_err(|why| SourcesError::Source { name: name.clone(), why })?;
            if !taken.insert(name.clone()) {
                return Err(SourcesError::Twice(name));
            }
        }
        Ok(peers)
    }
}
