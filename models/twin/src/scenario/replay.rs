//! A recorded period with other set-points: what disturbed the line is inferred from the record and kept.

use super::answer::compare;
use super::ask::{Answer, ScenarioError, Setting};
use super::limits::driven;
use super::outcome::LAWS;
use super::path::{Instant, Path, Walk};
use crate::minute::{MINUTE, Minute};
use crate::quality::{Law, Mechanism};
use crate::state::State;

/// A record with its disturbances, ready for any number of questions.
pub struct Record<'a> {
    state: &'a State,
    instants: Vec<Instant>,
    baseline: Path,
    laws: Vec<Law>,
}

impl<'a> Record<'a> {
    /// Follows a record that begins where the state stands.
    ///
    /// Error: no minute, or minutes that do not follow each other.
    pub fn infer(state: &'a State, record: &[Minute]) -> Result<Record<'a>, ScenarioError> {
        let Some(mut at) = state.at else { return Err(ScenarioError::NothingSeen) };
        if record.is_empty() {
            return Err(ScenarioError::Empty("record"));
        }
        let mut follower = state.clone();
        let mut instants = Vec::with_capacity(record.len());
        for (place, minute) in record.iter().enumerate() {
            if minute.at != at + MINUTE {
                return Err(ScenarioError::RecordOrder(place));
            }
            at = minute.at;
            let unsteady = follower.follow(minute)[Mechanism::UnsteadyPressure as usize];
            instants.push(Instant { drive: follower.drive, disturbances: follower.disturbances(), unsteady });
        }
        let mut record = Record { state, instants, baseline: Path::default(), laws: state.quality.draw(LAWS) };
        record.baseline = record.walk(&[])?;
        Ok(record)
    }

    fn walk(&self, settings: &[Setting]) -> Result<Path, ScenarioError> {
        let process = self.state.process.clone();
        let mut walk = Walk::new(self.state, process, &self.state.terms, 1, self.instants.len());
        for instant in &self.instants {
            walk.step(&Instant { drive: driven(&instant.drive, settings)?, ..*instant });
        }
        Ok(walk.end())
    }

    /// What the period would have been with these set-points throughout.
    ///
    /// Error: a setting that cannot be.
    pub fn answer(&self, settings: &[Setting]) -> Result<Answer, ScenarioError> {
        if settings.is_empty() {
            return Err(ScenarioError::Empty("settings"));
        }
        let after = self.walk(settings)?;
        let drive = &self.instants[0].drive;
        let mut answer = compare(self.state, settings, drive, &self.laws, &self.baseline, &after);
        answer.assumptions[1] = "stops and disturbances are those of the record".to_owned();
        Ok(answer)
    }
}
