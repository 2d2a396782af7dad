//! What the rules say of the sensors, and the panes that deviate.
//!
//! Verdicts of panes that are there are evaluated anew at each tick. What panes said that left by retention is
//! remembered, for as long as rule and definition stay what they were: a run may reach back beyond the edge. A
//! condition is there while it is open, or while the pane is there that ended it.

use super::WIDTH;
use super::base::Base;
use super::charts::Chart;
use super::runs::{Verdict, Violation, runs};
use lehr_dataflows::deviations::DeviatingPane;
use lehr_dataflows::tables::{ConditionRow, PaneRow};
use lehr_domain::causal::Direction;
use lehr_domain::event::SensorDef;
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::{EventMs, LineId, Micro, ParameterId, PerMille, RuleId, SensorId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

/// So many of the panes that left are looked back on.
const CONTEXT: usize = 240;

/// What a rule says of each pane of a sensor.
type Verdicts = BTreeMap<EventMs, Option<Verdict>>;

/// What decides verdicts: when it changes, what panes said that left is forgotten.
type Judge = (Check, u16, u16, LineId, ParameterId, Option<Micro>, Option<Micro>);

#[derive(Default)]
pub struct Detectors {
    /// The panes as of the last tick.
    before: BTreeSet<PaneRow>,
    /// Panes that left, as they were when they left.
    departed: BTreeMap<SensorId, BTreeMap<EventMs, PaneRow>>,
    /// What each rule said of each pane of each sensor as of the last tick.
    said: BTreeMap<(RuleId, SensorId), (Judge, Verdicts)>,
}

impl Detectors {
    pub fn found(
        &mut self,
        base: &Base,
        panes: &BTreeSet<PaneRow>,
        clocks: &BTreeMap<LineId, EventMs>,
    ) -> (BTreeSet<ConditionRow>, Vec<DeviatingPane>) {
        let there: BTreeSet<_> = panes.iter().map(|pane| (pane.sensor_id, pane.start)).collect();
        for pane in std::mem::replace(&mut self.before, panes.clone()) {
            if !there.contains(&(pane.sensor_id, pane.start)) {
                self.departed.entry(pane.sensor_id).or_default().insert(pane.start, pane);
            }
        }
        let (mut conditions, mut deviating) = (BTreeSet::new(), Vec::new());
        let before = std::mem::take(&mut self.said);
        let none = BTreeMap::new();
        for (sensor, def) in base.sensors() {
            let departed = self.departed.get(&sensor).unwrap_or(&none);
            let history = History::of(sensor, def, base, departed, panes, clocks.get(&def.line).copied());
            for (id, rule) in base.rules().into_iter().filter(|(_, rule)| watches(rule, sensor, def)) {
                if let Check::Stale { after } = rule.check {
                    conditions.extend(history.silences(id, after));
                    continue;
                }
                let judge = (rule.check, rule.on_delay, rule.off_delay, def.line, def.parameter, def.target, def.sigma);
                let mut verdicts = match before.get(&(id, sensor)) {
                    Some((same, said)) if *same == judge => said.clone(),
                    _ => BTreeMap::new(),
                };
                verdicts.retain(|start, _| departed.contains_key(start));
                verdicts.extend(history.verdicts(&rule.check));
                conditions.extend(history.conditions(id, rule, &verdicts));
                self.said.insert((id, sensor), (judge, verdicts));
            }
            deviating.extend(history.deviating());
        }
        (conditions, deviating)
    }
}

fn watches(rule: &Rule, sensor: SensorId, def: &SensorDef) -> bool {
    let subject = match rule.subject {
        Subject::Sensor(of) => of == sensor,
        Subject::Parameter(of) => of == def.parameter,
        Subject::EverySensor => true,
        Subject::EveryLine => false,
    };
    let of_line = matches!(
        rule.check,
        Check::DefectRate { .. } | Check::DefectCount { .. } | Check::QualityScore { .. } | Check::LineState { .. }
    );
    rule.enabled && subject && !of_line
}

fn mean(pane: &PaneRow) -> i128 {
    i128::from(pane.moments.mean().expect("a good pane").0)
}

fn spread(pane: &PaneRow) -> i128 {
    i128::from(pane.moments.max.0 - pane.moments.min.0)
}

fn micro(value: i128) -> Micro {
    Micro(value as i64)
}

/// What is known of one sensor.
struct History<'a> {
    id: SensorId,
    def: &'a SensorDef,
    /// The last panes that left, and all that are there, in order of time.
    panes: Vec<&'a PaneRow>,
    /// How many of them have left.
    departed: usize,
    setpoints: Vec<(EventMs, i128)>,
    clock: Option<EventMs>,
    normal: Option<Normal>,
}

struct Normal {
    mean: i128,
    sigma: i128,
    spread: Option<i128>,
}

