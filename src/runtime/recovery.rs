//! The journal read again: at start-up, and for questions about what was known then.

use super::RuntimeError;
use super::assembly::learn;
use super::engine::Inline;
use super::handle::AsOf;
use super::reopening::Reopening;
use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::history::{self, History, HistoryError};
use crate::journal::Reader;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::Tick;
use lehr_domain::event::{Inputs, Revised};
use lehr_domain::names::Names;
use lehr_queries::Snapshot;
use std::path::Path;
use std::sync::Arc;

/// Rows that one joined tick holds at most.
const JOINED_ROWS: usize = 200_000;

/// The journal's ticks, neighbouring ones joined into larger ones under the last one's number. Their inputs
/// are the same set, so the outputs at the end are the same. The last one is `last` at most.
pub fn joined(
    mut reader: impl Iterator<Item = Result<Inputs, HistoryError>>,
    last: Tick,
) -> impl Iterator<Item = Result<Inputs, HistoryError>> {
    let mut held: Option<Inputs> = None;
    std::iter::from_fn(move || {
        loop {
            match reader.next() {
                Some(Ok(next)) if next.tick <= last => {
                    let Some(mut inputs) = held.take() else {
                        held = Some(next);
                        continue;
                    };
                    if inputs.readings.len() + inputs.events.len() + next.readings.len() > JOINED_ROWS {
                        held = Some(next);
                        return Some(Ok(inputs));
                    }
                    join(&mut inputs, next);
                    held = Some(inputs);
                }
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(_)) | None => return held.take().map(Ok),
            }
        }
    })
}

fn join(inputs: &mut Inputs, next: Inputs) {
    inputs.tick = next.tick;
    inputs.now = inputs.now.max(next.now);
    inputs.wall = next.wall;
    inputs.low_water = inputs.low_water.max(next.low_water);
    inputs.readings.append(next.readings);
    inputs.events.extend(next.events);
    inputs.offsets.extend(next.offsets);
}

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
        let changes = engine.run(&Arc::new(reopening.restore(base)?));
        snapshot = snapshot
            .apply(head.tick, head.now, head.wall, &names, &changes)
            .map_err(RuntimeError::Publish)?
            .marked(head.low_water);
        reader = reader.from(head.tick.next());
    }
    for inputs in joined(reader, last) {
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
