//! Readings that came later than retention, folded in: in the tables of a replay, and in `readings` from then on.

use super::{ReplayError, ReplayOptions, ReplaySummary, replay};
use crate::history::{Folded, History, fold_late};
use crate::journal::{Journal, Options, Reader};
use lehr_domain::names::Names;
use std::path::PathBuf;

/// Readings a tick of the replay.
const BATCH: usize = 100_000;

/// What to rebuild.
#[derive(Clone, Debug)]
pub struct RebuildOptions {
    pub data: PathBuf,
    pub out: PathBuf,
    pub workers: usize,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct RebuildSummary {
    pub folded: Folded,
    pub replayed: ReplaySummary,
}

/// Folds late readings into history and writes the tables of a replay in which they came in time. `progress` is told
/// how many readings went in.
pub fn rebuild(options: &RebuildOptions, progress: impl Fn(u64)) -> Result<RebuildSummary, ReplayError> {
    if !options.data.join("journal").is_dir() {
        return Err(ReplayError::NoRecording(options.data.clone()));
    }
    // Held to the end: nobody else may write.
    let (_journal, _) = Journal::open(&options.data, Options::default())?;
    let history = History::open(&options.data)?;
    history.tidy()?;
    let (mut late, mut names) = (Vec::new(), Names::default());
    let mut reader = Reader::open(&options.data)?;
    while let Some(recorded) = reader.record() {
        let mut inputs = recorded?.inputs;
        inputs.events.iter().for_each(|row| names.apply(&row.event));
        let tick = inputs.tick;
        late.extend(fold_late(&mut inputs).into_iter().map(|reading| (tick, reading)));
    }
    let folded = history.fold(late, &names)?;
    let replayed = replay(
        &ReplayOptions {
            recording: options.data.clone(),
            out: options.out.clone(),
            workers: options.workers,
            batch: BATCH,
            shuffle: None,
            fold_late: true,
            scorer: None,
            inspector: None,
            deployed: Vec::new(),
        },
        progress,
    )?;
    Ok(RebuildSummary { folded, replayed })
}

#[cfg(test)]
mod tests;
