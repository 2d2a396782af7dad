//! One worker of the window job.

use super::answers::Answers;
use super::scatter::scatter;
use super::source::{Columns, RowGroups};
use super::{Report, WIDTH, WindowError, WindowJob};
use lehr_dataflows::Ts;
use lehr_dataflows::panes::{PaneConfig, PaneFeed, panes};
use lehr_domain::{EventMs, ReadingBatch};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::Input;
use timely::dataflow::{InputHandle, ProbeHandle};
use timely::worker::Worker;

/// How many ticks a worker may decode beyond the last that closed everywhere: what bounds memory when one worker
/// gets less of the machine than the other. Eight ticks of a row group (123,000 readings of 29 bytes) are 30 MB.
const TICKS_AHEAD: usize = 8;
/// How long a worker without work sleeps: shares of others wake nobody. A thousandth of the shortest job.
const IDLE: Duration = Duration::from_micros(100);

/// The readings of one row group that a worker owns.
struct Share {
    group: usize,
    readings: ReadingBatch,
    /// The greatest event time of the whole row group.
    greatest: EventMs,
}

/// What the workers have in common.
pub(super) struct Shared {
    groups: usize,
    claimed: AtomicUsize,
    to_workers: Vec<Sender<Share>>,
    /// Taken by each worker when it starts.
    receivers: Mutex<Vec<Option<Receiver<Share>>>>,
    /// Whether a worker left before the end: the others would wait for its shares for ever.
    broken: AtomicBool,
}

impl Shared {
    pub fn new(groups: usize, workers: usize) -> Shared {
        let (to_workers, receivers) = (0..workers).map(|_| channel()).map(|(to, from)| (to, Some(from))).unzip();
        Shared {
            groups,
            claimed: AtomicUsize::new(0),
            to_workers,
            receivers: Mutex::new(receivers),
            broken: AtomicBool::new(false),
        }
    }
}

/// One worker: its part of the input, of the dataflow, and of the results.
pub(super) struct WindowWorker {
    shared: Arc<Shared>,
    leaving: Leaving,
    groups_per_tick: usize,
    source: RowGroups,
    columns: Columns,
    from_workers: Receiver<Share>,
    /// Shares that came before their turn.
    early: BTreeMap<usize, Share>,
    /// The row group whose share goes into the dataflow next.
    next_group: usize,
    panes: PaneConfig,
    /// The greatest event time of what went into the dataflow, and the mark of the last tick that is whole.
    greatest: EventMs,
    low_water: EventMs,
    input: InputHandle<Ts, CapacityContainerBuilder<Vec<PaneFeed>>>,
    probe: ProbeHandle<Ts>,
    answers: Rc<RefCell<Answers>>,
    report: Report,
}

impl WindowWorker {
    pub fn build(worker: &mut Worker, job: &WindowJob, shared: Arc<Shared>) -> Result<WindowWorker, WindowError> {
        let answers = Rc::new(RefCell::new(Answers::default()));
        let probe = ProbeHandle::new();
        let taken = Rc::clone(&answers);
        let input = worker.dataflow(|scope| {
            let (input, feed) = scope.new_input::<Vec<PaneFeed>>();
            panes(feed, job.panes())
                .inspect_batch(move |_, changes| taken.borrow_mut().apply(changes))
                .probe_with(&probe);
            input
        });
        let mut receivers = shared.receivers.lock().expect("no worker panics while it takes its queue");
        let from_workers = receivers[worker.index()].take().expect("each worker takes its queue once");
        drop(receivers);
        Ok(WindowWorker {
            leaving: Leaving { shared: Arc::clone(&shared), done: false },
            shared,
            groups_per_tick: job.groups_per_tick,
            source: RowGroups::open(&job.input)?,
            columns: Columns::default(),
            from_workers,
            early: BTreeMap::new(),
            next_group: 0,
            panes: job.panes(),
            greatest: EventMs::MIN,
            low_water: EventMs::MIN,
            input,
            probe,
            answers,
            report: Report::default(),
        })
    }

