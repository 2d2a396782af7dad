//! What the workers are handed.

use lehr_dataflows::graph::Graph;
use lehr_dataflows::restored::Base;
use lehr_domain::event::Inputs;
use lehr_domain::{ReadingBatch, Tick};
use std::sync::Arc;

/// Perhaps a place to go on from, then ticks.
#[derive(Clone, Debug)]
pub enum Work {
    /// A part of where to go on from.
    Restore(Box<Base>),
    /// A tick, and the earlier readings of the sealed panes that it touches.
    Tick(Arc<Inputs>, ReadingBatch),
}

impl Work {
    /// A tick for graphs that never seal panes.
    pub fn tick(inputs: Inputs) -> Work {
        Work::Tick(Arc::new(inputs), ReadingBatch::default())
    }

    /// The tick that closes once the work is done.
    pub fn closes(&self) -> Tick {
        match self {
            Work::Restore(base) => base.tick,
            Work::Tick(inputs, _) => inputs.tick,
        }
    }

    pub fn feed(&self, graph: &mut Graph) {
        match self {
            Work::Restore(base) => graph.restore(base),
            Work::Tick(inputs, reopened) => graph.feed(inputs, reopened),
        }
    }
}
