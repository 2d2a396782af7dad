//! One life of Lehr, from opening the journal to its end: the stages of the runtime, put together as the threads
//! do it, but every move is made by the scheduler.

use super::Violation;
use super::disk::JournalDisk;
use super::lockstep::Lockstep;
use super::model::Model;
use super::plant;
use crate::journal::{Journal, JournalError, Options, Reader};
use crate::runtime::{
    Announcement, Closed, Command, Durable, Engine, Gathering, Inline, Output, Published, Publisher, RuntimeError,
    RuntimeStats, Sequencer, Submission, Work, joined, take_waiting,
};
use crate::sinks::{Delivery, Sink, SinkError};
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::event::Inputs;
use lehr_domain::{EventMs, Tick};
use lehr_queries::Snapshot;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Bounds of the queues, smaller than the real ones, so that they are reached.
const QUEUE: usize = 8;
const TICKS_AHEAD: usize = 3;
const MOST_WAITING: usize = 4;
/// A few ticks, so that most crashes meet several segments.
const SEGMENT_BYTES: u64 = 1_500;

/// What a life begins with.
pub struct Birth<'a> {
    pub journal: JournalDisk,
    pub sinks: Vec<Box<dyn Sink>>,
    pub workers: usize,
    pub rng: &'a mut ChaCha8Rng,
}

/// Why a process could not start.
pub enum Stillborn {
    /// The disk failed, as it was told to.
    Disk,
    Violation(Violation),
}

/// Who waits for a submission.
type Waiting = (u64, oneshot::Receiver<Closed>);

pub struct Process {
    sequencer: Sequencer<JournalDisk>,
    /// What the journal held and is not yet handed over.
    replay: VecDeque<Inputs>,
    registered: bool,
    sender: mpsc::Sender<Command>,
    inbox: mpsc::Receiver<Command>,
    waiting: VecDeque<Waiting>,
    ready: Option<Durable>,
    /// Of the mutation alone: whether the open tick is handed over already, and ticks that were.
    early: bool,
    forgotten: Vec<Durable>,
    engine: Box<dyn Engine>,
    workers: usize,
    outputs: VecDeque<Output>,
    gathering: Gathering,
    publisher: Publisher,
    latest: watch::Receiver<Arc<Snapshot>>,
    frames: broadcast::Receiver<Published>,
    sinks: Vec<(Delivery, Box<dyn Sink>)>,
}

