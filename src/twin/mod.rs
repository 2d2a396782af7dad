//! The twin of each line as of a snapshot, and questions to it.
//!
//! A twin's state is a fold over the closed minutes of a line, so it is a function of the live tables of one tick:
//! late readings and corrected inspections change it as they change the tables. The graphs fold it beside the line (the
//! tables `twin…`), and a question folds it once more, from where the graphs put it by: the whole state is too large
//! for a table that changes every minute. What was folded is kept in memory, and of a new snapshot only what differs is
//! folded again.

mod components;
mod consequences;
mod minutes;
mod model;
mod question;
mod shadow;
#[cfg(test)]
mod tests;

pub use components::{Components, Condition, Course, Foreseen, NoLine, Shown, Snapshots};
pub use consequences::{Consequences, consequences};
pub use minutes::sensors;
pub use model::MODEL;
pub use question::{Period, Question};

use lehr_domain::{EventMs, LineId};
use lehr_queries::Snapshot;
use lehr_twin::{Minute, ScenarioError, State};
use shadow::Shadow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    #[error("the twin needs panes of one minute; this plant has others")]
    PaneWidth,
    #[error(
        "the period from {from} to {to} is not within what the twin has followed ({first} to {last}); give one in there"
    )]
    Period { from: EventMs, to: EventMs, first: EventMs, last: EventMs },
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

/// The twins of all lines. A line is followed from the first time that somebody asks.
#[derive(Default)]
pub struct Twins {
    lines: Mutex<BTreeMap<LineId, Arc<Mutex<Shadow>>>>,
}

impl Twins {
    /// The state of a line after the last closed minute that the snapshot knows. The first call folds up to a week of
    /// minutes, some 20 µs each.
    ///
    /// Error: nothing was seen of the line, or panes have another width.
    pub fn state(&self, snapshot: &Snapshot, line: LineId) -> Result<State, TwinError> {
        self.with(snapshot, line, |shadow| shadow.state().ok_or(ScenarioError::NothingSeen.into()))
    }

    /// The state at `from`, and the minutes from there to `to`.
    ///
    /// Error: as [`Twins::state`], or a period that has no minute or is not within what was followed.
    pub fn record(
        &self,
        snapshot: &Snapshot,
        line: LineId,
        from: EventMs,
        to: EventMs,
    ) -> Result<(State, Vec<Minute>), TwinError> {
        self.with(snapshot, line, |shadow| shadow.record(from, to))
    }

    fn with<T>(
        &self,
        snapshot: &Snapshot,
        line: LineId,
        look: impl FnOnce(&Shadow) -> Result<T, TwinError>,
    ) -> Result<T, TwinError> {
        let shadow = {
            // A shadow that was left half folded by a panic is one that is folded no further.
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.entry(line).or_default().clone()
        };
        let mut shadow = shadow.lock().unwrap_or_else(PoisonError::into_inner);
        shadow.follow(snapshot, line)?;
        look(&shadow)
    }
}
