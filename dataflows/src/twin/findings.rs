//! From what is found minute by minute to stretches, and from these to conditions.

use super::chronicle::MINUTE;
use super::model::Finding;
use crate::intervals::{Delays, Stretches, intervals};
use lehr_domain::finding::FindingKind;
use lehr_domain::{EventMs, Micro, PerMille, SpanMs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Of findings from before a state that was put by, those are remembered that are less than this apart from one
/// another and from it: delays of rules that are shorter see across.
const CONTEXT: SpanMs = SpanMs::days(1);
/// The newest so many at most.
const CONTEXT_MOST: usize = 64;

/// A stretch of time in which one and the same was found, minute after minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stretch {
    pub start: EventMs,
    pub end: EventMs,
    pub kind: FindingKind,
    pub equipment: String,
    /// Where it showed most in its first minute.
    pub place: u8,
    /// At its greatest, in standard deviations, and how sure the finding was then.
    pub strength: Micro,
    pub confidence: PerMille,
}

impl Stretch {
    /// Equipment that fails shows here and there; an instrument or a relation is always the same one.
    fn same(&self, other: &Stretch) -> bool {
        let alike = self.kind == other.kind && self.equipment == other.equipment;
        alike && (self.kind == FindingKind::Equipment || self.place == other.place)
    }

    fn take(&mut self, later: &Stretch) {
        self.end = later.end;
        (self.strength, self.confidence) = (self.strength, self.confidence).max((later.strength, later.confidence));
    }
}

/// The stretches of what was found, after those that are remembered.
pub fn stretches(remembered: &[Stretch], found: &BTreeMap<EventMs, Finding>) -> Vec<Stretch> {
    let mut stretches = remembered.to_vec();
    for (at, finding) in found {
        let Finding { kind, equipment, place, strength, confidence } = finding.clone();
        let minute = Stretch { start: *at, end: *at + MINUTE, kind, equipment, place, strength, confidence };
        match stretches.last_mut().filter(|last| last.end == minute.start && last.same(&minute)) {
            Some(last) => last.take(&minute),
            None => stretches.push(minute),
        }
    }
    stretches
}

/// What is remembered of stretches that end at or before `edge`.
pub fn remembered(stretches: &[Stretch], edge: EventMs) -> Vec<Stretch> {
    let (mut next, mut first) = (edge, stretches.len());
    while first > 0 && next - stretches[first - 1].end < CONTEXT && stretches.len() - first < CONTEXT_MOST {
        first -= 1;
        next = stretches[first].start;
    }
    stretches[first..].to_vec()
}

/// A condition: what was found held for as long as a rule asks.
pub struct Held {
    pub place: u8,
    pub start: EventMs,
    pub end: Option<EventMs>,
    pub held: SpanMs,
    pub peak: Micro,
}

/// The conditions of a rule about `kind` with delays in minutes; everything up to `horizon` is known.
pub fn held(stretches: &[Stretch], kind: FindingKind, on_off: (u16, u16), horizon: EventMs) -> Vec<Held> {
    let minutes = |delay: u16| SpanMs::minutes(i64::from(delay.max(1)));
    let delays = Delays { on: minutes(on_off.0), off: minutes(on_off.1) };
    let mut of_kind: Vec<&Stretch> = stretches.iter().filter(|stretch| stretch.kind == kind).collect();
    let mut held = Vec::new();
    while let Some(first) = of_kind.first().copied() {
        let (same, others): (Vec<&Stretch>, Vec<&Stretch>) = of_kind.into_iter().partition(|one| first.same(one));
        of_kind = others;
        let spans: Stretches = same
            .iter()
            .map(|one| (one.start, crate::intervals::Stretch { end: one.end, value: one.strength }))
            .collect();
        for interval in intervals(spans.iter(), delays, horizon, Micro::max) {
            let place = same.iter().find(|one| one.start == interval.start).map_or(first.place, |one| one.place);
            let (start, end) = (interval.start, interval.end);
            held.push(Held { place, start, end, held: interval.held, peak: interval.peak });
        }
    }
    held
}
