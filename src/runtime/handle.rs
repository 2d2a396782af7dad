//! The handle that every other room holds: submit inputs, read snapshots, follow ticks.

use super::gate::{Admitted, Gate};
use super::keeper::{Checkpointing, KeeperStats};
use super::publisher::{Published, Publisher};
use super::reopening::Reopening;
use super::sequencer::{Command, Sequencer};
use super::threads::{self, Following, OnDisk, Resumed};
use super::times::StageTimes;
use super::workers::Workers;
use super::{RuntimeError, recovery};
use crate::checkpoint::Checkpoints;
use crate::history::{self, History};
use crate::journal::{Journal, OpenReport, Options};
use crate::sinks::{Feed, FeedWatch, Followers, Outlet, ReadingsStore, Sink, SinkStatus, Watch};
use lehr_dataflows::graph::GraphConfig;
use lehr_domain::catalogue::Catalogue;
use lehr_domain::{Event, EventMs, ReadingBatch, Tick};
use lehr_queries::Snapshot;
use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::{broadcast, oneshot, watch};

/// Submissions that may wait for their tick. A tick takes all that wait, so this bounds memory, not rate.
const QUEUE: usize = 256;
/// Frames that a subscriber may fall behind before it must start from a snapshot.
const FRAMES_BEHIND: usize = 256;

/// How much is written before what is on disk takes another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// A journal segment of this size is closed, and its readings move to history.
    pub segment_bytes: u64,
    /// A checkpoint is due after so many rows: what a restart then reads of the journal takes a second or so.
    pub checkpoint_rows: u64,
}

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes { segment_bytes: Options::default().segment_bytes, checkpoint_rows: 500_000 }
    }
}

/// How the runtime is set up.
#[derive(Clone, Debug)]
pub struct RuntimeOptions {
    pub data: PathBuf,
    pub workers: usize,
    pub graph: GraphConfig,
    /// Registered when the data directory is new; later only what it adds.
    pub catalogue: Catalogue,
    /// The knowledge base, in TOML; read when the data directory is new.
    pub knowledge: String,
    /// Whether sources say what time it is at the plant; else it is wall time.
    pub simulated_clock: bool,
    /// Go on past damaged journal segments, which are set aside.
    pub salvage: bool,
    pub sizes: Sizes,
}

/// Inputs that belong together: they enter the same tick.
#[derive(Clone, Debug, Default)]
pub struct Submission {
    pub source: String,
    /// Revision 0 stands for "none given".
    pub readings: ReadingBatch,
    /// Ids of operator events, audit entries and errors may be 0: they are given on entry.
    pub events: Vec<Event>,
    /// Sensors, lines and parameters to be registered, by name; what is known already is skipped.
    pub register: Option<Catalogue>,
    /// Plant time, from sources that know it.
    pub now: Option<EventMs>,
    /// How far the source has been read.
    pub offset: Option<u64>,
}

/// A submission's tick has closed: everything that follows from it is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    pub tick: Tick,
    pub admitted: Admitted,
}

/// Resolves when the submission's tick has closed.
pub struct Receipt(oneshot::Receiver<Closed>);

impl Receipt {
    pub async fn closed(self) -> Result<Closed, RuntimeError> {
        self.0.await.map_err(|_| RuntimeError::Stopped("the input was not taken; see the log".into()))
    }

    /// As [`Receipt::closed`], for threads outside the async runtime.
    pub fn wait(self) -> Result<Closed, RuntimeError> {
        self.0.blocking_recv().map_err(|_| RuntimeError::Stopped("the input was not taken; see the log".into()))
    }
}

