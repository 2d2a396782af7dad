//! One life of Lehr, from opening the journal to its end: the stages of the runtime, put together as the threads
//! do it, but every move is made by the scheduler.

use super::Violation;
use super::disk::{Disks, Handle};
use super::keeping::Keeping;
use super::lockstep::Lockstep;
use super::model::Model;
use super::mutation::{Mutation, sealed_panes, without_sealed};
use super::plant;
use super::recovery::{self, Found, Stillborn};
use crate::runtime::{
    Announcement, Closed, Command, Durable, Engine, Gathering, Inline, Output, Published, Publisher, Reopening,
    RuntimeError, RuntimeStats, Sequencer, Submission, Work, take_waiting,
};
use crate::sinks::{Delivery, Sink, SinkError};
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::event::Inputs;
use lehr_domain::{EventMs, Tick};
use lehr_queries::Snapshot;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Bounds of the queues, smaller than the real ones, so that they are reached.
const QUEUE: usize = 8;
const TICKS_AHEAD: usize = 3;
const MOST_WAITING: usize = 4;
/// What a life begins with.
pub struct Birth<'a> {
    pub disks: &'a Disks,
    pub sinks: Vec<Box<dyn Sink>>,
    pub workers: usize,
    pub rng: &'a mut ChaCha8Rng,
}

/// Who waits for a submission.
type Waiting = (u64, oneshot::Receiver<Closed>);

pub struct Process {
    sequencer: Sequencer<Handle>,
    reopening: Reopening<Handle, Handle>,
    /// What a checkpoint held and the journal behind it, as far as it is not yet handed over.
    restored: VecDeque<(Announcement, Work)>,
    /// The tick of the checkpoint that it went on from; 0 when there was none.
    resumed: Tick,
    replay: VecDeque<Inputs>,
    /// The last tick that was durable at the start.
    begun: Tick,
    registered: bool,
    sender: mpsc::Sender<Command>,
    inbox: mpsc::Receiver<Command>,
    waiting: VecDeque<Waiting>,
    ready: Option<Durable>,
    /// The last tick that the workers were given, and the last that each has closed.
    handed_over: Tick,
    closed: Vec<Tick>,
    /// Of mutations alone: whether the open tick is handed over already, and ticks that were; whether late readings
    /// of sealed panes are taken.
    early: bool,
    forgotten: Vec<Durable>,
    reopens: bool,
    engine: Box<dyn Engine>,
    workers: usize,
    outputs: VecDeque<Output>,
    gathering: Gathering,
    publisher: Publisher,
    latest: watch::Receiver<Arc<Snapshot>>,
    frames: broadcast::Receiver<Published>,
    sinks: Vec<(Delivery, Box<dyn Sink>)>,
    pub keeping: Keeping,
}

