//! How a life begins: with what the disks hold and where the sinks stand, by the runtime's own way of finding out;
//! and what must be found there.

use super::Violation;
use super::disk::{Disks, Handle, Role};
use super::model::Model;
use super::mutation::Mutation;
use super::plant;
use crate::causes::with_causes;
use crate::checkpoint::{CheckpointError, Checkpoints};
use crate::history::{self, Files, History, HistoryError, Journalled, Range};
use crate::journal::simulated::SimDisk;
use crate::journal::storage::Storage;
use crate::journal::{Journal, JournalError, Options, Reader};
use crate::runtime::{Resumption, RuntimeError, go_on, joined, open_journal, resumption};
use lehr_dataflows::graph::GraphConfig;
use lehr_dataflows::restored::Base;
use lehr_dataflows::tables::PaneRow;
use lehr_domain::event::Inputs;
use lehr_domain::{EventMs, SensorId, Tick};
use lehr_queries::Snapshot;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// A few ticks, so that most crashes meet several segments.
const SEGMENT_BYTES: u64 = 1_500;

pub type SimHistory<D = Handle> = History<D, D>;

/// Why a process could not start.
pub enum Stillborn {
    /// A disk failed, as it was told to.
    Disk,
    Violation(Violation),
}

impl From<Violation> for Stillborn {
    fn from(violation: Violation) -> Stillborn {
        Stillborn::Violation(violation)
    }
}

impl<E: Into<RuntimeError>> From<E> for Stillborn {
    fn from(error: E) -> Stillborn {
        let error = error.into();
        if disk_failed(&error) {
            Stillborn::Disk
        } else {
            Violation(format!("it does not start: {}", with_causes(&error))).into()
        }
    }
}

/// Whether it is the disk that failed, and not what was found on it.
pub fn disk_failed(error: &RuntimeError) -> bool {
    matches!(
        error,
        RuntimeError::Journal(JournalError::Io { .. } | JournalError::Poisoned)
            | RuntimeError::History(
                HistoryError::Io { .. } | HistoryError::Journal(JournalError::Io { .. } | JournalError::Poisoned)
            )
            | RuntimeError::Checkpoint(CheckpointError::Io { .. })
    )
}

/// What a life begins with.
pub struct Found {
    pub journal: Journal<Handle>,
    pub history: Arc<SimHistory>,
    pub checkpoints: Checkpoints<Handle>,
    pub resumption: Resumption<Handle, Handle>,
}

impl Found {
    /// Opens the journal and what is beside it, as a start of the runtime does. `in_flight` is what may have become
    /// durable unnoticed, `sinks` asks the sinks where they stand.
    pub fn on(
        disks: &Disks,
        model: &mut Model,
        in_flight: Option<Arc<Inputs>>,
        sinks: impl FnOnce(Tick) -> Result<BTreeSet<Tick>, Violation>,
    ) -> Result<Found, Stillborn> {
        let graph = plant::graph();
        let checkpoints = Checkpoints::over(disks.handle(Role::Checkpoints));
        let newest = checkpoints.newest(&graph, Tick(u64::MAX))?;
        if let Some(passed) = newest.1.first() {
            return Err(Violation(format!("checkpoint {} cannot be used: {}", passed.file, passed.reason)).into());
        }
        let trusted = newest.0.as_ref().map(|checkpoint| checkpoint.head.tick);
        let open = |trusted| {
            let options = Options { segment_bytes: SEGMENT_BYTES, salvage: false, trusted };
            Journal::recover(disks.handle(Role::Journal), options)
        };
        let (journal, _) = disks.recovering(|| open_journal(trusted, open))?;
        let durable = journal.durable();
        let history = open_history(disks)?;
        history.tidy()?;

        model.recovered(read_back(disks.handle(Role::Journal), &history, durable)?, in_flight)?;
        model.check_readings(looked_up(&history, durable)?)?;
        model.check_checkpoint(trusted.unwrap_or_default())?;

        let ticks = history::Inputs::over(Reader::over(disks.handle(Role::Journal)).up_to(durable), history.clone());
        let mut resumption = resumption(&checkpoints, newest, ticks, durable, &sinks(durable)?, &graph)?;
        if let Some(checkpoint) = &resumption.checkpoint {
            let tick = checkpoint.head.tick;
            resumption.ticks = match disks.mutation {
                Some(Mutation::ResumeOneTickEarly) => resumption.ticks.from(tick),
                Some(Mutation::ResumeOneTickLate) => resumption.ticks.from(tick.next().next()),
                _ => resumption.ticks,
            };
        }
        Ok(Found { journal, history, checkpoints, resumption })
    }
}

