//! Ticks as they were journalled, whether or not their readings have moved.

use super::reader::{self, Span};
use super::{Files, History, HistoryError, Journalled, Tree};
use crate::journal::storage::{Disk, Storage};
use crate::journal::{Damage, Reader, Recorded, Removed, codec};
use lehr_domain::{Reading, ReadingBatch, Tick};
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

/// Readings that are brought back at a time: 32 bytes each. Files are sorted by sensor, so that the readings of
/// neighbouring ticks lie in the same pages, and bringing back many at once reads pages less often.
const READINGS_AT_ONCE: u64 = 2_000_000;
/// Ticks that are brought back at a time, for ticks with few readings and many events.
const TICKS_AT_ONCE: usize = 50_000;
/// How often a group is read again because its files were merged meanwhile, by another process.
const ATTEMPTS: usize = 3;

/// An iterator over the ticks of a journal, with all their readings; those of a tick that have moved come sorted.
/// After an error it ends.
pub struct Inputs<J = Disk, H = Tree> {
    reader: Reader<J>,
    history: Arc<History<J, H>>,
    /// Ticks read ahead.
    ahead: VecDeque<Recorded>,
    moved: HashMap<Tick, Vec<Reading>>,
    /// What ended reading ahead.
    failed: Option<HistoryError>,
    done: bool,
}

impl Inputs {
    /// Ticks of a data directory or recording.
    pub fn open(data: &Path) -> Result<Inputs, HistoryError> {
        Inputs::within(data, Arc::new(History::open(data)?))
    }

    /// The same with history that is open already, so that it knows who looks at it.
    pub fn within(data: &Path, history: Arc<History>) -> Result<Inputs, HistoryError> {
        Ok(Inputs::over(Reader::open(data)?, history))
    }
}

impl<J: Storage, H: Files> Inputs<J, H> {
    pub fn over(reader: Reader<J>, history: Arc<History<J, H>>) -> Inputs<J, H> {
        Inputs { reader, history, ahead: VecDeque::new(), moved: HashMap::new(), failed: None, done: false }
    }

    /// See [`Reader::from`].
    pub fn from(self, tick: Tick) -> Inputs<J, H> {
        Inputs { reader: self.reader.from(tick), ..self }
    }

    /// See [`Reader::up_to`].
    pub fn up_to(self, tick: Tick) -> Inputs<J, H> {
        Inputs { reader: self.reader.up_to(tick), ..self }
    }

    /// See [`Reader::torn`].
    pub fn torn(&self) -> Option<&Damage> {
        self.reader.torn()
    }

    fn read(&mut self) -> Result<Option<lehr_domain::Inputs>, HistoryError> {
        if self.ahead.is_empty() {
            self.look_ahead()?;
        }
        let Some(Recorded { mut inputs, removed }) = self.ahead.pop_front() else {
            return self.failed.take().map_or(Ok(None), Err);
        };
        if let Some(removed) = removed.filter(|removed| removed.rows > 0) {
            inputs.readings = restored(inputs.tick, removed, self.moved.remove(&inputs.tick).unwrap_or_default())?;
        }
        Ok(Some(inputs))
    }

    /// Reads ticks until enough readings of them are to be brought back, and brings these back.
    fn look_ahead(&mut self) -> Result<(), HistoryError> {
        let mut readings = 0;
        while readings < READINGS_AT_ONCE && self.ahead.len() < TICKS_AT_ONCE {
            match self.reader.record() {
                None => break,
                Some(Err(error)) => {
                    self.failed = Some(error.into());
                    break;
                }
                Some(Ok(recorded)) => {
                    let whole = recorded.removed.is_none();
                    readings += recorded.removed.map_or(0, |removed| u64::from(removed.rows));
                    self.ahead.push_back(recorded);
                    if whole {
                        break;
                    }
                }
            }
        }
        if readings == 0 {
            return Ok(());
        }
        let moved = |recorded: &&Recorded| recorded.removed.is_some_and(|removed| removed.rows > 0);
        let ticks = || self.ahead.iter().filter(moved).map(|recorded| recorded.inputs.tick);
        let (first, last) = (ticks().min().unwrap_or_default(), ticks().max().unwrap_or_default());
        let mut attempt = 1;
        self.moved = loop {
            match self.history.of_ticks(first, last) {
                Err(HistoryError::Moved { .. }) if attempt < ATTEMPTS => attempt += 1,
                moved => break moved?,
            }
            self.history.refresh()?;
        };
        Ok(())
    }
}

/// The readings that were taken out of a tick, if these are they.
fn restored(tick: Tick, removed: Removed, readings: Vec<Reading>) -> Result<ReadingBatch, HistoryError> {
    if readings.len() != removed.rows as usize {
        return Err(HistoryError::Incomplete { tick, found: readings.len(), expected: removed.rows });
    }
    if codec::digest(readings.iter().copied()) != removed.digest {
        return Err(HistoryError::Differs { tick });
    }
    Ok(readings.into_iter().collect())
}

impl<J: Storage, H: Files> History<J, H> {
    /// The readings in files that were journalled in these ticks.
    pub(super) fn of_ticks(&self, first: Tick, last: Tick) -> Result<HashMap<Tick, Vec<Reading>>, HistoryError> {
        if !self.view().covers(last) {
            self.refresh()?;
        }
        let view = self.view();
        let mut found: HashMap<Tick, Vec<Reading>> = HashMap::new();
        let wanted = |span: Span| span.ticks.0 <= last.0 && first.0 <= span.ticks.1;
        for file in view.files.iter().filter(|file| !file.folded && wanted(Span::from(*file))) {
            for row in reader::open(&self.files, &self.footers, file, wanted)? {
                let Journalled { reading, tick } = row?;
                if first <= tick && tick <= last {
                    found.entry(tick).or_default().push(reading);
                }
            }
        }
        Ok(found)
    }
}

impl<J: Storage, H: Files> Iterator for Inputs<J, H> {
    type Item = Result<lehr_domain::Inputs, HistoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let read = self.read().transpose();
        self.done = !matches!(read, Some(Ok(_)));
        read
    }
}
