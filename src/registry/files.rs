//! The folder of model files, `DATA/models`: `KIND-VERSION.onnx`, with a card `KIND-VERSION.md` and what its training left,
//! `KIND-VERSION.json`, where there are any.
//!
//! A file under its name is whole: it is written elsewhere in the folder, made durable, looked at, and renamed. What a
//! crash leaves lies in `incoming/`, and goes at the next start.

use super::error::RegistryError;
use crate::replace::replace;
use lehr_domain::model::{ModelKind, ModelVersion};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of the largest model that is taken. The largest of Lehr's has 45 MB.
pub const FILE_MOST: usize = 64 << 20;
/// Bytes of the longest card. Lehr's own have 6 kB.
pub const CARD_MOST: usize = 1 << 20;

/// Bytes of what a training leaves beside its model. Lehr's own have 100 kB.
pub const HISTORY_MOST: usize = 16 << 20;

const INCOMING: &str = "incoming";

/// The folder of a data directory's models.
pub fn folder(data: &Path) -> PathBuf {
    data.join("models")
}

/// The file of a version, in a folder of models.
pub fn file(folder: &Path, model: ModelKind, version: ModelVersion) -> PathBuf {
    folder.join(format!("{model}-{version}.onnx"))
}

/// How the file of a registered version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    Ready,
    Missing,
    /// It cannot be read, or has other bytes than were registered.
    Damaged,
}

impl FileState {
    pub fn text(self) -> &'static str {
        match self {
            FileState::Ready => "ready",
            FileState::Missing => "missing",
            FileState::Damaged => "damaged",
        }
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.text())
    }
}

/// The SHA-256 of bytes, hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub struct Files {
    folder: PathBuf,
    /// What files were when they were read last, by name.
    known: Mutex<BTreeMap<PathBuf, Known>>,
}

/// As long as length and time are the same, so are the bytes: files are renamed into place, never written over.
#[derive(Clone, PartialEq, Eq)]
struct Known {
    length: u64,
    modified: SystemTime,
    digest: String,
}

impl Files {
    pub fn new(data: &Path) -> Files {
        Files { folder: folder(data), known: Mutex::default() }
    }

    pub fn path(&self, model: ModelKind, version: ModelVersion) -> PathBuf {
        file(&self.folder, model, version)
    }

    fn card_path(&self, model: ModelKind, version: ModelVersion) -> PathBuf {
        self.folder.join(format!("{model}-{version}.md"))
    }

    /// Whether the file is there and has these bytes.
    pub fn state(&self, model: ModelKind, version: ModelVersion, wanted: &str) -> FileState {
        match self.digest_of(&self.path(model, version)) {
            Ok(digest) if digest == wanted => FileState::Ready,
            Err(error) if error.kind() == io::ErrorKind::NotFound => FileState::Missing,
            Ok(_) | Err(_) => FileState::Damaged,
        }
    }

