//! Runs the graph over a list of ticks, in one of the ways in which it may run.

use lehr_dataflows::graph::{Graph, GraphConfig};
use lehr_dataflows::restored::Base;
use lehr_dataflows::tables::Changes;
use lehr_domain::{EventMs, Inputs, Reading, ReadingBatch, Tick};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
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

/// A worker that waits for another one leaves it the core, and looks again at least so often. It bounds the harm of a
/// lost wake-up and decides nothing.
const PARK: Duration = Duration::from_millis(1);

/// What each tick changed, all workers together.
pub fn run(setup: Setup, config: GraphConfig, ticks: &[Arc<Inputs>]) -> Vec<Changes> {
    run_from(setup, config, None, ticks)
}

/// As [`run`], for a graph that goes on from the parts of a base: what it changed up to the tick of the base, and in
/// each of those after it, which must be all ticks from there on. `ticks` are all ticks, from the first on.
pub fn run_from(setup: Setup, config: GraphConfig, base: Option<&[Base]>, ticks: &[Arc<Inputs>]) -> Vec<Changes> {
    let communication = match setup.exchange {
        Exchange::Moved => CommunicationConfig::Process(setup.workers),
        Exchange::Serialised => CommunicationConfig::ProcessBinary(setup.workers),
    };
    let fed = reopened(&config, ticks).into_iter().zip(ticks.iter().cloned());
    let fed: Vec<(ReadingBatch, Arc<Inputs>)> =
        fed.filter(|(_, inputs)| base.is_none_or(|parts| parts.iter().all(|part| inputs.tick > part.tick))).collect();
    let parts = base.map_or(Vec::new(), <[Base]>::to_vec);
    let begin = parts.last().map(|last| last.tick);
    let out: Vec<Tick> = begin.into_iter().chain(fed.iter().map(|(_, inputs)| inputs.tick)).collect();
    let mut merged = vec![Changes::default(); out.len()];
    let config_of_timely = timely::Config { communication, worker: WorkerConfig::default() };
    let guards = timely::execute(config_of_timely, move |worker| {
        let mut graph = Graph::build(worker, config);
        let mut restored = Changes::default();
        for part in &parts {
            graph.restore(part);
            if setup.pace == Pace::Stepwise {
                worker.step_or_park_while(Some(PARK), || !graph.closed(part.tick));
            }
        }
        for (reopened, inputs) in &fed {
            graph.feed(inputs, reopened);
            if setup.pace == Pace::Stepwise {
                worker.step_or_park_while(Some(PARK), || !graph.closed(inputs.tick));
            }
        }
        if let Some(last) = out.last() {
            worker.step_or_park_while(Some(PARK), || !graph.closed(*last));
        }
        for part in parts.iter().rev().skip(1) {
            restored.merge(graph.take(part.tick));
        }
        let mut taken: Vec<Changes> = out.iter().map(|tick| graph.take(*tick)).collect();
        taken.iter_mut().take(1).for_each(|first| first.merge(std::mem::take(&mut restored)));
        taken
    });
    for share in guards.expect("workers start").join() {
        for (whole, part) in merged.iter_mut().zip(share.expect("workers finish")) {
            whole.merge(part);
        }
    }
    merged.iter_mut().for_each(Changes::consolidate);
    merged
}

/// With each tick, the earlier readings of the sealed panes that it touches: what the runtime looks up in history.
fn reopened(config: &GraphConfig, ticks: &[Arc<Inputs>]) -> Vec<ReadingBatch> {
    let panes = config.panes();
    let pane = |reading: &Reading| (reading.sensor, reading.at.floor(panes.width));
    let (mut earlier, mut mark): (Vec<Reading>, _) = (Vec::new(), EventMs::MIN);
    let mut found = Vec::new();
    for inputs in ticks {
        let sealed_until = panes.sealed_until(mark);
        let touched = inputs.readings.iter().map(|reading| pane(&reading));
        let touched: BTreeSet<_> = touched.filter(|(_, start)| *start + panes.width <= sealed_until).collect();
        found.push(earlier.iter().filter(|reading| touched.contains(&pane(reading))).copied().collect());
        earlier.extend(inputs.readings.iter());
        mark = mark.max(inputs.low_water);
    }
    found
}
