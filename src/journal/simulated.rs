//! A disk for tests that forgets: at [`SimDisk::crash`] every sector and every name that was not synced is either
//! kept or lost, each by itself, as a real disk may do. Writes can be made to fail, by a full disk or by the power
//! going off in the middle.

use super::storage::Storage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::rc::Rc;

/// Small, so that even small records are torn.
const SECTOR: usize = 32;

#[derive(Clone, Debug, Default)]
struct File {
    seen: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Naming {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Default)]
struct State {
    files: Vec<File>,
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Since the last sync of the directory.
    unsynced: Vec<Naming>,
    /// Bytes of all files together; `None` is boundless.
    capacity: Option<usize>,
    /// Changes that still succeed before the power goes; `None` is all.
    fuse: Option<u32>,
    power_failed: bool,
    /// Syncs that still succeed before all fail; `None` is all.
    good_syncs: Option<u32>,
    fail_truncates: bool,
}

/// Clones are handles of one disk.
#[derive(Clone, Debug, Default)]
pub struct SimDisk(Rc<RefCell<State>>);

fn rename_in(names: &mut BTreeMap<String, usize>, from: &str, to: &str) {
    if let Some(file) = names.remove(from) {
        names.insert(to.to_owned(), file);
    }
}

impl SimDisk {
    pub fn set_capacity(&self, bytes: Option<usize>) {
        self.0.borrow_mut().capacity = bytes;
    }

    pub fn set_fuse(&self, changes: Option<u32>) {
        self.0.borrow_mut().fuse = changes;
    }

    /// Whether a change was refused because the power is off.
    pub fn power_failed(&self) -> bool {
        self.0.borrow().power_failed
    }

    pub fn fail_syncs(&self, fail: bool) {
        self.fail_syncs_after(fail.then_some(0));
    }

    /// Lets all syncs fail after so many; `None`: lets none fail.
    pub fn fail_syncs_after(&self, good: Option<u32>) {
        self.0.borrow_mut().good_syncs = good;
    }

    pub fn fail_truncates(&self, fail: bool) {
        self.0.borrow_mut().fail_truncates = fail;
    }

    pub fn used(&self) -> usize {
        let state = self.0.borrow();
        state.seen.values().map(|file| state.files[*file].seen.len()).sum()
    }

    /// The process ends and starts again; the power stays on, so that nothing is lost, nor anything synced.
    pub fn restart(&self) {
        let state = &mut *self.0.borrow_mut();
        (state.fuse, state.power_failed) = (None, false);
        (state.good_syncs, state.fail_truncates) = (None, false);
    }

    /// The system writes back all bytes by itself, as it may at any time.
    pub fn write_back(&self) {
        for file in &mut self.0.borrow_mut().files {
            file.durable = file.seen.clone();
        }
    }

    /// Power off and on again.
    pub fn crash(&self, rng: &mut ChaCha8Rng) {
        self.restart();
        let state = &mut *self.0.borrow_mut();
        for naming in std::mem::take(&mut state.unsynced) {
            if rng.random_bool(0.5) {
                match naming {
                    Naming::Create(name, file) => drop(state.durable.insert(name, file)),
                    Naming::Rename(from, to) => rename_in(&mut state.durable, &from, &to),
                    Naming::Remove(name) => drop(state.durable.remove(&name)),
                }
            }
        }
        for file in &mut state.files {
            let (old, new) = (std::mem::take(&mut file.durable), std::mem::take(&mut file.seen));
            let len = if rng.random_bool(0.5) { old.len() } else { new.len() };
            let mut left = vec![0; len];
            for (sector, bytes) in left.chunks_mut(SECTOR).enumerate() {
                let from = if rng.random_bool(0.5) { &old } else { &new };
                let have = from.get(sector * SECTOR..).unwrap_or_default();
                let count = bytes.len().min(have.len());
                bytes[..count].copy_from_slice(&have[..count]);
            }
            file.durable = left.clone();
            file.seen = left;
        }
        state.seen = state.durable.clone();
    }

    /// The whole content, by name.
    pub fn image(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.borrow();
        state.seen.iter().map(|(name, file)| (name.clone(), state.files[*file].seen.clone())).collect()
    }

    /// What would be left if the power went now and took all that was not synced.
    pub fn durable_image(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.borrow();
        state.durable.iter().map(|(name, file)| (name.clone(), state.files[*file].durable.clone())).collect()
    }

    /// A disk with this content, all of it durable.
    pub fn from_image(image: &BTreeMap<String, Vec<u8>>) -> SimDisk {
        let mut state = State::default();
        for (name, bytes) in image {
            state.seen.insert(name.clone(), state.files.len());
            state.files.push(File { seen: bytes.clone(), durable: bytes.clone() });
        }
        state.durable = state.seen.clone();
        SimDisk(Rc::new(RefCell::new(state)))
    }
}

impl State {
    fn file(&self, name: &str) -> io::Result<usize> {
        self.seen.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Whether the power is still on for one more change.
    fn powered(&mut self) -> io::Result<()> {
        match &mut self.fuse {
            Some(0) => {
                self.power_failed = true;
                Err(io::Error::other("the power is off"))
            }
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether one more sync succeeds.
    fn syncs(&mut self) -> io::Result<()> {
        match &mut self.good_syncs {
            Some(0) => Err(io::Error::other("cannot sync")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Storage for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().seen.keys().cloned().collect())
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        let state = self.0.borrow();
        Ok(state.files[state.file(name)?].seen.len() as u64)
    }

    fn read(&self, name: &str, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let state = self.0.borrow();
        let have = state.files[state.file(name)?].seen.get(offset as usize..).unwrap_or_default();
        let count = buf.len().min(have.len());
        buf[..count].copy_from_slice(&have[..count]);
        Ok(count)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        state.powered()?;
        if let Ok(file) = state.file(name) {
            state.files[file].seen.clear();
            return Ok(());
        }
        let file = state.files.len();
        state.files.push(File::default());
        state.seen.insert(name.to_owned(), file);
        state.unsynced.push(Naming::Create(name.to_owned(), file));
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let room = self.0.borrow().capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(self.used()));
        let state = &mut *self.0.borrow_mut();
        let file = state.file(name)?;
        let powered = state.powered();
        // The power goes in the middle of a write, and a full disk takes what still fits.
        let count = if powered.is_err() { bytes.len() / 2 } else { bytes.len() }.min(room);
        state.files[file].seen.extend_from_slice(&bytes[..count]);
        powered?;
        if count < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn truncate(&mut self, name: &str, len: u64) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        state.powered()?;
        if state.fail_truncates {
            return Err(io::Error::other("cannot truncate"));
        }
        let file = state.file(name)?;
        state.files[file].seen.resize(len as usize, 0);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        state.powered()?;
        state.file(from)?;
        rename_in(&mut state.seen, from, to);
        state.unsynced.push(Naming::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        state.powered()?;
        state.file(name)?;
        state.seen.remove(name);
        state.unsynced.push(Naming::Remove(name.to_owned()));
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        state.powered()?;
        state.syncs()?;
        let file = state.file(name)?;
        state.files[file].durable = state.files[file].seen.clone();
        Ok(())
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        let state = &mut *self.0.borrow_mut();
        state.powered()?;
        state.syncs()?;
        state.unsynced.clear();
        state.durable = state.seen.clone();
        Ok(())
    }
}
