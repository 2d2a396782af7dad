//! Conditions of consecutive panes, read off a list of all verdicts.

use super::WIDTH;
use lehr_domain::{EventMs, Micro};
use std::collections::BTreeMap;

/// Panes without a verdict that may lie inside a run.
const GAP: i64 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    pub value: Micro,
    pub limit: Micro,
    /// On which side of the limit it violates.
    pub below: bool,
}

impl Violation {
    fn excess(&self) -> i128 {
        let above = i128::from(self.value.0) - i128::from(self.limit.0);
        if self.below { -above } else { above }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Clear,
    Violating(Violation),
}

pub struct Run {
    pub start: EventMs,
    pub last: EventMs,
    pub panes: i64,
    pub worst: Violation,
    /// The pane with which it was over; `None` while it is not.
    pub ended_by: Option<EventMs>,
}

/// The runs of `on` or more violating panes in a row, each until `off` clear ones in a row or a gap.
pub fn runs(on: u16, off: u16, verdicts: &BTreeMap<EventMs, Option<Verdict>>) -> Vec<Run> {
    let decided: Vec<(EventMs, Verdict)> =
        verdicts.iter().filter_map(|(at, verdict)| Some((*at, (*verdict)?))).collect();
    let (on, off) = (usize::from(on.max(1)), usize::from(off.max(1)));
    let near = |i: usize| decided[i].0.0 - decided[i - 1].0.0 <= (GAP + 1) * WIDTH.0;
    let violates = |i: usize| matches!(decided[i].1, Verdict::Violating(_));
    let mut found = Vec::new();
    let mut i = 0;
    while i < decided.len() {
        let begins = i + on <= decided.len() && (i..i + on).all(|j| violates(j) && (j == i || near(j)));
        if !begins {
            i += 1;
            continue;
        }
        let (mut members, mut clear, mut ended_by) = (Vec::new(), 0, None);
        let mut j = i;
        while j < decided.len() && ended_by.is_none() {
            let (at, verdict) = decided[j];
            if j > i && !near(j) {
                ended_by = Some(at);
                break;
            }
            match verdict {
                Verdict::Violating(violation) => {
                    members.push((at, violation));
                    clear = 0;
                }
                Verdict::Clear => clear += 1,
            }
            if clear == off {
                ended_by = Some(at);
            }
            j += 1;
        }
        let most = members.iter().map(|(_, violation)| violation.excess()).max().expect("a run violates");
        let worst = members.iter().find(|(_, violation)| violation.excess() == most).expect("it is among them").1;
        let (start, last) = (members[0].0, members[members.len() - 1].0);
        found.push(Run { start, last, panes: members.len() as i64, worst, ended_by });
        i = j;
    }
    found
}
