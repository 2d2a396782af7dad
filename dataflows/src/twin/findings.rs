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

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 1440;

    fn at(minute: i64) -> EventMs {
        EventMs(minute * MINUTE.0)
    }

    /// One found in each of these stretches of minutes.
    fn found(spans: &[(i64, i64)]) -> Vec<Stretch> {
        let stretch = |(start, end): &(i64, i64)| Stretch {
            start: at(*start),
            end: at(*end),
            kind: FindingKind::Equipment,
            equipment: "burner".into(),
            place: 0,
            strength: Micro(*start),
            confidence: PerMille(900),
        };
        spans.iter().map(stretch).collect()
    }

    fn starts(stretches: &[Stretch]) -> Vec<i64> {
        stretches.iter().map(|stretch| stretch.start.pane(MINUTE)).collect()
    }

    #[test]
    fn what_is_less_than_a_day_from_what_is_remembered_is_remembered() {
        let spans = found(&[(0, 10), (1000 + DAY, 1010 + DAY), (1000 + 2 * DAY, 1020 + 2 * DAY)]);
        let edge = at(1500 + 2 * DAY);
        assert_eq!(starts(&remembered(&spans, edge)), [1000 + DAY, 1000 + 2 * DAY]);
        assert_eq!(starts(&remembered(&spans, at(1020 + 3 * DAY))), [0_i64; 0], "a day apart is too far");
        let many: Vec<(i64, i64)> = (0..100).map(|n| (n * 10, n * 10 + 5)).collect();
        assert_eq!(starts(&remembered(&found(&many), at(1000))), (36..100).map(|n| n * 10).collect::<Vec<_>>());
    }

    #[test]
    fn a_rule_looks_at_one_thing_found_after_the_other() {
        let mut spans = found(&[(0, 3), (5, 6), (20, 21)]);
        spans[1].equipment = "fan".into();
        let of = |on_off| {
            let held = held(&spans, FindingKind::Equipment, on_off, at(60));
            held.iter().map(|held| (held.start.pane(MINUTE), held.end.map(|end| end.pane(MINUTE)))).collect::<Vec<_>>()
        };
        assert_eq!(of((1, 1)), [(0, Some(3)), (20, Some(21)), (5, Some(6))]);
        assert_eq!(of((1, 18)), [(0, Some(21)), (5, Some(6))]);
        assert_eq!(of((2, 1)), [(0, Some(3))], "too short to count");
        assert!(held(&spans, FindingKind::Sensor, (1, 1), at(60)).is_empty());
    }
}
