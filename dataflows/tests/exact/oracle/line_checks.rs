//! Rules that watch a line: the textbook state machine with delays, one step of time after the other.

use super::base::Base;
use lehr_dataflows::tables::{ConditionRow, MachineStateRow};
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::unit::{Unit, Verdict};
use lehr_domain::{EventMs, LineId, Micro, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: SpanMs = SpanMs::minutes(1);
/// Traces change machine states at multiples of this.
pub const STATE_STEP: SpanMs = SpanMs::seconds(10);

pub fn conditions(
    base: &Base,
    states: &BTreeSet<MachineStateRow>,
    clocks: &BTreeMap<LineId, EventMs>,
) -> Vec<ConditionRow> {
    let mut rows = Vec::new();
    for (rule_id, rule) in base.rules() {
        if !rule.enabled || rule.subject != Subject::EveryLine {
            continue;
        }
        for line in base.lines() {
            let Some(clock) = clocks.get(&line) else { continue };
            let found = match rule.check {
                Check::LineState { state } => {
                    let own: Vec<_> =
                        states.iter().filter(|row| row.production_line == line && row.state == state).collect();
                    of_state(rule, &own, *clock)
                }
                _ => of_units(rule, &units_by_minute(base, line), *clock),
            };
            rows.extend(found.into_iter().map(|Found { start, end, held, peak }| ConditionRow {
                rule_id,
                production_line: line,
                sensor_id: None,
                start,
                end,
                panes: (held.0 + MINUTE.0 - 1) / MINUTE.0,
                peak,
                limit: limit(&rule.check),
            }));
        }
    }
    rows
}

fn limit(check: &Check) -> Micro {
    match check {
        Check::DefectRate { limit, .. } | Check::QualityScore { limit, .. } => Micro(i64::from(limit.0) * 1000),
        Check::DefectCount { per_minute, .. } => *per_minute,
        _ => Micro(0),
    }
}

fn units_by_minute(base: &Base, line: LineId) -> BTreeMap<i64, Vec<&Unit>> {
    let mut minutes: BTreeMap<i64, Vec<&Unit>> = BTreeMap::new();
    for unit in base.units().into_iter().filter(|unit| unit.line == line) {
        minutes.entry(unit.at.0.div_euclid(MINUTE.0)).or_default().push(unit);
    }
    minutes
}

/// Each minute whose end the clock has passed is judged by the units of the last minutes.
fn of_units(rule: &Rule, minutes: &BTreeMap<i64, Vec<&Unit>>, clock: EventMs) -> Vec<Found> {
    let (Check::DefectRate { minutes: window, .. }
    | Check::QualityScore { minutes: window, .. }
    | Check::DefectCount { minutes: window, .. }) = rule.check
    else {
        return Vec::new();
    };
    let Some((first, _)) = minutes.first_key_value() else { return Vec::new() };
    let delay = |panes: u16| SpanMs::minutes(i64::from(panes));
    let machine = Machine {
        from: EventMs(first * MINUTE.0),
        until: EventMs((clock.0 - 1).div_euclid(MINUTE.0) * MINUTE.0),
        step: MINUTE,
        on: delay(rule.on_delay),
        off: delay(rule.off_delay),
    };
    let value = |at: EventMs| {
        let minute = at.0.div_euclid(MINUTE.0);
        let seen: Vec<&Unit> = minutes
            .range(minute - i64::from(window) + 1..=minute)
            .flat_map(|(_, units)| units.iter().copied())
            .collect();
        violation(&rule.check, &seen)
    };
    let lower = matches!(rule.check, Check::QualityScore { .. });
    machine.run(value, |one, other| if lower { one.min(other) } else { one.max(other) })
}

fn violation(check: &Check, units: &[&Unit]) -> Option<Micro> {
    let share = |part: usize, of: usize| Micro((part as i64 * 1_000_000) / of as i64);
    match *check {
        Check::DefectRate { limit, min_units, .. } => {
            let bad = units.iter().filter(|unit| !unit.defects.is_empty()).count();
            let violated = units.len() >= min_units.into() && bad * 1000 > limit.0 as usize * units.len();
            violated.then(|| share(bad, units.len()))
        }
        Check::QualityScore { limit, min_units, .. } => {
            let good = units.iter().filter(|unit| unit.verdict == Verdict::Good).count();
            let violated = units.len() >= min_units.into() && good * 1000 < limit.0 as usize * units.len();
            violated.then(|| share(good, units.len()))
        }
        Check::DefectCount { defect, per_minute, minutes } => {
            let count = units.iter().flat_map(|unit| &unit.defects).filter(|found| found.defect == defect).count();
            let violated = count as i64 * 1_000_000 > per_minute.0 * i64::from(minutes);
            violated.then(|| share(count, minutes.into()))
        }
        _ => None,
    }
}

/// A state is known at once: the first pane of a delay costs no time.
fn of_state(rule: &Rule, own: &[&MachineStateRow], clock: EventMs) -> Vec<Found> {
    let Some(from) = own.iter().map(|row| row.start).min() else { return Vec::new() };
    let delay = |panes: u16| SpanMs::minutes(i64::from(panes - 1));
    let machine = Machine {
        from,
        until: clock,
        step: STATE_STEP,
        on: delay(rule.on_delay),
        off: delay(rule.off_delay).max(STATE_STEP),
    };
    let value = |at: EventMs| {
        let holds = own.iter().any(|row| row.start <= at && row.end.is_none_or(|end| at < end));
        holds.then_some(Micro::units(1))
    };
    machine.run(value, Micro::max)
}

struct Found {
    start: EventMs,
    end: Option<EventMs>,
    held: SpanMs,
    peak: Micro,
}

struct Machine {
    from: EventMs,
    until: EventMs,
    step: SpanMs,
    on: SpanMs,
    off: SpanMs,
}

impl Machine {
    fn run(&self, value: impl Fn(EventMs) -> Option<Micro>, worse: impl Fn(Micro, Micro) -> Micro) -> Vec<Found> {
        // A run that is not long enough yet, or the condition that it became.
        let (mut found, mut run, mut counts): (Vec<Found>, Option<Found>, bool) = (Vec::new(), None, false);
        let (mut at, mut last) = (self.from, self.from);
        while at < self.until {
            let after = at + self.step;
            if let Some(value) = value(at) {
                let run = run.get_or_insert(Found { start: at, end: None, held: SpanMs(0), peak: value });
                (run.held, run.peak) = (SpanMs(run.held.0 + self.step.0), worse(run.peak, value));
                counts |= run.held >= self.on;
                last = after;
            } else if !counts {
                run = None;
            } else if after - last >= self.off {
                found.extend(run.take().map(|run| Found { end: Some(last), ..run }));
                counts = false;
            }
            at = after;
        }
        found.extend(run.filter(|_| counts));
        found
    }
}
