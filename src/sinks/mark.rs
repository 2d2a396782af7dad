//! Where a store elsewhere stands, kept here: so Lehr can start while the store is away.

use super::SinkError;
use crate::replace::replace;
use lehr_domain::Tick;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a store is known to hold, and what may have reached it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub held: u64,
    /// Nothing behind this tick can have reached it.
    pub under_way: u64,
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

    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// Notes that a delta up to `tick` may reach the store from now on. Durable when it returns.
    pub fn begin(&mut self, tick: Tick) -> Result<(), SinkError> {
        self.write(Standing { under_way: tick.0.max(self.standing.under_way), ..self.standing })
    }

    /// Notes that the store holds `tick`. Not made durable: after a crash the same delta goes out again.
    pub fn end(&mut self, tick: Tick) {
        self.standing = Standing { held: tick.0, under_way: tick.0.max(self.standing.under_way) };
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
    fn after_a_crash_it_is_known_between_which_ticks_the_store_stands() {
        let dir = tempfile::tempdir().unwrap();
        let mut mark = Mark::open(dir.path(), "archive").unwrap();
        assert_eq!(mark.standing(), Standing::default());
        mark.begin(Tick(5)).unwrap();
        mark.end(Tick(5));
        mark.begin(Tick(9)).unwrap();
        let mut again = Mark::open(dir.path(), "archive").unwrap();
        assert_eq!(again.standing(), Standing { held: 5, under_way: 9 });
        // What was under way may come again in smaller steps; the store may be ahead of each of them.
        again.begin(Tick(7)).unwrap();
        again.end(Tick(7));
        assert_eq!(again.standing(), Standing { held: 7, under_way: 9 });
        fs::write(dir.path().join("archive.json"), "{").unwrap();
        assert!(Mark::open(dir.path(), "archive").is_err());
    }
}