    fn digest_of(&self, path: &Path) -> io::Result<String> {
        let about = fs::metadata(path)?;
        let (length, modified) = (about.len(), about.modified()?);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(known) = known.filter(|known| known.length == length && known.modified == modified) {
            return Ok(known.digest);
        }
        let digest = digest(&bounded(path, FILE_MOST)?);
        let found = Known { length, modified, digest: digest.clone() };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), found);
        Ok(digest)
    }

    pub fn read(&self, model: ModelKind, version: ModelVersion) -> Result<Vec<u8>, RegistryError> {
        let path = self.path(model, version);
        bounded(&path, FILE_MOST).map_err(|source| failed("read", &path, source))
    }

    /// The card, `None` when there is none that can be read.
    pub fn card(&self, model: ModelKind, version: ModelVersion) -> Option<String> {
        String::from_utf8(bounded(&self.card_path(model, version), CARD_MOST).ok()?).ok()
    }

    pub fn put_card(&self, model: ModelKind, version: ModelVersion, text: &str) -> Result<(), RegistryError> {
        if text.len() > CARD_MOST {
            return Err(RegistryError::Card);
        }
        let path = self.card_path(model, version);
        replace(&path, text.as_bytes()).map_err(|source| failed("write", &path, source))
    }

    fn history_path(&self, model: ModelKind, version: ModelVersion) -> PathBuf {
        self.folder.join(format!("{model}-{version}.json"))
    }

    /// What a training left beside its model, `None` when there is nothing.
    pub fn history(&self, model: ModelKind, version: ModelVersion) -> Option<Vec<u8>> {
        bounded(&self.history_path(model, version), HISTORY_MOST).ok()
    }

    pub fn put_history(&self, model: ModelKind, version: ModelVersion, bytes: &[u8]) -> Result<(), RegistryError> {
        let path = self.history_path(model, version);
        replace(&path, bytes).map_err(|source| failed("write", &path, source))
    }

    /// Writes bytes into the folder, durable, under no version's name.
    pub fn take_in(&self, bytes: &[u8]) -> Result<Incoming<'_>, RegistryError> {
        let path = self.folder.join(INCOMING).join(format!("{}.onnx", &digest(bytes)[..16]));
        replace(&path, bytes).map_err(|source| failed("write", &path, source))?;
        Ok(Incoming { files: self, path })
    }

    /// Removes what an earlier run did not finish.
    pub fn tidy(&self) -> Result<(), RegistryError> {
        let path = self.folder.join(INCOMING);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("clear", &path, error)),
            _ => Ok(()),
        }
    }
}

/// A file that is looked at before it is a version's. Dropped, it goes.
pub struct Incoming<'f> {
    files: &'f Files,
    path: PathBuf,
}

impl Incoming<'_> {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it the file of a version, in place of any other.
    pub fn keep(self, model: ModelKind, version: ModelVersion) -> Result<(), RegistryError> {
        let path = self.files.path(model, version);
        let kept = fs::rename(&self.path, &path).and_then(|()| File::open(&self.files.folder)?.sync_all());
        kept.map_err(|source| failed("write", &path, source))
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        // Renamed by now, or gone at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// The bytes of a file that has at most so many.
pub fn bounded(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> RegistryError {
    RegistryError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: ModelKind = ModelKind::Graph;

    fn version() -> ModelVersion {
        ModelVersion::new(1, 0, 0)
    }

    #[test]
    fn a_file_is_there_whole_or_not_at_all() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::new(data.path());
        let state = || files.state(KIND, version(), &digest(b"weights"));
        assert_eq!(state(), FileState::Missing);
        let incoming = files.take_in(b"weights").unwrap();
        assert_eq!((state(), fs::read(incoming.path()).unwrap()), (FileState::Missing, b"weights".to_vec()));
        incoming.keep(KIND, version()).unwrap();
        assert_eq!((state(), files.read(KIND, version()).unwrap()), (FileState::Ready, b"weights".to_vec()));
        let left = files.take_in(b"others").unwrap().path().to_owned();
        assert!(!left.exists(), "what is not kept goes");
    }

    #[test]
    fn other_bytes_are_seen() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::new(data.path());
        files.take_in(b"weights").unwrap().keep(KIND, version()).unwrap();
        let state = || files.state(KIND, version(), &digest(b"weights"));
        assert_eq!(state(), FileState::Ready);
        fs::write(files.path(KIND, version()), b"weight").unwrap();
        assert_eq!(state(), FileState::Damaged);
        fs::remove_file(files.path(KIND, version())).unwrap();
        assert_eq!(state(), FileState::Missing);
    }

    #[test]
    fn what_a_crash_left_goes_and_cards_are_bounded() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::new(data.path());
        files.tidy().unwrap();
        let incoming = files.take_in(b"weights").unwrap();
        files.tidy().unwrap();
        assert!(!incoming.path().exists());
        files.put_card(KIND, version(), "# Graph").unwrap();
        assert_eq!(files.card(KIND, version()).as_deref(), Some("# Graph"));
        assert!(matches!(files.put_card(KIND, version(), &"x".repeat(CARD_MOST + 1)), Err(RegistryError::Card)));
    }
}
