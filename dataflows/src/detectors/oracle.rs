//! The definitions of the checks, read off full lists: slow, and independent of the operator's bookkeeping.

use super::Found;
use super::trace::{Given, WIDTH};
use crate::deviations::DeviatingPane;
use crate::runs::tests::from_scratch;
use crate::runs::{Delays, Verdict, Violation};
use crate::tables::{ConditionRow, PaneRow};
use lehr_domain::causal::Direction;
use lehr_domain::event::SensorDef;
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::{EventMs, Micro, PerMille, RuleId, SensorId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

pub fn found(given: &BTreeSet<Given>) -> BTreeSet<Found> {
    let mut all = BTreeSet::new();
    for row in given {
        if let Given::Sensor(id, def) = row {
            let history = History::of(*id, def, given);
            for row in given {
                if let Given::Rule(rule, def) = row {
                    all.extend(history.conditions(*rule, def).into_iter().map(Found::Condition));
                }
            }
            all.extend(history.deviating().into_iter().map(Found::Deviating));
        }
    }
    all
}

struct History<'a> {
    id: SensorId,
    def: &'a SensorDef,
    panes: Vec<&'a PaneRow>,
    setpoints: Vec<(EventMs, i128)>,
    clock: Option<EventMs>,
    normal: Option<(i128, i128, Option<i128>)>,
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

impl<'a> History<'a> {
    fn of(id: SensorId, def: &'a SensorDef, given: &'a BTreeSet<Given>) -> History<'a> {
        let mut history = History { id, def, panes: vec![], setpoints: vec![], clock: None, normal: None };
        for row in given {
            match row {
                Given::Pane(pane) if pane.sensor_id == id => history.panes.push(pane),
                Given::Setpoint(row) if row.sensor == id => history.setpoints.push((row.at, row.value.0.into())),
                Given::Clock(line, at) if *line == def.line => history.clock = Some(*at),
                _ => {}
            }
        }
        history.panes.sort_by_key(|pane| pane.start);
        history.setpoints.sort();
        let good: Vec<&PaneRow> = history.panes.iter().copied().filter(|pane| pane.moments.n > 0).collect();
        let count = match good.len() {
            0..30 => return history,
            30..60 => 30,
            60..120 => 60,
            _ => 120,
        };
        let n = count as i128;
        let means: Vec<i128> = good[..count].iter().map(|pane| mean(pane)).collect();
        let sum: i128 = means.iter().sum();
        // n·Σ(x−m)² without the fraction of m.
        let squares: i128 = means.iter().map(|x| (n * x - sum).pow(2)).sum();
        let sigma = (squares / n / (n * (n - 1))).isqrt().max(1);
        let spreads: Vec<i128> =
            good[..count].iter().filter(|pane| pane.moments.n >= 3).map(|pane| spread(pane)).collect();
        let normal_spread =
            (spreads.len() >= 30).then(|| (spreads.iter().sum::<i128>() / spreads.len() as i128).max(1));
        history.normal = Some((sum.div_euclid(n), sigma, normal_spread));
        history
    }

    fn setpoint(&self, holds: impl Fn(EventMs) -> bool) -> Option<i128> {
        let given = self.setpoints.iter().rev().find(|(at, _)| holds(*at)).map(|(_, value)| *value);
        given.or(self.def.target.map(|target| target.0.into()))
    }

    fn centre(&self, pane: &PaneRow) -> Option<i128> {
        self.setpoint(|at| at <= pane.start).or(self.normal.map(|(mean, ..)| mean))
    }

    fn sigma(&self) -> Option<i128> {
        self.def.sigma.map(|sigma| sigma.0.into()).or(self.normal.map(|(_, sigma, _)| sigma))
    }

    fn conditions(&self, id: RuleId, rule: &Rule) -> Vec<ConditionRow> {
        let watches = match rule.subject {
            Subject::Sensor(sensor) => sensor == self.id,
            Subject::Parameter(parameter) => parameter == self.def.parameter,
            Subject::EverySensor => true,
            Subject::EveryLine => false,
        };
        if !rule.enabled || !watches {
            return vec![];
        }
        let row = |start, end, panes, peak, limit| ConditionRow {
            rule_id: id,
            production_line: self.def.line,
            sensor_id: Some(self.id),
            start,
            end,
            panes,
            peak,
            limit,
        };
        if let Check::Stale { after } = rule.check {
            let nexts = self.panes.iter().skip(1).map(|pane| Some(pane.start)).chain([None]);
            let mut rows = vec![];
            for (pane, next) in self.panes.iter().zip(nexts) {
                let Some(until) = next.or(self.clock.map(|clock| clock - WIDTH)) else { continue };
                let silent = (until - pane.last_reading).0;
                if silent > after.0 {
                    let panes = (silent - after.0 + WIDTH.0 - 1) / WIDTH.0;
                    rows.push(row(pane.last_reading + after, next, panes, Micro(silent * 1000), Micro(after.0 * 1000)));
                }
            }
            return rows;
        }
        let mut good: Vec<&PaneRow> = Vec::new();
        let mut verdicts: BTreeMap<EventMs, Option<Verdict>> = BTreeMap::new();
        for pane in &self.panes {
            if pane.moments.n > 0 {
                good.push(pane);
            }
            verdicts.insert(pane.start, self.verdict(&rule.check, pane, &good));
        }
        let delays = Delays { on: rule.on_delay, off: rule.off_delay, width: WIDTH };
        let runs = from_scratch(delays, &verdicts).into_iter();
        runs.map(|shown| {
            let end = (!shown.open).then_some(shown.run.last + WIDTH);
            row(shown.run.start, end, shown.run.panes, shown.run.worst.value, shown.run.worst.limit)
        })
        .collect()
    }

    fn verdict(&self, check: &Check, pane: &PaneRow, good: &[&PaneRow]) -> Option<Verdict> {
        let verdict = |violation: Option<Violation>| Some(violation.map_or(Verdict::Clear, Verdict::Violating));
        if let Check::BadQuality { share } = check {
            let (bad, all) = (i128::from(pane.bad), i128::from(pane.bad) + i128::from(pane.moments.n));
            let violation = Violation::above(micro(bad * 1_000_000 / all), Micro(i64::from(share.0) * 1000));
            return verdict((bad * 1000 > i128::from(share.0) * all).then_some(violation));
        }
        if pane.moments.n == 0 {
            return None;
        }
        let (min, max) = (pane.moments.min, pane.moments.max);
        match check {
            Check::High { limit, deadband } => {
                let last = good.iter().rev().take(241).map(|pane| pane.moments.max.0);
                let decisive = { last }.find(|max| *max > limit.0 || *max <= limit.0 - deadband.0);
                let high = decisive.is_some_and(|max| max > limit.0);
                verdict(high.then(|| Violation::above(max, *limit)))
            }
            Check::Low { limit, deadband } => {
                let last = good.iter().rev().take(241).map(|pane| pane.moments.min.0);
                let decisive = { last }.find(|min| *min < limit.0 || *min >= limit.0 + deadband.0);
                let low = decisive.is_some_and(|min| min < limit.0);
                verdict(low.then(|| Violation::below(min, *limit)))
            }
            Check::RateOfChange { per_minute } => {
                let Some(before) = good.len().checked_sub(2).map(|i| good[i]) else { return verdict(None) };
                let (moved, span) = ((mean(pane) - mean(before)).abs(), i128::from((pane.start - before.start).0));
                let fast = moved * 60_000 > i128::from(per_minute.0) * span;
                verdict(fast.then(|| Violation::above(micro(moved * 60_000 / span), *per_minute)))
            }
            Check::Variation { limit } => {
                verdict((spread(pane) > limit.0.into()).then(|| Violation::above(micro(spread(pane)), *limit)))
            }
            Check::Stuck { panes } => {
                let unmoved = (0..i64::from(*panes)).all(|back| {
                    let start = pane.start - SpanMs(back * WIDTH.0);
                    good.iter().any(|p| p.start == start && p.moments.min == max && p.moments.max == max)
                });
                verdict(unmoved.then(|| Violation::above(max, max)))
            }
            _ => verdict(self.charted(check, pane, good)?),
        }
    }

    /// `None`: nothing says what is normal.
    fn charted(&self, check: &Check, pane: &PaneRow, good: &[&PaneRow]) -> Option<Option<Violation>> {
        let centre = self.centre(pane)?;
        let points: Vec<i128> =
            good.iter().rev().map_while(|pane| Some(mean(pane) - self.centre(pane)?)).take(300).collect();
        if let Check::Drift { band } = check {
            if points.len() < 15 {
                return Some(None);
            }
            let (sum, band) = (points[..15].iter().sum::<i128>(), i128::from(band.0));
            let value = micro(centre + sum / 15);
            let high = (sum > 15 * band).then(|| Violation::above(value, micro(centre + band)));
            return Some(high.or((sum < -15 * band).then(|| Violation::below(value, micro(centre - band)))));
        }
        let sigma = self.sigma()?;
        let now = points[0];
        let at = |sigmas: i128| {
            let limit = if now >= 0 { centre + sigmas * sigma } else { centre - sigmas * sigma };
            let value = micro(mean(pane));
            if now >= 0 { Violation::above(value, micro(limit)) } else { Violation::below(value, micro(limit)) }
        };
        // `count` of the last `of` beyond so many sigma on the side of the last, the last among them.
        let beyond = |sigmas: i128, count: usize, of: usize| {
            points.len() >= of
                && now.abs() > sigmas * sigma
                && points[..of].iter().filter(|d| d.signum() == now.signum() && d.abs() > sigmas * sigma).count()
                    >= count
        };
        let all =
            |of: usize, holds: &dyn Fn(i128) -> bool| points.len() >= of && points[..of].iter().all(|d| holds(*d));
        let steps = |of: usize| (0..of - 1).map(|i| (points[i] - points[i + 1]).signum()).collect::<Vec<_>>();
        let same_side = |of| now != 0 && all(of, &|d| d.signum() == now.signum());
        Some(match check {
            Check::Nelson { rule: 1 } | Check::WesternElectric { rule: 1 } => beyond(3, 1, 1).then(|| at(3)),
            Check::Nelson { rule: 2 } => same_side(9).then(|| at(0)),
            Check::WesternElectric { rule: 4 } => same_side(8).then(|| at(0)),
            Check::Nelson { rule: 3 } if points.len() >= 6 => {
                let sum: i128 = steps(6).iter().sum();
                (sum.abs() == 5).then(|| at(0))
            }
            Check::Nelson { rule: 4 } if points.len() >= 14 => {
                let steps = steps(14);
                (0..12).all(|i| steps[i] != 0 && steps[i] == -steps[i + 1]).then(|| at(0))
            }
            Check::Nelson { rule: 5 } | Check::WesternElectric { rule: 2 } => beyond(2, 2, 3).then(|| at(2)),
            Check::Nelson { rule: 6 } | Check::WesternElectric { rule: 3 } => beyond(1, 4, 5).then(|| at(1)),
            Check::Nelson { rule: 7 } => all(15, &|d| d.abs() < sigma).then(|| at(1)),
            Check::Nelson { rule: 8 } => {
                let both =
                    points.len() >= 8 && points[..8].iter().map(|d| d.signum()).collect::<BTreeSet<_>>().len() == 2;
                (both && all(8, &|d| d.abs() > sigma)).then(|| at(1))
            }
            Check::Ewma { lambda, width } => ewma(&points, centre, sigma, *lambda, *width),
            Check::Cusum { slack, threshold } => cusum(&points, centre, sigma, *slack, *threshold),
            _ => None,
        })
    }

    fn deviating(&self) -> Vec<DeviatingPane> {
        let mut rows = Vec::new();
        for pane in self.panes.iter().filter(|pane| pane.moments.n > 0) {
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
            if let (Some(centre), Some(sigma)) = (self.centre(pane), self.sigma()) {
                let far = mean(pane) - centre;
                if far >= 3 * sigma {
                    deviates(Direction::High, mean(pane), centre, far * 1000 / sigma);
                } else if -far >= 3 * sigma {
                    deviates(Direction::Low, mean(pane), centre, -far * 1000 / sigma);
                }
            }
            if let Some((_, _, Some(normal))) = self.normal
                && pane.moments.n >= 3
                && spread(pane) >= 3 * normal
            {
                deviates(Direction::Variation, spread(pane), normal, spread(pane) * 1000 / normal);
            }
        }
        rows
    }
}

