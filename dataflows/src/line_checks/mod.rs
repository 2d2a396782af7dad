//! Rules that watch a line: shares and counts of its units over trailing minutes, and its machine state.
//!
//! Units are judged by whole minutes of event time. A minute is judged once the line's clock is past its end,
//! because a share over a minute that is still filling moves both ways; from then on only corrected units
//! change its verdict, each at most as many verdicts as the check looks back minutes. Minutes without units are
//! clear when too few are left to judge. Delays count minutes.
//!
//! A machine state is no pane but known at once: with a delay of 1 the condition begins and ends with the state,
//! with a delay of *n* it must last, or be gone, for *n* − 1 minutes more. Intervals of the same state that touch
//! are one.
//!
//! State per line: one count a minute with units, one span a machine state, and per rule the stretches in
//! violation and the conditions made of them; all leave with the units and states they come from.

#[cfg(test)]
mod tests;
mod verdicts;

use crate::intervals::{Delays, Stretch, Stretches, intervals, regions};
use crate::operators::{KeyState, per_key};
use crate::tables::{ConditionRow, MachineStateRow};
use crate::{Diff, Rows};
use differential_dataflow::operators::CountTotal;
use lehr_domain::machine::MachineState;
use lehr_domain::rule::{Check, Rule, Subject};
use lehr_domain::unit::Unit;
use lehr_domain::{EventMs, LineId, Micro, RuleId, SpanMs};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use verdicts::{UnitCounts, limit, look_back, violation, worse};

const MINUTE: SpanMs = SpanMs::minutes(1);

/// What of a rule decides when it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct LineRule {
    check: Check,
    on_delay: u16,
    off_delay: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Span {
    end: Option<EventMs>,
    state: MachineState,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact {
    Minute(EventMs, UnitCounts),
    Span(EventMs, Span),
    Rule(RuleId, LineRule),
    Clock(EventMs),
}

/// Rules that watch a line: DefectRate, DefectCount, QualityScore over trailing minutes of units; LineState
/// from intervals.
pub fn line_checks<'s>(
    units: Rows<'s, Unit>,
    states: Rows<'s, MachineStateRow>,
    rules: Rows<'s, (RuleId, Rule)>,
    lines: Rows<'s, LineId>,
    clocks: Rows<'s, (LineId, EventMs)>,
) -> Rows<'s, ConditionRow> {
    let minutes = units
        .explode(|unit| Some(((unit.line, unit.at.floor(MINUTE)), UnitCounts::of_unit(&unit))))
        .count_total()
        .map(|((line, minute), counts)| (line, Fact::Minute(minute, counts)));
    let spans = states.map(|row| {
        let span = Span { end: row.end, state: row.state };
        (row.production_line, Fact::Span(row.start, span))
    });
    let rules = rules.flat_map(|(id, rule)| {
        let watches_lines = rule.enabled && rule.subject == Subject::EveryLine && rule.check.of_line();
        let rule = LineRule { check: rule.check, on_delay: rule.on_delay, off_delay: rule.off_delay };
        watches_lines.then_some(((), (id, rule)))
    });
    let rules = rules.join_map(lines.map(|line| ((), line)), |_, (id, rule), line| (*line, Fact::Rule(*id, *rule)));
    let clocks = clocks.map(|(line, at)| (line, Fact::Clock(at)));
    per_key(minutes.concat(spans).concat(rules).concat(clocks), "line checks", step)
}

#[derive(Default)]
struct Line {
    minutes: BTreeMap<EventMs, UnitCounts>,
    spans: BTreeMap<EventMs, Span>,
    watches: BTreeMap<RuleId, Watch>,
    clock: Option<EventMs>,
}

impl KeyState for Line {
    fn is_idle(&self) -> bool {
        self.minutes.is_empty() && self.spans.is_empty() && self.watches.is_empty() && self.clock.is_none()
    }
}

/// One rule on one line.
struct Watch {
    rule: LineRule,
    stretches: Stretches,
    /// What was published, by start.
    conditions: BTreeMap<EventMs, ConditionRow>,
}

