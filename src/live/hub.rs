//! What all clients share: the ring, and the texts made from it.

use super::message::{self, Channel, Made};
use super::ring::{Frame, Ring};
use crate::histogram::Histogram;
use crate::runtime::{Published, Runtime};
use lehr_domain::{LineId, Tick};
use lehr_queries::Snapshot;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// Clients at once. Each is a task, a socket and a cursor.
pub const CLIENTS_MOST: u64 = 1024;

/// Texts that are kept for clients which ask for the same: some ticks of every channel and line. A text is 20 KB
/// mostly, a frame of 1000 sensors 1.5 MB.
const TEXTS_MOST: usize = 32;

#[derive(Debug, Default)]
pub struct LiveStats {
    pub clients: AtomicU64,
    /// Messages sent.
    pub frames: AtomicU64,
    /// Clients put back to a snapshot, because the ring had passed them.
    pub resets: AtomicU64,
    /// From a tick's publication until the frame that carries it was taken by a socket.
    pub sent: Histogram,
}

/// Which text: of a snapshot (`from` is `None`) or of the changes after `from`, up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    channel: Channel,
    line: Option<LineId>,
    from: Option<Tick>,
    to: Tick,
}

type Shared = Arc<OnceLock<Arc<Made>>>;

/// Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    ring: Mutex<Ring>,
    texts: Mutex<VecDeque<(Key, Shared)>>,
    head: watch::Sender<Tick>,
    closing: watch::Sender<bool>,
    stats: LiveStats,
}

impl Default for Hub {
    fn default() -> Hub {
        Hub(Arc::new(Inner {
            ring: Mutex::default(),
            texts: Mutex::default(),
            head: watch::Sender::new(Tick(0)),
            closing: watch::Sender::new(false),
            stats: LiveStats::default(),
        }))
    }
}

impl Hub {
    /// Takes in closed ticks for as long as it is polled.
    pub async fn follow(self, runtime: Runtime) {
        let mut published = runtime.subscribe();
        // After subscribing, so that no tick lies between the two.
        self.restart(runtime.snapshot().tick);
        loop {
            match published.recv().await {
                Ok(published) => self.publish(&published),
                Err(RecvError::Lagged(_)) => self.restart(runtime.snapshot().tick),
                Err(RecvError::Closed) => return,
            }
        }
    }

    pub(super) fn restart(&self, floor: Tick) {
        self.0.ring.lock().expect("nobody panics while they hold the ring").restart(floor);
        self.0.head.send_replace(floor);
    }

    pub(super) fn publish(&self, published: &Published) {
        let names = published.snapshot.names.clone();
        let changes = published.changes.clone();
        let frame = Frame { tick: published.tick, now: published.now, names, changes, published: Instant::now() };
        self.0.ring.lock().expect("nobody panics while they hold the ring").push(frame);
        self.0.head.send_replace(published.tick);
    }

    /// Follows the newest tick.
    pub fn head(&self) -> watch::Receiver<Tick> {
        self.0.head.subscribe()
    }

    pub fn stats(&self) -> &LiveStats {
        &self.0.stats
    }

    /// Tells all clients to go.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    pub fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Counts a client while the guard lives; `None` when there are too many.
    pub fn admit(&self) -> Option<Admitted> {
        let before = self.0.stats.clients.fetch_add(1, Ordering::Relaxed);
        let admitted = Admitted(self.clone());
        (before < CLIENTS_MOST).then_some(admitted)
    }

    /// The ticks after `seen`, or `None` when some of them are gone.
    pub(super) fn since(&self, seen: Tick) -> Option<Vec<Frame>> {
        self.0.ring.lock().expect("nobody panics while they hold the ring").since(seen)
    }

    pub(super) fn newest(&self) -> Tick {
        self.0.ring.lock().expect("nobody panics while they hold the ring").head()
    }

    pub(super) fn snapshot_text(&self, channel: Channel, snapshot: &Snapshot, line: Option<LineId>) -> Arc<Made> {
        let key = Key { channel, line, from: None, to: snapshot.tick };
        self.text(key, || Made::Text(message::snapshot(channel, snapshot, line)))
    }

    pub(super) fn changes_text(
        &self,
        channel: Channel,
        seen: Tick,
        frames: &[Frame],
        line: Option<LineId>,
    ) -> Arc<Made> {
        let to = frames.last().map_or(seen, |frame| frame.tick);
        let key = Key { channel, line, from: Some(seen), to };
        self.text(key, || message::changes(channel, frames, line))
    }

    /// The text of `key`, made by whoever asks first. Those who ask meanwhile wait; it takes a millisecond.
    fn text(&self, key: Key, make: impl FnOnce() -> Made) -> Arc<Made> {
        let shared = {
            let mut texts = self.0.texts.lock().expect("nobody panics while they hold the texts");
            match texts.iter().rev().find(|(known, _)| *known == key) {
                Some((_, shared)) => shared.clone(),
                None => {
                    if texts.len() == TEXTS_MOST {
                        texts.pop_front();
                    }
                    let shared = Shared::default();
                    texts.push_back((key, shared.clone()));
                    shared
                }
            }
        };
        shared.get_or_init(|| Arc::new(make())).clone()
    }
}

/// A counted client.
pub struct Admitted(Hub);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.0.stats.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
