//! The threads that drive the stages of a running system, and the bounded queues between them.

use super::RuntimeError;
use super::gathering::Gathering;
use super::handle::{RuntimeOptions, RuntimeStats};
use super::joining::joined;
use super::keeper::{self, Checkpointing};
use super::pace::Pace;
use super::publisher::{Announcement, Publisher};
use super::recovery::{Resumption, resumption};
use super::reopening::Reopening;
use super::sequencer::{Command, Durable, Sequencer, take_waiting};
use super::work::Work;
use super::workers::{Output, Workers};
use crate::checkpoint::{Checkpoint, Checkpoints, Passed};
use crate::history::{self, History};
use crate::journal::Lock;
use crate::sinks::{Batch, Feed, Outlet};
use lehr_dataflows::restored::Base;
use lehr_domain::{EventMs, Inputs, Tick};
use lehr_queries::Snapshot;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Ticks that may be announced before their changes have come out, while the journal is replayed; after that
/// [`Pace`] keeps them fewer.
const ANNOUNCED: usize = 32;

/// Parts of a checkpoint between disk and screens: while one is published the next goes through the graphs.
const PARTS_UNDER_WAY: usize = 2;

/// How often start-up looks whether the replayed ticks have been published.
const START_UP_PACE: Duration = Duration::from_millis(2);

/// Wall time.
fn wall() -> EventMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventMs(since.as_millis() as i64)
}

/// What a start went on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// The tick of the checkpoint; 0 when the journal was replayed from its beginning.
    pub from: Tick,
    /// Checkpoints that could not be used.
    pub passed: Vec<Passed>,
}

/// Where durable ticks go.
pub(super) struct Downstream {
    announce: SyncSender<Announcement>,
    workers: Workers,
    reopening: Reopening,
    pace: Arc<Pace>,
}

impl Downstream {
    /// Waits while the stages behind are too far behind.
    fn hand_over(&mut self, durable: Durable) -> Result<(), RuntimeError> {
        let work = self.reopening.work(durable.inputs)?;
        self.send(durable.announcement, work)
    }

    /// Goes on from a checkpoint. A sink that lacks its rows is given them at once, or a crash could leave it with some of
    /// them; else it is restored in parts.
    fn restore(&mut self, announcement: Announcement, base: Base, at_once: bool) -> Result<(), RuntimeError> {
        let base = self.reopening.restore(base)?;
        for part in if at_once { vec![base] } else { base.parts() } {
            if !self.pace.wait_below(PARTS_UNDER_WAY) {
                return Err(RuntimeError::Stopped("the publisher has ended".into()));
            }
            self.send(announcement.at(part.tick), Work::Restore(Box::new(part)))?;
        }
        Ok(())
    }

    fn send(&self, announcement: Announcement, work: Work) -> Result<(), RuntimeError> {
        self.pace.begin();
        let stopped = |_| RuntimeError::Stopped("the publisher has ended".into());
        self.announce.send(announcement).map_err(stopped)?;
        self.workers.feed(&Arc::new(work))
    }
}

/// Starts the publisher's thread, behind the workers.
pub(super) fn publish(
    publisher: Publisher,
    workers: Workers,
    outputs: Receiver<Output>,
    reopening: Reopening,
    followers: Following,
    stats: Arc<RuntimeStats>,
) -> Result<Downstream, RuntimeError> {
    let (announce, announcements) = mpsc::sync_channel(ANNOUNCED);
    let gathering = Gathering::new(workers.count());
    let pace = Arc::new(Pace::default());
    let paced = pace.clone();
    spawn("publisher", move || {
        let ended = run_publisher(publisher, gathering, &announcements, &outputs, &followers, &paced);
        paced.end();
        ended.unwrap_or_else(|error| stats.fail("publisher", &error));
    })?;
    Ok(Downstream { announce, workers, reopening, pace })
}

/// The near ends of all that follows.
pub(super) struct Following {
    pub outlets: Vec<Outlet>,
    pub feeds: Vec<Feed>,
}

impl Following {
    fn offer(&self, batch: &Batch, inputs: Option<Arc<Inputs>>) -> Result<(), RuntimeError> {
        self.outlets.iter().try_for_each(|outlet| outlet.offer(batch))?;
        let Batch { after, tick, now, ref names, .. } = *batch;
        self.feeds.iter().for_each(|feed| feed.offer(after, tick, now, names, inputs.clone()));
        Ok(())
    }
}

