use super::*;
use crate::trials::{assert_tracks, plant};
use lehr_domain::rule::Severity;
use lehr_domain::unit::{DefectType, Verdict};
use lehr_domain::{PerMille, UnitId};
use rand::RngExt;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Input {
    Unit(Unit),
    State(MachineStateRow),
    Rule(RuleId, Rule),
    Line(LineId),
    Clock(LineId, EventMs),
}

fn graph<'s>(inputs: Rows<'s, Input>) -> Rows<'s, ConditionRow> {
    let units = inputs.clone().flat_map(|row| if let Input::Unit(unit) = row { Some(unit) } else { None });
    let states = inputs.clone().flat_map(|row| if let Input::State(state) = row { Some(state) } else { None });
    let rules = inputs.clone().flat_map(|row| if let Input::Rule(id, rule) = row { Some((id, rule)) } else { None });
    let lines = inputs.clone().flat_map(|row| if let Input::Line(line) = row { Some(line) } else { None });
    let clocks = inputs.flat_map(|row| if let Input::Clock(line, at) = row { Some((line, at)) } else { None });
    line_checks(units, states, rules, lines, clocks)
}

/// The textbook state machine, one step at a time. `value` says whether the check is violated in the step that
/// begins at an instant, and how much.
struct Machine {
    from: EventMs,
    until: EventMs,
    step: SpanMs,
    on: SpanMs,
    off: SpanMs,
}

/// Start, end, time held, peak.
type Found = (EventMs, Option<EventMs>, SpanMs, Micro);

impl Machine {
    fn run(&self, value: impl Fn(EventMs) -> Option<Micro>, worse: impl Fn(Micro, Micro) -> Micro) -> Vec<Found> {
        let (mut found, mut active, mut run): (Vec<Found>, Option<Found>, Option<Found>) = (Vec::new(), None, None);
        let (mut at, mut last) = (self.from, self.from);
        while at < self.until {
            let after = at + self.step;
            match (value(at), &mut active) {
                (Some(value), Some((_, _, held, peak))) => {
                    (*held, *peak, last) = (SpanMs(held.0 + self.step.0), worse(*peak, value), after);
                }
                (Some(value), None) => {
                    let (_, _, held, peak) = run.get_or_insert((at, None, SpanMs(0), value));
                    (*held, *peak, last) = (SpanMs(held.0 + self.step.0), worse(*peak, value), after);
                    if *held >= self.on {
                        active = run.take();
                    }
                }
                (None, Some((start, _, held, peak))) => {
                    if after - last >= self.off {
                        found.push((*start, Some(last), *held, *peak));
                        active = None;
                    }
                }
                (None, None) => run = None,
            }
            at = after;
        }
        found.extend(active);
        found
    }
}

fn conditions_of(rule: &Rule, line: LineId, clock: EventMs, inputs: &BTreeSet<Input>) -> Vec<Found> {
    let minutes = |delay: u16| SpanMs::minutes(i64::from(delay));
    let from = plant::START - SpanMs::minutes(5);
    let units: Vec<&Unit> =
        inputs.iter().filter_map(|row| if let Input::Unit(unit) = row { Some(unit) } else { None }).collect();
    let by_minute = |value: &dyn Fn(Vec<&&Unit>) -> Option<Micro>, window: u16, worse: fn(Micro, Micro) -> Micro| {
        let machine = Machine {
            from,
            until: EventMs((clock.0 - 1) / 60_000 * 60_000),
            step: MINUTE,
            on: minutes(rule.on_delay),
            off: minutes(rule.off_delay),
        };
        let trailing = |at: EventMs| {
            let inside =
                |unit: &&&Unit| unit.line == line && unit.at < at + MINUTE && unit.at >= at + MINUTE - minutes(window);
            value(units.iter().filter(inside).collect())
        };
        machine.run(trailing, worse)
    };
    let share = |part: usize, of: usize| Micro((part as i64 * 1_000_000) / of as i64);
    match rule.check {
        Check::DefectRate { limit, minutes, min_units } => by_minute(
            &|units| {
                let bad = units.iter().filter(|unit| !unit.defects.is_empty()).count();
                let violated = units.len() >= min_units.into() && bad * 1000 > limit.0 as usize * units.len();
                violated.then(|| share(bad, units.len()))
            },
            minutes,
            Micro::max,
        ),
        Check::QualityScore { limit, minutes, min_units } => by_minute(
            &|units| {
                let good = units.iter().filter(|unit| unit.verdict == Verdict::Good).count();
                let violated = units.len() >= min_units.into() && good * 1000 < limit.0 as usize * units.len();
                violated.then(|| share(good, units.len()))
            },
            minutes,
            Micro::min,
        ),
        Check::DefectCount { defect, per_minute, minutes } => by_minute(
            &|units| {
                let count = units.iter().flat_map(|unit| &unit.defects).filter(|found| found.defect == defect).count();
                let violated = count as i64 * 1_000_000 > per_minute.0 * i64::from(minutes);
                violated.then(|| share(count, minutes.into()))
            },
            minutes,
            Micro::max,
        ),
        Check::LineState { state } => {
            let second = SpanMs(1000);
            let machine = Machine {
                from,
                until: clock,
                step: second,
                on: minutes(rule.on_delay - 1),
                off: minutes(rule.off_delay - 1).max(second),
            };
            let value = |at: EventMs| {
                let holds = inputs.iter().any(|row| match row {
                    Input::State(row) => {
                        row.production_line == line
                            && row.state == state
                            && row.start <= at
                            && row.end.is_none_or(|end| at < end)
                    }
                    _ => false,
                });
                holds.then_some(Micro::units(1))
            };
            machine.run(value, Micro::max)
        }
        _ => Vec::new(),
    }
}

