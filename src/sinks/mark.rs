//! Where a store elsewhere stands, kept here: so Lehr can start while the store is away.

use super::SinkError;
use crate::replace::replace;
use lehr_domain::Tick;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a store is known to hold, and what may have reached it too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub held: u64,
    /// Ends of deltas that were handed over and perhaps applied, rising: the store holds `held` or one of these.
    #[serde(default)]
    pub under_way: Vec<u64>,
}

impl Standing {
    pub fn may_hold(&self, tick: Tick) -> bool {
        tick.0 == self.held || self.under_way.contains(&tick.0)
    }
}

/// A small file that is replaced whole.
#[derive(Debug)]
pub struct Mark {
    file: PathBuf,
    standing: Standing,
}

impl Mark {
    /// The mark of the store of this name, in this folder. A new store holds nothing.
    pub fn open(folder: &Path, store: &str) -> Result<Mark, SinkError> {
        let file = folder.join(format!("{store}.json"));
        let failed = |action, source| SinkError::Io { action, file: file.display().to_string(), source };
        let standing = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed("understand", error.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Standing::default(),
            Err(error) => return Err(failed("read", error)),
        };
        Ok(Mark { file, standing })
    }

    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Notes that a delta up to `tick` may reach the store from now on. Durable when it returns.
    pub fn begin(&mut self, tick: Tick) -> Result<(), SinkError> {
        let Standing { held, under_way } = &self.standing;
        let mut ends: Vec<u64> = under_way.iter().copied().filter(|end| end > held).collect();
        // Each crash adds one, and what is held takes them away again.
        if let Err(place) = ends.binary_search(&tick.0) {
            ends.insert(place, tick.0);
        }
        self.write(Standing { held: *held, under_way: ends })
    }

    /// Notes that the store holds `tick`. Not made durable: after a crash the same delta goes out again.
    pub fn end(&mut self, tick: Tick) {
        self.standing.held = tick.0;
        self.standing.under_way.retain(|end| *end > tick.0);
    }

    fn write(&mut self, standing: Standing) -> Result<(), SinkError> {
        if standing == self.standing && self.file.exists() {
            return Ok(());
        }
        let failed = |source| SinkError::Io { action: "write", file: self.file.display().to_string(), source };
        let bytes = serde_json::to_vec(&standing).map_err(|error| failed(error.into()))?;
        replace(&self.file, &bytes).map_err(failed)?;
        self.standing = standing;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_crash_it_is_known_at_which_ticks_the_store_may_stand() {
        let dir = tempfile::tempdir().unwrap();
        let standing = |held, under_way: &[u64]| Standing { held, under_way: under_way.to_vec() };
        let mut mark = Mark::open(dir.path(), "archive").unwrap();
        assert_eq!(*mark.standing(), Standing::default());
        mark.begin(Tick(5)).unwrap();
        mark.end(Tick(5));
        mark.begin(Tick(9)).unwrap();
        let mut again = Mark::open(dir.path(), "archive").unwrap();
        assert_eq!(*again.standing(), standing(5, &[9]));
        // What was under way may come again in smaller steps; the store may stand at the end of any of them.
        again.begin(Tick(7)).unwrap();
        let mut again = Mark::open(dir.path(), "archive").unwrap();
        assert_eq!(*again.standing(), standing(5, &[7, 9]));
        assert!([5, 7, 9].iter().all(|tick| again.standing().may_hold(Tick(*tick))));
        assert!(!again.standing().may_hold(Tick(6)));
        again.end(Tick(7));
        assert_eq!(*again.standing(), standing(7, &[9]));
        again.begin(Tick(9)).unwrap();
        again.end(Tick(9));
        again.begin(Tick(12)).unwrap();
        assert_eq!(*Mark::open(dir.path(), "archive").unwrap().standing(), standing(9, &[12]));
        fs::write(dir.path().join("archive.json"), "{").unwrap();
        assert!(Mark::open(dir.path(), "archive").is_err());
    }
}
