//! Puts inputs into ticks, makes them durable, and hands them to the workers: the one writer of the journal.

use super::RuntimeError;
use super::gate::{Admitted, Gate};
use super::handle::{Closed, RuntimeOptions, RuntimeStats, Submission};
use super::publisher::Announcement;
use super::workers::Workers;
use crate::history::{self, History};
use crate::journal::Journal;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::event::{Inputs, Revised};
use lehr_domain::names::Names;
use lehr_domain::{Event, EventMs, SpanMs, Tick};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;

/// A tick takes in no further submission beyond this many rows: a record of 200 000 readings is 6 MB, an
/// fsync of a few milliseconds.
const ROWS_PER_TICK: usize = 200_000;

/// Bits of an id that number the rows within their tick.
const ID_BITS: u32 = 20;

/// A submission on its way, and who waits for it.
pub(super) struct Command {
    pub submission: Submission,
    pub receipt: Option<oneshot::Sender<Closed>>,
}

pub(super) struct Sequencer {
    journal: Journal,
    workers: Workers,
    announce: SyncSender<Announcement>,
    stats: Arc<RuntimeStats>,
    names: Arc<Names>,
    gate: Gate,
    now: EventMs,
    simulated_clock: bool,
}

/// Wall time.
fn wall() -> EventMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventMs(since.as_millis() as i64)
}

impl Sequencer {
    pub fn new(
        journal: Journal,
        workers: Workers,
        announce: SyncSender<Announcement>,
        stats: Arc<RuntimeStats>,
        options: &RuntimeOptions,
    ) -> Sequencer {
        let gate = Gate {
            low_water: EventMs(0),
            pane_width: options.graph.pane_width,
            pane_retention: options.graph.retention.panes,
        };
        let simulated_clock = options.simulated_clock;
        Sequencer { journal, workers, announce, stats, names: Arc::default(), gate, now: EventMs(0), simulated_clock }
    }

    /// Replays what is durable. Ticks are joined into larger ones on the way: the outputs at the end are the
    /// same, and a day of small ticks is read in seconds.
    pub fn recover(
        &mut self,
        options: &RuntimeOptions,
        history: Arc<History>,
        progress: impl Fn(Tick),
    ) -> Result<(), RuntimeError> {
        let durable = self.journal.durable();
        if durable == Tick(0) {
            return Ok(());
        }
        let reader = history::Inputs::within(&options.data, history)?.up_to(durable);
        for joined in super::history::joined(reader, durable) {
            let inputs = joined?;
            self.now = self.now.max(inputs.now);
            self.gate.low_water = self.gate.low_water.max(inputs.low_water);
            self.learn(&inputs.events);
            progress(inputs.tick);
            self.hand_over(inputs, Vec::new(), false)?;
        }
        self.note_progress(durable);
        Ok(())
    }

    /// Journals what the catalogue and the knowledge base know and the journal does not.
    pub fn register(&mut self, options: &RuntimeOptions) -> Result<(), RuntimeError> {
        let events = registrations(&options.catalogue, &options.knowledge, &self.names)?;
        if events.is_empty() {
            return Ok(());
        }
        let submission = Submission { source: "catalogue".into(), events, ..Submission::default() };
        self.tick(vec![Command { submission, receipt: None }])
    }

    /// Takes submissions until all handles are gone or the journal fails.
    pub fn run(mut self, mut inbox: Receiver<Command>) {
        while let Some(first) = inbox.blocking_recv() {
            let mut rows = first.rows();
            let mut commands = vec![first];
            while rows < ROWS_PER_TICK {
                let Ok(next) = inbox.try_recv() else { break };
                rows += next.rows();
                commands.push(next);
            }
            if let Err(error) = self.tick(commands) {
                self.stats.fail("sequencer", &error);
                return;
            }
        }
    }

