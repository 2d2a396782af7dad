//! Panes that departed from the set-point, summed up per five minutes of event time.
//!
//! A fault that lasts an hour deviates in sixty panes; root causes need to know how far and when, not each
//! of them. Five minutes are finer than every transport delay that matters and a fifth of the rows.
//! State: the deviating panes, which leave by the retention of panes.

use crate::Rows;
use crate::tables::DeviationRow;
use lehr_domain::causal::Direction;
use lehr_domain::{EventMs, LineId, Micro, ParameterId, PerMille, SensorId, SpanMs};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// The stretch over which deviating panes are summed up, aligned at the epoch.
pub const DEVIATION_SPAN: SpanMs = SpanMs::minutes(5);

/// A pane in which a quantity departed from normal in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviatingPane {
    pub line: LineId,
    pub parameter: ParameterId,
    pub direction: Direction,
    pub sensor: SensorId,
    pub pane_start: EventMs,
    pub pane_end: EventMs,
    /// The pane's mean (for [`Direction::Variation`], greatest minus least value).
    pub value: Micro,
    /// The set-point (for [`Direction::Variation`], the normal variation).
    pub centre: Micro,
    /// How far apart they are, in σ (for [`Direction::Variation`], in normal variations); not negative.
    pub sigmas: PerMille,
}

impl DeviatingPane {
    /// Sorts by extremity: greatest σ, then the value furthest in its direction, then the earliest pane.
    fn extremity(&self) -> (PerMille, i64, Reverse<EventMs>, Micro) {
        let outward = match self.direction {
            Direction::High | Direction::Variation => self.value.0,
            Direction::Low => self.value.0.saturating_neg(),
        };
        (self.sigmas, outward, Reverse(self.pane_start), self.centre)
    }
}

/// The deviations of each sensor, a row per direction and five minutes. Peak, centre and σ are those of the
/// most extreme pane. A pane that is there several times counts once.
pub fn deviations<'s>(panes: Rows<'s, DeviatingPane>) -> Rows<'s, DeviationRow> {
    panes
        .map(|pane| {
            let start = pane.pane_start.floor(DEVIATION_SPAN);
            ((pane.line, pane.parameter, pane.direction, start, pane.sensor), pane)
        })
        .reduce_named("deviations", |_key, panes, out| {
            let panes = || panes.iter().map(|(pane, _)| **pane);
            let peak = panes().max_by_key(DeviatingPane::extremity);
            let (first, last) = (panes().map(|pane| pane.pane_start).min(), panes().map(|pane| pane.pane_end).max());
            let count = panes().count() as i64;
            out.extend(peak.zip(first.zip(last)).map(|(peak, ends)| ((peak, ends, count), 1)));
        })
        .map(|((line, parameter, direction, start, sensor), (peak, (first, last), count))| DeviationRow {
            production_line: line,
            parameter_name: parameter,
            direction,
            start,
            sensor_id: sensor,
            first,
            last,
            panes: count,
            peak: peak.value,
            centre: peak.centre,
            sigmas: peak.sigmas,
        })
}