/// What a tick changed, apart from rules.
#[derive(Default)]
struct Touched {
    minutes: BTreeSet<EventMs>,
    spans: BTreeSet<EventMs>,
    clock_before: Option<EventMs>,
}

fn step(line: &LineId, state: &mut Line, changes: &[(Fact, Diff)], out: &mut Vec<(ConditionRow, Diff)>) {
    let mut touched = Touched { clock_before: state.clock, ..Touched::default() };
    let retractions = changes.iter().filter(|(_, diff)| *diff < 0);
    for (fact, _) in retractions {
        match fact {
            Fact::Minute(at, _) => drop((state.minutes.remove(at), touched.minutes.insert(*at))),
            Fact::Span(at, _) => drop((state.spans.remove(at), touched.spans.insert(*at))),
            Fact::Clock(_) => state.clock = None,
            Fact::Rule(id, _) => {
                let gone = state.watches.remove(id).into_iter().flat_map(|watch| watch.conditions.into_values());
                out.extend(gone.map(|row| (row, -1)));
            }
        }
    }
    let mut fresh = BTreeSet::new();
    for (fact, _) in changes.iter().filter(|(_, diff)| *diff > 0) {
        match fact {
            Fact::Minute(at, counts) => drop((state.minutes.insert(*at, *counts), touched.minutes.insert(*at))),
            Fact::Span(at, span) => drop((state.spans.insert(*at, *span), touched.spans.insert(*at))),
            Fact::Clock(at) => state.clock = Some(*at),
            Fact::Rule(id, rule) => {
                let watch = Watch { rule: *rule, stretches: Stretches::new(), conditions: BTreeMap::new() };
                state.watches.insert(*id, watch);
                fresh.insert(*id);
            }
        }
    }
    let Line { minutes, spans, watches, clock } = state;
    for (id, watch) in watches {
        let is_fresh = fresh.contains(id);
        let changed = match (look_back(&watch.rule.check), watch.rule.check) {
            (Some(look_back), _) => watch.judge_minutes(look_back, minutes, &touched, *clock, is_fresh),
            (None, Check::LineState { state }) => watch.judge_spans(state, spans, &touched, *clock, is_fresh),
            (None, _) => BTreeSet::new(),
        };
        watch.publish((*id, *line), changed, watch.horizon(*clock), out);
    }
}

/// The end of the last minute that is judged.
fn judged_until(clock: Option<EventMs>) -> EventMs {
    clock.map_or(EventMs::MIN, |clock| (clock - SpanMs(1)).floor(MINUTE))
}

impl Watch {
    fn horizon(&self, clock: Option<EventMs>) -> EventMs {
        if look_back(&self.rule.check).is_some() { judged_until(clock) } else { clock.unwrap_or(EventMs::MIN) }
    }

    fn delays(&self) -> Delays {
        let minutes = |delay: u16| SpanMs::minutes(i64::from(delay.max(1)));
        let (on, off) = (minutes(self.rule.on_delay), minutes(self.rule.off_delay));
        if look_back(&self.rule.check).is_some() {
            Delays { on, off }
        } else {
            Delays { on: SpanMs(on.0 - MINUTE.0), off: SpanMs(off.0 - MINUTE.0) }
        }
    }

    /// Notes a stretch, or that there is none; says whether that is news.
    fn note(&mut self, start: EventMs, stretch: Option<Stretch>) -> bool {
        let before = match stretch {
            Some(stretch) => self.stretches.insert(start, stretch),
            None => self.stretches.remove(&start),
        };
        before != stretch
    }

    /// Judges the minutes that see a changed minute, and those that the clock passed.
    fn judge_minutes(
        &mut self,
        look_back: u16,
        minutes: &BTreeMap<EventMs, UnitCounts>,
        touched: &Touched,
        clock: Option<EventMs>,
        fresh: bool,
    ) -> BTreeSet<EventMs> {
        let window = SpanMs::minutes(i64::from(look_back));
        let (before, horizon) = (judged_until(touched.clock_before), judged_until(clock));
        let mut ranges: Vec<(EventMs, EventMs)> = touched.minutes.iter().map(|at| (*at, *at + window)).collect();
        let occupied = minutes.first_key_value().zip(minutes.last_key_value());
        if let Some(((first, _), (last, _))) = occupied {
            let (from, to) =
                if fresh { (EventMs::MIN, EventMs::MAX) } else { (before.min(horizon), before.max(horizon)) };
            ranges.push((from.max(*first), to.min(*last + window)));
        }
        ranges.sort();
        let mut changed = BTreeSet::new();
        let mut done = EventMs::MIN;
        for (from, to) in ranges {
            let (from, to) = (from.max(done), to.min(before.max(horizon)));
            if from < to {
                self.judge_range(from, to, window, minutes, horizon, &mut changed);
                done = to;
            }
        }
        changed
    }

