//! What is known of one sensor: its panes, its set-points, and what is normal for it.

use super::{Carried, Def, Pane};
use crate::Diff;
use lehr_domain::{EventMs, Micro, SpanMs};
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

/// So many of the panes that left by retention are kept for later verdicts to look back on: no check looks
/// back further ([`super::checks::MAX_LOOK_BACK`]). 240 panes of 56 bytes are 14 kB a sensor.
pub const CONTEXT_PANES: usize = 240;

/// Normal behaviour is estimated from at most so many of a sensor's first panes (phase I of a control chart) …
pub const PHASE_ONE_PANES: usize = 120;
/// … and from no fewer than these: below thirty points σ is too uncertain for limits.
pub const PHASE_ONE_LEAST: usize = 30;
/// The estimate is made from the first 30, then the first 60, then the first 120 panes, so that it restates
/// the verdicts three times and not with each pane.
const PHASE_ONE_STEPS: [usize; 3] = [PHASE_ONE_PANES, 60, PHASE_ONE_LEAST];

/// The spread of a pane counts from so many readings on: of one reading it is zero, of two it says little.
pub const SPREAD_READINGS: i64 = 3;

/// After the set-point changed, so many panes are settling.
pub const SETTLING_PANES: i64 = 10;

/// Mean and spread of normal operation, estimated from the earliest panes with good readings that there ever
/// were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normal {
    /// Mean of the pane means, rounded down.
    pub mean: i64,
    /// Sample standard deviation of the pane means, rounded down; at least 1.
    pub sigma: i64,
    /// Mean of greatest minus least value, over panes of [`SPREAD_READINGS`] or more; at least 1. `None` while
    /// fewer than [`PHASE_ONE_LEAST`] of the panes are such.
    pub spread: Option<i64>,
}

impl Normal {
    /// `None` for fewer than [`PHASE_ONE_LEAST`] panes.
    pub fn estimate<'a>(first: impl Iterator<Item = &'a Pane>) -> Option<Normal> {
        let mut panes: Vec<&Pane> = first.take(PHASE_ONE_PANES).collect();
        panes.truncate(PHASE_ONE_STEPS.into_iter().find(|step| *step <= panes.len())?);
        let n = panes.len() as i128;
        let sum: i128 = panes.iter().map(|pane| i128::from(pane.mean.0)).sum();
        let sum_sq: i128 = panes.iter().map(|pane| i128::from(pane.mean.0).pow(2)).sum();
        let variance = (n * sum_sq - sum * sum) / (n * (n - 1));
        let spreads: Vec<i128> =
            panes.iter().filter(|pane| pane.n >= SPREAD_READINGS).map(|pane| i128::from(pane.spread())).collect();
        let spread = (spreads.len() >= PHASE_ONE_LEAST)
            .then(|| (spreads.iter().sum::<i128>() / spreads.len() as i128).max(1) as i64);
        Some(Normal { mean: sum.div_euclid(n) as i64, sigma: (variance.isqrt() as i64).max(1), spread })
    }
}

/// Memory: 56 bytes a pane for as long as panes are retained, and what the constants above add.
#[derive(Default)]
pub struct Seen {
    pub def: Option<Def>,
    /// By start. Those up to `departed` have left by retention.
    pub panes: BTreeMap<EventMs, Pane>,
    pub departed: Option<EventMs>,
    pub setpoints: BTreeMap<EventMs, Micro>,
    pub clock: Option<EventMs>,
    /// The first panes with good readings, as far as they are no longer among `panes`.
    first: Vec<Pane>,
    normal: Option<Normal>,
    /// Panes up to this start make `normal`; later ones cannot change it.
    normal_until: Option<EventMs>,
}

impl Seen {
    pub fn is_empty(&self) -> bool {
        self.def.is_none() && self.panes.is_empty() && self.setpoints.is_empty() && self.clock.is_none()
    }

    /// The first instant whose panes have not left.
    pub fn live_from(&self) -> EventMs {
        self.departed.map_or(EventMs::MIN, |departed| EventMs(departed.0 + 1))
    }

    pub fn live(&self, from: EventMs) -> impl Iterator<Item = &Pane> {
        self.panes.range(from.max(self.live_from())..).map(|(_, pane)| pane)
    }

    /// Panes with good readings before `start`, latest first.
    pub fn good_before(&self, start: EventMs) -> impl Iterator<Item = &Pane> {
        self.panes.range(..start).rev().map(|(_, pane)| pane).filter(|pane| pane.is_good())
    }

