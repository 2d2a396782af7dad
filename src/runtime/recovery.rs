//! The journal read again: at start-up, and for questions about what was known then.

use super::RuntimeError;
use super::assembly::learn;
use super::engine::Inline;
use super::handle::AsOf;
use super::joining::joined;
use super::reopening::Reopening;
use super::work::Work;
use crate::checkpoint::{Checkpoint, Checkpoints, Passed};
use crate::history::{self, Files, History};
use crate::journal::storage::Storage;
use crate::journal::{Journal, JournalError, OpenReport, Reader};
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

/// Opens the journal without reading what is behind `checkpoint`; all of it when the journal turns out to end before
/// that, so that the checkpoint cannot be gone on from. `open` is told up to which tick segments need not be read.
pub(crate) fn open_journal<S>(
    checkpoint: Option<Tick>,
    open: impl Fn(Tick) -> Result<(Journal<S>, OpenReport), JournalError>,
) -> Result<(Journal<S>, OpenReport), JournalError> {
    let trusted = checkpoint.unwrap_or(Tick(0));
    let (journal, report) = open(trusted)?;
    if report.last >= trusted {
        return Ok((journal, report));
    }
    drop(journal);
    open(Tick(0))
}

/// Where a start goes on.
pub(crate) struct Resumption<J, H> {
    /// From here; `None` from nothing.
    pub checkpoint: Option<Checkpoint>,
    /// Checkpoints that could not be used.
    pub passed: Vec<Passed>,
    /// With these ticks.
    pub ticks: history::Inputs<J, H>,
}

/// Goes on from the newest checkpoint up to `last` that no sink is behind, and those of the journal's `ticks` that come
/// after it. `newest` is the newest of all, read before; `sinks` are the positions of all sinks.
pub(crate) fn resumption<C: Storage, J: Storage, H: Files>(
    checkpoints: &Checkpoints<C>,
    newest: (Option<Checkpoint>, Vec<Passed>),
    ticks: history::Inputs<J, H>,
    last: Tick,
    sinks: &BTreeSet<Tick>,
    graph: &GraphConfig,
) -> Result<Resumption<J, H>, RuntimeError> {
    // An empty target is behind nothing: all rows of the checkpoint are what it lacks up to there.
    let no_sink_behind = sinks.iter().find(|position| **position > Tick(0)).map_or(last, |least| last.min(*least));
    let fits = newest.0.as_ref().is_none_or(|checkpoint| checkpoint.head.tick <= no_sink_behind);
    let (checkpoint, passed) = if fits { newest } else { checkpoints.newest(graph, no_sink_behind)? };
    let ticks = match &checkpoint {
        Some(checkpoint) => ticks.from(checkpoint.head.tick.next()),
        None => ticks,
    };
    Ok(Resumption { checkpoint, passed, ticks })
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
    let ticks = history::Inputs::within(data, history.clone())?;
    let resumption = match Checkpoints::look(data) {
        Some(checkpoints) => {
            let newest = checkpoints.newest(&graph, last)?;
            resumption(&checkpoints, newest, ticks, last, &BTreeSet::new(), &graph)?
        }
        None => Resumption { checkpoint: None, passed: Vec::new(), ticks },
    };
    go_on(resumption, history, graph, last)
}

/// Everything as of tick `last`, where the ticks of `resumption` end.
pub(crate) fn go_on<J: Storage, H: Files>(
    resumption: Resumption<J, H>,
    history: Arc<History<J, H>>,
    graph: GraphConfig,
    last: Tick,
) -> Result<Snapshot, RuntimeError> {
    let mut engine = Inline::new(graph);
    let mut reopening = Reopening::new(history, graph.panes());
    let mut names = Arc::new(Names::default());
    let mut snapshot = Snapshot::empty();
    if let Some(checkpoint) = resumption.checkpoint {
        names = names_of(&checkpoint);
        let Checkpoint { head, base } = checkpoint;
        for part in reopening.restore(base)?.parts() {
            let tick = part.tick;
            let changes = engine.run(&Arc::new(Work::Restore(Box::new(part))));
            snapshot = snapshot
                .apply(tick, head.now, head.wall, &names, &changes)
                .map_err(RuntimeError::Publish)?
                .marked(head.low_water);
        }
    }
    for inputs in joined(resumption.ticks, last, BTreeSet::new(), graph.retention) {
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
