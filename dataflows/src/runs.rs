//! Runs: consecutive violating panes, with on-delay and off-delay, kept up as single verdicts change.
//!
//! A run begins with a violating pane and counts once `on` panes in a row violated; it then counts from its
//! first pane. It is over once `off` clear panes in a row have followed, and it ended with its last violating
//! pane. A pane without a verdict (missing, or nothing to judge it by) neither violates nor clears; but more
//! than [`MAX_GAP_PANES`] of them in a row separate what is before from what is after.
//!
//! [`Runs`] keeps the phase after each pane, and only where there is one: memory grows with the violating
//! panes (and the off-delays), not with the panes. A changed verdict is followed forward until the phase is
//! again what it was. **Invariant:** a pane that has no step of its own leaves the phase of the last step
//! before it, and that phase is then [`Phase::Idle`] or the pane has no verdict.

use crate::Diff;
use lehr_domain::{EventMs, Micro, SpanMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So many panes without a verdict may lie inside a run. An hour of one-minute panes: a shorter outage of a
/// source does not raise its alerts anew, a longer one does not hide that nobody knows.
pub const MAX_GAP_PANES: i64 = 60;

/// On which side of its limit a value violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    Above,
    Below,
}

/// A value that violates, and the limit that it passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Violation {
    pub value: Micro,
    pub limit: Micro,
    pub side: Side,
}

impl Violation {
    pub fn above(value: Micro, limit: Micro) -> Violation {
        Violation { value, limit, side: Side::Above }
    }

    pub fn below(value: Micro, limit: Micro) -> Violation {
        Violation { value, limit, side: Side::Below }
    }

    /// How far the value is beyond its limit; negative inside a deadband.
    fn excess(&self) -> i128 {
        let beyond = i128::from(self.value.0) - i128::from(self.limit.0);
        match self.side {
            Side::Above => beyond,
            Side::Below => -beyond,
        }
    }
}

/// What a rule says of one pane. That it cannot say is the absence of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Clear,
    Violating(Violation),
}

/// Violating panes that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Run {
    /// Start of the first violating pane.
    pub start: EventMs,
    /// Start of the last violating pane.
    pub last: EventMs,
    /// How many panes violated.
    pub panes: i64,
    /// The violation that went furthest beyond its limit; the first of several.
    pub worst: Violation,
}

impl Run {
    fn begin(at: EventMs, violation: Violation) -> Run {
        Run { start: at, last: at, panes: 1, worst: violation }
    }

    fn extend(self, at: EventMs, violation: Violation) -> Run {
        let worst = if violation.excess() > self.worst.excess() { violation } else { self.worst };
        Run { last: at, panes: self.panes + 1, worst, ..self }
    }
}

/// A run as shown: `open` while it holds or its off-delay runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub run: Run,
    pub open: bool,
}

/// How long a condition must hold before it counts, and be away before it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// Panes; 0 counts as 1.
    pub on: u16,
    /// Panes; 0 counts as 1.
    pub off: u16,
    /// Width of a pane.
    pub width: SpanMs,
}

/// Where a rule stands after a pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    Idle,
    /// Violating, but not yet for the on-delay.
    Pending(Run),
    /// Counts; so many clear panes have followed the last violating one.
    Active(Run, u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    /// The run that this pane ended.
    closed: Option<Run>,
    /// The phase after this pane.
    phase: Phase,
}

impl Delays {
    fn separates(&self, before: EventMs, after: EventMs) -> bool {
        (after - before).0 > self.width.0.saturating_mul(MAX_GAP_PANES + 1)
    }

    fn step(&self, before: Option<(EventMs, Phase)>, at: EventMs, verdict: Verdict) -> Step {
        let (mut closed, mut phase) = (None, Phase::Idle);
        if let Some((last, held)) = before {
            match held {
                Phase::Active(run, _) if self.separates(last, at) => closed = Some(run),
                _ if self.separates(last, at) => {}
                held => phase = held,
            }
        }
        let counted = |run: Run| {
            if run.panes >= i64::from(self.on) { Phase::Active(run, 0) } else { Phase::Pending(run) }
        };
        let phase = match (phase, verdict) {
            (Phase::Idle | Phase::Pending(_), Verdict::Clear) => Phase::Idle,
            (Phase::Idle, Verdict::Violating(violation)) => counted(Run::begin(at, violation)),
            (Phase::Pending(run), Verdict::Violating(violation)) => counted(run.extend(at, violation)),
            (Phase::Active(run, _), Verdict::Violating(violation)) => Phase::Active(run.extend(at, violation), 0),
            (Phase::Active(run, clear), Verdict::Clear) if clear + 1 < self.off => Phase::Active(run, clear + 1),
            (Phase::Active(run, _), Verdict::Clear) => {
                closed = Some(run);
                Phase::Idle
            }
        };
        Step { closed, phase }
    }
}

