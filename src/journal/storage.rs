//! The files of one directory, as the journal needs them: a seam, so that tests can put a disk underneath that
//! loses and tears what was not synced.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files of one directory, by name. Only what was synced survives a loss of power: a file's bytes and length by
/// [`Storage::sync`], its name by [`Storage::sync_dir`].
pub trait Storage {
    /// Names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    fn len(&self, name: &str) -> io::Result<u64>;
    /// Fills `buf` from `offset` on; fewer bytes only where the file ends.
    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// Makes `name` an empty file.
    fn create(&mut self, name: &str) -> io::Result<()>;
    /// Writes at the end. After an error any part may have been written.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()>;
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&mut self, name: &str) -> io::Result<()>;
    fn sync(&mut self, name: &str) -> io::Result<()>;
    fn sync_dir(&mut self) -> io::Result<()>;
}

/// A directory of the file system.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    /// The file appended to last, kept open: a tick then costs one write and one fdatasync, and an error of
    /// writing back that the kernel reports once is reported to the handle that wrote.
    appending: Option<(String, File)>,
    /// Held, not read.
    _lock: Option<Lock>,
}

/// Its lock is the journal's lock. It holds no data and stays when the journal is closed.
const LOCK_FILE: &str = "lock";

/// The right to change a directory. It ends when the last clone is gone, also when the process dies.
#[derive(Clone, Debug)]
pub struct Lock {
    _file: Arc<File>,
}

impl Lock {
    /// Makes the directory and locks it. `None` when somebody else has the lock.
    pub fn take(dir: &Path) -> io::Result<Option<Lock>> {
        make_dir(dir)?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(dir.join(LOCK_FILE))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: Arc::new(file) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Disk {
    /// For readers, and for who moves readings out of closed segments: takes no lock, and the directory must exist.
    pub fn shared(dir: &Path) -> io::Result<Disk> {
        if !dir.is_dir() {
            return Err(io::Error::new(ErrorKind::NotFound, "there is no such directory"));
        }
        Ok(Disk { dir: dir.to_owned(), appending: None, _lock: None })
    }

    /// For the writer, who has the lock of the directory.
    pub fn exclusive(dir: &Path, lock: Lock) -> Disk {
        Disk { dir: dir.to_owned(), appending: None, _lock: Some(lock) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn appending(&mut self, name: &str) -> io::Result<&mut File> {
        if self.appending.as_ref().is_none_or(|(open, _)| open != name) {
            let file = OpenOptions::new().append(true).open(self.path(name))?;
            self.appending = Some((name.to_owned(), file));
        }
        let (_, file) = self.appending.as_mut().expect("it was opened above");
        Ok(file)
    }
}

/// Makes `dir` with its parents, each durable in its own parent.
pub fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_dir(parent)?;
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}

impl Storage for Disk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            // A name that is no Unicode is none of the journal's.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(std::fs::metadata(self.path(name))?.len())
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(self.path(name))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut filled = 0;
        while filled < buf.len() {
            match file.read(&mut buf[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.appending = None;
        File::create(self.path(name)).map(drop)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.appending(name)?.write_all(bytes)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.appending(name)?.set_len(len)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.appending = None;
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.appending = None;
        std::fs::remove_file(self.path(name))
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.appending(name)?.sync_data()
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}