/// Counters that only grow, and gauges of where things stand.
#[derive(Debug, Default)]
pub struct RuntimeStats {
    pub readings: AtomicU64,
    pub late: AtomicU64,
    pub refused: AtomicU64,
    pub events: AtomicU64,
    /// Last tick that is durable.
    pub durable: AtomicU64,
    /// Last tick that is published.
    pub published: AtomicU64,
    /// Plant time, milliseconds.
    pub now: AtomicI64,
    /// Low-water mark of event time, milliseconds.
    pub low_water: AtomicI64,
    pub keeper: KeeperStats,
    /// Where the time of ticks goes.
    pub times: StageTimes,
    /// What stopped the runtime, if something did.
    pub failure: Mutex<Option<String>>,
}

impl RuntimeStats {
    pub(super) fn fail(&self, stage: &str, error: &dyn std::error::Error) {
        let mut text = format!("{stage}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        tracing::error!("{text}");
        let mut failure = self.failure.lock().expect("nobody panics while they hold the failure");
        failure.get_or_insert(text);
    }

    pub fn failure(&self) -> Option<String> {
        self.failure.lock().expect("nobody panics while they hold the failure").clone()
    }
}

/// Which state of knowledge a query is to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    Tick(Tick),
    /// The last tick that closed at or before this plant time.
    Time(EventMs),
}

struct Shared {
    options: RuntimeOptions,
    commands: tokio::sync::mpsc::Sender<Command>,
    latest: watch::Receiver<Arc<Snapshot>>,
    frames: broadcast::Sender<Published>,
    kept: Arc<Mutex<VecDeque<Arc<Snapshot>>>>,
    stats: Arc<RuntimeStats>,
    history: Arc<History>,
    checkpointing: Arc<Mutex<Checkpointing>>,
    report: OpenReport,
    resumed: Resumed,
    started: Instant,
    rebuilt: tokio::sync::Mutex<Option<Arc<Snapshot>>>,
    sinks: Vec<Watch>,
    feeds: Vec<FeedWatch>,
}

/// The running system. Cheap to clone; it stops when the last handle is gone.
#[derive(Clone)]
pub struct Runtime(Arc<Shared>);

impl Runtime {
    /// Opens the journal, replays it through the dataflow, registers what the catalogue adds, and is then
    /// ready. Blocks while it replays; `progress` is told how many ticks have been read.
    pub fn start(options: RuntimeOptions, progress: impl Fn(Tick)) -> Result<Runtime, RuntimeError> {
        Runtime::start_with(options, Followers::default(), progress)
    }

    /// As [`Runtime::start`], with targets that follow every closed tick from where they stand.
    pub fn start_with(
        options: RuntimeOptions,
        followers: Followers,
        progress: impl Fn(Tick),
    ) -> Result<Runtime, RuntimeError> {
        std::fs::create_dir_all(&options.data)?;
        let lock = Journal::lock(&options.data)?;
        let checkpoints = Checkpoints::open(&options.data)?;
        let newest = checkpoints.newest(&options.graph, Tick(u64::MAX))?;
        let checkpoint = newest.0.as_ref().map(|checkpoint| checkpoint.head.tick);
        let settings = |trusted| {
            let Sizes { segment_bytes, .. } = options.sizes;
            Options { segment_bytes, salvage: options.salvage, trusted }
        };
        let (journal, report) = recovery::open_journal(checkpoint, |trusted| {
            Journal::open_locked(&options.data, lock.clone(), settings(trusted))
        })?;
        let history = Arc::new(History::open(&options.data)?);
        history.tidy()?;
        let (workers, outputs) = Workers::start(options.workers, options.graph)?;
        let (latest_sender, latest) = watch::channel(Arc::new(Snapshot::empty()));
        let frames = broadcast::channel(FRAMES_BEHIND).0;
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let stats = Arc::new(RuntimeStats::default());
        let publisher =
            Publisher { latest: latest_sender, frames: frames.clone(), kept: kept.clone(), stats: stats.clone() };
        let (outlets, positions) = start_outlets(followers.sinks, journal.durable())?;
        let feeds = start_feeds(followers.readings, journal.durable(), &options.data, &history)?;
        let (sinks, feed_watches) =
            (outlets.iter().map(Outlet::watch).collect(), feeds.iter().map(Feed::watch).collect());
        let following = Following { outlets, feeds };
        let reopening = Reopening::new(history.clone(), options.graph.panes());
        let downstream = threads::publish(publisher, workers, outputs, reopening, following, stats.clone())?;
        let (commands, inbox) = tokio::sync::mpsc::channel(QUEUE);
        let sequencer = Sequencer::new(journal, &options, stats.clone());
        let on_disk = OnDisk { history: &history, checkpoints: &checkpoints, newest, sinks: positions };
        let resumed = threads::sequence(sequencer, downstream, inbox, &options, on_disk, stats.clone(), progress)?;
        for passed in &resumed.passed {
            tracing::warn!("checkpoint {} was passed over: {}", passed.file, passed.reason);
        }
        let checkpointing = Arc::new(Mutex::new(Checkpointing::new(checkpoints, options.graph, options.sizes)));
        threads::keep(lock, latest.clone(), checkpointing.clone(), history.clone(), stats.clone())?;
        Ok(Runtime(Arc::new(Shared {
            options,
            commands,
            latest,
            frames,
            kept,
            stats,
            history,
            checkpointing,
            report,
            resumed,
            started: Instant::now(),
            rebuilt: tokio::sync::Mutex::new(None),
            sinks,
            feeds: feed_watches,
        })))
    }

