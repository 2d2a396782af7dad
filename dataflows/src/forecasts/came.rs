//! What came: the defect events of a line, minute by minute.

use super::scorer::Terms;
use crate::twin::MINUTE;
use lehr_domain::defect_event::HORIZONS;
use lehr_domain::{EventMs, SpanMs};
use std::collections::{BTreeMap, BTreeSet};

/// The ware of each minute, and the minutes that are in an event.
#[derive(Default)]
pub struct Came {
    /// Inspected and defective, by minute.
    ware: BTreeMap<EventMs, (i64, i64)>,
    events: BTreeSet<EventMs>,
}

impl Came {
    pub fn is_empty(&self) -> bool {
        self.ware.is_empty()
    }

    /// What was inspected in some minutes is otherwise than it was. The minutes that are in an event now and were not, or
    /// the other way round.
    pub fn take(&mut self, terms: &Terms, changed: &BTreeMap<EventMs, Option<(i64, i64)>>) -> Vec<EventMs> {
        let mut touched = BTreeSet::new();
        for (minute, ware) in changed {
            match ware {
                Some(ware) => self.ware.insert(*minute, *ware),
                None => self.ware.remove(minute),
            };
            touched.extend((0..i64::from(terms.event.minutes)).map(|later| *minute + SpanMs(later * MINUTE.0)));
        }
        touched.into_iter().filter(|minute| self.judge(terms, *minute)).collect()
    }

    /// Whether an event begins or ends to be there in this minute.
    fn judge(&mut self, terms: &Terms, minute: EventMs) -> bool {
        let first = minute - SpanMs((i64::from(terms.event.minutes) - 1) * MINUTE.0);
        let (mut inspected, mut defective) = (0, 0);
        for (_, (all, bad)) in self.ware.range(first..=minute) {
            inspected += all;
            defective += bad;
        }
        match terms.event.is_event(inspected, defective) {
            true => self.events.insert(minute),
            false => self.events.remove(&minute),
        }
    }

    /// Whether there is an event in the minutes from `from` on, before `to`.
    pub fn any(&self, from: EventMs, to: EventMs) -> bool {
        self.events.range(from..to).next().is_some()
    }

    /// What was before is of no use any more.
    pub fn forget(&mut self, before: EventMs) {
        self.ware = self.ware.split_off(&before);
        self.events = self.events.split_off(&before);
    }

    /// Whether an event came within each horizon after `at`, as far as that is known: minutes before `end` are.
    pub fn within(&self, terms: &Terms, at: EventMs, end: EventMs) -> [Option<bool>; HORIZONS] {
        let next = self.events.range(at..).next().copied().filter(|next| *next < end);
        terms.horizons.map(|horizon| {
            let until = at + horizon;
            let came = next.is_some_and(|next| next < until);
            (came || until <= end).then_some(came)
        })
    }
}