/// Runs until the workers end.
fn run_publisher(
    mut publisher: Publisher,
    mut gathering: Gathering,
    announcements: &Receiver<Announcement>,
    outputs: &Receiver<Output>,
    followers: &Following,
    pace: &Pace,
) -> Result<(), RuntimeError> {
    while let Ok(announcement) = announcements.recv() {
        gathering.announce(announcement);
        while gathering.open() > 0 {
            match gathering.next() {
                Some((mut announcement, changes)) => {
                    let (stamps, inputs, closed) = (announcement.stamps, announcement.inputs.take(), Instant::now());
                    let batch = publisher.publish(announcement, changes)?;
                    publisher.stats.times.note(stamps, closed, Instant::now());
                    pace.finish();
                    followers.offer(&batch, inputs)?;
                }
                None => match outputs.recv() {
                    Ok(output) => gathering.take(output),
                    Err(_) => return Ok(()),
                },
            }
        }
    }
    Ok(())
}

/// Where a start finds what was kept, and from where on sinks must be told.
pub(super) struct OnDisk<'a> {
    pub history: &'a Arc<History>,
    pub checkpoints: &'a Checkpoints,
    /// The newest checkpoint, and those that were passed over.
    pub newest: (Option<Checkpoint>, Vec<Passed>),
    /// The positions of all sinks.
    pub sinks: BTreeSet<Tick>,
}

/// Goes on from the newest checkpoint that no sink is behind, replays the journal from there, registers what the
/// catalogue adds, waits until all of it is visible, and starts the sequencer's thread. Replay stops at the positions
/// of sinks, so that each can be given exactly what it lacks. `progress` is told how many ticks have been read.
pub(super) fn sequence(
    mut sequencer: Sequencer,
    mut downstream: Downstream,
    inbox: tokio::sync::mpsc::Receiver<Command>,
    options: &RuntimeOptions,
    on_disk: OnDisk<'_>,
    stats: Arc<RuntimeStats>,
    progress: impl Fn(Tick),
) -> Result<Resumed, RuntimeError> {
    let durable = sequencer.durable();
    let mut resumed = Resumed::default();
    if durable > Tick(0) {
        let OnDisk { history, checkpoints, newest, sinks } = on_disk;
        let ticks = history::Inputs::within(&options.data, history.clone())?.up_to(durable);
        let Resumption { checkpoint, passed, ticks } =
            resumption(checkpoints, newest, ticks, durable, &sinks, &options.graph)?;
        resumed.passed = passed;
        if let Some(checkpoint) = checkpoint {
            let announcement = sequencer.resume(&checkpoint);
            resumed.from = announcement.tick;
            stats.keeper.checkpoint.store(resumed.from.0, Ordering::Release);
            downstream.restore(announcement, checkpoint.base, sinks.contains(&Tick(0)))?;
        }
        for inputs in joined(ticks, durable, sinks, options.graph.retention) {
            let inputs = inputs?;
            progress(inputs.tick);
            downstream.hand_over(sequencer.replay(inputs))?;
        }
    }
    if sequencer.register(options, wall())? {
        sequencer.commit()?.into_iter().try_for_each(|durable| downstream.hand_over(durable))?;
    }
    until_published(&stats)?;
    spawn("sequencer", move || {
        run_sequencer(sequencer, downstream, inbox).unwrap_or_else(|error| stats.fail("sequencer", &error));
    })?;
    Ok(resumed)
}

/// Starts the keeper's thread, which holds the lock of the data directory as long as it may change something there.
pub(super) fn keep(
    lock: Lock,
    latest: watch::Receiver<Arc<Snapshot>>,
    checkpointing: Arc<Mutex<Checkpointing>>,
    history: Arc<History>,
    stats: Arc<RuntimeStats>,
) -> Result<(), RuntimeError> {
    spawn("keeper", move || {
        keeper::run(&latest, &checkpointing, &history, &stats);
        drop(lock);
    })
}

/// Takes submissions until all handles are gone or the journal fails.
fn run_sequencer(
    mut sequencer: Sequencer,
    mut downstream: Downstream,
    mut inbox: tokio::sync::mpsc::Receiver<Command>,
) -> Result<(), RuntimeError> {
    while let Some(first) = inbox.blocking_recv() {
        if !downstream.pace.wait() {
            return Err(RuntimeError::Stopped("the publisher has ended".into()));
        }
        sequencer.close(wall(), take_waiting(first, &mut inbox))?;
        sequencer.commit()?.into_iter().try_for_each(|mut durable| {
            durable.announcement.stamps.durable = Some(Instant::now());
            downstream.hand_over(durable)
        })?;
    }
    Ok(())
}

/// Waits until what was replayed and registered is visible, so that whoever gets the handle sees it.
fn until_published(stats: &RuntimeStats) -> Result<(), RuntimeError> {
    while stats.published.load(Ordering::Acquire) < stats.durable.load(Ordering::Acquire) {
        if let Some(failure) = stats.failure() {
            return Err(RuntimeError::Stopped(failure));
        }
        std::thread::sleep(START_UP_PACE);
    }
    Ok(())
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), RuntimeError> {
    std::thread::Builder::new().name(format!("lehr {name}")).spawn(body)?;
    Ok(())
}