/// From the first 30, 60 or 120 good panes that there ever were.
fn normal<'a>(ever: impl Iterator<Item = &'a PaneRow>) -> Option<Normal> {
    let good: Vec<&PaneRow> = ever.filter(|pane| pane.moments.n > 0).collect();
    let count = [120, 60, 30].into_iter().find(|count| *count <= good.len())?;
    let (n, first) = (count as i128, &good[..count]);
    let sum: i128 = first.iter().map(|pane| mean(pane)).sum();
    // n·Σ(x−m)² without the fraction of m.
    let squares: i128 = first.iter().map(|pane| (n * mean(pane) - sum).pow(2)).sum();
    let spreads: Vec<i128> = first.iter().filter(|pane| pane.moments.n >= 3).map(|pane| spread(pane)).collect();
    let spread = (spreads.len() >= 30).then(|| (spreads.iter().sum::<i128>() / spreads.len() as i128).max(1));
    Some(Normal { mean: sum.div_euclid(n), sigma: (squares / n / (n * (n - 1))).isqrt().max(1), spread })
}

impl<'a> History<'a> {
    fn of(
        id: SensorId,
        def: &'a SensorDef,
        base: &Base,
        departed: &'a BTreeMap<EventMs, PaneRow>,
        panes: &'a BTreeSet<PaneRow>,
        clock: Option<EventMs>,
    ) -> History<'a> {
        let live = || panes.iter().filter(|pane| pane.sensor_id == id);
        let context: Vec<&PaneRow> = departed.values().skip(departed.len().saturating_sub(CONTEXT)).collect();
        let setpoints = base.setpoints().into_iter().filter(|row| row.sensor == id);
        let mut setpoints: Vec<_> = setpoints.map(|row| (row.at, i128::from(row.value.0))).collect();
        setpoints.sort();
        History {
            id,
            def,
            departed: context.len(),
            panes: context.into_iter().chain(live()).collect(),
            setpoints,
            clock,
            normal: normal(departed.values().chain(live())),
        }
    }

    fn setpoint(&self, holds: impl Fn(EventMs) -> bool) -> Option<i128> {
        let given = self.setpoints.iter().rev().find(|(at, _)| holds(*at)).map(|(_, value)| *value);
        given.or(self.def.target.map(|target| target.0.into()))
    }

    fn centre(&self, start: EventMs) -> Option<i128> {
        self.setpoint(|at| at <= start).or(self.normal.as_ref().map(|normal| normal.mean))
    }

    fn sigma(&self) -> Option<i128> {
        let defined = self.def.sigma.map(|sigma| i128::from(sigma.0));
        defined.or(self.normal.as_ref().map(|normal| normal.sigma))
    }

    fn row(
        &self,
        rule_id: RuleId,
        start: EventMs,
        end: Option<EventMs>,
        panes: i64,
        worst: (Micro, Micro),
    ) -> ConditionRow {
        let (peak, limit) = worst;
        let (production_line, sensor_id) = (self.def.line, Some(self.id));
        ConditionRow { rule_id, production_line, sensor_id, start, end, panes, peak, limit }
    }

    /// From each pane to the next, and from the last one to the line's clock.
    fn silences(&self, rule: RuleId, after: SpanMs) -> Vec<ConditionRow> {
        let mut rows = Vec::new();
        for (i, pane) in self.panes.iter().enumerate() {
            let next = self.panes.get(i + 1).map(|next| next.start);
            let has_left = i + 1 < self.departed;
            let Some(until) = next.or(self.clock.map(|clock| clock - WIDTH)) else { continue };
            let silent = (until - pane.last_reading).0;
            if silent > after.0 && !has_left {
                let panes = (silent - after.0 + WIDTH.0 - 1) / WIDTH.0;
                let worst = (Micro(silent * 1000), Micro(after.0 * 1000));
                rows.push(self.row(rule, pane.last_reading + after, next, panes, worst));
            }
        }
        rows
    }

    fn conditions(&self, id: RuleId, rule: &Rule, verdicts: &Verdicts) -> Vec<ConditionRow> {
        let is_there = |start: EventMs| self.panes[self.departed..].iter().any(|pane| pane.start == start);
        let shown = runs(rule.on_delay, rule.off_delay, verdicts).into_iter();
        let shown = shown.filter(|run| run.ended_by.is_none_or(is_there));
        shown
            .map(|run| {
                let end = run.ended_by.map(|_| run.last + WIDTH);
                self.row(id, run.start, end, run.panes, (run.worst.value, run.worst.limit))
            })
            .collect()
    }

    /// The verdicts on the panes that are there.
    fn verdicts(&self, check: &Check) -> Verdicts {
        let deviations: Vec<Option<i128>> = self
            .panes
            .iter()
            .filter(|pane| pane.moments.n > 0)
            .map(|pane| Some(mean(pane) - self.centre(pane.start)?))
            .collect();
        let mut good: Vec<&PaneRow> = Vec::new();
        let mut verdicts = BTreeMap::new();
        for (i, pane) in self.panes.iter().enumerate() {
            if pane.moments.n > 0 {
                good.push(pane);
            }
            if i >= self.departed {
                let points = deviations[..good.len()].iter().rev().take(CONTEXT + 1).map_while(|point| *point);
                verdicts.insert(pane.start, self.verdict(check, pane, &good, points));
            }
        }
        verdicts
    }

    /// `good` are the panes with good readings up to this one, `points` their deviations, latest first.
    fn verdict(
        &self,
        check: &Check,
        pane: &PaneRow,
        good: &[&PaneRow],
        points: impl Iterator<Item = i128>,
    ) -> Option<Verdict> {
        let verdict = |violation: Option<Violation>| Some(violation.map_or(Verdict::Clear, Verdict::Violating));
        let above = |value: Micro, limit: Micro| Violation { value, limit, below: false };
        if let Check::BadQuality { share } = check {
            let (bad, all) = (i128::from(pane.bad), i128::from(pane.bad) + i128::from(pane.moments.n));
            let violation = above(micro(bad * 1_000_000 / all), Micro(i64::from(share.0) * 1000));
            return verdict((bad * 1000 > i128::from(share.0) * all).then_some(violation));
        }
        if pane.moments.n == 0 {
            return None;
        }
        let (min, max) = (pane.moments.min, pane.moments.max);
        match check {
            Check::High { limit, deadband } => {
                let last = good.iter().rev().take(CONTEXT + 1).map(|pane| pane.moments.max.0);
                let decisive = { last }.find(|max| *max > limit.0 || *max <= limit.0 - deadband.0);
                verdict(decisive.is_some_and(|max| max > limit.0).then(|| above(max, *limit)))
            }
            Check::Low { limit, deadband } => {
                let last = good.iter().rev().take(CONTEXT + 1).map(|pane| pane.moments.min.0);
                let decisive = { last }.find(|min| *min < limit.0 || *min >= limit.0 + deadband.0);
                let low = decisive.is_some_and(|min| min < limit.0);
                verdict(low.then_some(Violation { value: min, limit: *limit, below: true }))
            }
            Check::RateOfChange { per_minute } => {
                let Some(before) = good.len().checked_sub(2).map(|i| good[i]) else { return verdict(None) };
                let (moved, span) = ((mean(pane) - mean(before)).abs(), i128::from((pane.start - before.start).0));
                let fast = moved * 60_000 > i128::from(per_minute.0) * span;
                verdict(fast.then(|| above(micro(moved * 60_000 / span), *per_minute)))
            }
            Check::Variation { limit } => {
                verdict((spread(pane) > limit.0.into()).then(|| above(micro(spread(pane)), *limit)))
            }
            Check::Stuck { panes } => {
                let unmoved = (0..i64::from(*panes)).all(|back| {
                    let start = pane.start - SpanMs(back * WIDTH.0);
                    let same = good.iter().rev().find(|pane| pane.start <= start).filter(|pane| pane.start == start);
                    same.is_some_and(|pane| pane.moments.min == max && pane.moments.max == max)
                });
                verdict(unmoved.then(|| above(max, max)))
            }
            _ => {
                let (points, centre) = (points.collect::<Vec<_>>(), self.centre(pane.start)?);
                let chart = Chart { points: &points, mean: mean(pane), centre };
                verdict(match check {
                    Check::Drift { band } => chart.drift(*band),
                    _ => chart.verdict(check, self.sigma()?),
                })
            }
        }
    }

    /// Panes that are there, whose mean is three sigma or more from the centre, or whose spread is three times the
    /// normal one; not within ten panes of a new set-point.
    fn deviating(&self) -> Vec<DeviatingPane> {
        let mut rows = Vec::new();
        for pane in self.panes[self.departed..].iter().filter(|pane| pane.moments.n > 0) {
            let end = pane.start + WIDTH;
            let settling = self.setpoints.iter().any(|(at, value)| {
                let changed = self.setpoint(|before| before < *at).is_some_and(|before| before != *value);
                changed && *at < end && pane.start < *at + SpanMs(10 * WIDTH.0)
            });
            if settling {
                continue;
            }
            let mut deviates = |direction, value, centre, sigmas: i128| {
                rows.push(DeviatingPane {
                    line: self.def.line,
                    parameter: self.def.parameter,
                    direction,
                    sensor: self.id,
                    pane_start: pane.start,
                    pane_end: end,
                    value: micro(value),
                    centre: micro(centre),
                    sigmas: PerMille(sigmas.min(999_999) as i32),
                });
            };
            if let Some((centre, sigma)) = self.centre(pane.start).zip(self.sigma()) {
                let far = mean(pane) - centre;
                if far >= 3 * sigma {
                    deviates(Direction::High, mean(pane), centre, far * 1000 / sigma);
                } else if -far >= 3 * sigma {
                    deviates(Direction::Low, mean(pane), centre, -far * 1000 / sigma);
                }
            }
            let normal = self.normal.as_ref().and_then(|normal| normal.spread);
            if let Some(normal) = normal.filter(|normal| pane.moments.n >= 3 && spread(pane) >= 3 * normal) {
                deviates(Direction::Variation, spread(pane), normal, spread(pane) * 1000 / normal);
            }
        }
        rows
    }
}
