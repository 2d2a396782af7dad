//! A store of readings on a thread of its own.

use super::super::held::Held;
use super::super::outlet::Pauses;
use super::super::{SinkError, SinkStatus};
use super::recent::Recent;
use super::table::{Part, readings_table};
use crate::causes::with_causes;
use crate::history::{self, HistoryError};
use lehr_domain::names::Names;
use lehr_domain::{EventMs, Inputs, Tick};
use lehr_targets::{Table, Target};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Readings of one delta, about: a tick is never divided, and has 200 000 at most.
const PART_ROWS: usize = 100_000;

/// The ticks of the journal from one on, up to another one that is durable.
pub(crate) type Recorded = Box<dyn Fn(Tick, Tick) -> Result<history::Inputs, HistoryError> + Send>;

/// What is read from disk, part by part: opening it anew for each would look up the same readings again and again.
struct Backlog {
    recorded: Recorded,
    /// The tick up to which it was read, and what comes then.
    open: Option<(Tick, history::Inputs)>,
}

impl Backlog {
    fn part(&mut self, after: Tick, newest: Tick) -> Result<Part, HistoryError> {
        let mut ticks = match self.open.take() {
            Some((read, ticks)) if read == after => ticks,
            _ => (self.recorded)(after.next(), newest)?,
        };
        let mut part = Part::from(after);
        while part.rows() < PART_ROWS {
            let Some(inputs) = ticks.next() else { return Ok(part) };
            part.add(&inputs?);
        }
        self.open = Some((part.tick, ticks));
        Ok(part)
    }
}

/// A store that follows readings alone.
pub struct ReadingsStore {
    held: Held,
    table: Arc<Table>,
}

impl ReadingsStore {
    /// `folder` holds the marks of all stores. The store itself need not be there yet.
    pub fn new(name: &str, target: Box<dyn Target>, folder: &Path) -> Result<ReadingsStore, SinkError> {
        let table = Arc::new(readings_table());
        Ok(ReadingsStore { held: Held::new(name, target, vec![table.clone()], folder)?, table })
    }
}

struct State {
    recent: Recent,
    names: Arc<Names>,
    /// Plant time of the newest tick.
    now: EventMs,
    /// The tick that the store holds, or that there was nothing for it up to.
    position: Tick,
    /// Plant time of `position`; unknown before the first part.
    held_at: Option<EventMs>,
    delivered: u64,
    failure: Option<String>,
    closed: bool,
}

struct Shared {
    name: String,
    state: Mutex<State>,
    changed: Condvar,
}

/// The near end of the thread. Offering never waits for the store. Dropping it ends the thread after the part under way.
pub(crate) struct Feed(Arc<Shared>);

/// Looks at a store of readings from elsewhere.
#[derive(Clone)]
pub(crate) struct FeedWatch(Arc<Shared>);

impl Feed {
    /// Starts the thread. `durable` is the last tick of the journal, where `recorded` has all that is not offered later.
    pub fn start(store: ReadingsStore, durable: Tick, recorded: Recorded) -> Result<Feed, SinkError> {
        let name = store.held.name().to_owned();
        let position = Tick(store.held.standing().held);
        if position > durable {
            return Err(SinkError::Ahead { sink: name, at: position.0, durable: durable.0 });
        }
        let state = State {
            recent: Recent::default(),
            names: Arc::default(),
            now: EventMs(0),
            position,
            held_at: None,
            delivered: 0,
            failure: None,
            closed: false,
        };
        let shared = Arc::new(Shared { name: name.clone(), state: Mutex::new(state), changed: Condvar::new() });
        let thread = std::thread::Builder::new().name(format!("lehr store {name}"));
        let failed = |source| SinkError::Io { action: "start a thread for", file: name.clone(), source };
        let running = shared.clone();
        let backlog = Backlog { recorded, open: None };
        thread.spawn(move || run(&running, store, backlog)).map_err(failed)?;
        Ok(Feed(shared))
    }