    /// Hands over inputs; waits while the queue is full.
    pub async fn submit(&self, submission: Submission) -> Result<Receipt, RuntimeError> {
        let (receipt, closed) = oneshot::channel();
        let command = Command { submission, receipt: Some(receipt), submitted: Some(Instant::now()) };
        self.0.commands.send(command).await.map_err(|_| self.stopped())?;
        Ok(Receipt(closed))
    }

    /// As [`Runtime::submit`], for threads outside the async runtime.
    pub fn submit_blocking(&self, submission: Submission) -> Result<Receipt, RuntimeError> {
        let (receipt, closed) = oneshot::channel();
        let command = Command { submission, receipt: Some(receipt), submitted: Some(Instant::now()) };
        self.0.commands.blocking_send(command).map_err(|_| self.stopped())?;
        Ok(Receipt(closed))
    }

    /// Submits and waits until everything that follows is visible.
    pub async fn apply(&self, submission: Submission) -> Result<Closed, RuntimeError> {
        self.submit(submission).await?.closed().await
    }

    fn stopped(&self) -> RuntimeError {
        RuntimeError::Stopped(self.0.stats.failure().unwrap_or_else(|| "it was shut down".into()))
    }

    /// Everything as of the newest closed tick.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.latest.borrow().clone()
    }

    /// Every tick closed from now on. Who falls behind gets `Lagged` and should start from a snapshot.
    pub fn subscribe(&self) -> broadcast::Receiver<Published> {
        self.0.frames.subscribe()
    }

    /// What was known then: from memory for recent ticks, else made again from the journal.
    pub async fn as_of(&self, as_of: AsOf) -> Result<Arc<Snapshot>, RuntimeError> {
        let newest = self.snapshot();
        let wanted = |snapshot: &Snapshot| match as_of {
            AsOf::Tick(tick) => snapshot.tick == tick,
            AsOf::Time(_) => false,
        };
        if let AsOf::Tick(tick) = as_of
            && tick > newest.tick
        {
            return Err(RuntimeError::UnknownTick(tick.0, newest.tick.0));
        }
        if matches!(as_of, AsOf::Time(time) if time >= newest.now) || wanted(&newest) {
            return Ok(newest);
        }
        let recent = {
            let kept = self.0.kept.lock().expect("nobody panics while they hold the kept snapshots");
            match as_of {
                AsOf::Tick(_) => kept.iter().find(|snapshot| wanted(snapshot)).cloned(),
                AsOf::Time(time) if kept.front().is_some_and(|first| first.now <= time) => {
                    kept.iter().rev().find(|snapshot| snapshot.now <= time).cloned()
                }
                AsOf::Time(_) => None,
            }
        };
        if let Some(snapshot) = recent {
            return Ok(snapshot);
        }
        // One rebuild at a time; the last one is kept, for who asks again about the same moment.
        let mut rebuilt = self.0.rebuilt.lock().await;
        if let Some(snapshot) = rebuilt.as_ref().filter(|snapshot| wanted(snapshot)) {
            return Ok(snapshot.clone());
        }
        let (options, history) = (self.0.options.clone(), self.0.history.clone());
        let durable = Tick(self.0.stats.durable.load(Ordering::Acquire));
        let rebuild = move || recovery::rebuild(&options.data, history, options.graph, durable, as_of);
        let made =
            tokio::task::spawn_blocking(rebuild).await.map_err(|error| RuntimeError::Stopped(error.to_string()))??;
        let made = Arc::new(made);
        *rebuilt = Some(made.clone());
        Ok(made)
    }

    pub fn stats(&self) -> &RuntimeStats {
        &self.0.stats
    }

    /// What was found when the journal was opened.
    pub fn open_report(&self) -> &OpenReport {
        &self.0.report
    }

    /// What the start went on from.
    pub fn resumed(&self) -> &Resumed {
        &self.0.resumed
    }

    /// How each sink gets on.
    pub fn sinks(&self) -> Vec<SinkStatus> {
        let tables = self.0.sinks.iter().map(Watch::status);
        tables.chain(self.0.feeds.iter().map(FeedWatch::status)).collect()
    }

    /// Readings of closed segments, and the way to look readings up.
    pub fn history(&self) -> &Arc<History> {
        &self.0.history
    }

    /// Makes a checkpoint of what is visible, so that the next start has nothing to replay. Blocks.
    pub fn checkpoint(&self) -> Result<(), RuntimeError> {
        let snapshot = self.snapshot();
        let mut checkpointing = self.0.checkpointing.lock().expect("nobody panics while they make a checkpoint");
        Ok(checkpointing.write(&snapshot, &self.0.stats)?)
    }

    pub fn options(&self) -> &RuntimeOptions {
        &self.0.options
    }

    pub fn uptime_s(&self) -> f64 {
        self.0.started.elapsed().as_secs_f64()
    }

    /// Plant time.
    pub fn now(&self) -> EventMs {
        EventMs(self.0.stats.now.load(Ordering::Acquire))
    }

    /// The gate as it stands: for sources that tell their sender what will become of a reading.
    pub fn gate(&self) -> Gate {
        Gate {
            low_water: EventMs(self.0.stats.low_water.load(Ordering::Acquire)),
            pane_width: self.0.options.graph.pane_width,
            pane_retention: self.0.options.graph.retention.panes,
        }
    }
}

/// Starts the thread of each store of readings, to which all of the journal is to be had.
fn start_feeds(
    stores: Vec<ReadingsStore>,
    durable: Tick,
    data: &Path,
    history: &Arc<History>,
) -> Result<Vec<Feed>, RuntimeError> {
    let start = |store: ReadingsStore| {
        let (data, history) = (data.to_path_buf(), history.clone());
        let recorded =
            move |from: Tick, up_to: Tick| Ok(history::Inputs::within(&data, history.clone())?.from(from).up_to(up_to));
        Ok(Feed::start(store, durable, Box::new(recorded))?)
    };
    stores.into_iter().map(start).collect()
}

/// Starts the thread of each sink; gives also the ticks that they stand at.
fn start_outlets(
    sinks: Vec<Box<dyn Sink + Send>>,
    durable: Tick,
) -> Result<(Vec<Outlet>, BTreeSet<Tick>), RuntimeError> {
    let (mut outlets, mut positions) = (Vec::new(), BTreeSet::new());
    for mut sink in sinks {
        let position = crate::sinks::position(&mut *sink, durable)?;
        positions.insert(position);
        positions.extend(sink.under_way());
        outlets.push(Outlet::start(sink, position)?);
    }
    Ok((outlets, positions))
}
