//! The threads on which the graph runs.

use super::RuntimeError;
use lehr_dataflows::graph::{Graph, GraphConfig};
use lehr_dataflows::tables::Changes;
use lehr_domain::Tick;
use lehr_domain::event::Inputs;
use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex};
use std::thread::Thread;
use std::time::Duration;

/// Ticks that may wait in front of a worker, and again inside it. Enough to keep workers busy while the
/// journal syncs; few enough that inputs feel the lag soon.
const TICKS_AHEAD: usize = 8;

/// How long an idle worker sleeps at most. Inputs wake it at once; this bounds the harm of a lost wake-up.
const IDLE_PARK: Duration = Duration::from_millis(5);

/// One worker's changes of one closed tick.
pub struct Output {
    pub worker: usize,
    pub tick: Tick,
    pub changes: Changes,
}

/// The worker threads. Dropping it lets them finish what they were given.
pub struct Workers {
    inputs: Vec<SyncSender<Arc<Inputs>>>,
    threads: Vec<Thread>,
    guards: Option<timely::communication::WorkerGuards<()>>,
}

impl Workers {
    /// Starts `count` workers. Each closed tick comes out once per worker, in order of ticks for each worker.
    pub fn start(count: usize, config: GraphConfig) -> Result<(Workers, Receiver<Output>), RuntimeError> {
        let count = count.max(1);
        let (outputs, receiver) = mpsc::channel();
        let (mut inputs, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (sender, end) = mpsc::sync_channel(TICKS_AHEAD);
            inputs.push(sender);
            ends.push(Some(end));
        }
        let ends = Mutex::new(ends);
        let (announce, announced) = mpsc::channel();
        let shared = Mutex::new((outputs, announce));
        let guards = timely::execute(timely::Config::process(count), move |worker| {
            let end = ends.lock().expect("no worker panics while it takes its inputs")[worker.index()].take();
            let end = end.expect("each worker takes its inputs once");
            let (outputs, announce) = shared.lock().expect("no worker panics while it starts").clone();
            // The receiver is gone only when start-up was abandoned.
            let _ = announce.send((worker.index(), std::thread::current()));
            drop(announce);
            run(worker, config, &end, &outputs);
        })
        .map_err(RuntimeError::Workers)?;
        let mut threads: Vec<(usize, Thread)> = announced.iter().take(count).collect();
        threads.sort_by_key(|(index, _)| *index);
        let threads = threads.into_iter().map(|(_, thread)| thread).collect();
        Ok((Workers { inputs, threads, guards: Some(guards) }, receiver))
    }

    pub fn count(&self) -> usize {
        self.inputs.len()
    }

    /// Hands a tick to every worker; waits while they are too far behind.
    pub fn feed(&self, inputs: &Arc<Inputs>) -> Result<(), RuntimeError> {
        for (sender, thread) in self.inputs.iter().zip(&self.threads) {
            sender.send(inputs.clone()).map_err(|_| RuntimeError::Stopped("a worker has ended".into()))?;
            thread.unpark();
        }
        Ok(())
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.inputs.clear();
        for thread in &self.threads {
            thread.unpark();
        }
        drop(self.guards.take());
    }
}

fn run(
    worker: &mut timely::worker::Worker,
    config: GraphConfig,
    inputs: &Receiver<Arc<Inputs>>,
    outputs: &Sender<Output>,
) {
    let index = worker.index();
    let mut graph = Graph::build(worker, config);
    let mut open: VecDeque<Tick> = VecDeque::new();
    let mut ended = false;
    while !ended || !open.is_empty() {
        while open.len() < TICKS_AHEAD {
            match inputs.try_recv() {
                Ok(inputs) => {
                    graph.feed(&inputs, &lehr_domain::ReadingBatch::default());
                    open.push_back(inputs.tick);
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    ended = true;
                    break;
                }
            }
        }
        worker.step_or_park(Some(IDLE_PARK));
        while open.front().is_some_and(|tick| graph.closed(*tick)) {
            let tick = open.pop_front().expect("just looked at");
            let changes = graph.take(tick);
            if outputs.send(Output { worker: index, tick, changes }).is_err() {
                return;
            }
        }
    }
}
