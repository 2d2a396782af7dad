//! One line's fold, as of the snapshot that was asked last.

use super::minutes::{begin, chronicle, closed_until, in_full, panes_are_minutes};
use super::model::Followed;
use super::{MODEL, TwinError};
use lehr_dataflows::twin::{Chronicle, Fold, Reached};
use lehr_domain::{EventMs, LineId, Tick};
use lehr_queries::Snapshot;
use lehr_twin::{MINUTE, Minute, ScenarioError, State};

#[derive(Default)]
pub struct Shadow {
    tick: Option<Tick>,
    chronicle: Chronicle,
    fold: Option<Fold>,
}

fn state(reached: &Reached) -> State {
    Followed::decode(&reached.line.state()).expect("the model reads what it wrote").state
}

impl Shadow {
    /// The state after all minutes; `None` before the first.
    pub fn state(&self) -> Option<State> {
        self.fold.as_ref()?.latest().map(state)
    }

    /// Folds what the snapshot has otherwise than the one before.
    pub fn follow(&mut self, snapshot: &Snapshot, line: LineId) -> Result<(), TwinError> {
        if self.tick == Some(snapshot.tick) {
            return Ok(());
        }
        if !panes_are_minutes(snapshot) {
            return Err(TwinError::PaneWidth);
        }
        let begin = begin(snapshot, line);
        let mut chronicle = chronicle(snapshot, line);
        chronicle.forget(begin.before);
        let end = closed_until(snapshot, line).unwrap_or(EventMs::MIN);
        // Half folded would be worse than forgotten, should a fold panic.
        self.tick = None;
        let known = self.fold.take().filter(|fold| *fold.begin() == begin);
        let same_until = self.chronicle.differs_from(&chronicle).unwrap_or(EventMs::MAX);
        let mut fold = known.filter(|_| same_until >= begin.before).unwrap_or_else(|| Fold::new(begin));
        fold.truncate(same_until.min(end));
        fold.advance(MODEL, &chronicle, end);
        (self.chronicle, self.fold, self.tick) = (chronicle, Some(fold), Some(snapshot.tick));
        Ok(())
    }

    /// The state at `from`, and the minutes from there to `to`.
    pub fn record(&self, from: EventMs, to: EventMs) -> Result<(State, Vec<Minute>), TwinError> {
        let nothing = || TwinError::from(ScenarioError::NothingSeen);
        let fold = self.fold.as_ref().ok_or_else(nothing)?;
        let last = fold.latest().ok_or_else(nothing)?.next;
        // The state before a period has seen a minute at least.
        let first = match &fold.begin().folded {
            Some(_) => fold.begin().before,
            None => self.chronicle.first_value().ok_or_else(nothing)? + MINUTE,
        };
        let (from, to) = (from.floor(MINUTE), to.floor(MINUTE));
        if from < first || to > last || from >= to {
            return Err(TwinError::Period { from, to, first, last });
        }
        let reached = fold.before(MODEL, &self.chronicle, from).ok_or_else(nothing)?;
        Ok((state(&reached), in_full(&self.chronicle, from, to)))
    }
}