    /// A tick behind `after` has closed. `inputs` is absent where a start went on from a checkpoint.
    pub fn offer(&self, after: Tick, tick: Tick, now: EventMs, names: &Arc<Names>, inputs: Option<Arc<Inputs>>) {
        let mut state = self.0.state();
        match inputs {
            Some(inputs) => state.recent.offer(after, inputs),
            None => state.recent.skip_to(tick),
        }
        (state.names, state.now) = (names.clone(), now);
        self.0.changed.notify_one();
    }

    pub fn watch(&self) -> FeedWatch {
        FeedWatch(self.0.clone())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.changed.notify_one();
    }
}

impl FeedWatch {
    pub fn status(&self) -> SinkStatus {
        let state = self.0.state();
        let waiting = state.recent.newest().0.saturating_sub(state.position.0);
        SinkStatus {
            name: self.0.name.clone(),
            position: state.position,
            waiting: usize::try_from(waiting).unwrap_or(usize::MAX),
            // What waits closed after what the store holds; before the first part nobody has looked how long ago.
            oldest: (waiting > 0).then_some(state.held_at.unwrap_or(state.now)),
            delivered: state.delivered,
            failure: state.failure.clone(),
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while they hold a feed")
    }

    /// Waits until there is a tick behind `position`; `false` when the system ends.
    fn wait(&self, position: Tick) -> bool {
        let state = self.state();
        let idle = |state: &mut State| !state.closed && state.recent.newest() <= position;
        let state = self.changed.wait_while(state, idle).expect("nobody panics while they hold a feed");
        !state.closed
    }

    /// The next part behind `after`, from memory or disk; `None` when there is nothing.
    fn part(&self, after: Tick, backlog: &mut Backlog) -> Result<Option<Part>, SinkError> {
        let (recent, newest) = {
            let state = self.state();
            (state.recent.behind(after, PART_ROWS), state.recent.newest())
        };
        if let Some(ticks) = recent {
            return Ok(Some(Part::of(after, &ticks)));
        }
        if newest <= after {
            return Ok(None);
        }
        let part = backlog.part(after, newest);
        Ok(Some(part.map_err(|source| SinkError::Readings { sink: self.name.clone(), source })?))
    }
}

fn run(shared: &Shared, mut store: ReadingsStore, mut backlog: Backlog) {
    let mut pauses = Pauses::default();
    // Ticks without readings are not sent, so this may be further than the store.
    let mut seen = Tick(store.held.standing().held);
    while shared.wait(seen) {
        match forward(shared, &mut store, &mut backlog, seen) {
            Ok(Forward { tick, now, sent }) => {
                seen = tick;
                let mut state = shared.state();
                (state.position, state.failure) = (tick, None);
                state.held_at = now.or(state.held_at);
                state.delivered += u64::from(sent);
                pauses = Pauses::default();
            }
            Err(error) => {
                let (pause, text) = (pauses.next(), with_causes(&error));
                tracing::warn!("store {}: {text}; trying again in {} ms", shared.name, pause.as_millis());
                let mut state = shared.state();
                state.failure = Some(text);
                let paused = shared.changed.wait_timeout_while(state, pause, |state| !state.closed);
                drop(paused.expect("nobody panics while they hold a feed"));
            }
        }
    }
}

/// How far a store was brought.
struct Forward {
    tick: Tick,
    /// Its plant time, where that is known.
    now: Option<EventMs>,
    /// Whether there was anything to be sent.
    sent: bool,
}

/// Brings the store on by a part.
fn forward(
    shared: &Shared,
    store: &mut ReadingsStore,
    backlog: &mut Backlog,
    seen: Tick,
) -> Result<Forward, SinkError> {
    let holds = store.held.position()?;
    let Some(mut part) = shared.part(seen.max(holds), backlog)? else {
        return Ok(Forward { tick: seen.max(holds), now: None, sent: false });
    };
    let (tick, now) = (part.tick, Some(part.now));
    if part.rows() == 0 {
        return Ok(Forward { tick, now, sent: false });
    }
    // The ticks between had none.
    part.after = holds;
    let names = shared.state().names.clone();
    store.held.bring(tick, || part.delta(&store.table, &names))?;
    Ok(Forward { tick, now, sent: true })
}
