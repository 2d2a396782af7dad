//! Workers that score rows: a session and a thread each.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ort::session::builder::PrepackedWeights;
use ort::session::{NoSelectedOutputs, RunOptions, Session};

use crate::queue::Queue;
use crate::session::{Effort, Outputs, open, run};
use crate::{Contract, Error, Model, Refusal, Runtime};

/// The most rows of a call: an hour of every line of a large plant.
pub const MAX_ROWS: usize = 4096;

/// The most workers of a pool.
pub const MAX_WORKERS: usize = 64;

/// Rows that wait for a worker, for each worker: enough that none waits for work, and few, since those who wait have
/// their deadline.
const WAITING_PER_WORKER: usize = 4;

/// How often each session runs before it is used: the first run makes what the later ones use again.
const WARM_UP_RUNS: usize = 2;

#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Sessions, of one thread each. Scores do not depend on it.
    pub workers: NonZero<usize>,
    /// How long a call may take, waiting for a worker included.
    pub time_out: Duration,
}

impl Default for Options {
    /// A worker for each core, and five seconds.
    fn default() -> Self {
        let workers = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        Options { workers, time_out: Duration::from_secs(5) }
    }
}

/// Rows to be scored, or their scores: for each port of the contract the numbers of all rows, one row behind the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub rows: usize,
    pub values: Vec<Vec<f32>>,
}

/// A model that is ready: its sessions are open and have run.
///
/// Each row is run by itself. So its score is a function of the row and the model alone, down to the last bit, whatever
/// else is asked at the same time and however many workers there are; and workers share even a single call's rows.
///
/// What that costs: among 4 to 16 rows in one run, an LSTM of two layers of 128 takes about 0.6 of a row's time. The same
/// bits came out of it where that was tried, but nothing promises it: which kernel sums, and in which order, depends on
/// the shape of the batch.
#[derive(Debug)]
pub struct Pool {
    model: Arc<Model>,
    queue: Arc<Queue<Job>>,
    threads: Vec<JoinHandle<()>>,
    time_out: Duration,
}

/// A row and what came of it.
type Reply = (usize, Result<Outputs, String>);

struct Job {
    batch: Arc<Batch>,
    row: usize,
    /// Those of the whole call, through which its runs are ended.
    options: Arc<RunOptions<NoSelectedOutputs>>,
    reply: Sender<Reply>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "row {} of {}", self.row, self.batch.rows)
    }
}

