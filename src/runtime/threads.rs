//! The threads that drive the stages of a running system, and the bounded queues between them.

use super::RuntimeError;
use super::gathering::Gathering;
use super::handle::{RuntimeOptions, RuntimeStats};
use super::joining::joined;
use super::publisher::{Announcement, Publisher};
use super::sequencer::{Command, Durable, Sequencer, take_waiting};
use super::workers::{Output, Workers};
use crate::journal::Reader;
use crate::sinks::Outlet;
use lehr_domain::{EventMs, Tick};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Ticks that may be announced before their changes have come out.
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
}

impl Downstream {
    /// Waits while the stages behind are too far behind.
    fn hand_over(&self, durable: Durable) -> Result<(), RuntimeError> {
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
    outlets: Vec<Outlet>,
    stats: Arc<RuntimeStats>,
) -> Result<Downstream, RuntimeError> {
    let (announce, announcements) = mpsc::sync_channel(ANNOUNCED);
    let gathering = Gathering::new(workers.count());
    spawn("publisher", move || {
        let ended = run_publisher(publisher, gathering, &announcements, &outputs, &outlets);
        ended.unwrap_or_else(|error| stats.fail("publisher", &error));
    })?;
    Ok(Downstream { announce, workers })
}

/// Runs until the workers end.
fn run_publisher(
    mut publisher: Publisher,
    mut gathering: Gathering,
    announcements: &Receiver<Announcement>,
    outputs: &Receiver<Output>,
    outlets: &[Outlet],
) -> Result<(), RuntimeError> {
    while let Ok(announcement) = announcements.recv() {
        gathering.announce(announcement);
        while gathering.open() > 0 {
            match gathering.next() {
                Some((announcement, changes)) => {
                    let batch = publisher.publish(announcement, changes)?;
                    outlets.iter().try_for_each(|outlet| outlet.offer(&batch))?;
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
/// sequencer's thread. Replay stops at the positions of `sinks`, so that each can be given exactly what it lacks.
/// `progress` is told how many ticks have been read.
pub(super) fn sequence(
    mut sequencer: Sequencer,
    downstream: Downstream,
    inbox: tokio::sync::mpsc::Receiver<Command>,
    options: &RuntimeOptions,
    sinks: BTreeSet<Tick>,
    stats: Arc<RuntimeStats>,
    progress: impl Fn(Tick),
) -> Result<(), RuntimeError> {
    let durable = sequencer.durable();
    if durable > Tick(0) {
        let reader = Reader::open(&options.data)?.up_to(durable);
        for inputs in joined(reader, durable, sinks, options.graph.retention) {
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
        sequencer.close(wall(), take_waiting(first, &mut inbox))?;
        sequencer.commit()?.into_iter().try_for_each(|durable| downstream.hand_over(durable))?;
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
