//! One line's fold, with states kept on the way so that a late minute does not mean to begin anew.

use super::TwinError;
use super::minutes::{guess, minutes};
use lehr_domain::{EventMs, LineId, Tick};
use lehr_queries::Snapshot;
use lehr_twin::{Guess, MINUTE, Minute, ScenarioError, State};

/// Minutes between kept states. A state is 30 kB: a week keeps less than 2 MB a line.
const KEPT_EVERY: usize = 180;

#[derive(Default)]
pub struct Shadow {
    tick: Option<Tick>,
    guess: Option<Guess>,
    /// What was folded.
    minutes: Vec<Minute>,
    /// States after so many minutes, ascending; the last is that after all.
    kept: Vec<(usize, State)>,
}

impl Shadow {
    /// The state after all minutes; `None` before the first.
    pub fn state(&self) -> Option<&State> {
        self.kept.last().map(|(_, state)| state).filter(|state| state.at().is_some())
    }

    /// Folds what the snapshot has otherwise than the one before.
    pub fn follow(&mut self, snapshot: &Snapshot, line: LineId) -> Result<(), TwinError> {
        if self.tick == Some(snapshot.tick) {
            return Ok(());
        }
        let of_a_minute = snapshot.panes.first().is_none_or(|pane| pane.start.floor(MINUTE) == pane.start);
        if !of_a_minute {
            return Err(TwinError::PaneWidth);
        }
        let guess = guess(&snapshot.names, line);
        let minutes = minutes(snapshot, line);
        let same = match &self.guess {
            Some(known) if *known == guess => self.minutes.iter().zip(&minutes).take_while(|(a, b)| a == b).count(),
            _ => 0,
        };
        // Half folded would be worse than forgotten, should a fold panic.
        self.tick = None;
        self.minutes.truncate(same);
        self.kept.retain(|(count, _)| *count <= same);
        if same == 0 {
            self.kept = vec![(0, State::new(&guess))];
        }
        self.guess = Some(guess);
        self.minutes = minutes;
        self.fold();
        self.tick = Some(snapshot.tick);
        Ok(())
    }

    fn fold(&mut self) {
        let Some((from, mut state)) = self.kept.last().cloned() else { return };
        for (place, minute) in self.minutes.iter().enumerate().skip(from) {
            state.step(minute);
            let count = place + 1;
            if count % KEPT_EVERY == 0 || count == self.minutes.len() {
                self.kept.push((count, state.clone()));
            }
        }
        // States off the grid but the last serve nobody.
        let all = self.minutes.len();
        self.kept.retain(|(count, _)| count % KEPT_EVERY == 0 || *count == all);
    }

    /// The state at `from`, and the minutes from there to `to`.
    pub fn record(&self, from: EventMs, to: EventMs) -> Result<(State, Vec<Minute>), TwinError> {
        let (Some(first), Some(last)) = (self.minutes.first(), self.minutes.last()) else {
            return Err(ScenarioError::NothingSeen.into());
        };
        // The state before a period has seen a minute at least.
        let (first, last) = (first.at + MINUTE, last.at + MINUTE);
        let (from, to) = (from.floor(MINUTE), to.floor(MINUTE));
        if from < first || to > last || from >= to {
            return Err(TwinError::Period { from, to, first, last });
        }
        let place = |at: EventMs| self.minutes.partition_point(|minute| minute.at < at);
        let (begin, end) = (place(from), place(to));
        let before = self.kept.iter().rev().find(|(count, _)| *count <= begin);
        let (count, mut state) = before.cloned().expect("the state before all minutes is kept");
        self.minutes[count..begin].iter().for_each(|minute| state.step(minute));
        Ok((state, self.minutes[begin..end].to_vec()))
    }
}
