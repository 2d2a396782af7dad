//! The journal read again: at start-up, and for questions about what was known then.

use super::RuntimeError;
use super::assembly::learn;
use super::engine::Inline;
use super::handle::AsOf;
use super::joining::joined;
use super::reopening::Reopening;
use super::work::Work;
use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::history::{self, History};
use crate::journal::Reader;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::Tick;
use lehr_domain::event::Revised;
use lehr_domain::names::Names;
use lehr_queries::Snapshot;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The texts that the rows of a checkpoint give to ids.
pub(super) fn names_of(checkpoint: &Checkpoint) -> Arc<Names> {
    let mut names = Arc::new(Names::default());
    let rows = checkpoint.base.facts.iter().filter(|row| row.event.registers());
    let registered: Vec<Revised> =
        rows.map(|row| Revised { revision: row.revision, event: row.event.clone() }).collect();
    learn(&mut names, &registered);
    names
}

/// The last tick up to `durable` that closed as asked.
fn last_of(data: &Path, durable: Tick, as_of: AsOf) -> Result<Tick, RuntimeError> {
    let time = match as_of {
        AsOf::Tick(tick) => return Ok(tick.min(durable)),
        AsOf::Time(time) => time,
    };
    let mut last = Tick(0);
    // When a tick closed is in the journal, whether or not its readings are.
    let mut reader = Reader::open(data)?;
    while let Some(recorded) = reader.record() {
        let inputs = recorded?.inputs;
        if inputs.now > time || inputs.tick > durable {
            break;
        }
        last = inputs.tick;
    }
    Ok(last)
}

/// Everything as of a tick up to `durable`, from what is on disk alone: the newest checkpoint before it, and the
/// journal from there on.
pub fn rebuild(
    data: &Path,
    history: Arc<History>,
    graph: GraphConfig,
    durable: Tick,
    as_of: AsOf,
) -> Result<Snapshot, RuntimeError> {
    let last = last_of(data, durable, as_of)?;
    let mut engine = Inline::new(graph);
    let mut reopening = Reopening::new(history.clone(), graph.panes());
    let mut names = Arc::new(Names::default());
    let mut snapshot = Snapshot::empty();
    let mut reader = history::Inputs::within(data, history)?;
    let checkpoint = match Checkpoints::look(data) {
        Some(checkpoints) => checkpoints.newest(&graph, last)?.0,
        None => None,
    };
    if let Some(checkpoint) = checkpoint {
        names = names_of(&checkpoint);
        let Checkpoint { head, base } = checkpoint;
        for part in reopening.restore(base)?.parts() {
            let tick = part.tick;
            let changes = engine.run(&Arc::new(Work::Restore(part)));
            snapshot = snapshot
                .apply(tick, head.now, head.wall, &names, &changes)
                .map_err(RuntimeError::Publish)?
                .marked(head.low_water);
        }
        reader = reader.from(head.tick.next());
    }
    for inputs in joined(reader, last, BTreeSet::new(), graph.retention) {
        let inputs = Arc::new(inputs?);
        learn(&mut names, &inputs.events);
        let changes = engine.run(&Arc::new(reopening.work(inputs.clone())?));
        snapshot = snapshot
            .apply(inputs.tick, inputs.now, inputs.wall, &names, &changes)
            .map_err(RuntimeError::Publish)?
            .marked(inputs.low_water);
    }
    Ok(snapshot)
}
