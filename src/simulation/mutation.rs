//! What is broken on purpose, to see that the simulation notices.

use super::plant;
use crate::runtime::Work;
use lehr_domain::{EventMs, Reading, SensorId};
use std::collections::BTreeSet;

/// An fsync that says it is done and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// Of a group of ticks.
    Group,
    /// Of a new segment's header.
    Header,
    /// Of the names of the journal, as far as its writer makes them.
    Names,
    /// Those of recovery, which make durable what a killed process wrote.
    Recovery,
    /// Of a thin segment, before the whole one goes.
    Thin,
    /// Of its name.
    ThinNames,
    /// Of a file of history, before the manifest counts it.
    Readings,
    /// Of the manifest, before the segment goes.
    Manifest,
    /// Of the names of history, the manifest's among them.
    HistoryNames,
    /// Of a checkpoint, before it gets its name.
    Checkpoint,
    /// Of that name.
    CheckpointNames,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    Omit(Omission),
    SinkIgnoresTicks,
    PublishBeforeDurable,
    /// A start goes on from a checkpoint with the checkpoint's own tick.
    ResumeOneTickEarly,
    /// A start goes on from a checkpoint with the tick after the one that follows.
    ResumeOneTickLate,
    /// Readings of sealed panes are taken for ones that come too late.
    ReopenNothing,
}

impl Mutation {
    pub const ALL: [Mutation; 16] = [
        Mutation::Omit(Omission::Group),
        Mutation::Omit(Omission::Header),
        Mutation::Omit(Omission::Names),
        Mutation::Omit(Omission::Recovery),
        Mutation::Omit(Omission::Thin),
        Mutation::Omit(Omission::ThinNames),
        Mutation::Omit(Omission::Readings),
        Mutation::Omit(Omission::Manifest),
        Mutation::Omit(Omission::HistoryNames),
        Mutation::Omit(Omission::Checkpoint),
        Mutation::Omit(Omission::CheckpointNames),
        Mutation::SinkIgnoresTicks,
        Mutation::PublishBeforeDurable,
        Mutation::ResumeOneTickEarly,
        Mutation::ResumeOneTickLate,
        Mutation::ReopenNothing,
    ];
}

/// The sealed panes that get their readings back.
pub fn sealed_panes(work: &Work) -> BTreeSet<(SensorId, EventMs)> {
    match work {
        Work::Tick(_, reopened) => reopened.iter().map(|reading| pane_of(&reading)).collect(),
        Work::Restore(_) => BTreeSet::new(),
    }
}

fn pane_of(reading: &Reading) -> (SensorId, EventMs) {
    (reading.sensor, reading.at.floor(plant::graph().pane_width))
}

/// [`Mutation::ReopenNothing`]: sealed panes get nothing back, and none of what came late.
pub fn without_sealed(work: Work) -> Work {
    let sealed = sealed_panes(&work);
    match work {
        Work::Tick(inputs, _) => {
            let mut inputs = (*inputs).clone();
            inputs.readings = inputs.readings.iter().filter(|reading| !sealed.contains(&pane_of(reading))).collect();
            Work::tick(inputs)
        }
        restore => restore,
    }
}
