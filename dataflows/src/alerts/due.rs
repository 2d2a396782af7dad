//! Deadlines that event time has passed.

use crate::operators::{KeyState, per_key};
use crate::{Diff, Rows};
use differential_dataflow::ExchangeData;
use lehr_domain::{EventMs, LineId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact<D> {
    Deadline(EventMs, D),
    Clock(EventMs),
}

/// What is due by the clock of its line: each `D` with at least one deadline that is not after the clock, once
/// for each such deadline. Nothing is due on a line without a clock. State: the deadlines.
pub fn due<'s, D: ExchangeData>(
    deadlines: Rows<'s, (LineId, (EventMs, D))>,
    clocks: Rows<'s, (LineId, EventMs)>,
) -> Rows<'s, D> {
    let deadlines = deadlines.map(|(line, (at, what))| (line, Fact::Deadline(at, what)));
    let clocks = clocks.map(|(line, at)| (line, Fact::Clock(at)));
    per_key(deadlines.concat(clocks), "deadlines", step)
}

struct Deadlines<D> {
    counts: BTreeMap<EventMs, BTreeMap<D, Diff>>,
    clock: Option<EventMs>,
}

impl<D> Default for Deadlines<D> {
    fn default() -> Self {
        Deadlines { counts: BTreeMap::new(), clock: None }
    }
}

impl<D: 'static> KeyState for Deadlines<D> {
    fn is_idle(&self) -> bool {
        self.counts.is_empty() && self.clock.is_none()
    }
}

fn step<D: ExchangeData>(_: &LineId, held: &mut Deadlines<D>, changes: &[(Fact<D>, Diff)], out: &mut Vec<(D, Diff)>) {
    let before = held.clock;
    for (fact, diff) in changes {
        match fact {
            Fact::Clock(at) if *diff > 0 => held.clock = Some(*at),
            Fact::Clock(at) if held.clock == Some(*at) => held.clock = None,
            Fact::Clock(_) => {}
            // Settled as of the clock before; what the clock then passes is settled below.
            Fact::Deadline(at, what) => {
                if Some(*at) <= before {
                    out.push((what.clone(), *diff));
                }
                let counts = held.counts.entry(*at).or_default();
                *counts.entry(what.clone()).or_default() += diff;
                counts.retain(|_, count| *count != 0);
                if counts.is_empty() {
                    held.counts.remove(at);
                }
            }
        }
    }
    let (low, high) = (before.min(held.clock), before.max(held.clock));
    let Some(high) = high.filter(|_| low != high) else { return };
    let sign = if held.clock == Some(high) { 1 } else { -1 };
    let passed = (low.map_or(Included(EventMs::MIN), Excluded), Included(high));
    for (what, count) in held.counts.range(passed).flat_map(|(_, counts)| counts) {
        out.push((what.clone(), sign * count));
    }
}
