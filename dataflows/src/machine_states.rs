//! What each line was doing: the stretch from one state change to the next.
//!
//! Every change opens an interval, also one that names the same state again (another article, another reason).
//! The last interval of a line is open. State: one row a state change; these are few and never leave.

use crate::operators::{KeyState, per_key};
use crate::tables::MachineStateRow;
use crate::{Diff, Rows};
use lehr_domain::machine::StateChange;
use lehr_domain::{EventMs, LineId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// State changes → intervals [start, end); the last one is open.
pub fn machine_states<'s>(changes: Rows<'s, StateChange>) -> Rows<'s, MachineStateRow> {
    per_key(changes.map(|change| (change.line, change)), "machine states", step)
}

/// The intervals of a line, by start.
#[derive(Default)]
struct Intervals(BTreeMap<EventMs, MachineStateRow>);

impl KeyState for Intervals {
    fn is_idle(&self) -> bool {
        self.0.is_empty()
    }
}

/// A change touches its own interval and the one before it, which ends there or no longer does.
fn step(_: &LineId, held: &mut Intervals, changes: &[(StateChange, Diff)], out: &mut Vec<(MachineStateRow, Diff)>) {
    for (change, _) in changes.iter().filter(|(_, diff)| *diff < 0) {
        out.extend(held.0.remove(&change.at).map(|row| (row, -1)));
    }
    let mut added = BTreeSet::new();
    for (change, _) in changes.iter().filter(|(_, diff)| *diff > 0) {
        added.insert(change.at);
        held.0.insert(change.at, opened(change));
    }
    let before = |at: EventMs| held.0.range(..at).next_back().map(|(start, _)| *start);
    let touched: BTreeSet<EventMs> =
        changes.iter().filter_map(|(change, _)| before(change.at)).chain(added.iter().copied()).collect();
    for start in touched {
        let end = held.0.range((Excluded(start), Unbounded)).next().map(|(next, _)| *next);
        let row = held.0.get_mut(&start).expect("only held intervals are touched");
        if !added.contains(&start) {
            if row.end == end {
                continue;
            }
            out.push((row.clone(), -1));
        }
        row.end = end;
        out.push((row.clone(), 1));
    }
}

fn opened(change: &StateChange) -> MachineStateRow {
    MachineStateRow {
        production_line: change.line,
        start: change.at,
        end: None,
        state: change.state,
        product: change.product,
        reason: change.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trials::{assert_tracks, plant};
    use rand::RngExt;

    fn oracle(changes: &BTreeSet<StateChange>) -> BTreeSet<MachineStateRow> {
        let next = |row: &StateChange| {
            changes.iter().filter(|other| other.line == row.line && other.at > row.at).map(|other| other.at).min()
        };
        changes.iter().map(|change| MachineStateRow { end: next(change), ..opened(change) }).collect()
    }

    #[test]
    fn intervals_follow_edits_of_the_past_in_any_order() {
        for seed in 0..20 {
            let mut rng = plant::rng(seed);
            let mut held: BTreeMap<(LineId, EventMs), StateChange> = BTreeMap::new();
            let mut snapshots = Vec::new();
            for _ in 0..40 {
                for _ in 0..rng.random_range(0..4) {
                    let change = plant::state_change(&mut rng, 40);
                    if rng.random_range(0..4) == 0 {
                        held.remove(&(change.line, change.at));
                    } else {
                        held.insert((change.line, change.at), change);
                    }
                }
                snapshots.push(held.values().cloned().collect());
            }
            let outputs = assert_tracks(seed, &snapshots, machine_states, oracle);
            assert!(outputs.iter().any(|rows| rows.iter().any(|row| row.end.is_some())), "seed {seed}: nothing closed");
        }
    }
}
