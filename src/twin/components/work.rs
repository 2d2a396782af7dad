//! The thread of one component.

use super::{Condition, Course, Foreseen, Shown, Snapshots, closed_minutes};
use lehr_domain::{LineId, Tick};
use lehr_fmi::{Component, HostError, HostProgram, Ran, Runner, compare};
use lehr_twin::Minute;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks at the newest snapshot. Minutes close once a minute; a simulated plant may run faster.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Looking takes a tenth of the time at most.
const LOOK_SHARE: u32 = 10;
/// How long a component catches up before it looks whether somebody asks.
const SLICE: Duration = Duration::from_millis(500);
/// Before a unit that failed is started anew: the first time, and at most. It doubles.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_MOST: Duration = Duration::from_secs(300);

/// A question about what lies ahead.
pub struct Ahead {
    pub past: Arc<Vec<Minute>>,
    pub series: Arc<[Vec<Minute>; 2]>,
    pub deadline: Instant,
    pub reply: SyncSender<Foreseen>,
}

pub struct Worker {
    line: LineId,
    runner: Runner,
    snapshots: Snapshots,
    shown: Arc<Mutex<Shown>>,
    /// Failures since it last ran to the end.
    failures: u32,
    /// Not before.
    next: Instant,
    /// The tick that was run to its end.
    followed: Option<Tick>,
}

impl Worker {
    pub fn new(component: Arc<Component>, line: LineId, host: HostProgram, snapshots: Snapshots) -> Worker {
        let condition = Condition::Waiting(component.unheard(&[]));
        let shown = Shown { condition, said: Vec::new(), limited: Vec::new(), restarts: 0, tick: Tick(0) };
        let (shown, runner) = (Arc::new(Mutex::new(shown)), Runner::new(component, host));
        Worker { line, runner, snapshots, shown, failures: 0, next: Instant::now(), followed: None }
    }

    pub fn shown(&self) -> Arc<Mutex<Shown>> {
        self.shown.clone()
    }

    /// Until nobody can ask any more.
    pub fn run(mut self, asked: &Receiver<Ahead>) {
        loop {
            let now = Instant::now();
            if now >= self.next {
                self.look(now);
            }
            match asked.recv_timeout(self.next.saturating_duration_since(Instant::now())) {
                Ok(question) => self.answer(&question),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&mut self, now: Instant) {
        let snapshot = (self.snapshots)();
        self.next = now + LOOK_EVERY;
        if self.followed == Some(snapshot.tick) {
            return;
        }
        let minutes = closed_minutes(&snapshot, self.line);
        let looked = now.elapsed();
        match self.runner.follow(&minutes, SLICE) {
            Ok(progress) => {
                let complete = progress.is_complete();
                self.next = match complete {
                    true => now + LOOK_EVERY.max(looked * LOOK_SHARE),
                    false => Instant::now(),
                };
                if complete {
                    self.failures = 0;
                    self.followed = Some(snapshot.tick);
                }
                let condition = match progress.of - progress.done {
                    0 if progress.of == 0 => Condition::Waiting(self.runner.component().unheard(&minutes)),
                    0 => Condition::Running,
                    left => Condition::CatchingUp(left),
                };
                self.show(condition, &minutes, snapshot.tick);
            }
            Err(error) => self.fail(&error, &minutes, snapshot.tick),
        }
    }

    fn fail(&mut self, error: &HostError, minutes: &[Minute], tick: Tick) {
        let pause = RETRY_FIRST.saturating_mul(2u32.saturating_pow(self.failures)).min(RETRY_MOST);
        self.failures = self.failures.saturating_add(1);
        self.next = Instant::now() + pause;
        self.followed = None;
        let name = &self.runner.component().name;
        tracing::warn!("component {name}: {error}; tried again in {} s", pause.as_secs());
        self.lock().restarts += 1;
        self.show(Condition::Degraded(error.to_string()), minutes, tick);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, condition: Condition, minutes: &[Minute], tick: Tick) {
        let component = self.runner.component();
        let said = compare(component, minutes, self.runner.ran());
        let limited = self.runner.last_row().map(|row| component.limited(row)).unwrap_or_default();
        let limited = limited.into_iter().map(str::to_owned).collect();
        let mut shown = self.lock();
        *shown = Shown { condition, said, limited, restarts: shown.restarts, tick };
    }

    fn answer(&mut self, question: &Ahead) {
        let foreseen = self.foresee(question);
        // Who asked may have given up.
        let _ = question.reply.try_send(foreseen);
    }

    fn foresee(&mut self, question: &Ahead) -> Foreseen {
        let Ahead { past, series, deadline, .. } = question;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("it came too late to it".to_owned());
        }
        let degraded = match &self.lock().condition {
            Condition::Degraded(error) => Some(error.clone()),
            _ => None,
        };
        if let Some(error) = degraded {
            return Err(error);
        }
        // The question's own past: what is asked goes on from where its snapshot stands.
        let late = || "it has not caught up with the line yet; ask again later".to_owned();
        let found = self.runner.follow(past, left).and_then(|progress| match progress {
            progress if !progress.is_complete() => Ok(Err(late())),
            progress if progress.of == 0 => {
                let unheard = self.runner.component().unheard(past);
                Ok(Err(format!("nothing was heard yet of {}", unheard.join(", "))))
            }
            _ => {
                let series = [series[0].as_slice(), series[1].as_slice()];
                Ok(self.runner.ahead(&series, *deadline)?.ok_or_else(late))
            }
        });
        // The next look runs what the newest snapshot has.
        self.followed = None;
        match found {
            Ok(found) => courses(&found?),
            Err(error) => {
                self.fail(&error, past, Tick(0));
                Err(error.to_string())
            }
        }
    }
}

/// Output by output: as things stand, and with the settings.
fn courses(found: &[Vec<Ran>]) -> Foreseen {
    let [baseline, changed] = found else { return Err("two series were asked about".to_owned()) };
    let outputs = baseline.first().map_or(0, |ran| ran.outputs.len());
    (0..outputs).map(|output| Ok([course(baseline, output)?, course(changed, output)?])).collect()
}

fn course(ran: &[Ran], output: usize) -> Result<Course, String> {
    let last = ran.last().ok_or("there is nothing ahead")?.outputs[output];
    let mean = ran.iter().map(|ran| ran.outputs[output]).sum::<f64>() / ran.len() as f64;
    Ok(Course { mean, last })
}