    fn tick(&mut self, commands: Vec<Command>) -> Result<(), RuntimeError> {
        let tick = self.journal.next();
        let wall = wall();
        if self.simulated_clock {
            let latest = commands.iter().filter_map(|command| command.submission.now).max();
            self.now = self.now.max(latest.unwrap_or(self.now));
            if self.now == EventMs(0) {
                self.now = wall;
            }
        } else {
            self.now = self.now.max(wall);
        }
        // A mark that moved with every tick would let every tick look for what leaves.
        self.gate.low_water = self.gate.low_water.max(self.now.floor(SpanMs::minutes(1)));
        let mut inputs = Inputs { tick, now: self.now, wall, low_water: self.gate.low_water, ..Inputs::default() };
        let mut receipts = Vec::new();
        for command in commands {
            let admitted = self.admit(command.submission, &mut inputs)?;
            if let Some(receipt) = command.receipt {
                receipts.push((receipt, admitted));
            }
        }
        number(&mut inputs);
        self.journal.append(&inputs)?;
        self.journal.sync()?;
        self.note_progress(tick);
        self.hand_over(inputs, receipts, true)
    }

    fn admit(&mut self, submission: Submission, inputs: &mut Inputs) -> Result<Admitted, RuntimeError> {
        let revision = inputs.tick.0;
        let mut events = submission.events;
        if let Some(catalogue) = submission.register {
            events.splice(0..0, catalogue.events(&self.names)?);
        }
        let events: Vec<Revised> = events.into_iter().map(|event| Revised { revision, event }).collect();
        self.learn(&events);
        self.stats.events.fetch_add(events.len() as u64, Ordering::Relaxed);
        inputs.events.extend(events);
        let admitted = self.gate.admit(inputs.tick, self.now, &self.names, submission.readings, inputs);
        self.stats.readings.fetch_add(admitted.taken as u64, Ordering::Relaxed);
        self.stats.late.fetch_add(admitted.late as u64, Ordering::Relaxed);
        self.stats.refused.fetch_add(admitted.refused as u64, Ordering::Relaxed);
        if let Some(offset) = submission.offset {
            inputs.offsets.push((submission.source, offset));
        }
        Ok(admitted)
    }

    /// Takes note of registrations.
    fn learn(&mut self, events: &[Revised]) {
        if events.iter().any(|event| event.event.registers()) {
            let names = Arc::make_mut(&mut self.names);
            events.iter().for_each(|event| names.apply(&event.event));
        }
    }

    fn note_progress(&self, tick: Tick) {
        self.stats.durable.store(tick.0, Ordering::Release);
        self.stats.now.store(self.now.0, Ordering::Release);
        self.stats.low_water.store(self.gate.low_water.0, Ordering::Release);
    }

    fn hand_over(
        &self,
        inputs: Inputs,
        receipts: Vec<(oneshot::Sender<Closed>, Admitted)>,
        visible: bool,
    ) -> Result<(), RuntimeError> {
        let announcement = Announcement {
            tick: inputs.tick,
            now: inputs.now,
            wall: inputs.wall,
            names: self.names.clone(),
            receipts,
            visible,
        };
        let stopped = |_| RuntimeError::Stopped("the publisher has ended".into());
        self.announce.send(announcement).map_err(stopped)?;
        self.workers.feed(&Arc::new(inputs))
    }
}

impl Command {
    fn rows(&self) -> usize {
        self.submission.readings.len() + self.submission.events.len()
    }
}

/// What the catalogue and, for a new plant, the knowledge base add to what is known.
pub fn registrations(catalogue: &Catalogue, knowledge: &str, known: &Names) -> Result<Vec<Event>, RuntimeError> {
    let first = known.lines().next().is_none();
    let mut events = catalogue.events(known)?;
    if first {
        let mut names = Names::default();
        events.iter().for_each(|event| names.apply(event));
        let knowledge = lehr_causal::KnowledgeBase::parse(knowledge, &names)?;
        for skipped in &knowledge.skipped {
            tracing::debug!("knowledge base: {skipped}");
        }
        events.extend(knowledge.edges.into_iter().map(|(id, edge)| Event::Edge(id, Some(edge))));
    }
    Ok(events)
}

/// Gives ids to rows that came without: unique, and the same whenever the journal is replayed.
fn number(inputs: &mut Inputs) {
    let first = inputs.tick.0 << ID_BITS;
    let ids = inputs.events.iter_mut().filter_map(|row| match &mut row.event {
        Event::Operator(row) => Some(&mut row.id),
        Event::Audit(row) => Some(&mut row.id),
        Event::Error(row) => Some(&mut row.id),
        _ => None,
    });
    for (ordinal, id) in ids.filter(|id| **id == 0).enumerate() {
        *id = first + ordinal as u64 + 1;
    }
}
