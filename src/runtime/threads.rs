//! The threads that drive the stages of a running system, and the bounded queues between them.

use super::RuntimeError;
use super::gathering::Gathering;
use super::handle::{RuntimeOptions, RuntimeStats};
use super::history::joined;
use super::pace::Pace;
use super::publisher::{Announcement, Publisher};
use super::sequencer::{Command, Durable, Sequencer, take_waiting};
use super::workers::{Output, Workers};
use crate::journal::Reader;
use lehr_domain::{EventMs, Tick};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Ticks that may be announced before their changes have come out, while the journal is replayed; after that
/// [`Pace`] keeps them fewer.
const ANNOUNCED: usize = 32;

/// How often start-up looks whether the replayed ticks have been published.
const START_UP_PACE: Duration = Duration::from_millis(2);

/// Wall time.
fn wall() -> EventMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    EventMs(since.as_millis() as i64)
}

/// Where durable ticks go.
pub(super) struct Downstream {
    announce: SyncSender<Announcement>,
    workers: Workers,
    pace: Arc<Pace>,
}

impl Downstream {
    /// Waits while the stages behind are too far behind.
    fn hand_over(&self, durable: Durable) -> Result<(), RuntimeError> {
        self.pace.begin();
        let stopped = |_| RuntimeError::Stopped("the publisher has ended".into());
        self.announce.send(durable.announcement).map_err(stopped)?;
        self.workers.feed(&durable.inputs)
    }
}

/// Starts the publisher's thread, behind the workers.
pub(super) fn publish(
    publisher: Publisher,
    workers: Workers,
    outputs: Receiver<Output>,
    stats: Arc<RuntimeStats>,
) -> Result<Downstream, RuntimeError> {
    let (announce, announcements) = mpsc::sync_channel(ANNOUNCED);
    let gathering = Gathering::new(workers.count());
    let pace = Arc::new(Pace::default());
    let paced = pace.clone();
    spawn("publisher", move || {
        let ended = run_publisher(publisher, gathering, &announcements, &outputs, &paced);
        paced.end();
        ended.unwrap_or_else(|error| stats.fail("publisher", &error));
    })?;
    Ok(Downstream { announce, workers, pace })
}

/// Runs until the workers end.
fn run_publisher(
    mut publisher: Publisher,
    mut gathering: Gathering,
    announcements: &Receiver<Announcement>,
    outputs: &Receiver<Output>,
    pace: &Pace,
) -> Result<(), RuntimeError> {
    while let Ok(announcement) = announcements.recv() {
        gathering.announce(announcement);
        while gathering.open() > 0 {
            match gathering.next() {
                Some((announcement, changes)) => {
                    let (stamps, closed) = (announcement.stamps, Instant::now());
                    publisher.publish(announcement, changes)?;
                    publisher.stats.times.note(stamps, closed, Instant::now());
                    pace.finish();
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

/// Replays the journal, registers what the catalogue adds, waits until all of it is visible, and starts the
/// sequencer's thread. `progress` is told how many ticks have been read.
pub(super) fn sequence(
    mut sequencer: Sequencer,
    downstream: Downstream,
    inbox: tokio::sync::mpsc::Receiver<Command>,
    options: &RuntimeOptions,
    stats: Arc<RuntimeStats>,
    progress: impl Fn(Tick),
) -> Result<(), RuntimeError> {
    let durable = sequencer.durable();
    if durable > Tick(0) {
        let reader = Reader::open(&options.data)?.up_to(durable);
        for inputs in joined(reader, durable) {
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
        run_sequencer(sequencer, &downstream, inbox).unwrap_or_else(|error| stats.fail("sequencer", &error));
    })
}

/// Takes submissions until all handles are gone or the journal fails.
fn run_sequencer(
    mut sequencer: Sequencer,
    downstream: &Downstream,
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
