//! A question to the twin of a line, and its answer.

use super::components::closed_minutes;
use super::{Consequences, TwinError, Twins, consequences};
use lehr_domain::{EventMs, LineId, SpanMs};
use lehr_queries::Snapshot;
use lehr_twin::{Answer, Minute, Record, Scenario, ScenarioError, Setting, State, WhatIf, answer, series};

/// What was recorded, from a minute on up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: EventMs,
    pub to: EventMs,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// What will be, from the last closed minute on. Never [`WhatIf::Replay`].
    Ahead { ask: WhatIf, duration: SpanMs },
    /// What would have been.
    Replay { period: Period, settings: Vec<Setting> },
}

/// The minutes ahead as things stand, and with these settings.
fn both(state: &State, settings: &[Setting], duration: SpanMs) -> Result<[Vec<Minute>; 2], ScenarioError> {
    Ok([series(state, &[], duration)?, series(state, settings, duration)?])
}

impl Twins {
    /// What things as they stand and what these settings would set off in `duration`.
    ///
    /// Error: as [`Twins::state`], or settings that cannot be.
    pub fn foresee(
        &self,
        snapshot: &Snapshot,
        line: LineId,
        settings: &[Setting],
        duration: SpanMs,
    ) -> Result<[Consequences; 2], TwinError> {
        let state = self.state(snapshot, line)?;
        let scenarios = both(&state, settings, duration)?;
        let [baseline, scenario] = consequences(snapshot, line, &scenarios).try_into().expect("one for each");
        Ok([baseline, scenario])
    }

    /// The closed minutes of a line, and the minutes after them: as things stand, and with these settings.
    ///
    /// Error: as [`Twins::state`], or settings that cannot be.
    pub fn ahead_of(
        &self,
        snapshot: &Snapshot,
        line: LineId,
        settings: &[Setting],
        duration: SpanMs,
    ) -> Result<(Vec<Minute>, [Vec<Minute>; 2]), TwinError> {
        let state = self.state(snapshot, line)?;
        Ok((closed_minutes(snapshot, line), both(&state, settings, duration)?))
    }

    /// Error: as [`Twins::state`] and [`Twins::record`], or a question that has no answer.
    pub fn ask(&self, snapshot: &Snapshot, line: LineId, question: Question) -> Result<Answer, TwinError> {
        match question {
            Question::Ahead { ask, duration } => {
                let state = self.state(snapshot, line)?;
                Ok(answer(&state, &Scenario { ask, duration })?)
            }
            Question::Replay { period, settings } => {
                let (state, record) = self.record(snapshot, line, period.from, period.to)?;
                Ok(Record::infer(&state, &record)?.answer(&settings)?)
            }
        }
    }
}
