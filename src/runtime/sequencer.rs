//! Puts inputs into ticks and makes them durable: the one writer of the journal. A state machine without a thread
//! or a clock; who drives it says what time it is, and hands on what [`Sequencer::commit`] gives.
//!
//! ```text
//! submissions ──close──▶ open tick (appended) ──commit──▶ durable tick ──▶ workers, publisher
//! ```
//!
//! Invariant: a tick leaves here only after the journal said that it is durable, so nothing that anybody sees, or
//! was told, can be lost.

use super::RuntimeError;
use super::assembly::{Assembly, registrations};
use super::gate::Admitted;
use super::handle::{Closed, RuntimeOptions, RuntimeStats, Submission};
use super::publisher::Announcement;
use super::times::Stamps;
use crate::checkpoint::{Checkpoint, Head};
use crate::journal::Journal;
use crate::journal::storage::{Disk, Storage};
use lehr_domain::event::Inputs;
use lehr_domain::{EventMs, Tick};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// A tick takes in no further submission beyond this many rows: a record of 200 000 readings is 6 MB, an
/// fsync of a few milliseconds.
const ROWS_PER_TICK: usize = 200_000;

/// A submission on its way, and who waits for it.
pub(crate) struct Command {
    pub submission: Submission,
    pub receipt: Option<oneshot::Sender<Closed>>,
    /// When it was handed over, where somebody looks at a clock.
    pub submitted: Option<Instant>,
}

impl Command {
    fn rows(&self) -> usize {
        self.submission.readings.len() + self.submission.events.len()
    }
}

/// What waits, as far as it goes into one tick.
pub(crate) fn take_waiting(first: Command, inbox: &mut Receiver<Command>) -> Vec<Command> {
    let mut rows = first.rows();
    let mut commands = vec![first];
    while rows < ROWS_PER_TICK {
        let Ok(next) = inbox.try_recv() else { break };
        rows += next.rows();
        commands.push(next);
    }
    commands
}

/// A tick that no crash can take back: to be announced to the publisher, then fed to the workers.
pub(crate) struct Durable {
    pub announcement: Announcement,
    pub inputs: Arc<Inputs>,
}

pub(crate) struct Sequencer<S = Disk> {
    journal: Journal<S>,
    assembly: Assembly,
    stats: Arc<RuntimeStats>,
    /// Appended to the journal and not known to be durable.
    open: Option<Durable>,
}

impl<S: Storage> Sequencer<S> {
    /// On a journal just opened. What it holds must be replayed before the first tick is closed.
    pub fn new(journal: Journal<S>, options: &RuntimeOptions, stats: Arc<RuntimeStats>) -> Sequencer<S> {
        Sequencer { journal, assembly: Assembly::new(options), stats, open: None }
    }

    /// The last tick that is durable.
    pub fn durable(&self) -> Tick {
        self.journal.durable()
    }

    /// Goes on from a checkpoint, before anything is replayed.
    pub fn resume(&mut self, checkpoint: &Checkpoint) -> Announcement {
        let Head { tick, now, wall, low_water, .. } = checkpoint.head;
        assert!(tick <= self.durable(), "only durable ticks have checkpoints");
        self.assembly.resume(checkpoint);
        if tick == self.durable() {
            self.note_progress();
        }
        let names = self.assembly.names().clone();
        Announcement {
            tick,
            now,
            wall,
            low_water,
            names,
            receipts: Vec::new(),
            visible: false,
            stamps: Stamps::default(),
            inputs: None,
        }
    }

    /// Goes on behind inputs that were read from the journal: in order, and no later than [`Sequencer::durable`].
    /// Several ticks may come joined into one; see [`super::joined`].
    pub fn replay(&mut self, inputs: Inputs) -> Durable {
        assert!(inputs.tick <= self.durable(), "only durable ticks are replayed");
        self.assembly.replay(&inputs);
        if inputs.tick == self.durable() {
            self.note_progress();
        }
        self.announced(inputs, Vec::new(), false)
    }

    /// Closes a tick that journals what the catalogue and the knowledge base know and the journal does not;
    /// `false` when there is nothing to be told.
    pub fn register(&mut self, options: &RuntimeOptions, wall: EventMs) -> Result<bool, RuntimeError> {
        let events = registrations(&options.catalogue, &options.knowledge, self.assembly.names())?;
        if events.is_empty() {
            return Ok(false);
        }
        let submission = Submission { source: "catalogue".into(), events, ..Submission::default() };
        self.close(wall, vec![Command { submission, receipt: None, submitted: None }])?;
        Ok(true)
    }

    /// Makes a tick of what was submitted and appends it to the journal. After an error the sequencer knows more
    /// than the journal holds: only recovery can go on.
    pub fn close(&mut self, wall: EventMs, commands: Vec<Command>) -> Result<(), RuntimeError> {
        assert!(self.open.is_none(), "the tick before is durable before another one closes");
        let submitted = commands.iter().filter_map(|command| command.submitted).min();
        let (submissions, receipts): (Vec<_>, Vec<_>) =
            commands.into_iter().map(|command| (command.submission, command.receipt)).unzip();
        let (inputs, admitted) = self.assembly.close(self.journal.next(), wall, submissions)?;
        self.journal.append(&inputs)?;
        self.count(&inputs, &admitted);
        let receipts = receipts.into_iter().zip(admitted);
        let receipts = receipts.filter_map(|(receipt, admitted)| Some((receipt?, admitted))).collect();
        let mut open = self.announced(inputs, receipts, true);
        open.announcement.stamps.submitted = submitted;
        self.open = Some(open);
        Ok(())
    }

    /// Makes the open tick durable. After an error it may be called again; whether that can help is the journal's
    /// to say.
    pub fn commit(&mut self) -> Result<Option<Durable>, RuntimeError> {
        let Some(open) = &self.open else { return Ok(None) };
        let durable = self.journal.sync()?;
        assert_eq!(durable, open.inputs.tick, "the journal syncs all that was appended");
        self.note_progress();
        Ok(self.open.take())
    }

    /// The tick that waits for its fsync: the simulation must know what a crash may leave of it.
    #[cfg(test)]
    pub fn open(&self) -> Option<&Durable> {
        self.open.as_ref()
    }

    fn announced(&self, inputs: Inputs, receipts: Vec<(oneshot::Sender<Closed>, Admitted)>, visible: bool) -> Durable {
        let Inputs { tick, now, wall, low_water, .. } = inputs;
        let names = self.assembly.names().clone();
        let stamps = Stamps::default();
        let inputs = Arc::new(inputs);
        let of = Some(inputs.clone());
        let announcement = Announcement { tick, now, wall, low_water, names, receipts, visible, stamps, inputs: of };
        Durable { announcement, inputs }
    }

    fn count(&self, inputs: &Inputs, admitted: &[Admitted]) {
        let (mut late, mut refused) = (0, 0);
        for admitted in admitted {
            late += admitted.late as u64;
            refused += admitted.refused as u64;
        }
        let stats = &self.stats;
        stats.readings.fetch_add(inputs.readings.len() as u64, Ordering::Relaxed);
        stats.late.fetch_add(late, Ordering::Relaxed);
        stats.refused.fetch_add(refused, Ordering::Relaxed);
        // The gate made an event of each reading that it did not take.
        stats.events.fetch_add(inputs.events.len() as u64 - late - refused, Ordering::Relaxed);
    }

    fn note_progress(&self) {
        self.stats.durable.store(self.durable().0, Ordering::Release);
        self.stats.now.store(self.assembly.now().0, Ordering::Release);
        self.stats.low_water.store(self.assembly.low_water().0, Ordering::Release);
    }
}
