//! The disks of the simulated machine, and one that lies about an fsync.

use crate::journal::simulated::SimDisk;
use crate::journal::storage::Storage;
use std::cell::Cell;
use std::io;
use std::rc::Rc;

/// Length of a segment that holds its header and nothing else.
const HEADER_BYTES: u64 = 16;

/// An fsync of the journal that says it is done and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// That of a group of ticks.
    Group,
    /// That of a new segment's header.
    Header,
    /// That of a new segment's name.
    Name,
    /// Those of recovery, which make durable what a killed process wrote.
    Recovery,
}

/// A handle of the journal's directory.
#[derive(Clone)]
pub struct JournalDisk {
    pub disk: SimDisk,
    pub omits: Option<Omission>,
    /// Set while the journal is opened.
    pub recovering: Rc<Cell<bool>>,
}

impl JournalDisk {
    fn omits(&self, sync: Omission) -> bool {
        let sync = if self.recovering.get() { Omission::Recovery } else { sync };
        self.omits == Some(sync)
    }
}

impl Storage for JournalDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        self.disk.len(name)
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.disk.read(name, offset, buf)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.disk.create(name)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.append(name, bytes)
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        self.disk.truncate(name, len)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let kind = if self.disk.len(name)? > HEADER_BYTES { Omission::Group } else { Omission::Header };
        if self.omits(kind) { Ok(()) } else { self.disk.sync(name) }
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        if self.omits(Omission::Name) { Ok(()) } else { self.disk.sync_dir() }
    }
}
