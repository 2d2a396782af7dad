//! The journal read again: at start-up, and for questions about what was known then.

use super::RuntimeError;
use super::assembly::learn;
use super::engine::Inline;
use super::handle::AsOf;
use crate::journal::{JournalError, Reader};
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::Tick;
use lehr_domain::event::Inputs;
use lehr_domain::names::Names;
use lehr_queries::Snapshot;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Rows that one joined tick holds at most.
const JOINED_ROWS: usize = 200_000;

/// The journal's ticks, neighbouring ones joined into larger ones under the last one's number. Their inputs
/// are the same set, so the outputs at the end are the same. The last one is `last` at most; a tick of `apart` is
/// never joined with those behind it.
pub fn joined(
    mut reader: impl Iterator<Item = Result<Inputs, JournalError>>,
    last: Tick,
    apart: BTreeSet<Tick>,
) -> impl Iterator<Item = Result<Inputs, JournalError>> {
    let mut held: Option<Inputs> = None;
    std::iter::from_fn(move || {
        loop {
            match reader.next() {
                Some(Ok(next)) if next.tick <= last => {
                    let Some(mut inputs) = held.take() else {
                        held = Some(next);
                        continue;
                    };
                    let rows = inputs.readings.len() + inputs.events.len() + next.readings.len();
                    if rows > JOINED_ROWS || apart.contains(&inputs.tick) {
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
    for reading in next.readings.iter() {
        inputs.readings.push(reading);
    }
    inputs.events.extend(next.events);
    inputs.offsets.extend(next.offsets);
}

/// Everything as of a tick up to `durable`, from the journal alone.
pub fn rebuild(data: &Path, graph: GraphConfig, durable: Tick, as_of: AsOf) -> Result<Snapshot, RuntimeError> {
    let last = match as_of {
        AsOf::Tick(tick) => tick,
        AsOf::Time(time) => {
            let mut last = Tick(0);
            for inputs in Reader::open(data)? {
                let inputs = inputs?;
                if inputs.now > time || inputs.tick > durable {
                    break;
                }
                last = inputs.tick;
            }
            last
        }
    };
    let reader = Reader::open(data)?;
    let last = last.min(durable);
    let mut engine = Inline::new(graph);
    let mut names = Arc::new(Names::default());
    let mut snapshot = Snapshot::empty();
    for inputs in joined(reader, last, BTreeSet::new()) {
        let inputs = Arc::new(inputs?);
        learn(&mut names, &inputs.events);
        let changes = engine.run(&inputs);
        snapshot =
            snapshot.apply(inputs.tick, inputs.now, inputs.wall, &names, &changes).map_err(RuntimeError::Publish)?;
    }
    Ok(snapshot)
}
