use super::trace::{Given, Habits, WIDTH, graph, trace};
use super::{Found, oracle};
use crate::trials::{assert_tracks, run};
use lehr_domain::causal::Direction;
use lehr_domain::rule::Check;
use lehr_domain::{EventMs, RuleId, SensorId, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

/// Every kind of check, with the numbers of rules that have variants.
fn kind(check: &Check) -> String {
    match check {
        Check::Nelson { rule } => format!("nelson {rule}"),
        Check::WesternElectric { rule } => format!("western electric {rule}"),
        other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn conditions_and_deviations_are_what_their_definitions_say_at_every_tick_on_one_and_two_workers() {
    let mut fired: BTreeMap<String, usize> = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    let mut deviated: BTreeMap<Direction, usize> = BTreeMap::new();
    for seed in 1..=3 {
        let snapshots = trace(seed, 130, Habits { edits: true, late: 5 });
        let checks: BTreeMap<RuleId, Check> = snapshots[0]
            .iter()
            .filter_map(|given| if let Given::Rule(id, rule) = given { Some((*id, rule.check)) } else { None })
            .collect();
        kinds.extend(checks.values().map(kind));
        for outputs in assert_tracks(seed, &snapshots, graph, oracle::found) {
            for found in outputs {
                match found {
                    Found::Condition(row) => {
                        let state = if row.end.is_some() { "ended" } else { "open" };
                        *fired.entry(format!("{} {state}", kind(&checks[&row.rule_id]))).or_default() += 1;
                    }
                    Found::Deviating(row) => *deviated.entry(row.direction).or_default() += 1,
                    Found::Carried(..) | Found::Closed(..) => unreachable!("the graph of the tests keeps it"),
                }
            }
        }
    }
    for kind in kinds {
        for state in ["ended", "open"] {
            assert!(fired.contains_key(&format!("{kind} {state}")), "{kind} must have been {state}: {fired:?}");
        }
    }
    assert_eq!(deviated.len(), 3, "each direction must have deviated: {deviated:?}");
}

fn live(given: &Given, sensor: SensorId, since: EventMs) -> bool {
    !matches!(given, Given::Pane(pane) if pane.sensor_id == sensor && pane.start < since)
}

/// Once there were alerts that got a new start, and so a new identity, each minute as their panes left.
#[test]
fn what_panes_said_stands_when_they_leave_by_retention() {
    let seed = 7;
    let whole = trace(seed, 150, Habits { edits: false, late: 0 });
    let since = |tick: usize| EventMs((tick as i64 * 3 - 130) * WIDTH.0);
    let sensors = (0..3).map(SensorId);
    let kept: Vec<BTreeSet<Given>> = whole
        .iter()
        .enumerate()
        .map(|(tick, given)| {
            let stays = |given: &&Given| sensors.clone().all(|sensor| live(given, sensor, since(tick)));
            given.iter().filter(stays).cloned().collect()
        })
        .collect();
    let (all, shown) = (run(1, &whole, graph), run(1, &kept, graph));
    let (mut left, mut crossing) = (0, 0);
    for (tick, (all, shown)) in all.iter().zip(&shown).enumerate() {
        let invented: Vec<_> = shown.difference(all).collect();
        assert!(invented.is_empty(), "seed {seed}, tick {tick}: {invented:#?}");
        for row in all.difference(shown) {
            left += 1;
            let ended = match row {
                Found::Condition(row) => row.end,
                Found::Deviating(row) => Some(row.pane_end),
                Found::Carried(..) | Found::Closed(..) => unreachable!("the graph of the tests keeps it"),
            };
            assert!(ended.is_some_and(|end| end <= since(tick)), "seed {seed}, tick {tick}: lost {row:#?}");
        }
        crossing += shown
            .iter()
            .filter(|row| matches!(row, Found::Condition(row) if row.start < since(tick)))
            .inspect(|row| {
                let Found::Condition(row) = row else { return };
                // Panes without a verdict may lie between the end and the pane that showed it.
                let long_gone = since(tick) - SpanMs(150 * WIDTH.0);
                assert!(row.end.is_none_or(|end| end > long_gone), "seed {seed}, tick {tick}: stays {row:#?}");
            })
            .count();
    }
    assert!(left > 1000 && crossing > 100, "conditions must leave and cross the edge: {left}, {crossing}");
}
