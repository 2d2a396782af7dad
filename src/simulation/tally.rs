//! What happened, to show that a run was worth it.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happened {
    Step,
    Tick,
    Acknowledged,
    Crash,
    Kill,
    FailedStart,
    FailedCommit,
    FailedDelivery,
    /// A batch came to a database that held it already.
    Repeated,
    /// A batch of several ticks came to a database.
    Joined,
    /// A tick became durable without anybody knowing before the crash.
    Unnoticed,
    Checkpoint,
    /// A start went on from a checkpoint.
    Resumed,
    /// A start passed over the newest checkpoint, because a sink was behind it.
    ResumedEarlier,
    Converted,
    Merged,
    /// A checkpoint, a conversion or a merge failed or was cut short.
    FailedKeeping,
    /// A sealed pane got its readings back for a late one.
    Reopened,
    /// An earlier tick was made again from disk.
    LookedBack,
}

impl Happened {
    pub const ALL: [Happened; 19] = [
        Happened::Step,
        Happened::Tick,
        Happened::Acknowledged,
        Happened::Crash,
        Happened::Kill,
        Happened::FailedStart,
        Happened::FailedCommit,
        Happened::FailedDelivery,
        Happened::Repeated,
        Happened::Joined,
        Happened::Unnoticed,
        Happened::Checkpoint,
        Happened::Resumed,
        Happened::ResumedEarlier,
        Happened::Converted,
        Happened::Merged,
        Happened::FailedKeeping,
        Happened::Reopened,
        Happened::LookedBack,
    ];
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: BTreeMap<Happened, u64>,
    /// Rows of each table, summed over the ends of all runs.
    pub rows: BTreeMap<&'static str, usize>,
}

/// The twin finds nothing before it has learned for hours; no plant here lives that long.
const LATE_IN_LIFE: &str = "twin_findings";

impl Tally {
    pub fn note(&mut self, what: Happened) {
        self.note_many(what, 1);
    }

    pub fn note_many(&mut self, what: Happened, times: u64) {
        *self.counts.entry(what).or_default() += times;
    }

    pub fn count(&self, what: Happened) -> u64 {
        self.counts.get(&what).copied().unwrap_or_default()
    }

    pub fn add(&mut self, other: Tally) {
        other.counts.into_iter().for_each(|(what, times)| self.note_many(what, times));
        for (table, rows) in other.rows {
            *self.rows.entry(table).or_default() += rows;
        }
    }

    /// What happened less than `least` times, tables without a row among it.
    pub fn rare(&self, least: u64) -> Vec<String> {
        let events = Happened::ALL.into_iter().filter(|what| self.count(*what) < least);
        let tables = self.rows.iter().filter(|(table, rows)| **rows == 0 && **table != LATE_IN_LIFE);
        let tables = tables.map(|(table, _)| format!("a row of {table}"));
        events.map(|what| format!("{what:?}")).chain(tables).collect()
    }
}
