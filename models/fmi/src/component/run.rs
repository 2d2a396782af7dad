//! A component over the minutes of a line.

use super::{Component, Row};
use crate::error::HostError;
use crate::hosted::{HostProgram, Hosted};
use crate::message::LogLine;
use lehr_domain::EventMs;
use lehr_twin::Minute;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a component said at the end of a minute, in the order of its outputs, as the line has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    pub at: EventMs,
    pub outputs: Vec<f64>,
}

/// How far a component has followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub done: usize,
    pub of: usize,
}

impl Progress {
    pub fn is_complete(self) -> bool {
        self.done == self.of
    }
}

/// A component that follows its line: new minutes are run when they come, and all anew when past ones changed.
pub struct Runner {
    component: Arc<Component>,
    host: HostProgram,
    hosted: Option<Hosted>,
    /// What went in, and what came out of it.
    rows: Vec<Row>,
    ran: Vec<Ran>,
    /// After how many of these the unit stands; `None` where it must begin anew. It may stand behind, as one that keeps
    /// no state does after it looked ahead.
    stands: Option<usize>,
}

/// Runs a component over minutes from their first to their last, in a process for this alone.
pub fn run(component: Arc<Component>, host: &HostProgram, minutes: &[Minute]) -> Result<Vec<Ran>, HostError> {
    let mut runner = Runner::new(component, host.clone());
    runner.follow(minutes, Duration::MAX)?;
    Ok(runner.ran)
}

impl Runner {
    pub fn new(component: Arc<Component>, host: HostProgram) -> Runner {
        Runner { component, host, hosted: None, rows: Vec::new(), ran: Vec::new(), stands: None }
    }

    pub fn component(&self) -> &Arc<Component> {
        &self.component
    }

    /// What was run, minute by minute.
    pub fn ran(&self) -> &[Ran] {
        &self.ran
    }

    /// What went in in the last minute that was run.
    pub fn last_row(&self) -> Option<&Row> {
        self.rows.get(self.ran.len().checked_sub(1)?)
    }

    /// What the unit said, newest last.
    pub fn log(&self) -> impl Iterator<Item = &LogLine> {
        self.hosted.iter().flat_map(|hosted| hosted.log().0)
    }

    /// Runs what these minutes have that was not run before, for as long as the budget lasts; what is left is for the
    /// next call.
    ///
    /// Error: of the unit or its process. The process is gone then, and the next call starts another, from the first
    /// minute on.
    pub fn follow(&mut self, minutes: &[Minute], budget: Duration) -> Result<Progress, HostError> {
        let begun = Instant::now();
        let rows = self.component.rows(minutes);
        let of = rows.len();
        self.keep_what_is_same(rows);
        let result = match self.ran.len() < of {
            true => self.catch_up(|| begun.elapsed() < budget),
            false => Ok(()),
        };
        self.settle(result)?;
        Ok(Progress { done: self.ran.len(), of })
    }

    /// What the component would say in each of these series, each of which goes on from what was followed. `None` where
    /// the deadline came first.
    ///
    /// Error: as of [`Runner::follow`].
    pub fn ahead(&mut self, series: &[&[Minute]], deadline: Instant) -> Result<Option<Vec<Vec<Ran>>>, HostError> {
        let mut found = Vec::new();
        for minutes in series {
            let result = self.one_ahead(minutes, deadline);
            match self.settle(result)? {
                Some(ran) => found.push(ran),
                None => return Ok(None),
            }
        }
        Ok(Some(found))
    }

    fn one_ahead(&mut self, minutes: &[Minute], deadline: Instant) -> Result<Option<Vec<Ran>>, HostError> {
        let rows = self.component.rows_after(minutes, self.rows.last());
        let keeps_state = self.component.unit.description().keeps_state;
        let in_time = || Instant::now() < deadline;
        self.catch_up(in_time)?;
        let followed = self.stands == Some(self.rows.len());
        let Some(hosted) = self.hosted.as_mut().filter(|_| followed) else { return Ok(None) };
        if keeps_state {
            hosted.save()?;
        }
        // Whatever happens from here on, the unit stands elsewhere until it is back.
        let stood = self.stands.take();
        let mut ran = Vec::with_capacity(rows.len());
        for row in &rows {
            if !in_time() {
                break;
            }
            ran.push(step(&self.component, hosted, row)?);
        }
        if keeps_state {
            hosted.restore()?;
            self.stands = stood;
        }
        Ok(Some(ran).filter(|ran| ran.len() == rows.len()))
    }

    /// Takes the rows that are to be run, and forgets what was run of others.
    fn keep_what_is_same(&mut self, rows: Vec<Row>) {
        let same = self.rows.iter().zip(&rows).take_while(|(a, b)| a == b).count();
        self.ran.truncate(same);
        // The first row is what the simulation begins with.
        self.stands = self.stands.filter(|stands| *stands <= same && same > 0);
        self.rows = rows;
    }

    /// Brings the unit to the end of the rows, or as far as it may go on.
    fn catch_up(&mut self, go_on: impl Fn() -> bool) -> Result<(), HostError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut stands = match self.stands.take() {
            Some(stands) => stands,
            None => {
                self.begin()?;
                0
            }
        };
        let hosted = self.hosted.as_mut().expect("begun");
        while stands < self.rows.len() && go_on() {
            let ran = step(&self.component, hosted, &self.rows[stands])?;
            // What was run before and is run again, on the way back to where the line stands, says the same.
            if stands == self.ran.len() {
                self.ran.push(ran);
            }
            stands += 1;
        }
        self.stands = Some(stands);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), HostError> {
        let Component { unit, name, environment, limit, parameters, .. } = &*self.component;
        let hosted = match &mut self.hosted {
            Some(hosted) => hosted,
            None => self.hosted.insert(Hosted::open(unit.clone(), &self.host, name, environment, *limit)?),
        };
        hosted.start(parameters, &self.component.settings(&self.rows[0]), &[])?;
        Ok(())
    }

    /// After an error the unit is of no use, and what it said before may be a way to it.
    fn settle<T>(&mut self, result: Result<T, HostError>) -> Result<T, HostError> {
        if result.is_err() {
            self.hosted = None;
            self.stands = None;
        }
        result
    }
}

/// One minute.
fn step(component: &Component, hosted: &mut Hosted, row: &Row) -> Result<Ran, HostError> {
    let inputs = component.settings(row);
    let values = hosted.advance(&inputs, component.steps, component.step_s, &component.reads())?;
    let outputs = component.outputs.iter().zip(values).map(|(output, value)| output.of(value)).collect();
    Ok(Ran { at: row.at, outputs })
}
