//! Jobs that train a new version: `lehr-train` in a process of its own, one at a time.
//!
//! A job trains with a budget of time, in a folder of its own that goes with it; what came of it is checked, registered
//! as the next version, and named the challenger of what is in production, but not promoted. Jobs are of this run of the
//! server: a restart forgets them, and ends the one that runs.
//!
//! - `order`: what is to be trained
//! - `child`: the process
//! - `progress`: what it tells
//! - `run`: a job from its begin to its end

mod child;
mod order;
mod progress;
mod run;

pub use order::{BUDGET_LEAST, BUDGET_MOST, Order, SIMULATED_MOST, Simulated};
pub use progress::Progress;

use super::Registry;
use super::changes::Changed;
use lehr_domain::model::{ModelKind, ModelVersion};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// Jobs that wait while one runs: one a kind of model.
pub const QUEUED_MOST: usize = 4;
/// Jobs that are remembered.
const KEPT_MOST: usize = 100;
/// Name of the program that trains.
const PROGRAM: &str = "lehr-train";

/// How trainings are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrainingOptions {
    /// The program that trains.
    pub program: PathBuf,
    /// Where data are kept between trainings, and where a training writes.
    pub folder: PathBuf,
}

impl TrainingOptions {
    /// With the program that is given, or else the one beside the running binary.
    pub fn new(data: &Path, program: Option<PathBuf>) -> TrainingOptions {
        let beside = || {
            let binary = std::env::current_exe().ok()?;
            Some(binary.parent()?.join(PROGRAM))
        };
        let program = program.or_else(beside).unwrap_or_else(|| PROGRAM.into());
        TrainingOptions { program, folder: data.join("training") }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrainingError {
    #[error(
        "{} is not there; build it with `cargo build --release -p lehr-neural`, and put it beside the binary lehr, or \
         name it with --train", .0.display()
    )]
    NoProgram(PathBuf),
    #[error("{QUEUED_MOST} trainings wait already; try again later, or take one back")]
    Full,
    #[error("a budget lies between 1s and 24h")]
    Budget,
    #[error(
        "the {model} is trained on {} to {} plants and {} to {} days", .least.plants, SIMULATED_MOST.plants, .least.days,
        SIMULATED_MOST.days
    )]
    Data { model: ModelKind, least: Simulated },
    #[error("the data of the {0} are not to be chosen; leave them out")]
    NoChoice(ModelKind),
    #[error("training {0} is not known")]
    Unknown(u64),
    #[error("training {0} is over already")]
    Over(u64),
    #[error("the server stops")]
    Stopping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    Queued,
    Running,
    /// A new version is registered, and challenges the one in production.
    Done,
    Failed,
    /// Somebody took it back.
    Cancelled,
}

impl JobState {
    pub const TEXTS: [&str; 5] = ["queued", "running", "done", "failed", "cancelled"];

    pub fn text(self) -> &'static str {
        JobState::TEXTS[self as usize]
    }

    fn is_over(self) -> bool {
        !matches!(self, JobState::Queued | JobState::Running)
    }
}

/// A training, as it stands.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: u64,
    pub order: Order,
    pub changed: Changed,
    pub state: JobState,
    pub progress: Progress,
    /// The version that it makes; `None` before it begins.
    pub version: Option<ModelVersion>,
    /// Why it failed.
    pub error: Option<String>,
    /// Wall time.
    pub asked: SystemTime,
    pub began: Option<SystemTime>,
    pub ended: Option<SystemTime>,
    /// When it is likely to be over, wall time; `None` of one that is over, or where that cannot be told.
    pub estimated_end: Option<SystemTime>,
    cancelled: Arc<AtomicBool>,
}

/// The trainings of a server. Cheap to clone; the last one dropped ends the process that runs.
#[derive(Clone)]
pub struct Training(Arc<Owner>);

struct Owner {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    options: TrainingOptions,
    registry: Registry,
    known: Mutex<Known>,
    /// A job was queued, or it is time to stop.
    woken: Condvar,
}

#[derive(Default)]
struct Known {
    last: u64,
    jobs: BTreeMap<u64, Job>,
    stopping: bool,
}

impl Training {
    /// Starts the thread of trainings. What an earlier run did not finish is removed.
    pub fn start(options: TrainingOptions, registry: Registry) -> Training {
        let shared = Arc::new(Shared { options, registry, known: Mutex::default(), woken: Condvar::new() });
        let thread = {
            let shared = shared.clone();
            let thread = thread::Builder::new().name("lehr training".into());
            thread.spawn(move || shared.work()).expect("threads can be started")
        };
        Training(Arc::new(Owner { shared, thread: Mutex::new(Some(thread)) }))
    }

    /// Whether a training could begin.
    ///
    /// Error: there is no program that trains.
    pub fn is_possible(&self) -> Result<(), TrainingError> {
        let program = &self.0.shared.options.program;
        let found = match program.components().count() {
            1 => is_on_path(program.as_os_str()),
            _ => program.is_file(),
        };
        if found { Ok(()) } else { Err(TrainingError::NoProgram(program.clone())) }
    }