impl Process {
    /// Opens what is on the disks, and the sinks, as a start of the runtime does. All it knows comes from them.
    pub fn start(birth: Birth, model: &mut Model, in_flight: Option<Arc<Inputs>>) -> Result<Process, Stillborn> {
        let Birth { disks, mut sinks, workers, rng } = birth;
        let options = plant::options(workers);
        let mut positions = BTreeSet::new();
        let found = Found::on(disks, model, in_flight, |durable| {
            for sink in &mut sinks {
                let position = crate::sinks::position(&mut **sink, durable);
                positions.insert(position.map_err(|error| Violation(error.to_string()))?);
            }
            Ok(positions.clone())
        })?;
        let Found { journal, history, checkpoints, resumption } = found;
        let durable = journal.durable();
        let deliveries = sinks.into_iter().map(|mut sink| {
            let position = sink.position().map_err(|error| Violation(error.to_string()))?;
            let apart = sink.under_way();
            Ok((Delivery::new(position, MOST_WAITING, apart), sink))
        });
        let deliveries = deliveries.collect::<Result<Vec<_>, Violation>>()?;

        let stats = Arc::new(RuntimeStats::default());
        let mut sequencer = Sequencer::new(journal, &options, stats.clone());
        let mut reopening = Reopening::new(history.clone(), options.graph.panes());
        let (mut restored, mut resumed) = (VecDeque::new(), Tick(0));
        if let Some(checkpoint) = resumption.checkpoint {
            let announcement = sequencer.resume(&checkpoint);
            resumed = announcement.tick;
            let base = reopening.restore(checkpoint.base)?;
            let parts = if positions.contains(&Tick(0)) { vec![base] } else { recovery::parts(base, rng) };
            restored.extend(parts.into_iter().map(|part| (announcement.at(part.tick), Work::Restore(Box::new(part)))));
        }
        let replay = recovery::replay(resumption.ticks, durable, positions, &options.graph, rng)?;
        let (latest_sender, latest) = watch::channel(Arc::new(Snapshot::empty()));
        let (frames_sender, frames) = broadcast::channel(1);
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, inbox) = mpsc::channel(QUEUE);
        Ok(Process {
            sequencer,
            reopening,
            restored,
            resumed,
            replay,
            begun: durable,
            registered: false,
            sender,
            inbox,
            waiting: VecDeque::new(),
            ready: None,
            handed_over: Tick(0),
            closed: vec![Tick(0); workers],
            early: false,
            forgotten: Vec::new(),
            reopens: disks.mutation != Some(Mutation::ReopenNothing),
            engine: engine(workers, options.graph),
            workers,
            outputs: VecDeque::new(),
            gathering: Gathering::new(workers),
            publisher: Publisher { latest: latest_sender, frames: frames_sender, kept, stats: stats.clone() },
            latest,
            frames,
            sinks: deliveries,
            keeping: Keeping::new(checkpoints, history, stats, resumed),
        })
    }

    /// The tick of the checkpoint that it goes on from.
    pub fn resumed(&self) -> Option<Tick> {
        Some(self.resumed).filter(|tick| *tick > Tick(0))
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

    fn is_replaying(&self) -> bool {
        !self.restored.is_empty() || !self.replay.is_empty()
    }

    /// Whether the keeper has begun: it does when what was replayed is visible.
    pub fn keeps(&self) -> bool {
        self.registered && self.snapshot().tick >= self.begun
    }

    pub fn can_close(&self) -> bool {
        let may = !self.is_replaying() && self.ready.is_none() && self.sequencer.open().is_none();
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
        self.gathering.open() < TICKS_AHEAD && (self.ready.is_some() || self.is_replaying())
    }

    /// Gives the workers the next tick; says how many sealed panes got their readings back for it.
    pub fn hand_over(&mut self) -> Result<usize, Violation> {
        if let Some((announcement, work)) = self.restored.pop_front() {
            self.give(announcement, work)?;
            return Ok(0);
        }
        let replayed = self.replay.pop_front().map(|inputs| self.sequencer.replay(inputs));
        let durable = replayed.or_else(|| self.ready.take()).expect("something waits");
        let work = self.work_of(durable.inputs)?;
        let reopened = sealed_panes(&work).len();
        self.give(durable.announcement, if self.reopens { work } else { without_sealed(work) })?;
        Ok(reopened)
    }

    fn work_of(&mut self, inputs: Arc<Inputs>) -> Result<Work, Violation> {
        let work = self.reopening.work(inputs);
        work.map_err(|error| Violation(format!("earlier readings cannot be looked up: {error}")))
    }

    fn give(&mut self, announcement: Announcement, work: Work) -> Result<(), Violation> {
        let (before, tick) = (self.handed_over, announcement.tick);
        if tick <= before {
            return Err(Violation(format!("tick {} goes to the workers after {}", tick.0, before.0)));
        }
        self.handed_over = tick;
        self.gathering.announce(announcement);
        self.engine.feed(&Arc::new(work));
        Ok(())
    }

    /// The mutation: the open tick is handed over before it is durable.
    pub fn hand_over_early(&mut self) -> Result<(), Violation> {
        if self.gathering.open() == TICKS_AHEAD {
            return Ok(());
        }
        let Some(Durable { announcement, inputs }) = self.sequencer.open() else { return Ok(()) };
        let announcement = announcement.at(announcement.tick);
        self.early = true;
        let work = self.work_of(inputs.clone())?;
        self.give(announcement, work)
    }

    /// What was handed over early is not handed over again. Those who wait for it hear nothing.
    pub fn forget_early(&mut self) {
        if std::mem::take(&mut self.early) {
            self.forgotten.extend(self.ready.take());
        }
    }

    /// Whether a worker is not through with all that it was given.
    pub fn can_work(&self, worker: usize) -> bool {
        self.closed[worker] < self.handed_over
    }

    pub fn work(&mut self, worker: usize) {
        self.engine.step(worker);
        while let Some(output) = self.engine.output() {
            self.closed[output.worker] = output.tick;
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
        // Before the last part of a checkpoint nobody looks.
        if snapshot.tick >= self.resumed {
            model.published(&snapshot)?;
        }
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
        let through = !self.can_close() && !self.can_commit() && self.gathering.open() == 0 && !self.can_hand_over();
        let kept = self.keeps() && self.keeping.convertible().is_none();
        through && kept && self.sinks.iter().all(|(delivery, _)| delivery.waiting() == 0)
    }

    /// Every queue is within its bound, and so is what is kept.
    pub fn check_bounds(&self) -> Result<(), Violation> {
        let waiting = self.sinks.iter().map(|(delivery, _)| delivery.waiting()).max().unwrap_or(0);
        let kept = self.publisher.kept.lock().expect("nobody panicked").len();
        let lengths = [
            ("submissions", self.inbox.len(), QUEUE),
            ("open ticks", self.gathering.open(), TICKS_AHEAD),
            ("outputs", self.outputs.len(), TICKS_AHEAD * self.workers),
            ("batches", waiting, MOST_WAITING),
            ("kept snapshots", kept, 16),
            ("panes", self.latest.borrow().panes.len(), plant::PANES_MOST),
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