    /// The start of the `count`-th pane with good readings after `start`; the end of time when there are fewer.
    pub fn good_after(&self, start: EventMs, count: usize) -> EventMs {
        let Some(skip) = count.checked_sub(1) else { return start };
        let mut later = self.panes.range((Excluded(start), Unbounded)).filter(|(_, pane)| pane.is_good());
        later.nth(skip).map_or(EventMs::MAX, |(start, _)| *start)
    }

    /// Takes up what was carried before a restart. Must come before any pane.
    pub fn resume(&mut self, carried: &Carried) {
        match carried {
            Carried::Departed(at) => self.departed = Some(*at),
            Carried::Context(pane) => {
                self.panes.insert(pane.start, *pane);
            }
            // Carried rows are sorted, so these come in order of time, as they were let go.
            Carried::First(pane) => self.first.push(*pane),
            Carried::Rule(..) => {}
        }
    }

    /// Takes up changed panes (`None`: retracted). The oldest ones, retracted, have left by retention.
    pub fn change_panes(&mut self, changes: &BTreeMap<EventMs, Option<Pane>>, carry: &mut impl FnMut(Carried, Diff)) {
        for (start, pane) in changes {
            if let Some(pane) = pane {
                self.panes.insert(*start, *pane);
            }
        }
        for start in changes.iter().filter(|(_, pane)| pane.is_none()).map(|(start, _)| *start) {
            let oldest = self.live(EventMs::MIN).next().map(|pane| pane.start);
            if oldest == Some(start) {
                if let Some(before) = self.departed.replace(start) {
                    carry(Carried::Departed(before), -1);
                }
                carry(Carried::Departed(start), 1);
                carry(Carried::Context(self.panes[&start]), 1);
            } else {
                self.panes.remove(&start);
            }
        }
    }

    /// Lets go of panes that left and that no verdict looks back on.
    pub fn prune(&mut self, carry: &mut impl FnMut(Carried, Diff)) {
        let Some(departed) = self.departed else { return };
        let mut surplus = self.panes.range(..=departed).count().saturating_sub(CONTEXT_PANES);
        while surplus > 0 {
            let (_, pane) = self.panes.pop_first().expect("there are more panes than the context");
            carry(Carried::Context(pane), -1);
            if self.first.len() < PHASE_ONE_PANES && pane.is_good() {
                self.first.push(pane);
                carry(Carried::First(pane), 1);
            }
            surplus -= 1;
        }
    }

    /// Takes changes of panes up to `earliest` into the estimate of normal; whether it changed.
    pub fn estimate(&mut self, earliest: EventMs) -> bool {
        if self.normal_until.is_some_and(|until| earliest > until) {
            return false;
        }
        let first = || self.first.iter().chain(self.panes.values().filter(|pane| pane.is_good()));
        let normal = Normal::estimate(first());
        self.normal_until = first().nth(PHASE_ONE_PANES - 1).map(|pane| pane.start);
        std::mem::replace(&mut self.normal, normal) != normal
    }

    /// The set-point that held when the pane at `start` began, else the target, else the estimate.
    pub fn centre(&self, start: EventMs) -> Option<i64> {
        self.setpoint(Included(start)).map(|value| value.0).or(self.normal.map(|normal| normal.mean))
    }

    /// σ as defined, else as estimated.
    pub fn sigma(&self) -> Option<i64> {
        let defined = self.def.and_then(|def| def.sigma).map(|sigma| sigma.0).filter(|sigma| *sigma > 0);
        defined.or(self.normal.map(|normal| normal.sigma))
    }

    pub fn normal_spread(&self) -> Option<i64> {
        self.normal?.spread
    }

    fn setpoint(&self, until: std::ops::Bound<EventMs>) -> Option<Micro> {
        let given = self.setpoints.range((Unbounded, until)).next_back().map(|(_, value)| *value);
        given.or_else(|| self.def?.target)
    }

    /// Whether the set-point changed during the pane at `start` or the [`SETTLING_PANES`] before it. The
    /// first one of all changes nothing unless it differs from the target.
    pub fn settling(&self, start: EventMs, width: SpanMs) -> bool {
        let since = start - SpanMs(SETTLING_PANES * width.0);
        self.setpoints
            .range((Excluded(since), Excluded(start + width)))
            .any(|(at, value)| self.setpoint(Excluded(*at)).is_some_and(|before| before != *value))
    }
}
