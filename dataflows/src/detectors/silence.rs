//! Stale sensors: intervals of event time without a reading.
//!
//! A sensor is silent from its last reading to the start of its next pane, and after the newest pane to the
//! start of the line's latest pane. Silence longer than `after` is a condition: it starts `after` after the
//! last reading, and ends with the next pane. Judging both ends by the start of a pane keeps an open
//! condition from vanishing when the next reading comes; the price is up to one pane of delay. A sensor that
//! never reported is not stale. Delays of the rule do not apply: `after` is its delay.

use super::Pane;
use super::checks::micro;
use super::seen::Seen;
use crate::Diff;
use lehr_domain::{EventMs, Micro, SpanMs};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

/// A stretch of silence beyond what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    pub start: EventMs,
    /// `None` while it lasts.
    pub end: Option<EventMs>,
    /// Panes between, rounded up.
    pub panes: i64,
    /// Seconds without a reading.
    pub length: Micro,
    /// Seconds allowed.
    pub limit: Micro,
}

/// Seconds, in millionths.
fn seconds(span: SpanMs) -> Micro {
    micro(i128::from(span.0) * 1000)
}

/// What one rule shows of one sensor.
#[derive(Clone, Debug)]
pub struct Silences {
    after: SpanMs,
    width: SpanMs,
    /// By the pane that ended them: as many as there were outages.
    ended: BTreeMap<EventMs, Silence>,
    open: Option<Silence>,
}

impl Silences {
    pub fn new(after: SpanMs, width: SpanMs) -> Silences {
        Silences { after, width, ended: BTreeMap::new(), open: None }
    }

    fn between(&self, last: &Pane, until: EventMs) -> Option<Silence> {
        let silent = until - last.last_reading;
        if silent <= self.after {
            return None;
        }
        let start = last.last_reading + self.after;
        let panes = (until - start).0.div_euclid(self.width.0) + i64::from((until - start).0 % self.width.0 != 0);
        Some(Silence { start, end: Some(until), panes, length: seconds(silent), limit: seconds(self.after) })
    }

    /// Takes up changes of the panes in `changed`, and of the line's clock.
    pub fn restate(&mut self, seen: &Seen, changed: &BTreeSet<EventMs>, show: &mut impl FnMut(Silence, Diff)) {
        let mut touched = changed.clone();
        for start in changed {
            touched.extend(seen.panes.range((Excluded(*start), Unbounded)).next().map(|(next, _)| *next));
        }
        for start in touched {
            let shown = start >= seen.live_from() && seen.panes.contains_key(&start);
            let before = seen.panes.range(..start).next_back().filter(|_| shown);
            let new = before.and_then(|(_, last)| self.between(last, start));
            let old = match new {
                Some(new) => self.ended.insert(start, new),
                None => self.ended.remove(&start),
            };
            replace(old, new, show);
        }
        let latest = seen.clock.map(|clock| clock - self.width);
        let open = latest.zip(seen.panes.last_key_value()).and_then(|(latest, (_, last))| self.between(last, latest));
        let open = open.map(|silence| Silence { end: None, ..silence });
        replace(std::mem::replace(&mut self.open, open), open, show);
    }

    /// The panes up to and including `upto` have left by retention, and the silences that they ended.
    pub fn forget(&mut self, upto: EventMs, show: &mut impl FnMut(Silence, Diff)) {
        while let Some(entry) = self.ended.first_entry().filter(|entry| *entry.key() <= upto) {
            show(entry.remove(), -1);
        }
    }

    /// Takes everything back.
    pub fn clear(&mut self, show: &mut impl FnMut(Silence, Diff)) {
        self.forget(EventMs::MAX, show);
        self.open.take().into_iter().for_each(|open| show(open, -1));
    }
}

fn replace(old: Option<Silence>, new: Option<Silence>, show: &mut impl FnMut(Silence, Diff)) {
    if old != new {
        old.into_iter().for_each(|old| show(old, -1));
        new.into_iter().for_each(|new| show(new, 1));
    }
}
