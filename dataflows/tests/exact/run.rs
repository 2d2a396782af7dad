//! Runs the graph over a list of ticks, in one of the ways in which it may run.

use lehr_dataflows::graph::{Graph, GraphConfig};
use lehr_dataflows::tables::Changes;
use lehr_domain::Inputs;
use std::sync::Arc;
use timely::{CommunicationConfig, WorkerConfig};

/// How rows get from one worker to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// As they are, between threads.
    Moved,
    /// As bytes, as between processes.
    Serialised,
}

/// When the next tick is fed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When the one before is closed.
    Stepwise,
    /// At once: many ticks are open together.
    Ahead,
}

#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub workers: usize,
    pub exchange: Exchange,
    pub pace: Pace,
}

impl Setup {
    /// What all others are compared with.
    pub const PLAIN: Setup = Setup { workers: 1, exchange: Exchange::Moved, pace: Pace::Stepwise };
}

/// What each tick changed, all workers together.
pub fn run(setup: Setup, config: GraphConfig, ticks: &[Arc<Inputs>]) -> Vec<Changes> {
    let communication = match setup.exchange {
        Exchange::Moved => CommunicationConfig::Process(setup.workers),
        Exchange::Serialised => CommunicationConfig::ProcessBinary(setup.workers),
    };
    let ticks = ticks.to_vec();
    let mut merged = vec![Changes::default(); ticks.len()];
    let config_of_timely = timely::Config { communication, worker: WorkerConfig::default() };
    let guards = timely::execute(config_of_timely, move |worker| {
        let mut graph = Graph::build(worker, config);
        for inputs in &ticks {
            graph.feed(inputs);
            if setup.pace == Pace::Stepwise {
                worker.step_while(|| !graph.closed(inputs.tick));
            }
        }
        if let Some(last) = ticks.last() {
            worker.step_while(|| !graph.closed(last.tick));
        }
        ticks.iter().map(|inputs| graph.take(inputs.tick)).collect::<Vec<Changes>>()
    });
    for share in guards.expect("workers start").join() {
        for (whole, part) in merged.iter_mut().zip(share.expect("workers finish")) {
            whole.merge(part);
        }
    }
    merged.iter_mut().for_each(Changes::consolidate);
    merged
}
