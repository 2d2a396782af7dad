//! A line's minutes, folded: from a state that was put by, with states kept on the way, so that a late minute does
//! not mean to begin anew.

use super::chronicle::{Chronicle, MINUTE};
use super::findings::{Stretch, remembered, stretches};
use super::model::{About, Finding, Following, LineModel};
use lehr_domain::{EventMs, SensorId, SpanMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// States are kept so often: of some 30 kB, for eight days, 2 MB a line.
const KEPT_EVERY: SpanMs = SpanMs::hours(3);

/// Which sensor measures what the model has at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub sensor: SensorId,
    pub about: About,
}

/// What is known of a line from minutes that are not looked at again.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Begin {
    /// Minutes before this are not looked at.
    pub before: EventMs,
    /// It holds for a line that is measured so, and for no other.
    pub places: Vec<Option<Place>>,
    /// The minute after the last that was folded, and what the model knew then; none when nothing was folded.
    pub folded: Option<(EventMs, Vec<u8>)>,
    pub findings: Vec<Stretch>,
}

/// A line after some minute: `next` is the first that was not folded.
pub struct Reached {
    pub next: EventMs,
    pub line: Box<dyn Following>,
}

impl Reached {
    fn duplicate(&self) -> Reached {
        Reached { next: self.next, line: self.line.duplicate() }
    }
}

pub struct Fold {
    begin: Begin,
    /// States on the way, by their `next`.
    kept: BTreeMap<EventMs, Box<dyn Following>>,
    latest: Option<Reached>,
    /// What was found, by minute.
    found: BTreeMap<EventMs, Finding>,
}

impl Fold {
    pub fn new(begin: Begin) -> Fold {
        Fold { begin, kept: BTreeMap::new(), latest: None, found: BTreeMap::new() }
    }

    pub fn begin(&self) -> &Begin {
        &self.begin
    }

    /// The line after the last minute that was folded; `None` before the first.
    pub fn latest(&self) -> Option<&Reached> {
        self.latest.as_ref()
    }

    pub fn stretches(&self) -> Vec<Stretch> {
        stretches(&self.begin.findings, &self.found)
    }

    /// Forgets what was folded from minute `from` on. Whether anything was.
    pub fn truncate(&mut self, from: EventMs) -> bool {
        if self.latest.as_ref().is_none_or(|latest| latest.next <= from) {
            return false;
        }
        self.latest = None;
        self.kept.retain(|next, _| *next <= from);
        self.found.split_off(&from);
        true
    }

    /// Folds the minutes before `end` that were not yet. Whether there were any, or where it begins was taken up.
    pub fn advance(&mut self, model: &dyn LineModel, chronicle: &Chronicle, end: EventMs) -> bool {
        let before = self.latest.as_ref().map(|latest| latest.next);
        let mut reached = self.latest.take().or_else(|| self.last_before(model, EventMs::MAX));
        for at in chronicle.told(self.from(&reached), end) {
            let Some(now) = self.step(model, chronicle, reached.take(), at) else { continue };
            if let Some(finding) = now.line.finding() {
                self.found.insert(at, finding);
            }
            if now.next.pane(KEPT_EVERY) > at.pane(KEPT_EVERY) {
                self.kept.insert(now.next, now.line.duplicate());
            }
            reached = Some(now);
        }
        self.latest = reached;
        before != self.latest.as_ref().map(|latest| latest.next)
    }

    /// The line after the minutes before `end`, which must have been folded; `None` when there were none.
    pub fn before(&self, model: &dyn LineModel, chronicle: &Chronicle, end: EventMs) -> Option<Reached> {
        if let Some(latest) = self.latest.as_ref().filter(|latest| latest.next <= end) {
            return Some(latest.duplicate());
        }
        let mut reached = self.last_before(model, end);
        for at in chronicle.told(self.from(&reached), end) {
            reached = self.step(model, chronicle, reached, at);
        }
        reached
    }

    /// Minutes before `edge` are not looked at again: only what the model knew after them stays. What was not folded by
    /// now never will be.
    pub fn put_by(&mut self, model: &dyn LineModel, chronicle: &Chronicle, edge: EventMs) {
        if edge <= self.begin.before {
            return;
        }
        let upto = self.latest.as_ref().map_or(EventMs::MIN, |latest| latest.next).min(edge);
        let folded = self.before(model, chronicle, upto).map(|reached| (reached.next, reached.line.state()));
        let later = self.found.split_off(&edge);
        self.begin.findings = remembered(&self.stretches(), edge);
        self.found = later;
        self.begin.folded = folded;
        self.begin.before = edge;
        self.kept = self.kept.split_off(&edge);
    }

    fn from(&self, reached: &Option<Reached>) -> EventMs {
        reached.as_ref().map_or(EventMs::MIN, |reached| reached.next).max(self.begin.before)
    }

    /// Folds one minute. A line begins with the first of which something was measured.
    fn step(
        &self,
        model: &dyn LineModel,
        chronicle: &Chronicle,
        reached: Option<Reached>,
        at: EventMs,
    ) -> Option<Reached> {
        let places = model.places();
        let (mut line, minute) = match reached {
            Some(reached) => (reached.line, chronicle.minute(at, places)),
            None if chronicle.has_values(at) => {
                let about: Vec<_> = self.begin.places.iter().map(|place| place.map(|place| place.about)).collect();
                (model.begin(&about), chronicle.minute_in_full(at, places))
            }
            None => return None,
        };
        line.step(&minute);
        Some(Reached { next: at + MINUTE, line })
    }

    /// The last kept state that has seen no minute from `end` on.
    fn last_before(&self, model: &dyn LineModel, end: EventMs) -> Option<Reached> {
        let kept = self.kept.range(..=end).next_back();
        kept.map(|(next, line)| Reached { next: *next, line: line.duplicate() }).or_else(|| {
            let (next, state) = self.begin.folded.as_ref()?;
            // Of another version of the model: the line begins anew.
            Some(Reached { next: *next, line: model.resume(state)? })
        })
    }
}
