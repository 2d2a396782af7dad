use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WIDTH: SpanMs = SpanMs::minutes(1);

pub(crate) type Panes = BTreeMap<EventMs, Option<Verdict>>;

/// The definition, read off a list of all panes.
pub(crate) fn from_scratch(delays: Delays, panes: &Panes) -> Vec<Interval> {
    let decided: Vec<(EventMs, Verdict)> = panes.iter().filter_map(|(at, v)| Some((*at, (*v)?))).collect();
    let mut found = Vec::new();
    let mut i = 0;
    while i < decided.len() {
        let near = |j: usize| decided[j].0.0 - decided[j - 1].0.0 <= (MAX_GAP_PANES + 1) * WIDTH.0;
        let violates = |j: usize| matches!(decided[j].1, Verdict::Violating(_));
        let on = usize::from(delays.on.max(1));
        let begins = i + on <= decided.len() && (i..i + on).all(|j| violates(j) && (j == i || near(j)));
        if !begins {
            i += 1;
            continue;
        }
        let off = usize::from(delays.off.max(1));
        let (mut end, mut clear, mut open) = (i + 1, 0, true);
        while end < decided.len() {
            if !near(end) {
                open = false;
                break;
            }
            clear = if violates(end) { 0 } else { clear + 1 };
            end += 1;
            if clear == off {
                open = false;
                break;
            }
        }
        let members: Vec<(EventMs, Violation)> = decided[i..end]
            .iter()
            .filter_map(|(at, v)| if let Verdict::Violating(violation) = v { Some((*at, *violation)) } else { None })
            .collect();
        let most = members.iter().map(|(_, v)| v.excess()).max().expect("a run violates");
        let worst = members.iter().find(|(_, v)| v.excess() == most).expect("the greatest is there").1;
        let (start, last) = (members[0].0, members[members.len() - 1].0);
        found.push(Interval { run: Run { start, last, panes: members.len() as i64, worst }, open });
        i = end;
    }
    found
}

fn key(interval: &Interval) -> (EventMs, bool, EventMs, i64, Micro) {
    (interval.run.start, interval.open, interval.run.last, interval.run.panes, interval.run.worst.value)
}

#[test]
fn any_sequence_of_changes_shows_what_the_definition_says() {
    let (mut seen, mut withdrawn) = (0, 0);
    for seed in 0..60 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let delays = Delays { on: rng.random_range(0..4), off: rng.random_range(0..4), width: WIDTH };
        let mut panes = Panes::new();
        let mut runs = Runs::new(delays);
        let mut shown: Vec<Interval> = Vec::new();
        for round in 0..200 {
            let count = rng.random_range(1..4);
            let mut changed = Vec::new();
            for _ in 0..count {
                let slot = if rng.random_bool(0.1) { 300 } else { 0 } + rng.random_range(0..60);
                let at = EventMs(slot * WIDTH.0);
                changed.push(at);
                let value = Micro(rng.random_range(-9..9));
                match rng.random_range(0..10) {
                    0 => drop(panes.remove(&at)),
                    1 => drop(panes.insert(at, None)),
                    2..=5 => drop(panes.insert(at, Some(Verdict::Clear))),
                    6 => drop(panes.insert(at, Some(Verdict::Violating(Violation::below(value, Micro(0)))))),
                    _ => drop(panes.insert(at, Some(Verdict::Violating(Violation::above(value, Micro(0)))))),
                }
            }
            let (from, upto) = (*changed.iter().min().unwrap(), *changed.iter().max().unwrap());
            runs.restate(from, upto, panes.range(from..).map(|(at, v)| (*at, *v)), &mut |interval, diff| {
                if diff > 0 {
                    shown.push(interval);
                } else {
                    withdrawn += 1;
                    let at = shown.iter().position(|held| *held == interval).expect("only what is shown is withdrawn");
                    shown.swap_remove(at);
                }
            });
            shown.sort_by_key(key);
            assert_eq!(shown, from_scratch(delays, &panes), "seed {seed}, round {round}, {delays:?}");
            seen += shown.len();
        }
    }
    assert!(seen > 10_000 && withdrawn > 1_000, "the trace must exercise runs: {seen} shown, {withdrawn} withdrawn");
}

fn violating(value: i64) -> Option<Verdict> {
    Some(Verdict::Violating(Violation::above(Micro(value), Micro(0))))
}

#[test]
fn a_changed_verdict_is_followed_only_until_the_phase_is_as_before() {
    let panes: Panes = (0..1000).map(|i| (EventMs(i * WIDTH.0), Some(Verdict::Clear))).collect();
    let mut runs = Runs::new(Delays { on: 1, off: 3, width: WIDTH });
    runs.restate(EventMs(0), EventMs::MAX, panes.iter().map(|(at, v)| (*at, *v)), &mut |_, _| {});
    let at = EventMs(100 * WIDTH.0);
    let mut read = 0;
    let changed = panes.range(at..).map(|(pane, v)| {
        read += 1;
        (*pane, if *pane == at { violating(1) } else { *v })
    });
    runs.restate(at, at, changed, &mut |_, _| {});
    assert_eq!(read, 5, "the pane, its off-delay and one to see that all is as before");
}

#[test]
fn what_leaves_by_retention_takes_closed_runs_along_and_leaves_open_ones_whole() {
    let minute = |i: i64| EventMs(i * WIDTH.0);
    let panes: Panes =
        (0..20).map(|i| (minute(i), if (3..=9).contains(&i) { Some(Verdict::Clear) } else { violating(i) })).collect();
    let mut runs = Runs::new(Delays { on: 1, off: 1, width: WIDTH });
    let mut shown = Vec::new();
    let mut show = |interval: Interval, diff: Diff| shown.push((interval.run.start, interval.open, diff));
    runs.restate(minute(0), EventMs::MAX, panes.iter().map(|(at, v)| (*at, *v)), &mut show);
    runs.forget(minute(15), &mut show);
    runs.restate(minute(20), minute(20), std::iter::once((minute(20), Some(Verdict::Clear))), &mut show);
    assert_eq!(
        shown,
        [
            (minute(0), false, 1),
            (minute(10), true, 1),
            (minute(0), false, -1),
            (minute(10), false, 1),
            (minute(10), true, -1)
        ]
    );
}
