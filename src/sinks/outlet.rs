//! A sink on a thread of its own.

use super::delivery::Delivery;
use super::{Batch, Sink, SinkError};
use crate::causes::with_causes;
use lehr_domain::{EventMs, Tick};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// The first pause after a failed attempt; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause: a target that comes back is noticed within seconds, one that is gone costs nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Pauses between failed attempts.
#[derive(Default)]
pub(super) struct Pauses(Option<Duration>);

impl Pauses {
    pub fn next(&mut self) -> Duration {
        let pause = self.0.map_or(FIRST_PAUSE, |last| (last * 2).min(LONGEST_PAUSE));
        self.0 = Some(pause);
        pause
    }
}

/// How a sink gets on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkStatus {
    pub name: String,
    /// The last tick that it is known to hold.
    pub position: Tick,
    /// Batches that wait for it.
    pub waiting: usize,
    /// Plant time of what has waited longest.
    pub oldest: Option<EventMs>,
    /// Batches that it took since the start.
    pub delivered: u64,
    /// Why the last attempt failed, if it did.
    pub failure: Option<String>,
}

struct State {
    delivery: Delivery,
    delivered: u64,
    failure: Option<String>,
    closed: bool,
}

struct Shared {
    name: String,
    state: Mutex<State>,
    changed: Condvar,
}

/// The near end of a sink's thread. Offering never waits for the target. Dropping it ends the thread after the
/// attempt under way; what is left is delivered after the next start.
pub(crate) struct Outlet(Arc<Shared>);

/// Looks at a sink from elsewhere.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Shared>);

impl Outlet {
    /// Starts the thread of a sink that holds `position`.
    pub fn start(sink: Box<dyn Sink + Send>, position: Tick) -> io::Result<Outlet> {
        let name = sink.name().to_owned();
        let delivery = Delivery::new(position, sink.most_waiting(), sink.under_way());
        let state = State { delivery, delivered: 0, failure: None, closed: false };
        let shared = Arc::new(Shared { name: name.clone(), state: Mutex::new(state), changed: Condvar::new() });
        let thread = std::thread::Builder::new().name(format!("lehr sink {name}"));
        thread.spawn({
            let shared = shared.clone();
            move || run(&shared, sink)
        })?;
        Ok(Outlet(shared))
    }

    pub fn offer(&self, batch: &Batch) -> Result<(), SinkError> {
        self.0.state().delivery.offer(batch)?;
        self.0.changed.notify_one();
        Ok(())
    }

    pub fn watch(&self) -> Watch {
        Watch(self.0.clone())
    }
}

impl Watch {
    pub fn status(&self) -> SinkStatus {
        let state = self.0.state();
        SinkStatus {
            name: self.0.name.clone(),
            position: state.delivery.position(),
            waiting: state.delivery.waiting(),
            oldest: state.delivery.oldest(),
            delivered: state.delivered,
            failure: state.failure.clone(),
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while they hold a delivery")
    }
}

fn run(shared: &Shared, mut sink: Box<dyn Sink + Send>) {
    let mut pauses = Pauses::default();
    loop {
        let batch = {
            let mut state = shared.state();
            loop {
                if state.closed {
                    return;
                }
                match state.delivery.next() {
                    Some(batch) => break batch,
                    None => state = shared.changed.wait(state).expect("nobody panics while they hold a delivery"),
                }
            }
        };
        let result = sink.apply(&batch);
        let mut state = shared.state();
        match result {
            Ok(()) => {
                state.delivery.applied(batch.tick);
                state.delivered += 1;
                state.failure = None;
                pauses = Pauses::default();
            }
            Err(error) => {
                let (pause, text) = (pauses.next(), with_causes(&error));
                tracing::warn!("sink {}: {text}; trying again in {} ms", shared.name, pause.as_millis());
                state.failure = Some(text);
                let paused = shared.changed.wait_timeout_while(state, pause, |state| !state.closed);
                drop(paused.expect("nobody panics while they hold a delivery"));
            }
        }
    }
}
