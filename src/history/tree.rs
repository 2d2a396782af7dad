//! Files in folders of folders; names are paths with `/` between their parts.

use super::source::{Files, Source};
use crate::journal::storage::{Storage, make_dir};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A folder of the file system, which need not exist before something is written into it.
#[derive(Debug)]
pub struct Tree {
    dir: PathBuf,
    /// Folders in which names changed since they were synced.
    changed: BTreeSet<PathBuf>,
    appending: Option<(String, File)>,
}

impl Tree {
    pub fn at(dir: &Path) -> Tree {
        Tree { dir: dir.to_owned(), changed: BTreeSet::new(), appending: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn note_change(&mut self, name: &str) {
        let path = self.path(name);
        self.changed.insert(path.parent().unwrap_or(&self.dir).to_owned());
    }

    fn appending(&mut self, name: &str) -> io::Result<&mut File> {
        if self.appending.as_ref().is_none_or(|(open, _)| open != name) {
            let file = OpenOptions::new().append(true).open(self.path(name))?;
            self.appending = Some((name.to_owned(), file));
        }
        let (_, file) = self.appending.as_mut().expect("it was opened above");
        Ok(file)
    }

    fn gather(&self, folder: &str, names: &mut Vec<String>) -> io::Result<()> {
        let entries = match fs::read_dir(self.path(folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            // A name that is no Unicode is none of ours.
            let Ok(name) = entry.file_name().into_string() else { continue };
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.file_type()?.is_dir() {
                self.gather(&name, names)?;
            } else {
                names.push(name);
            }
        }
        Ok(())
    }
}

impl Storage for Tree {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        self.gather("", &mut names)?;
        Ok(names)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path(name))?.len())
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let file = File::open(self.path(name))?;
        let mut filled = 0;
        while filled < buf.len() {
            match file.read_at(&mut buf[filled..], offset + filled as u64) {
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
        let path = self.path(name);
        make_dir(path.parent().unwrap_or(&self.dir))?;
        File::create(path)?;
        self.note_change(name);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.appending(name)?.write_all(bytes)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.appending(name)?.set_len(len)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.appending = None;
        fs::rename(self.path(from), self.path(to))?;
        self.note_change(from);
        self.note_change(to);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.appending = None;
        fs::remove_file(self.path(name))?;
        self.note_change(name);
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.appending(name)?.sync_data()
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        for folder in &self.changed {
            File::open(folder)?.sync_all()?;
        }
        self.changed.clear();
        Ok(())
    }
}

impl Files for Tree {
    fn open(&self, name: &str) -> io::Result<Source> {
        let file = File::open(self.path(name))?;
        let len = file.metadata()?.len();
        Ok(Source::File(Arc::new(file), len))
    }
}
