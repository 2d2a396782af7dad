//! The journal read again, for questions about what was known then.

use super::RuntimeError;
use super::assembly::learn;
use super::engine::Inline;
use super::handle::AsOf;
use super::joining::joined;
use crate::journal::Reader;
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::Tick;
use lehr_domain::names::Names;
use lehr_queries::Snapshot;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

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
    for inputs in joined(reader, last, BTreeSet::new(), graph.retention) {
        let inputs = Arc::new(inputs?);
        learn(&mut names, &inputs.events);
        let changes = engine.run(&inputs);
        snapshot =
            snapshot.apply(inputs.tick, inputs.now, inputs.wall, &names, &changes).map_err(RuntimeError::Publish)?;
    }
    Ok(snapshot)
}
