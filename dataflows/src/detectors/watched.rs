//! One rule on one sensor: which verdicts a tick's changes touch, and the rows that it shows.

use super::checks::{Point, Prepared};
use super::seen::Seen;
use super::silence::{Silence, Silences};
use super::{Def, Found, Watch};
use crate::Diff;
use crate::runs::{Delays, Interval, Phase, Runs, Verdict};
use crate::tables::ConditionRow;
use lehr_domain::rule::Check;
use lehr_domain::{EventMs, LineId, RuleId, SensorId, SpanMs};
use std::collections::BTreeSet;

/// Which panes must be judged anew.
pub struct Touched {
    /// Every one.
    pub all: bool,
    pub panes: BTreeSet<EventMs>,
    /// What is normal changed from this pane on.
    pub normal_from: Option<EventMs>,
    pub clock: bool,
}

impl Touched {
    pub const ALL: Touched = Touched { all: true, panes: BTreeSet::new(), normal_from: None, clock: true };

    /// Spans of panes whose verdicts may have changed, in order and apart, when a verdict depends on `reach`
    /// panes with good readings, its own included.
    pub fn spans(&self, seen: &Seen, reach: usize, on_chart: bool) -> Vec<(EventMs, EventMs)> {
        if self.all {
            return vec![(EventMs::MIN, EventMs::MAX)];
        }
        let normal_from = self.normal_from.filter(|_| on_chart);
        let mut spans: Vec<(EventMs, EventMs)> = Vec::new();
        let mut add = |from: EventMs, upto: EventMs| match spans.last_mut() {
            Some((_, end)) if from <= *end => *end = upto.max(*end),
            _ => spans.push((from, upto)),
        };
        for start in self.panes.iter().take_while(|start| normal_from.is_none_or(|from| **start < from)) {
            add(*start, seen.good_after(*start, reach - 1));
        }
        if let Some(from) = normal_from {
            add(from, EventMs::MAX);
        }
        spans
    }
}

/// A rule that watches a sensor.
pub struct Watched {
    rule: RuleId,
    width: SpanMs,
    shown: Shown,
}

enum Shown {
    Runs(Prepared, Runs),
    Silences(Silences),
}

/// Where the rows go, and what they have in common.
struct Sheet<'a> {
    rule: RuleId,
    line: LineId,
    sensor: SensorId,
    width: SpanMs,
    out: &'a mut Vec<(Found, Diff)>,
}

impl Sheet<'_> {
    fn run(&mut self, Interval { run, open }: Interval, diff: Diff) {
        let row = ConditionRow {
            rule_id: self.rule,
            production_line: self.line,
            sensor_id: Some(self.sensor),
            start: run.start,
            end: (!open).then_some(run.last + self.width),
            panes: run.panes,
            peak: run.worst.value,
            limit: run.worst.limit,
        };
        self.out.push((Found::Condition(row), diff));
    }

    fn silence(&mut self, silence: Silence, diff: Diff) {
        let row = ConditionRow {
            rule_id: self.rule,
            production_line: self.line,
            sensor_id: Some(self.sensor),
            start: silence.start,
            end: silence.end,
            panes: silence.panes,
            peak: silence.length,
            limit: silence.limit,
        };
        self.out.push((Found::Condition(row), diff));
    }
}

/// The verdicts from `from` on, made as they are read.
fn verdicts(check: &Prepared, seen: &Seen, from: EventMs) -> impl Iterator<Item = (EventMs, Option<Verdict>)> {
    let before = seen.good_before(from).take(check.points() - 1);
    let mut points: Vec<Point> = before.map(|pane| check.point(pane, seen)).collect();
    points.reverse();
    seen.live(from).map(move |pane| {
        if pane.is_good() {
            points.push(check.point(pane, seen));
        }
        (pane.start, check.verdict(seen, pane, &points))
    })
}

impl Watched {
    pub fn new(watch: Watch, width: SpanMs) -> Watched {
        let shown = match watch.check {
            Check::Stale { after } => Shown::Silences(Silences::new(after, width)),
            check => {
                let delays = Delays { on: watch.on_delay, off: watch.off_delay, width };
                Shown::Runs(Prepared::new(check, width), Runs::new(delays))
            }
        };
        Watched { rule: watch.rule, width, shown }
    }

    pub fn restate(
        &mut self,
        sensor: SensorId,
        line: LineId,
        seen: &Seen,
        touched: &Touched,
        out: &mut Vec<(Found, Diff)>,
    ) {
        let mut sheet = Sheet { rule: self.rule, line, sensor, width: self.width, out };
        match &mut self.shown {
            Shown::Silences(silences) => {
                let show = &mut |silence, diff| sheet.silence(silence, diff);
                if touched.all {
                    let panes = seen.live(EventMs::MIN).map(|pane| pane.start).collect();
                    silences.restate(seen, &panes, show);
                } else if touched.clock || !touched.panes.is_empty() {
                    silences.restate(seen, &touched.panes, show);
                }
            }
            Shown::Runs(check, runs) => {
                for (from, upto) in touched.spans(seen, check.reach(), check.on_chart()) {
                    let from = from.max(seen.live_from());
                    runs.restate(from, upto, verdicts(check, seen, from), &mut |run, diff| sheet.run(run, diff));
                }
            }
        }
    }

    /// Where the rule stood after the last of the panes up to `upto`, which have left; `None` when nothing is
    /// to be remembered.
    pub fn carried(&self, upto: EventMs) -> Option<(EventMs, Phase)> {
        match &self.shown {
            // Silences look back on the context alone.
            Shown::Silences(_) => None,
            Shown::Runs(_, runs) => runs.carried(upto),
        }
    }

    /// Takes up what was carried before a restart.
    pub fn resume(
        &mut self,
        sensor: SensorId,
        line: LineId,
        (at, phase): (EventMs, Phase),
        out: &mut Vec<(Found, Diff)>,
    ) {
        let mut sheet = Sheet { rule: self.rule, line, sensor, width: self.width, out };
        if let Shown::Runs(_, runs) = &mut self.shown {
            runs.resume(at, phase, &mut |run, diff| sheet.run(run, diff));
        }
    }

    /// The panes up to and including `upto` have left by retention.
    pub fn forget(&mut self, sensor: SensorId, line: LineId, upto: EventMs, out: &mut Vec<(Found, Diff)>) {
        let mut sheet = Sheet { rule: self.rule, line, sensor, width: self.width, out };
        match &mut self.shown {
            Shown::Silences(silences) => silences.forget(upto, &mut |silence, diff| sheet.silence(silence, diff)),
            Shown::Runs(_, runs) => runs.forget(upto, &mut |run, diff| sheet.run(run, diff)),
        }
    }

    /// Takes back what was shown under the definition `def`; without one nothing was.
    pub fn clear(&mut self, sensor: SensorId, def: Option<Def>, out: &mut Vec<(Found, Diff)>) {
        let Some(Def { line, .. }) = def else { return };
        let mut sheet = Sheet { rule: self.rule, line, sensor, width: self.width, out };
        match &mut self.shown {
            Shown::Silences(silences) => silences.clear(&mut |silence, diff| sheet.silence(silence, diff)),
            Shown::Runs(_, runs) => runs.clear(&mut |run, diff| sheet.run(run, diff)),
        }
    }
}
