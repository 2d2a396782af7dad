//! Panes that deviate from normal, as evidence for root causes: a mean three σ or more from its centre, or a
//! spread three times the normal one or more. Panes in which the process follows a new set-point do not.

use super::seen::{SPREAD_READINGS, Seen};
use super::{Def, Pane};
use crate::Diff;
use crate::deviations::DeviatingPane;
use lehr_domain::causal::Direction;
use lehr_domain::{EventMs, Micro, PerMille, SensorId, SpanMs};
use std::collections::BTreeMap;

/// From how many σ on the mean, and from how many normal spreads on the spread deviates.
const DEVIATES_FROM: i128 = 3;

/// Sizes are cut here: what is a thousand σ away is broken, and how much is idle.
const MOST_SIGMAS: i128 = 999_999;

/// The deviating panes that are shown; at most two a pane.
#[derive(Default)]
pub struct Departures {
    shown: BTreeMap<(EventMs, Direction), DeviatingPane>,
}

fn thousandths(size: i128, unit: i64) -> PerMille {
    PerMille((size * 1000 / i128::from(unit)).min(MOST_SIGMAS) as i32)
}

fn departures(
    seen: &Seen,
    def: Def,
    sensor: SensorId,
    pane: &Pane,
    width: SpanMs,
) -> impl Iterator<Item = DeviatingPane> {
    let row = |direction, value, centre, sigmas| DeviatingPane {
        line: def.line,
        parameter: def.parameter,
        direction,
        sensor,
        pane_start: pane.start,
        pane_end: pane.start + width,
        value,
        centre,
        sigmas,
    };
    let judged = pane.is_good() && !seen.settling(pane.start, width);
    let chart = seen.centre(pane.start).zip(seen.sigma()).filter(|_| judged);
    let mean = chart.and_then(|(centre, sigma)| {
        let distance = i128::from(pane.mean.0) - i128::from(centre);
        let direction = if distance > 0 { Direction::High } else { Direction::Low };
        let deviates = distance.abs() >= DEVIATES_FROM * i128::from(sigma);
        deviates.then(|| row(direction, pane.mean, Micro(centre), thousandths(distance.abs(), sigma)))
    });
    let normal = seen.normal_spread().filter(|_| judged && pane.n >= SPREAD_READINGS);
    let spread = normal.and_then(|normal| {
        let spread = i128::from(pane.spread());
        let deviates = spread >= DEVIATES_FROM * i128::from(normal);
        deviates.then(|| row(Direction::Variation, Micro(pane.spread()), Micro(normal), thousandths(spread, normal)))
    });
    mean.into_iter().chain(spread)
}

impl Departures {
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Judges the panes in `from..=upto` anew.
    pub fn restate(
        &mut self,
        seen: &Seen,
        sensor: SensorId,
        (from, upto): (EventMs, EventMs),
        width: SpanMs,
        show: &mut impl FnMut(DeviatingPane, Diff),
    ) {
        let range = (from, Direction::High)..=(upto, Direction::Variation);
        let stale: Vec<_> = self.shown.range(range).map(|(key, _)| *key).collect();
        for key in stale {
            self.shown.remove(&key).into_iter().for_each(|row| show(row, -1));
        }
        let Some(def) = seen.def else { return };
        for pane in seen.live(from).take_while(|pane| pane.start <= upto) {
            for row in departures(seen, def, sensor, pane, width) {
                show(row, 1);
                self.shown.insert((row.pane_start, row.direction), row);
            }
        }
    }

    /// The panes up to and including `upto` have left by retention.
    pub fn forget(&mut self, upto: EventMs, show: &mut impl FnMut(DeviatingPane, Diff)) {
        while let Some(entry) = self.shown.first_entry().filter(|entry| entry.key().0 <= upto) {
            show(entry.remove(), -1);
        }
    }
}