    pub fn run(mut self, worker: &mut Worker, output: &Path) -> Result<Report, WindowError> {
        let index = worker.index();
        while self.next_group < self.shared.groups {
            let decoded = self.may_decode() && self.decode_next(index)?;
            let taken = self.take_shares()?;
            if self.shared.broken.load(Ordering::Relaxed) {
                return Err(WindowError::Stopped);
            }
            if decoded || taken {
                let started = Instant::now();
                worker.step();
                self.report.stages.dataflow += started.elapsed();
            } else {
                worker.step_or_park(Some(IDLE));
            }
        }
        self.leaving.done = true;
        let started = Instant::now();
        self.input.close();
        while !self.probe.done() {
            worker.step_or_park(Some(IDLE));
        }
        self.report.stages.dataflow += started.elapsed();

        let started = Instant::now();
        self.report.answers = self.answers.borrow().write(&output.join(format!("part-{index}.parquet")))?;
        self.report.stages.write = started.elapsed();
        Ok(self.report)
    }

    /// Whether decoding more would not run too far ahead of the slowest worker.
    fn may_decode(&self) -> bool {
        let tick = self.shared.claimed.load(Ordering::Relaxed) / self.groups_per_tick;
        !self.probe.less_than(&(tick.saturating_sub(TICKS_AHEAD) as Ts))
    }

    /// Claims the next row group and hands its readings to their owners; `false` when none is left.
    fn decode_next(&mut self, index: usize) -> Result<bool, WindowError> {
        let group = self.shared.claimed.fetch_add(1, Ordering::Relaxed);
        if group >= self.shared.groups {
            return Ok(false);
        }
        let started = Instant::now();
        self.source.read(group, &mut self.columns)?;
        let decoded = Instant::now();
        let shares = scatter(&self.columns, self.shared.to_workers.len());
        self.report.readings += self.columns.len();
        self.report.refused += shares.refused;
        let greatest = self.columns.at.iter().max().map_or(EventMs::MIN, |at| EventMs(*at));
        for (owner, readings) in shares.batches.into_iter().enumerate() {
            let share = Share { group, readings, greatest };
            if owner == index {
                self.early.insert(group, share);
            } else if self.shared.to_workers[owner].send(share).is_err() {
                return Err(WindowError::Stopped);
            }
        }
        self.report.stages.decode += decoded - started;
        self.report.stages.scatter += decoded.elapsed();
        Ok(true)
    }

    /// Feeds the shares whose turn has come, and lets ticks close; `false` when there was none.
    fn take_shares(&mut self) -> Result<bool, WindowError> {
        let before = self.next_group;
        self.early.extend(self.from_workers.try_iter().map(|share| (share.group, share)));
        while let Some(share) = self.early.remove(&self.next_group) {
            self.assert_not_sealed(&share.readings)?;
            self.greatest = self.greatest.max(share.greatest);
            self.input.send(PaneFeed::Readings(share.readings));
            self.next_group += 1;
            if self.next_group.is_multiple_of(self.groups_per_tick) {
                self.low_water = self.greatest;
                self.input.send(PaneFeed::LowWater(self.low_water));
                self.input.advance_to((self.next_group / self.groups_per_tick) as Ts);
            }
        }
        Ok(self.next_group > before)
    }

    /// Sealed panes have let their readings go, and this job has no history to take them back from.
    fn assert_not_sealed(&self, readings: &ReadingBatch) -> Result<(), WindowError> {
        let sealed_until = self.panes.sealed_until(self.low_water);
        match readings.at.iter().min() {
            Some(least) if EventMs(*least).floor(WIDTH) + WIDTH <= sealed_until => {
                Err(WindowError::TooLate { at: EventMs(*least), lateness_ms: self.panes.seal_after.0 })
            }
            _ => Ok(()),
        }
    }
}

/// Tells the others when this worker leaves before its end, also by a panic.
struct Leaving {
    shared: Arc<Shared>,
    done: bool,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if !self.done {
            self.shared.broken.store(true, Ordering::Relaxed);
        }
    }
}
