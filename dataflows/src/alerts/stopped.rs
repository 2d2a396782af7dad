//! Which alerts were raised while their line was not producing.

use crate::operators::{KeyState, per_key};
use crate::tables::MachineStateRow;
use crate::{Diff, Rows};
use lehr_domain::machine::MachineState;
use lehr_domain::{AlertId, EventMs, LineId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Fact {
    State(EventMs, Span),
    Raised(EventMs, AlertId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Span {
    end: Option<EventMs>,
    stopped: bool,
}

impl Span {
    fn holds(&self, at: EventMs) -> bool {
        self.end.is_none_or(|end| at < end)
    }
}

/// The alerts whose line was known not to be in production when they were raised. State: one span a machine
/// state, one entry an alert.
pub fn raised_while_stopped<'s>(
    states: Rows<'s, MachineStateRow>,
    raised: Rows<'s, (LineId, (EventMs, AlertId))>,
) -> Rows<'s, AlertId> {
    let states = states.map(|row| {
        let span = Span { end: row.end, stopped: row.state != MachineState::Production };
        (row.production_line, Fact::State(row.start, span))
    });
    let raised = raised.map(|(line, (at, alert))| (line, Fact::Raised(at, alert)));
    per_key(states.concat(raised), "raised while stopped", step)
}

#[derive(Default)]
struct Line {
    spans: BTreeMap<EventMs, Span>,
    raised: BTreeSet<(EventMs, AlertId)>,
}

impl KeyState for Line {
    fn is_idle(&self) -> bool {
        self.spans.is_empty() && self.raised.is_empty()
    }
}

impl Line {
    fn stopped(&self, at: EventMs) -> bool {
        let latest = self.spans.range(..=at).next_back();
        latest.is_some_and(|(_, span)| span.stopped && span.holds(at))
    }

    fn among<'a>(&'a self, touched: &'a BTreeSet<(EventMs, AlertId)>) -> impl Iterator<Item = AlertId> + 'a {
        let there = touched.iter().filter(|entry| self.raised.contains(entry));
        there.filter(|(at, _)| self.stopped(*at)).map(|(_, alert)| *alert)
    }
}

/// A changed state touches the alerts raised in its span, a changed alert only itself.
fn step(_: &LineId, line: &mut Line, changes: &[(Fact, Diff)], out: &mut Vec<(AlertId, Diff)>) {
    let mut touched = BTreeSet::new();
    for (fact, _) in changes {
        match fact {
            Fact::Raised(at, alert) => drop(touched.insert((*at, *alert))),
            Fact::State(start, span) => {
                let from = line.raised.range((*start, AlertId(0))..);
                touched.extend(from.take_while(|(at, _)| span.holds(*at)).copied());
            }
        }
    }
    out.extend(line.among(&touched).map(|alert| (alert, -1)));
    for (fact, _) in changes.iter().filter(|(_, diff)| *diff < 0) {
        match fact {
            Fact::Raised(at, alert) => drop(line.raised.remove(&(*at, *alert))),
            Fact::State(start, _) => drop(line.spans.remove(start)),
        }
    }
    for (fact, _) in changes.iter().filter(|(_, diff)| *diff > 0) {
        match fact {
            Fact::Raised(at, alert) => drop(line.raised.insert((*at, *alert))),
            Fact::State(start, span) => drop(line.spans.insert(*start, *span)),
        }
    }
    out.extend(line.among(&touched).map(|alert| (alert, 1)));
}