    fn judge_range(
        &mut self,
        from: EventMs,
        to: EventMs,
        window: SpanMs,
        minutes: &BTreeMap<EventMs, UnitCounts>,
        horizon: EventMs,
        changed: &mut BTreeSet<EventMs>,
    ) {
        use differential_dataflow::difference::{Abelian, Semigroup};
        let mut sum = UnitCounts::default();
        for (_, counts) in minutes.range(from + MINUTE - window..from) {
            sum.plus_equals(counts);
        }
        let mut minute = from;
        while minute < to {
            if let Some(counts) = minutes.get(&minute) {
                sum.plus_equals(counts);
            }
            let end = minute + MINUTE;
            let value = if end <= horizon { violation(&self.rule.check, &sum) } else { None };
            if self.note(minute, value.map(|value| Stretch { end, value })) {
                changed.insert(minute);
            }
            if let Some(mut leaving) = minutes.get(&(end - window)).copied() {
                leaving.negate();
                sum.plus_equals(&leaving);
            }
            minute = end;
        }
    }

    /// Looks at the spans that changed, and those that reach past the clock as it was or is.
    fn judge_spans(
        &mut self,
        state: MachineState,
        spans: &BTreeMap<EventMs, Span>,
        touched: &Touched,
        clock: Option<EventMs>,
        fresh: bool,
    ) -> BTreeSet<EventMs> {
        let mut starts = touched.spans.clone();
        let reach = if fresh { EventMs::MIN } else { touched.clock_before.min(clock).unwrap_or(EventMs::MIN) };
        if fresh || touched.clock_before != clock {
            let reaching = spans.iter().rev().take_while(|(_, span)| span.end.is_none_or(|end| end > reach));
            starts.extend(reaching.map(|(start, _)| *start));
        }
        starts.retain(|start| {
            let held = spans.get(start).filter(|span| span.state == state);
            let stretch = held.zip(clock).filter(|(_, clock)| start < clock).map(|(span, clock)| {
                let end = span.end.map_or(clock, |end| end.min(clock));
                Stretch { end, value: Micro::units(1) }
            });
            self.note(*start, stretch)
        });
        starts
    }

    /// Makes conditions anew where stretches changed, and of the open condition, whose off-delay may be over.
    fn publish(
        &mut self,
        (rule_id, line): (RuleId, LineId),
        mut changed: BTreeSet<EventMs>,
        horizon: EventMs,
        out: &mut Vec<(ConditionRow, Diff)>,
    ) {
        let open = self.conditions.last_key_value().filter(|(_, row)| row.end.is_none());
        if open.is_some() {
            changed.extend(self.stretches.last_key_value().map(|(start, _)| *start));
        }
        let (delays, check) = (self.delays(), self.rule.check);
        for (first, last) in regions(&self.stretches, &changed, delays) {
            let gone: Vec<EventMs> = self.conditions.range(first..=last).map(|(start, _)| *start).collect();
            out.extend(gone.iter().filter_map(|start| self.conditions.remove(start)).map(|row| (row, -1)));
            let group = self.stretches.range(first..=last);
            for interval in intervals(group, delays, horizon, |one, other| worse(&check, one, other)) {
                let row = ConditionRow {
                    rule_id,
                    production_line: line,
                    sensor_id: None,
                    start: interval.start,
                    end: interval.end,
                    panes: (interval.held.0 + MINUTE.0 - 1) / MINUTE.0,
                    peak: interval.peak,
                    limit: limit(&check),
                };
                out.push((row.clone(), 1));
                self.conditions.insert(row.start, row);
            }
        }
    }
}
