//! Other things than rows, above all models: bytes with a name and a checksum.
//!
//! ```text
//! artifacts/models/forecaster/1.2.0/model.onnx/<SHA-256>     the bytes
//! artifacts/models/forecaster/1.2.0/model.onnx/sha256        which of them count; put there once, when they are whole
//! ```

use crate::config::{ARTIFACTS, Config};
use crate::place::Place;
use bytes::Bytes;
use lehr_targets::TargetError;
use sha2::{Digest, Sha256};

/// Which bytes count.
const POINTER: &str = "sha256";

/// Longest name, and longest artefact: one request takes it.
const NAME_MOST: usize = 512;
const BYTES_MOST: usize = 2 << 30;

/// Artefacts of a store. Whoever uses it shares nothing with the tables but the place.
pub struct Artifacts {
    place: Place,
}

/// One that is there whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    pub name: String,
    pub bytes: u64,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
}

impl Artifacts {
    pub fn open(config: &Config) -> Result<Artifacts, TargetError> {
        Ok(Artifacts { place: Place::open(config)? })
    }

    /// Keeps bytes under a name such as `models/forecaster/1.2.0/model.onnx`, durably. The same bytes again change nothing;
    /// others under that name are refused.
    pub async fn put(&self, name: &str, bytes: Bytes) -> Result<Artifact, TargetError> {
        check(name)?;
        if bytes.len() > BYTES_MOST {
            return Err(TargetError::Refused(format!("{name} is longer than {BYTES_MOST} bytes")));
        }
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let artifact = Artifact { name: name.to_owned(), bytes: bytes.len() as u64, sha256 };
        self.place.write(&within(name, &artifact.sha256), bytes).await?;
        let pointer = Bytes::from(artifact.sha256.clone());
        if self.place.swap(&within(name, POINTER), pointer, None).await?.is_none() {
            let there = self.pointer(name).await?;
            if there.as_ref() != Some(&artifact.sha256) {
                return Err(TargetError::Refused(format!(
                    "{name} is there already with other bytes: give another version"
                )));
            }
        }
        Ok(artifact)
    }

    /// `None` when there is none. Bytes that are not those that were put are refused.
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, TargetError> {
        check(name)?;
        let Some(sha256) = self.pointer(name).await? else { return Ok(None) };
        let damaged = || TargetError::Refused(format!("{name} is damaged: delete it, and put it anew"));
        let (bytes, _) = self.place.read(&within(name, &sha256)).await?.ok_or_else(damaged)?;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if digest == sha256 { Ok(Some(bytes)) } else { Err(damaged()) }
    }

    /// Those whose names begin with a folder such as `models/forecaster`, in order of names; empty: all.
    pub async fn list(&self, folder: &str) -> Result<Vec<Artifact>, TargetError> {
        let found = self.place.list(format!("{ARTIFACTS}/{folder}").trim_end_matches('/')).await?;
        let mut artifacts = Vec::new();
        for pointer in found.iter().filter_map(|found| found.name.strip_suffix(POINTER)?.strip_suffix('/')) {
            let Some(name) = pointer.strip_prefix(ARTIFACTS).and_then(|rest| rest.strip_prefix('/')) else { continue };
            let Some(sha256) = self.pointer(name).await? else { continue };
            let blob = within(name, &sha256);
            let bytes = found.iter().find(|found| found.name == blob).map_or(0, |found| found.bytes);
            artifacts.push(Artifact { name: name.to_owned(), bytes, sha256 });
        }
        artifacts.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(artifacts)
    }

    /// That there is none is no error.
    pub async fn delete(&self, name: &str) -> Result<(), TargetError> {
        check(name)?;
        // First what makes it count.
        self.place.delete(&[within(name, POINTER)]).await?;
        let left: Vec<String> = self.place.list(&within(name, "")).await?.into_iter().map(|found| found.name).collect();
        self.place.delete(&left).await
    }

    async fn pointer(&self, name: &str) -> Result<Option<String>, TargetError> {
        let Some((bytes, _)) = self.place.read(&within(name, POINTER)).await? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(Some(text));
        }
        Err(TargetError::Refused(format!("{name} is damaged: delete it, and put it anew")))
    }
}

fn within(name: &str, file: &str) -> String {
    format!("{ARTIFACTS}/{name}/{file}").trim_end_matches('/').to_owned()
}

fn check(name: &str) -> Result<(), TargetError> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    let good =
        |part: &str| !part.is_empty() && part.chars().all(legal) && part != "." && part != ".." && part != POINTER;
    if name.len() <= NAME_MOST && name.split('/').all(good) {
        return Ok(());
    }
    Err(TargetError::Refused(format!(
        "'{name}' is no name of an artefact: it has letters, digits, -, _, . and + between single /"
    )))
}