/// The runs of one rule over one sequence of panes.
#[derive(Clone, Debug)]
pub struct Runs {
    delays: Delays,
    steps: BTreeMap<EventMs, Step>,
}

impl Runs {
    pub fn new(delays: Delays) -> Runs {
        Runs { delays, steps: BTreeMap::new() }
    }

    /// Takes up changed verdicts. Those of the panes in `from..=upto` may have changed, and panes may have come
    /// or gone there; `verdicts` yields every pane from `from` on, in order of time, lazily: it is read until
    /// the phase beyond `upto` is what it was. `show` receives the intervals that changed.
    pub fn restate(
        &mut self,
        from: EventMs,
        upto: EventMs,
        verdicts: impl Iterator<Item = (EventMs, Option<Verdict>)>,
        show: &mut impl FnMut(Interval, Diff),
    ) {
        let shown = self.open();
        let mut new = self.steps.range(..from).next_back().map(|(at, step)| (*at, step.phase));
        let mut old = new;
        let mut next = from;
        let mut settled = false;
        for (at, verdict) in verdicts {
            debug_assert!(at >= next, "panes come in order of time");
            self.drop_steps(next, at, &mut old, show);
            if at > upto && same(old, new) {
                settled = true;
                break;
            }
            next = EventMs(at.0 + 1);
            self.drop_steps(at, next, &mut old, show);
            let Some(verdict) = verdict else { continue };
            let step = self.delays.step(new, at, verdict);
            if idle(new) && step.phase == Phase::Idle {
                continue;
            }
            if let Some(run) = step.closed {
                show(Interval { run, open: false }, 1);
            }
            self.steps.insert(at, step);
            new = Some((at, step.phase));
        }
        if !settled {
            self.drop_steps(next, EventMs::MAX, &mut old, show);
        }
        self.show_open(shown, show);
    }

    /// The phase in which the panes up to `upto`, which have left, leave the rule to later ones; `None` when
    /// that is idle.
    pub fn carried(&self, upto: EventMs) -> Option<(EventMs, Phase)> {
        let (at, step) = self.steps.range(..=upto).next_back()?;
        (step.phase != Phase::Idle).then_some((*at, step.phase))
    }

    /// Takes up what was carried before a restart. Must come before any verdict.
    pub fn resume(&mut self, at: EventMs, phase: Phase, show: &mut impl FnMut(Interval, Diff)) {
        debug_assert!(self.steps.is_empty(), "a rule resumes before it judges");
        self.steps.insert(at, Step { closed: None, phase });
        self.show_open(None, show);
    }

    /// The panes up to and including `upto` have left by retention. Runs that one of them closed leave with
    /// it; a run that goes on keeps its beginning.
    pub fn forget(&mut self, upto: EventMs, show: &mut impl FnMut(Interval, Diff)) {
        let Some((carried, step)) = self.steps.range(..=upto).next_back().map(|(at, step)| (*at, *step)) else {
            return;
        };
        self.drop_steps(EventMs::MIN, EventMs(upto.0 + 1), &mut None, show);
        if step.phase != Phase::Idle {
            self.steps.insert(carried, Step { closed: None, ..step });
        }
    }

    /// Takes everything back.
    pub fn clear(&mut self, show: &mut impl FnMut(Interval, Diff)) {
        let shown = self.open();
        self.drop_steps(EventMs::MIN, EventMs::MAX, &mut None, show);
        self.show_open(shown, show);
    }

    fn open(&self) -> Option<Run> {
        match self.steps.last_key_value()?.1.phase {
            Phase::Active(run, _) => Some(run),
            Phase::Idle | Phase::Pending(_) => None,
        }
    }

    fn show_open(&self, before: Option<Run>, show: &mut impl FnMut(Interval, Diff)) {
        let after = self.open();
        if before != after {
            before.into_iter().for_each(|run| show(Interval { run, open: true }, -1));
            after.into_iter().for_each(|run| show(Interval { run, open: true }, 1));
        }
    }

    /// Removes the steps in `from..to`; `last` becomes what the last of them left.
    fn drop_steps(
        &mut self,
        from: EventMs,
        to: EventMs,
        last: &mut Option<(EventMs, Phase)>,
        show: &mut impl FnMut(Interval, Diff),
    ) {
        while let Some((at, step)) = self.steps.range(from..to).next().map(|(at, step)| (*at, *step)) {
            self.steps.remove(&at);
            if let Some(run) = step.closed {
                show(Interval { run, open: false }, -1);
            }
            *last = Some((at, step.phase));
        }
    }
}

fn idle(last: Option<(EventMs, Phase)>) -> bool {
    last.is_none_or(|(_, phase)| phase == Phase::Idle)
}

fn same(old: Option<(EventMs, Phase)>, new: Option<(EventMs, Phase)>) -> bool {
    old == new || (idle(old) && idle(new))
}

#[cfg(test)]
pub(crate) mod tests;
