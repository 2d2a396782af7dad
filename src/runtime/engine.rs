//! The graph on the caller's thread: nothing happens but what is asked for, so that who drives it decides the
//! order of everything.

use super::workers::Output;
use lehr_dataflows::graph::{Graph, GraphConfig};
use lehr_dataflows::tables::Changes;
use lehr_domain::Tick;
use lehr_domain::event::Inputs;
use std::collections::VecDeque;
use std::sync::Arc;
use timely::WorkerConfig;
use timely::communication::Allocator;
use timely::communication::allocator::Thread;
use timely::worker::Worker;

/// Workers that take ticks in and give each closed one out once per worker.
pub(crate) trait Engine {
    /// Hands a tick to every worker. Ticks must ascend.
    fn feed(&mut self, inputs: &Arc<Inputs>);

    /// Lets one worker do some of its work. What it closed can be had from [`Engine::output`].
    fn step(&mut self, worker: usize);

    /// The next closed tick of some worker; in order of ticks for each worker.
    fn output(&mut self) -> Option<Output>;
}

/// One worker, without a thread of its own.
pub(crate) struct Inline {
    worker: Worker,
    graph: Graph,
    open: VecDeque<Tick>,
}

impl Inline {
    pub fn new(config: GraphConfig) -> Inline {
        let allocator = Allocator::Thread(Thread::default());
        // Without a clock it neither parks nor has timers; no operator of the graph wants any.
        let mut worker = Worker::new(WorkerConfig::default(), allocator, None);
        let graph = Graph::build(&mut worker, config);
        Inline { worker, graph, open: VecDeque::new() }
    }

    /// Feeds a tick and works until it has closed; gives what it changed, consolidated.
    pub fn run(&mut self, inputs: &Arc<Inputs>) -> Changes {
        assert!(self.open.is_empty(), "what was fed before has been taken");
        self.feed(inputs);
        loop {
            if let Some(mut output) = self.output() {
                output.changes.consolidate();
                return output.changes;
            }
            self.step(0);
        }
    }
}

impl Engine for Inline {
    fn feed(&mut self, inputs: &Arc<Inputs>) {
        self.graph.feed(inputs, &lehr_domain::ReadingBatch::default());
        self.open.push_back(inputs.tick);
    }

    fn step(&mut self, worker: usize) {
        assert_eq!(worker, 0, "there is one worker");
        self.worker.step();
    }

    fn output(&mut self) -> Option<Output> {
        let tick = *self.open.front()?;
        if !self.graph.closed(tick) {
            return None;
        }
        self.open.pop_front();
        Some(Output { worker: 0, tick, changes: self.graph.take(tick) })
    }
}
