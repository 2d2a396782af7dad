//! A question to the twin of a line, and its answer.

use super::{TwinError, Twins};
use lehr_domain::{EventMs, LineId, SpanMs};
use lehr_queries::Snapshot;
use lehr_twin::{Answer, Record, Scenario, Setting, WhatIf, answer};

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

impl Twins {
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
