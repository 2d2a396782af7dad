//! Models that the plant brought, beside the twin: each runs over the closed minutes of its line.
//!
//! Every component has a thread that looks at the newest snapshot now and then, runs what is new, and keeps what it
//! said for whoever asks. Nobody waits for a unit: what is shown is what was said last, and a question about what lies
//! ahead has a deadline.

mod line;
mod work;

pub use line::closed_minutes;

use lehr_domain::{LineId, Tick};
use lehr_fmi::{Compared, Component, HostProgram};
use lehr_queries::Snapshot;
use lehr_twin::Minute;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use work::{Ahead, Worker};

/// How long a question waits for the units: as long as somebody waits for an answer.
pub const AHEAD_MOST: Duration = Duration::from_secs(5);
/// Questions that wait for one unit. More are told that it is busy.
const QUESTIONS_MOST: usize = 4;

/// How long the end waits for units to tidy up.
const END_MOST: Duration = Duration::from_secs(2);

/// Where the newest snapshot comes from.
pub type Snapshots = Arc<dyn Fn() -> Arc<Snapshot> + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[error("component '{component}', line: the plant has no line '{line}'; give one of {lines}")]
pub struct NoLine {
    component: String,
    line: String,
    lines: String,
}

/// What a component is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing was heard yet of these inputs.
    Waiting(Vec<String>),
    /// So many minutes are still to be run.
    CatchingUp(usize),
    Running,
    /// Why it does not run. It is tried again.
    Degraded(String),
}

/// What is shown of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub condition: Condition,
    /// In the order of the component's outputs; empty until a minute was run. Those of a degraded component are what it
    /// said last.
    pub said: Vec<Compared>,
    /// Inputs that lay beyond the unit's bounds in the last minute and were set to them.
    pub limited: Vec<String>,
    /// How often its process was started anew.
    pub restarts: u64,
    /// Of the snapshot that this is of.
    pub tick: Tick,
}

/// An output over the time ahead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    pub mean: f64,
    /// At the end.
    pub last: f64,
}

/// What a component says of a question: its outputs as things stand and with the settings asked about; or why not.
pub type Foreseen = Result<Vec<[Course; 2]>, String>;

/// All components of a plant.
#[derive(Default)]
pub struct Components(Vec<Running>);

struct Running {
    component: Arc<Component>,
    line: LineId,
    shown: Arc<Mutex<Shown>>,
    /// Dropped to end the thread.
    questions: Option<SyncSender<Ahead>>,
    thread: JoinHandle<()>,
}

impl Components {
    /// Starts a thread for each; their processes start when their lines have minutes.
    ///
    /// Error: a line that the plant does not have.
    pub fn start(components: Vec<Component>, host: &HostProgram, snapshots: &Snapshots) -> Result<Components, NoLine> {
        let names = snapshots().names.clone();
        let mut running = Components::default();
        for component in components {
            let Some(line) = names.line_id(&component.line) else {
                let lines: Vec<&str> = names.lines().map(|(id, _)| names.line(id)).collect();
                let Component { name, line, .. } = component;
                return Err(NoLine { component: name, line, lines: lines.join(", ") });
            };
            let component = Arc::new(component);
            let (questions, asked) = sync_channel(QUESTIONS_MOST);
            let worker = Worker::new(component.clone(), line, host.clone(), snapshots.clone());
            let shown = worker.shown();
            let thread = thread::Builder::new().name("lehr component".into());
            let thread = thread.spawn(move || worker.run(&asked)).expect("threads can be started");
            running.0.push(Running { component, line, shown, questions: Some(questions), thread });
        }
        Ok(running)
    }

    /// What is shown of all, or of those of a line.
    pub fn shown(&self, line: Option<LineId>) -> Vec<(Arc<Component>, Shown)> {
        let of = self.0.iter().filter(|running| line.is_none_or(|line| line == running.line));
        of.map(|running| {
            let shown = running.shown.lock().unwrap_or_else(PoisonError::into_inner);
            (running.component.clone(), shown.clone())
        })
        .collect()
    }

    pub fn has(&self, line: LineId) -> bool {
        self.0.iter().any(|running| running.line == line)
    }

    /// What the components of a line say of two series that go on from `past`. Takes no longer than [`AHEAD_MOST`].
    pub fn ahead(&self, line: LineId, past: Vec<Minute>, series: [Vec<Minute>; 2]) -> Vec<(Arc<Component>, Foreseen)> {
        let deadline = Instant::now() + AHEAD_MOST;
        let (past, series) = (Arc::new(past), Arc::new(series));
        let asked: Vec<_> = self
            .0
            .iter()
            .filter(|running| running.line == line)
            .map(|running| {
                let (reply, answer) = sync_channel(1);
                let question = Ahead { past: past.clone(), series: series.clone(), deadline, reply };
                let sent = running.questions.as_ref().is_some_and(|questions| questions.try_send(question).is_ok());
                (running.component.clone(), sent.then_some(answer))
            })
            .collect();
        let waits = asked.into_iter().map(|(component, answer)| {
            let left = deadline.saturating_duration_since(Instant::now());
            let foreseen = match answer.map(|answer| answer.recv_timeout(left)) {
                Some(Ok(foreseen)) => foreseen,
                Some(Err(_)) => Err(format!("it did not answer within {} s; ask again later", AHEAD_MOST.as_secs())),
                None => Err("it is busy with other questions; ask again later".to_owned()),
            };
            (component, foreseen)
        });
        waits.collect()
    }
}

impl Drop for Components {
    fn drop(&mut self) {
        // All are told before any is waited for. One that is within a call of its unit is left to it: when this process
        // ends, so does the unit's.
        for running in &mut self.0 {
            running.questions = None;
        }
        let begun = Instant::now();
        while begun.elapsed() < END_MOST && !self.0.iter().all(|running| running.thread.is_finished()) {
            thread::sleep(END_MOST / 100);
        }
    }
}