impl Pool {
    /// Opens the sessions and tries each of them on `trial`, one row.
    ///
    /// # Errors
    /// [`Error::Refused`] when a session cannot be opened, or does not give what the contract says.
    pub fn open(runtime: &Runtime, mut model: Model, options: Options, trial: &Batch) -> Result<Self, Error> {
        let workers = options.workers.get().min(MAX_WORKERS);
        check_batch(model.contract(), trial)?;
        let mut sessions = Vec::with_capacity(workers);
        let weights = PrepackedWeights::new();
        for _ in 0..workers {
            let refused = |refusal| Error::Refused { model: model.name().to_owned(), refusal };
            let mut session = open(runtime, model.bytes(), Effort::Run(&weights))
                .map_err(|error| refused(Refusal::NotLoaded { problem: error.to_string() }))?;
            let run_options = run_options()?;
            for _ in 0..WARM_UP_RUNS {
                run(&mut session, model.contract(), &row_of(model.contract(), trial, 0), &run_options)
                    .map_err(|problem| refused(Refusal::Tried { problem }))?;
            }
            sessions.push(session);
        }
        model.forget_bytes();
        let (model, queue) = (Arc::new(model), Arc::new(Queue::new(workers * WAITING_PER_WORKER)));
        let mut pool = Pool { model, queue, threads: Vec::with_capacity(workers), time_out: options.time_out };
        for (index, session) in sessions.into_iter().enumerate() {
            let (model, queue) = (pool.model.clone(), pool.queue.clone());
            let thread = std::thread::Builder::new()
                .name(format!("lehr-score-{index}"))
                .spawn(move || work(session, &model, &queue))
                .map_err(|error| Error::Runtime { doing: "start a worker", problem: error.to_string() })?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Scores rows, within the pool's time-out.
    ///
    /// # Errors
    /// See [`Pool::score_within`].
    pub fn score(&self, batch: Batch) -> Result<Batch, Error> {
        self.score_within(batch, self.time_out)
    }

    /// Scores rows. The caller is held up no longer than this, even by a worker in the midst of an operator; the worker
    /// goes on with the next row when that operator ends.
    ///
    /// # Errors
    /// When the rows do not fit the contract, the time is over, or the model fails.
    pub fn score_within(&self, batch: Batch, time_out: Duration) -> Result<Batch, Error> {
        let contract = self.model.contract();
        check_batch(contract, &batch)?;
        let deadline = Instant::now() + time_out;
        let (batch, options) = (Arc::new(batch), Arc::new(run_options()?));
        let scored = self.score_rows(&batch, &options, deadline);
        if scored.is_err() {
            // Rows of this call that still wait or run end at once. That it fails changes nothing: nobody listens.
            let _ = options.terminate();
        }
        let mut scored = scored.map_err(|failure| match failure {
            Failure::TimedOut => Error::TimedOut { after: time_out },
            Failure::Run(problem) => Error::Run { model: self.model.name().to_owned(), problem },
        })?;
        let values = (0..contract.outputs.len())
            .map(|port| scored.iter_mut().flat_map(|row| std::mem::take(&mut row[port])).collect());
        Ok(Batch { rows: batch.rows, values: values.collect() })
    }

    /// The outputs of each row, in the order of rows.
    fn score_rows(
        &self,
        batch: &Arc<Batch>,
        options: &Arc<RunOptions<NoSelectedOutputs>>,
        deadline: Instant,
    ) -> Result<Vec<Outputs>, Failure> {
        let (reply, replies) = mpsc::channel();
        for row in 0..batch.rows {
            let job = Job { batch: batch.clone(), row, options: options.clone(), reply: reply.clone() };
            if !self.queue.push(job, deadline) {
                return Err(Failure::TimedOut);
            }
        }
        drop(reply);
        let mut scored = vec![Outputs::new(); batch.rows];
        for _ in 0..batch.rows {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Failure::TimedOut);
            }
            match replies.recv_timeout(left) {
                Ok((row, Ok(outputs))) => scored[row] = outputs,
                Ok((_, Err(problem))) => return Err(Failure::Run(problem)),
                Err(RecvTimeoutError::Timeout) => return Err(Failure::TimedOut),
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::Run("its workers are gone".to_owned())),
            }
        }
        Ok(scored)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
        for thread in self.threads.drain(..) {
            // What it panicked with was answered to its caller.
            let _ = thread.join();
        }
    }
}

enum Failure {
    TimedOut,
    Run(String),
}

fn work(mut session: Session, model: &Model, queue: &Queue<Job>) {
    while let Some(Job { batch, row, options, reply }) = queue.pop() {
        let values = row_of(model.contract(), &batch, row);
        // A panic on the way must not take the worker with it: the service would be alive and never answer.
        let ran = catch_unwind(AssertUnwindSafe(|| run(&mut session, model.contract(), &values, &options)));
        let result = ran.unwrap_or_else(|_| Err("it panicked".to_owned()));
        // Whoever asked may have gone.
        let _ = reply.send((row, result));
    }
}

fn run_options() -> Result<RunOptions<NoSelectedOutputs>, Error> {
    RunOptions::new().map_err(|error| Error::Runtime { doing: "prepare a run", problem: error.to_string() })
}

fn row_of<'a>(contract: &Contract, batch: &'a Batch, row: usize) -> Vec<&'a [f32]> {
    let ports = contract.inputs.iter().zip(&batch.values);
    ports.map(|(port, values)| &values[row * port.per_row()..(row + 1) * port.per_row()]).collect()
}

/// Whether a batch is of the contract's inputs, and every number is finite.
fn check_batch(contract: &Contract, batch: &Batch) -> Result<(), Error> {
    let bad = |field: &str, problem: String| Err(Error::Input { field: field.to_owned(), problem });
    if batch.rows == 0 || batch.rows > MAX_ROWS {
        return bad("rows", format!("{} are given, between 1 and {MAX_ROWS} are needed", batch.rows));
    }
    if batch.values.len() != contract.inputs.len() {
        let (given, needed) = (batch.values.len(), contract.inputs.len());
        return bad("inputs", format!("{given} are given, {needed} are needed"));
    }
    for (port, values) in contract.inputs.iter().zip(&batch.values) {
        let needed = batch.rows * port.per_row();
        if values.len() != needed {
            let rows = batch.rows;
            let problem = format!("{} numbers are given, {needed} are needed for {rows} rows of {port}", values.len());
            return bad(port.name, problem);
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, within) = (at / port.per_row(), at % port.per_row());
            let problem = format!("row {row} has {} at {within}, and must be finite", values[at]);
            return bad(port.name, problem);
        }
    }
    Ok(())
}