impl Process {
    /// Opens the journal and the sinks, as a start of the runtime does. All it knows comes from them.
    pub fn start(birth: Birth, model: &mut Model, in_flight: Option<Arc<Inputs>>) -> Result<Process, Stillborn> {
        let Birth { journal: disk, sinks, workers, rng } = birth;
        disk.recovering.set(true);
        let options = Options { segment_bytes: SEGMENT_BYTES, salvage: false, ..Options::default() };
        let opened = Journal::recover(disk.clone(), options);
        disk.recovering.set(false);
        let (journal, _) = opened.map_err(journal_failed)?;
        let durable = journal.durable();
        let read = || Reader::over(disk.clone()).up_to(durable);
        let ticks: Result<Vec<Inputs>, JournalError> = read().collect();
        model.recovered(ticks.map_err(journal_failed)?, in_flight).map_err(Stillborn::Violation)?;

        // Replay may join ticks in any way that stops at the positions of the sinks.
        let mut apart: BTreeSet<Tick> = (0..durable.0).filter(|_| rng.random_bool(0.1)).map(Tick).collect();
        let mut deliveries = Vec::new();
        for mut sink in sinks {
            let position = crate::sinks::position(&mut *sink, durable);
            let position = position.map_err(|error| Stillborn::Violation(Violation(error.to_string())))?;
            apart.insert(position);
            deliveries.push((Delivery::new(position, MOST_WAITING), sink));
        }
        let replay: Result<VecDeque<Inputs>, JournalError> =
            joined(read(), durable, apart, plant::options(workers).graph.retention).collect();
        let replay = replay.map_err(journal_failed)?;

        let options = plant::options(workers);
        let stats = Arc::new(RuntimeStats::default());
        let (latest_sender, latest) = watch::channel(Arc::new(Snapshot::empty()));
        let (frames_sender, frames) = broadcast::channel(1);
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, inbox) = mpsc::channel(QUEUE);
        Ok(Process {
            sequencer: Sequencer::new(journal, &options, stats.clone()),
            replay,
            registered: false,
            sender,
            inbox,
            waiting: VecDeque::new(),
            ready: None,
            early: false,
            forgotten: Vec::new(),
            engine: engine(workers, options.graph),
            workers,
            outputs: VecDeque::new(),
            gathering: Gathering::new(workers),
            publisher: Publisher { latest: latest_sender, frames: frames_sender, kept, stats },
            latest,
            frames,
            sinks: deliveries,
        })
    }

    pub fn workers(&self) -> usize {
        self.workers
    }

    pub fn sinks(&self) -> usize {
        self.sinks.len()
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.latest.borrow().clone()
    }

    /// The tick that a crash may leave behind or not.
    pub fn in_flight(&self) -> Option<Arc<Inputs>> {
        self.sequencer.open().map(|open| open.inputs.clone())
    }

    pub fn can_submit(&self) -> bool {
        self.sender.capacity() > 0
    }

    pub fn submit(&mut self, submission: Submission) {
        let number = submission.offset.expect("submissions are numbered");
        let (receipt, closed) = oneshot::channel();
        let command = Command { submission, receipt: Some(receipt), submitted: None };
        assert!(self.sender.try_send(command).is_ok(), "the queue has room");
        self.waiting.push_back((number, closed));
    }

    pub fn can_close(&self) -> bool {
        let may = self.replay.is_empty() && self.ready.is_none() && self.sequencer.open().is_none();
        may && (!self.registered || !self.inbox.is_empty())
    }

    pub fn close(&mut self, wall: EventMs) -> Result<(), RuntimeError> {
        if !self.registered {
            self.registered = true;
            self.sequencer.register(&plant::options(self.workers), wall)?;
            return Ok(());
        }
        let first = self.inbox.try_recv().expect("something waits");
        let commands = take_waiting(first, &mut self.inbox);
        self.sequencer.close(wall, commands)
    }

    pub fn can_commit(&self) -> bool {
        self.sequencer.open().is_some() && self.ready.is_none()
    }

    pub fn commit(&mut self, model: &mut Model) -> Result<Result<(), RuntimeError>, Violation> {
        match self.sequencer.commit() {
            Ok(Some(durable)) => {
                model.append(durable.inputs.clone())?;
                self.ready = Some(durable);
                Ok(Ok(()))
            }
            Ok(None) => Ok(Ok(())),
            Err(error) => Ok(Err(error)),
        }
    }

    pub fn can_hand_over(&self) -> bool {
        self.gathering.open() < TICKS_AHEAD && (self.ready.is_some() || !self.replay.is_empty())
    }

    pub fn hand_over(&mut self) {
        let replayed = self.replay.pop_front().map(|inputs| self.sequencer.replay(inputs));
        let durable = replayed.or_else(|| self.ready.take()).expect("something waits");
        self.gathering.announce(durable.announcement);
        self.engine.feed(&Arc::new(Work::Tick(durable.inputs, Default::default())));
    }

    /// The mutation: the open tick is handed over before it is durable.
    pub fn hand_over_early(&mut self) {
        if self.gathering.open() == TICKS_AHEAD {
            return;
        }
        let Some(Durable { announcement, inputs }) = self.sequencer.open() else { return };
        let Announcement { tick, now, wall, low_water, names, .. } = announcement;
        let (tick, now, wall, low_water, names) = (*tick, *now, *wall, *low_water, names.clone());
        let inputs = inputs.clone();
        self.gathering.announce(Announcement {
            tick,
            now,
            wall,
            low_water,
            names,
            receipts: Vec::new(),
            visible: true,
            stamps: Default::default(),
        });
        self.engine.feed(&Arc::new(Work::Tick(inputs, Default::default())));
        self.early = true;
    }

    /// What was handed over early is not handed over again. Those who wait for it hear nothing.
    pub fn forget_early(&mut self) {
        if std::mem::take(&mut self.early) {
            self.forgotten.extend(self.ready.take());
        }
    }

    pub fn is_working(&self) -> bool {
        self.gathering.open() > 0
    }

    pub fn work(&mut self, worker: usize) {
        self.engine.step(worker);
        while let Some(output) = self.engine.output() {
            self.outputs.push_back(output);
        }
    }

    pub fn can_gather(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Takes one output and publishes what is whole. Gives whether something was.
    pub fn gather(&mut self, model: &mut Model) -> Result<bool, Violation> {
        self.gathering.take(self.outputs.pop_front().expect("there is an output"));
        let Some((announcement, changes)) = self.gathering.next() else { return Ok(false) };
        let before = self.snapshot().tick;
        let visible = announcement.visible;
        let batch = self.publisher.publish(announcement, changes);
        let batch = batch.map_err(|error| Violation(format!("cannot publish: {error}")))?;
        let snapshot = self.snapshot();
        if batch.after != before || snapshot.tick != batch.tick || (visible && batch.tick != before.next()) {
            return Err(Violation(format!("tick {} was published after {}", batch.tick.0, before.0)));
        }
        model.published(&snapshot)?;
        if visible {
            let frame = self.frames.try_recv().map_err(|error| Violation(format!("no frame: {error}")))?;
            if frame.tick != snapshot.tick {
                return Err(Violation(format!("frame {} of tick {}", frame.tick.0, snapshot.tick.0)));
            }
        }
        for (delivery, sink) in &mut self.sinks {
            let offered = delivery.offer(&batch);
            offered.map_err(|error| Violation(format!("sink {}: {error}", sink.name())))?;
        }
        self.hear(model)?;
        Ok(true)
    }

    /// Those who wait hear of their submissions, in order.
    fn hear(&mut self, model: &mut Model) -> Result<(), Violation> {
        while let Some((number, receipt)) = self.waiting.front_mut() {
            match receipt.try_recv() {
                Ok(closed) => model.acknowledge(*number, closed)?,
                Err(oneshot::error::TryRecvError::Empty) => break,
                Err(oneshot::error::TryRecvError::Closed) => {
                    return Err(Violation(format!("submission {number} was dropped")));
                }
            }
            self.waiting.pop_front();
        }
        Ok(())
    }

    pub fn can_deliver(&self, sink: usize) -> bool {
        self.sinks[sink].0.waiting() > 0
    }

    pub fn deliver(&mut self, sink: usize) -> Result<(), SinkError> {
        let (delivery, sink) = &mut self.sinks[sink];
        let batch = delivery.next().expect("something waits");
        sink.apply(&batch)?;
        delivery.applied(batch.tick);
        Ok(())
    }

    /// Whether there is nothing left to do but wait for input.
    pub fn is_idle(&self) -> bool {
        let through = !self.can_close() && !self.can_commit() && !self.is_working() && !self.can_hand_over();
        through && self.sinks.iter().all(|(delivery, _)| delivery.waiting() == 0)
    }

    /// Every queue is within its bound.
    pub fn check_bounds(&self) -> Result<(), Violation> {
        let waiting = self.sinks.iter().map(|(delivery, _)| delivery.waiting()).max().unwrap_or(0);
        let kept = self.publisher.kept.lock().expect("nobody panicked").len();
        let lengths = [
            ("submissions", self.inbox.len(), QUEUE),
            ("open ticks", self.gathering.open(), TICKS_AHEAD),
            ("outputs", self.outputs.len(), TICKS_AHEAD * self.workers),
            ("batches", waiting, MOST_WAITING),
            ("kept snapshots", kept, 16),
        ];
        for (what, length, bound) in lengths {
            if length > bound {
                return Err(Violation(format!("{length} {what}, {bound} at most")));
            }
        }
        let (shown, durable) = (self.snapshot().tick.0, self.sequencer.durable().0);
        let published = self.publisher.stats.published.load(Ordering::Acquire);
        if shown > durable || published != shown {
            return Err(Violation(format!("tick {shown} is shown, {published} published, {durable} durable")));
        }
        Ok(())
    }
}

fn engine(workers: usize, graph: GraphConfig) -> Box<dyn Engine> {
    match workers {
        1 => Box::new(Inline::new(graph)),
        workers => Box::new(Lockstep::new(workers, graph)),
    }
}

fn journal_failed(error: JournalError) -> Stillborn {
    match error {
        JournalError::Io { .. } => Stillborn::Disk,
        error => Stillborn::Violation(Violation(format!("the journal does not open: {error}"))),
    }
}
