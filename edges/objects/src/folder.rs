//! Objects as files that are there whole, and still after a loss of power.

use bytes::Bytes;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Beside the object; what a killed process left of it is replaced, or deleted with what does not count.
pub(crate) const PARTIAL: &str = ".partial";

/// Held while the position is replaced.
const LOCK: &str = "lock";

#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// Makes it when it is missing.
    pub fn open(root: &Path) -> io::Result<Folder> {
        make(root)?;
        Ok(Folder { root: root.canonicalize()? })
    }

    /// Durable when it returns.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.root.join(name);
        let parent = file.parent().expect("a name lies below the root").to_owned();
        make(&parent)?;
        let partial = PathBuf::from(format!("{}{PARTIAL}", file.display()));
        let mut written = File::create(&partial)?;
        written.write_all(bytes)?;
        written.sync_all()?;
        fs::rename(&partial, &file)?;
        File::open(&parent)?.sync_all()
    }

    /// Whether it is there now: not when something else was in place of `expected`. Another process that does the same is
    /// not waited for: `WouldBlock`.
    pub fn swap(&self, name: &str, bytes: &[u8], expected: Option<&Bytes>) -> io::Result<bool> {
        let lock = File::options().create(true).append(true).open(self.root.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ErrorKind::WouldBlock.into(),
            TryLockError::Error(error) => error,
        })?;
        let there = match fs::read(self.root.join(name)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if there.as_deref() != expected.map(|bytes| &bytes[..]) {
            return Ok(false);
        }
        self.write(name, bytes)?;
        Ok(true)
    }
}

/// Durably, with the folders above that are missing.
fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    make(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_know_what_is_there_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("a/b")).unwrap();
        assert!(folder.swap("position.json", b"1", None).unwrap());
        assert!(!folder.swap("position.json", b"2", None).unwrap());
        assert!(!folder.swap("position.json", b"2", Some(&Bytes::from_static(b"0"))).unwrap());
        assert!(folder.swap("position.json", b"2", Some(&Bytes::from_static(b"1"))).unwrap());
        let held = File::open(dir.path().join("a/b/lock")).unwrap();
        held.lock().unwrap();
        let busy = folder.swap("position.json", b"3", Some(&Bytes::from_static(b"2"))).unwrap_err();
        assert_eq!(busy.kind(), ErrorKind::WouldBlock);
        assert_eq!(fs::read(dir.path().join("a/b/position.json")).unwrap(), b"2");
    }

    #[test]
    fn what_a_killed_process_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        fs::create_dir(dir.path().join("ware")).unwrap();
        fs::write(dir.path().join("ware/a.parquet.partial"), b"torn, and longer").unwrap();
        folder.write("ware/a.parquet", b"whole").unwrap();
        let names: Vec<_> =
            fs::read_dir(dir.path().join("ware")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!((names.len(), fs::read(dir.path().join("ware/a.parquet")).unwrap()), (1, b"whole".to_vec()));
    }
}
