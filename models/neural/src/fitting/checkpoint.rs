use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::early::EarlyStopping;
use super::fit::Epoch;
use crate::error::NeuralError;
use crate::replacing::replace;

const NAME: &str = "checkpoint.lehr";
const MAGIC: &[u8; 8] = b"LEHRCKP1";
/// Weights, moments and the best weights of any network here stay far below.
const SIZE_MAX: u64 = 4 << 30;

/// Where a training stands after an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Names the training: seed, plan, data. A checkpoint of another one is refused.
    pub fingerprint: String,
    pub history: Vec<Epoch>,
    pub early: EarlyStopping,
}

/// A training after an epoch: what is needed to go on to the very same result.
///
/// File: magic, then four parts (progress as JSON, weights, the optimiser's state, best weights), each a
/// little-endian u64 length and its bytes, then the CRC-32 of all that. It is written beside the old one and renamed,
/// so a crash leaves the old or the new checkpoint, never half of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub progress: Progress,
    pub weights: Vec<u8>,
    pub optimiser: Vec<u8>,
    pub best: Vec<u8>,
}

impl Checkpoint {
    pub fn save(&self, folder: &Path) -> Result<(), NeuralError> {
        let made = fs::create_dir_all(folder);
        made.map_err(|source| NeuralError::File { path: folder.to_owned(), action: "made", source })?;
        replace(&folder.join(NAME), &self.to_bytes())
    }

    /// The checkpoint in a folder; none if there is no such file.
    pub fn load(folder: &Path) -> Result<Option<Self>, NeuralError> {
        let path = folder.join(NAME);
        match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(NeuralError::File { path, action: "read", source }),
            Ok(metadata) if metadata.len() > SIZE_MAX => {
                return Err(NeuralError::Checkpoint { path, reason: "it is too large".to_owned() });
            }
            Ok(_) => {}
        }
        let bytes =
            fs::read(&path).map_err(|source| NeuralError::File { path: path.clone(), action: "read", source })?;
        Self::from_bytes(&bytes).map(Some).map_err(|reason| NeuralError::Checkpoint { path, reason })
    }

    /// Removes the checkpoint of a folder, if there is one.
    pub fn remove(folder: &Path) -> Result<(), NeuralError> {
        let path: PathBuf = folder.join(NAME);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(NeuralError::File { path, action: "removed", source })
            }
            _ => Ok(()),
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let progress = serde_json::to_vec(&self.progress).expect("plain data without maps of odd keys");
        let mut bytes = MAGIC.to_vec();
        for part in [&progress, &self.weights, &self.optimiser, &self.best] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (body, sum) = bytes.split_last_chunk::<4>().ok_or("it is cut off")?;
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err("its check sum is wrong".to_owned());
        }
        let mut rest = body.strip_prefix(MAGIC).ok_or("it has another format")?;
        let mut part = || -> Result<Vec<u8>, String> {
            let (length, after) = rest.split_first_chunk::<8>().ok_or("it is cut off")?;
            let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|error| error.to_string())?;
            let (part, after) = after.split_at_checked(length).ok_or("it is cut off")?;
            rest = after;
            Ok(part.to_vec())
        };
        let progress = serde_json::from_slice(&part()?).map_err(|error| error.to_string())?;
        Ok(Self { progress, weights: part()?, optimiser: part()?, best: part()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Checkpoint {
        Checkpoint {
            progress: Progress { fingerprint: "seed 1".to_owned(), history: Vec::new(), early: EarlyStopping::new(5) },
            weights: vec![1, 2, 3],
            optimiser: vec![4],
            best: Vec::new(),
        }
    }

    #[test]
    fn a_checkpoint_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Checkpoint::load(folder.path()).unwrap(), None);
        example().save(folder.path()).unwrap();
        assert_eq!(Checkpoint::load(folder.path()).unwrap(), Some(example()));
        Checkpoint::remove(folder.path()).unwrap();
        assert_eq!(Checkpoint::load(folder.path()).unwrap(), None);
    }

    #[test]
    fn a_damaged_byte_or_a_cut_is_refused_wherever_it_is() {
        let bytes = example().to_bytes();
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            assert!(Checkpoint::from_bytes(&damaged).is_err(), "byte {place}");
            assert!(Checkpoint::from_bytes(&bytes[..place]).is_err(), "cut at {place}");
        }
    }
}
