//! Rows of periods that lie within retention as a whole.
//!
//! Units leave one by one; a row of which some have left would show less than was made. So a row leaves when
//! retention reaches the begin of its period, and is right until then.

use crate::operators::{KeyState, per_key};
use crate::tables::KpiRow;
use crate::{Diff, Rows};
use lehr_domain::EventMs;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Fact {
    Left(EventMs),
    Row(KpiRow),
}

/// `left`: the instant before which units have left, if any have; it never falls. State: the rows that are shown, on
/// one worker, which a few rows a tick do not trouble.
pub fn kept<'s>(rows: Rows<'s, KpiRow>, left: Rows<'s, EventMs>) -> Rows<'s, KpiRow> {
    let facts = rows.map(|row| ((), Fact::Row(row))).concat(left.map(|at| ((), Fact::Left(at))));
    per_key(facts, "key figures within retention", |(), kept, changes, out| step(kept, changes, out))
}

struct Kept {
    by_start: BTreeMap<EventMs, BTreeSet<KpiRow>>,
    left: EventMs,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept { by_start: BTreeMap::new(), left: EventMs::MIN }
    }
}

impl KeyState for Kept {
    fn is_idle(&self) -> bool {
        self.by_start.is_empty() && self.left == EventMs::MIN
    }
}

fn step(kept: &mut Kept, changes: &[(Fact, Diff)], out: &mut Vec<(KpiRow, Diff)>) {
    for (fact, diff) in changes {
        match fact {
            Fact::Left(at) if *diff > 0 => kept.left = kept.left.max(*at),
            _ => {}
        }
    }
    while let Some(entry) = kept.by_start.first_entry().filter(|entry| *entry.key() < kept.left) {
        out.extend(entry.remove().into_iter().map(|row| (row, -1)));
    }
    for (fact, diff) in changes {
        let Fact::Row(row) = fact else { continue };
        if row.start < kept.left {
            continue;
        }
        let rows = kept.by_start.entry(row.start).or_default();
        if *diff > 0 {
            rows.insert(row.clone());
        } else {
            rows.remove(row);
        }
        if rows.is_empty() {
            kept.by_start.remove(&row.start);
        }
        out.push((row.clone(), *diff));
    }
}