#[expect(clippy::arc_with_non_send_sync, reason = "what reads history takes it in an Arc; here on one thread")]
fn open_history(disks: &Disks) -> Result<Arc<SimHistory>, HistoryError> {
    let handles = || (disks.handle(Role::Thinning), disks.handle(Role::History));
    Ok(Arc::new(History::over(handles(), handles())?))
}

/// Every tick, from segments and history together.
fn read_back<J: Storage, H: Files>(
    journal: J,
    history: &Arc<History<J, H>>,
    durable: Tick,
) -> Result<Vec<Inputs>, HistoryError> {
    history::Inputs::over(Reader::over(journal).up_to(durable), history.clone()).collect()
}

/// Every reading, by sensor and time, as panes are reopened.
fn looked_up<J: Storage, H: Files>(history: &History<J, H>, durable: Tick) -> Result<Vec<Journalled>, HistoryError> {
    let sensors = (0..=plant::SENSORS).map(SensorId);
    let all = sensors.map(|sensor| Range { sensor, from: EventMs::MIN, to: EventMs::MAX });
    history.readings(&all.collect::<Vec<_>>(), durable.next())
}

/// If the power went now and took all that was not synced, every tick and every reading would be there. So a segment
/// was not removed too early, nor a file of history.
#[expect(clippy::arc_with_non_send_sync, reason = "what reads history takes it in an Arc; here on one thread")]
pub fn check_durable(disks: &Disks, model: &Model) -> Result<(), Violation> {
    let left = |disk: &SimDisk| SimDisk::from_image(&disk.durable_image());
    let (journal, files) = (left(&disks.journal), left(&disks.history));
    let check = || {
        let history = Arc::new(History::over((journal.clone(), files.clone()), (journal.clone(), files.clone()))?);
        Ok((read_back(journal.clone(), &history, model.durable())?, looked_up(&history, model.durable())?))
    };
    let (ticks, readings) = check().map_err(|error: HistoryError| Violation(format!("not all is durable: {error}")))?;
    model.check_ticks(&ticks)?;
    model.check_readings(readings)
}

/// An earlier tick, made again from what is on disk.
pub fn look_back(disks: &Disks, history: &Arc<SimHistory>, tick: Tick) -> Result<Snapshot, Violation> {
    let graph = plant::graph();
    let made = || {
        let checkpoints = Checkpoints::over(disks.handle(Role::Checkpoints));
        let ticks = history::Inputs::over(Reader::over(disks.handle(Role::Journal)), history.clone());
        let newest = checkpoints.newest(&graph, tick)?;
        let resumption = resumption(&checkpoints, newest, ticks, tick, &BTreeSet::new(), &graph)?;
        go_on(resumption, history.clone(), graph, tick)
    };
    made().map_err(|error: RuntimeError| Violation(format!("tick {} cannot be made again: {error}", tick.0)))
}

/// The ticks of a start, joined in some way that stops at the positions of the sinks.
pub fn replay(
    ticks: history::Inputs<Handle, Handle>,
    durable: Tick,
    positions: BTreeSet<Tick>,
    graph: &GraphConfig,
    rng: &mut ChaCha8Rng,
) -> Result<VecDeque<Inputs>, HistoryError> {
    let mut apart = positions;
    apart.extend((0..durable.0).filter(|_| rng.random_bool(0.1)).map(Tick));
    joined(ticks, durable, apart, graph.retention).collect()
}

/// A base in parts far smaller than real ones.
pub fn parts(mut base: Base, rng: &mut ChaCha8Rng) -> Vec<Base> {
    let rows: Vec<PaneRow> = base.panes.drain(..).flatten().collect();
    base.panes = rows.chunks(rng.random_range(1..=9)).map(<[PaneRow]>::to_vec).collect();
    base.parts_of(rng.random_range(1..=rows.len().max(1)))
}
