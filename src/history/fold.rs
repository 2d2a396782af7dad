//! Readings that came later than retention, folded in.

use super::convert::{Partitions, file_name};
use super::error::io;
use super::writer::FileWriter;
use super::{FOLDER, Files, History, HistoryError, Retired, lock};
use crate::journal::storage::Storage;
use lehr_domain::names::Names;
use lehr_domain::{Event, Inputs, Reading, Tick};

/// Late readings that are folded in at once: 40 bytes each in memory.
const LATE_MOST: usize = 10_000_000;

/// What a folding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Folded {
    pub readings: u64,
    pub files: usize,
}

/// Puts the late readings of a tick among its readings, as if they had come in time; says which they were.
pub fn fold_late(inputs: &mut Inputs) -> Vec<Reading> {
    let mut late = Vec::new();
    inputs.events.retain(|row| match &row.event {
        Event::Late(row) => {
            late.push(row.reading());
            false
        }
        _ => true,
    });
    late.iter().for_each(|reading| inputs.readings.push(*reading));
    late
}

impl<J: Storage, H: Files> History<J, H> {
    /// Shows these readings, each with the tick in which it came too late, among the others from now on. They take the
    /// place of what was folded in before, so that doing it again changes nothing. No tick's inputs change: a replay of
    /// this directory still repeats what Lehr did when they came.
    pub fn fold(&self, late: Vec<(Tick, Reading)>, names: &Names) -> Result<Folded, HistoryError> {
        let (journal, files) = &mut *lock(&self.writing);
        if late.len() > LATE_MOST {
            let why = format!("{} late readings are more than {LATE_MOST}", late.len());
            return Err(HistoryError::Damaged { file: "late".into(), why });
        }
        let last = late.iter().map(|(tick, _)| *tick).max().unwrap_or_default();
        let mut parts = Partitions::new(names);
        late.into_iter().for_each(|(tick, reading)| parts.take(reading, tick));
        let mut next = (*self.view()).clone();
        let before: Vec<String> = next.files.iter().filter(|file| file.folded).map(|file| file.name.clone()).collect();
        next.files.retain(|file| !file.folded);
        // A name of this round, lest a file be written over that somebody reads.
        let taken = files.list().map_err(io("list", FOLDER))?;
        let free = |round: &u32| !taken.iter().any(|name| name.contains(&prefix(*round)));
        let round = (0..).find(free).expect("rounds are endless");
        let mut done = Folded::default();
        for (partition, mut rows) in parts.parts {
            rows.sort_unstable();
            let name = file_name(&partition, &prefix(round), Tick(0), last);
            let mut writer = FileWriter::create(files, name, true)?;
            rows.into_iter().try_for_each(|row| writer.push(row))?;
            let file = writer.finish()?;
            done = Folded { readings: done.readings + file.rows, files: done.files + 1 };
            next.files.push(file);
        }
        files.sync_dir().map_err(io("sync", FOLDER))?;
        self.replace(files, next, before.into_iter().map(Retired::File).collect())?;
        self.sweep(journal, files)?;
        Ok(done)
    }
}

/// Of the names of a round's files.
fn prefix(round: u32) -> String {
    format!("late{round}-")
}
