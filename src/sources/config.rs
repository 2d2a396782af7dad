//! The file of sources: which peers there are, and what their tags mean.

use super::folder::Folder;
use super::peers::Peer;
use crate::toml_file::{self, TomlFileError};
use lehr_domain::names::Names;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Sources that one system may have.
const MOST: usize = 200;
/// MiB of the longest file that is read.
const LONGEST_MIB: u64 = 16;

/// As written: a list for each protocol. Each page of docs/sources has the entries of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourcesConfig {
    folder: Vec<Folder>,
    kafka: Vec<lehr_kafka::Config>,
    modbus: Vec<lehr_modbus::Config>,
    mqtt: Vec<lehr_mqtt::Config>,
    opcua: Vec<lehr_opcua::Config>,
}

/// Why the file cannot be used. Names the entry and the fix.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    #[error(transparent)]
    File(#[from] TomlFileError),
    #[error("source {name}: {why}")]
    Source { name: String, why: String },
    #[error("two sources are named {0}: each needs a name of its own")]
    Twice(String),
    #[error("{0} sources are more than {MOST}")]
    TooMany(usize),
}

impl SourcesConfig {
    pub fn read(file: &Path) -> Result<SourcesConfig, SourcesError> {
        Ok(toml_file::read(file, LONGEST_MIB)?)
    }

    /// The peers, each of which can be run with these names registered.
    pub fn peers(self, names: &Names) -> Result<Vec<Arc<dyn Peer>>, SourcesError> {
        let apart = |protocol: &str, why: Result<(), String>| {
            why.map_err(|why| SourcesError::Source { name: protocol.to_owned(), why })
        };
        apart("modbus", lehr_modbus::check_together(&self.modbus).map_err(|error| error.to_string()))?;
        apart("mqtt", lehr_mqtt::check_together(&self.mqtt).map_err(|error| error.to_string()))?;
        let mut peers = alike(self.folder);
        peers.extend(alike(self.kafka));
        peers.extend(alike(self.modbus));
        peers.extend(alike(self.mqtt));
        peers.extend(alike(self.opcua));
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

/// Peers of one protocol, seen as those of any.
fn alike<C: Peer>(configs: Vec<C>) -> Vec<Arc<dyn Peer>> {
    configs.into_iter().map(|config| Arc::new(config) as Arc<dyn Peer>).collect()
}