fn oracle(inputs: &BTreeSet<Input>) -> BTreeSet<ConditionRow> {
    let mut rows = BTreeSet::new();
    for row in inputs {
        let Input::Rule(id, rule) = row else { continue };
        for row in inputs {
            let Input::Clock(line, clock) = row else { continue };
            if !rule.enabled || !inputs.contains(&Input::Line(*line)) {
                continue;
            }
            rows.extend(conditions_of(rule, *line, *clock, inputs).into_iter().map(|(start, end, held, peak)| {
                ConditionRow {
                    rule_id: *id,
                    production_line: *line,
                    sensor_id: None,
                    start,
                    end,
                    panes: held.0.div_euclid(60_000) + i64::from(held.0 % 60_000 != 0),
                    peak,
                    limit: limit(&rule.check),
                }
            }));
        }
    }
    rows
}

fn random_rule(rng: &mut plant::ChaCha8Rng, kind: u32) -> Rule {
    let (minutes, min_units) = (rng.random_range(1..6), rng.random_range(1..4));
    let limit = PerMille(rng.random_range(2..8) * 100);
    let check = match kind {
        0 => Check::DefectRate { limit, minutes, min_units },
        1 => Check::QualityScore { limit, minutes, min_units },
        2 => {
            let defect = DefectType::ALL[rng.random_range(0..3)];
            Check::DefectCount { defect, per_minute: Micro(rng.random_range(0..3) * 150_000), minutes }
        }
        _ => Check::LineState { state: MachineState::ALL[rng.random_range(0..4)] },
    };
    Rule {
        name: format!("rule {kind}"),
        enabled: rng.random_range(0..8) != 0,
        subject: Subject::EveryLine,
        check,
        severity: Severity::High,
        on_delay: rng.random_range(1..4),
        off_delay: rng.random_range(1..4),
        suppress_when_stopped: false,
        message: String::new(),
        advice: String::new(),
    }
}

fn trial(seed: u64) -> Vec<BTreeSet<Input>> {
    let mut rng = plant::rng(seed);
    let mut units: BTreeMap<UnitId, Unit> = BTreeMap::new();
    let mut states = BTreeMap::new();
    let mut rules: BTreeMap<RuleId, Rule> = (0..4).map(|kind| (RuleId(kind), random_rule(&mut rng, kind))).collect();
    let mut snapshots = Vec::new();
    for tick in 0..25 {
        for _ in 0..8 {
            // Mostly at the clock, sometimes late, sometimes ahead of it.
            let unit = plant::unit(&mut rng, (2 * tick + 2).max(5), 120);
            if rng.random_range(0..6) == 0 {
                units.remove(&unit.unit);
            } else {
                units.insert(unit.unit, unit);
            }
        }
        if rng.random_range(0..2) == 0 {
            let change = plant::state_change(&mut rng, 55);
            states.insert((change.line, change.at), change.state);
        }
        if rng.random_range(0..6) == 0 {
            let victim = states.keys().next().copied();
            victim.map(|key| states.remove(&key));
        }
        if rng.random_range(0..5) == 0 {
            let kind = rng.random_range(0..4);
            rules.insert(RuleId(kind), random_rule(&mut rng, kind));
        }
        let mut rows: BTreeSet<Input> = units.values().cloned().map(Input::Unit).collect();
        rows.extend(rules.iter().map(|(id, rule)| Input::Rule(*id, rule.clone())));
        for ((line, at), state) in &states {
            rows.insert(Input::State(MachineStateRow {
                production_line: *line,
                start: *at,
                end: states.keys().filter(|(other, later)| other == line && later > at).map(|(_, later)| *later).min(),
                state: *state,
                product: lehr_domain::ProductId(0),
                reason: String::new(),
            }));
        }
        for line in 0..2_i64 {
            if line == 0 || tick > 3 {
                rows.insert(Input::Line(LineId(line as u16)));
            }
            let at = plant::START + SpanMs(tick * 2 * 60_000 + line * 31_000);
            if tick > 1 {
                rows.insert(Input::Clock(LineId(line as u16), at));
            }
        }
        snapshots.push(rows);
    }
    snapshots
}

#[test]
fn conditions_equal_a_recomputation_after_every_tick() {
    let mut seen: BTreeSet<(RuleId, bool)> = BTreeSet::new();
    let (mut long, mut withdrawn) = (0, 0);
    for seed in 0..12 {
        let outputs = assert_tracks(seed, &trial(seed), graph, oracle);
        seen.extend(outputs.iter().flatten().map(|row| (row.rule_id, row.end.is_some())));
        long += outputs.iter().flatten().filter(|row| row.panes > 2).count();
        withdrawn += outputs.windows(2).map(|pair| pair[0].difference(&pair[1]).count()).sum::<usize>();
    }
    let every: BTreeSet<_> = (0..4).flat_map(|rule| [(RuleId(rule), false), (RuleId(rule), true)]).collect();
    assert_eq!(seen, every, "every check must have fired, and ended");
    assert!(long > 50 && withdrawn > 50, "{long} long conditions, {withdrawn} restated: too few to test anything");
}
