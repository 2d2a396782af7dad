//! The disks of the simulated machine, and handles of them that may lie about an fsync.

use super::mutation::{Mutation, Omission};
use crate::history::{Files, Source};
use crate::journal::simulated::SimDisk;
use crate::journal::storage::Storage;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::cell::Cell;
use std::io;
use std::rc::Rc;

/// Length of a segment that holds its header and nothing else.
const HEADER_BYTES: u64 = 16;

/// One for each folder of a data directory. The power goes for all of them at once.
#[derive(Default)]
pub struct Disks {
    pub journal: SimDisk,
    pub history: SimDisk,
    pub checkpoints: SimDisk,
    pub changes: SimDisk,
    /// Set while the journal is opened.
    recovering: Rc<Cell<bool>>,
    pub mutation: Option<Mutation>,
}

impl Disks {
    pub fn new(mutation: Option<Mutation>) -> Disks {
        Disks { mutation, ..Disks::default() }
    }

    fn all(&self) -> [&SimDisk; 4] {
        [&self.journal, &self.history, &self.checkpoints, &self.changes]
    }

    /// One of them: mostly the journal's, on which everything hangs.
    pub fn any(&self, rng: &mut ChaCha8Rng) -> &SimDisk {
        let one = [&self.journal, &self.journal, &self.journal, &self.history, &self.checkpoints, &self.changes];
        one.choose(rng).expect("there are disks")
    }

    /// The power will go in the middle of some change: any of a commit, of a conversion, of a checkpoint.
    pub fn fail_power_soon(&self, rng: &mut ChaCha8Rng) {
        let (disk, changes) = match rng.random_range(0..6) {
            0..2 => (&self.journal, 6),
            2..4 => (&self.history, 40),
            4 => (&self.checkpoints, 8),
            _ => (&self.changes, 6),
        };
        disk.set_fuse(Some(rng.random_range(0..changes)));
    }

    pub fn power_failed(&self) -> bool {
        self.all().iter().any(|disk| disk.power_failed())
    }

    /// Leaves little room, or none.
    pub fn fill(&self, rng: &mut ChaCha8Rng) {
        self.all().iter().for_each(|disk| disk.set_capacity(Some(disk.used() + rng.random_range(0..4000))));
    }

    /// A disk lets no fsync succeed any more, now or in the middle of something.
    pub fn fail_syncs(&self, rng: &mut ChaCha8Rng) {
        let good = if rng.random_bool(0.5) { 0 } else { rng.random_range(0..12) };
        self.any(rng).fail_syncs_after(Some(good));
    }

    /// Takes all faults away but that of the power.
    pub fn mend(&self) {
        for disk in self.all() {
            disk.set_capacity(None);
            disk.fail_syncs(false);
        }
    }

    /// The process ends; the machine goes on.
    pub fn restart(&self) {
        self.all().iter().for_each(|disk| disk.restart());
    }

    /// The power goes.
    pub fn crash(&self, rng: &mut ChaCha8Rng) {
        self.all().iter().for_each(|disk| disk.crash(rng));
    }

    pub fn handle(&self, role: Role) -> Handle {
        let disk = match role {
            Role::Journal | Role::Thinning => &self.journal,
            Role::History => &self.history,
            Role::Checkpoints => &self.checkpoints,
        };
        let omits = match self.mutation {
            Some(Mutation::Omit(omission)) => Some(omission),
            _ => None,
        };
        Handle { disk: disk.clone(), role, omits, recovering: self.recovering.clone() }
    }

    /// Does something to which the fsyncs of the journal's recovery belong.
    pub fn recovering<T>(&self, open: impl FnOnce() -> T) -> T {
        self.recovering.set(true);
        let opened = open();
        self.recovering.set(false);
        opened
    }
}

/// What a disk is used for.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// The journal's, by its writer.
    Journal,
    /// The journal's, by who makes closed segments thin.
    Thinning,
    History,
    Checkpoints,
}

#[derive(Clone, Debug)]
pub struct Handle {
    disk: SimDisk,
    role: Role,
    omits: Option<Omission>,
    recovering: Rc<Cell<bool>>,
}

impl Handle {
    fn kind_of_file(&self, name: &str) -> io::Result<Omission> {
        Ok(match self.role {
            Role::Journal if self.recovering.get() => Omission::Recovery,
            Role::Journal if self.disk.len(name)? > HEADER_BYTES => Omission::Group,
            Role::Journal => Omission::Header,
            Role::Thinning => Omission::Thin,
            Role::History if name.ends_with(".parquet") => Omission::Readings,
            Role::History => Omission::Manifest,
            Role::Checkpoints => Omission::Checkpoint,
        })
    }

    fn kind_of_names(&self) -> Omission {
        match self.role {
            Role::Journal if self.recovering.get() => Omission::Recovery,
            Role::Journal => Omission::Names,
            Role::Thinning => Omission::ThinNames,
            Role::History => Omission::HistoryNames,
            Role::Checkpoints => Omission::CheckpointNames,
        }
    }
}

impl Storage for Handle {
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
        if self.omits == Some(self.kind_of_file(name)?) { Ok(()) } else { self.disk.sync(name) }
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        if self.omits == Some(self.kind_of_names()) { Ok(()) } else { self.disk.sync_dir() }
    }
}

impl Files for Handle {
    fn open(&self, name: &str) -> io::Result<Source> {
        self.disk.open(name)
    }
}