    /// Queues a training.
    ///
    /// Error: too many wait, there is no program, or the order cannot be carried out.
    pub fn ask(&self, order: Order, changed: Changed) -> Result<Job, TrainingError> {
        self.is_possible()?;
        order.check()?;
        let shared = &self.0.shared;
        let mut known = shared.known();
        if known.stopping {
            return Err(TrainingError::Stopping);
        }
        if known.jobs.values().filter(|job| job.state == JobState::Queued).count() >= QUEUED_MOST {
            return Err(TrainingError::Full);
        }
        known.last += 1;
        let id = known.last;
        let job = Job {
            id,
            order,
            changed,
            state: JobState::Queued,
            progress: Progress::default(),
            version: None,
            error: None,
            asked: SystemTime::now(),
            began: None,
            ended: None,
            estimated_end: None,
            cancelled: Arc::default(),
        };
        known.jobs.insert(id, job);
        known.forget();
        shared.woken.notify_all();
        known.estimated(id).ok_or(TrainingError::Unknown(id))
    }

    /// All that are remembered, the newest first.
    pub fn jobs(&self) -> Vec<Job> {
        let known = self.0.shared.known();
        known.jobs.keys().rev().filter_map(|id| known.estimated(*id)).collect()
    }

    pub fn job(&self, id: u64) -> Result<Job, TrainingError> {
        self.0.shared.known().estimated(id).ok_or(TrainingError::Unknown(id))
    }

    /// Takes a training back: one that runs is ended within a second.
    ///
    /// Error: it is over.
    pub fn cancel(&self, id: u64) -> Result<Job, TrainingError> {
        let mut known = self.0.shared.known();
        let job = known.jobs.get_mut(&id).ok_or(TrainingError::Unknown(id))?;
        match job.state {
            JobState::Queued => job.end(JobState::Cancelled, None),
            JobState::Running => job.cancelled.store(true, Ordering::Release),
            _ => return Err(TrainingError::Over(id)),
        }
        known.estimated(id).ok_or(TrainingError::Unknown(id))
    }

    /// Ends the process that runs, and waits until it is gone.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl Owner {
    fn stop(&self) {
        {
            let mut known = self.shared.known();
            known.stopping = true;
            for job in known.jobs.values_mut() {
                match job.state {
                    JobState::Queued => job.end(JobState::Cancelled, None),
                    JobState::Running => job.cancelled.store(true, Ordering::Release),
                    _ => {}
                }
            }
        }
        self.shared.woken.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic there has been reported by the thread itself.
        drop(thread.map(JoinHandle::join));
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change of it is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        run::tidy(&self.options.folder);
        while let Some(job) = self.next() {
            let id = job.id;
            // A panic must not leave the job running for ever.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.run(&job)));
            let done = done.unwrap_or_else(|_| Err("it failed inside; the log says more".to_owned()));
            if let Err(error) = &done {
                tracing::info!("training {id} of the {}: {error}", job.order.model);
            }
            let mut known = self.known();
            if let Some(known) = known.jobs.get_mut(&id) {
                let cancelled = known.cancelled.load(Ordering::Acquire);
                match done {
                    Ok(_) => known.end(JobState::Done, None),
                    Err(_) if cancelled => known.end(JobState::Cancelled, None),
                    Err(error) => known.end(JobState::Failed, Some(error)),
                }
            }
        }
    }

    /// Waits for the next job and begins it; `None` when it is time to stop.
    fn next(&self) -> Option<Job> {
        let mut known = self.known();
        loop {
            if known.stopping {
                return None;
            }
            if let Some(job) = known.jobs.values_mut().find(|job| job.state == JobState::Queued) {
                job.state = JobState::Running;
                job.began = Some(SystemTime::now());
                return Some(job.clone());
            }
            known = self.woken.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn note(&self, id: u64, note: impl FnOnce(&mut Job)) {
        if let Some(job) = self.known().jobs.get_mut(&id) {
            note(job);
        }
    }
}

impl Job {
    fn end(&mut self, state: JobState, error: Option<String>) {
        self.state = state;
        self.error = error;
        self.ended = Some(SystemTime::now());
    }
}

impl Known {
    /// A job, with when it is likely to be over: each begins when the one before it ends.
    fn estimated(&self, id: u64) -> Option<Job> {
        let job = self.jobs.get(&id)?;
        let mut end = Some(SystemTime::now());
        for job in self.jobs.range(..=id).map(|(_, job)| job) {
            let left = match job.state {
                JobState::Running => job.progress.left(job.order.budget, Instant::now()),
                JobState::Queued => Some(job.order.budget),
                _ => Some(Duration::ZERO),
            };
            end = end.zip(left).and_then(|(end, left)| end.checked_add(left));
        }
        let estimated_end = end.filter(|_| !job.state.is_over());
        Some(Job { estimated_end, ..job.clone() })
    }

    /// Forgets the oldest that are over, beyond the bound.
    fn forget(&mut self) {
        while self.jobs.len() > KEPT_MOST {
            let Some(oldest) = self.jobs.values().find(|job| job.state.is_over()).map(|job| job.id) else { return };
            self.jobs.remove(&oldest);
        }
    }
}

/// Whether a program without a folder would be found.
fn is_on_path(program: &OsStr) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