/// `points` come latest first.
fn ewma(points: &[i128], centre: i128, sigma: i128, lambda: PerMille, width: PerMille) -> Option<Violation> {
    let (lambda, width) = (i128::from(lambda.0), i128::from(width.0));
    let (mut weight, mut sum) = (lambda * 1_000_000_000, 0);
    for point in points.iter().take(240) {
        if weight < 1_000_000 {
            break;
        }
        sum += weight * point;
        weight = weight * (1000 - lambda) / 1000;
    }
    let root = (width * width * lambda * 10_i128.pow(12) / (2000 - lambda)).isqrt();
    let value = micro(centre + sum / 10_i128.pow(12));
    let limit = sigma * root / 10_i128.pow(9);
    if sum > sigma * root * 1000 {
        Some(Violation::above(value, micro(centre + limit)))
    } else if sum < -sigma * root * 1000 {
        Some(Violation::below(value, micro(centre - limit)))
    } else {
        None
    }
}

/// `points` come latest first.
fn cusum(points: &[i128], centre: i128, sigma: i128, slack: PerMille, threshold: PerMille) -> Option<Violation> {
    let most = |side: i128| {
        let mut sums = vec![0];
        for point in points.iter().take(120) {
            sums.push(sums[sums.len() - 1] + 1000 * side * point - i128::from(slack.0) * sigma);
        }
        sums.into_iter().max().expect("at least the empty sum")
    };
    let (above, below, limit) = (most(1), most(-1), i128::from(threshold.0) * sigma);
    if above > limit && above >= below {
        Some(Violation::above(micro(centre + above / 1000), micro(centre + limit / 1000)))
    } else if below > limit {
        Some(Violation::below(micro(centre - below / 1000), micro(centre - limit / 1000)))
    } else {
        None
    }
}
