use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ort::session::Session;
use sha2::{Digest, Sha256};

use crate::contract::OPSETS;
use crate::metadata::{Metadata, hexadecimal};
use crate::session::{Effort, open};
use crate::{Contract, Error, Refusal, Runtime};

/// The largest model file. The largest of Lehr's is about 45 MB.
pub const MAX_MODEL_BYTES: u64 = 512 << 20;

/// A model file, read and checked against what its user expects.
#[derive(Debug, Clone)]
pub struct Model {
    name: String,
    contract: Contract,
    metadata: Metadata,
    digest: String,
    bytes: Vec<u8>,
}

impl Model {
    /// # Errors
    /// When the file cannot be read, or is not what the contract says. See [`Model::check`].
    pub fn read(runtime: &Runtime, file: &Path, contract: Contract) -> Result<Self, Error> {
        let failed = |source| Error::Read { file: file.to_owned(), source };
        let name = file.file_name().map_or_else(|| file.display().to_string(), |name| name.display().to_string());
        let mut bytes = Vec::new();
        let opened = File::open(file).map_err(failed)?;
        let length = opened.metadata().map_err(failed)?.len();
        let read = opened.take(MAX_MODEL_BYTES + 1).read_to_end(&mut bytes).map_err(failed)? as u64;
        if read > MAX_MODEL_BYTES {
            let refusal = Refusal::TooLarge { bytes: length.max(read), most: MAX_MODEL_BYTES };
            return Err(Error::Refused { model: name, refusal });
        }
        Self::check(runtime, name, bytes, contract)
    }

    /// Checks the bytes of a file: that they load, their opset, their metadata, what they read and give.
    ///
    /// # Errors
    /// [`Error::Refused`], which says what is wrong and what was expected.
    pub fn check(
        runtime: &Runtime,
        name: impl Into<String>,
        bytes: Vec<u8>,
        contract: Contract,
    ) -> Result<Self, Error> {
        let name = name.into();
        let checked = look(runtime, &bytes, &contract);
        let metadata = checked.map_err(|refusal| Error::Refused { model: name.clone(), refusal })?;
        let digest = hexadecimal(&Sha256::digest(&bytes));
        Ok(Model { name, contract, metadata, digest, bytes })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The SHA-256 of the file: which bytes a score came from.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lets go of the bytes, once sessions are made of them.
    pub(crate) fn forget_bytes(&mut self) {
        self.bytes = Vec::new();
    }
}

fn look(runtime: &Runtime, bytes: &[u8], contract: &Contract) -> Result<Metadata, Refusal> {
    let not_loaded = |error: ort::Error| Refusal::NotLoaded { problem: error.to_string() };
    if bytes.is_empty() {
        return Err(Refusal::NotLoaded { problem: "it is empty".to_owned() });
    }
    let session = open(runtime, bytes, Effort::Look).map_err(not_loaded)?;
    let opset = session.opset_for_domain("");
    if !opset.is_some_and(|opset| OPSETS.contains(&opset)) {
        let found = opset.map_or_else(|| "not given".to_owned(), |opset| opset.to_string());
        return Err(Refusal::Opset { found, least: *OPSETS.start(), most: *OPSETS.end() });
    }
    let all = properties(&session).map_err(not_loaded)?;
    // First of all whether it is for this at all.
    match all.get("lehr.model") {
        Some(found) if found != contract.model => {
            let expected = contract.model.to_owned();
            return Err(Refusal::Metadata { key: "lehr.model", found: found.clone(), expected });
        }
        _ => {}
    }
    let metadata = Metadata::read(all, contract.scaled)?;
    contract.check_ports(session.inputs(), session.outputs())?;
    if metadata.schema != contract.schema {
        return Err(Refusal::Schema { found: metadata.schema, expected: contract.schema.clone() });
    }
    Ok(metadata)
}

fn properties(session: &Session) -> Result<BTreeMap<String, String>, ort::Error> {
    let metadata = session.metadata()?;
    let keys = metadata.custom_keys()?;
    Ok(keys.into_iter().filter_map(|key| metadata.custom(&key).map(|value| (key, value))).collect())
}
