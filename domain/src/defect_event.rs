//! What a defect event is: what forecasts are of.
//!
//! The rule that holds, [`DefectEvent::RULE`], asks twice as much, for twice as long, as the shipped alert "defect rate high": a tenth of the ware of half
//! an hour, some 450 units. Background defects (2 % to 3 %) never come near: their share of so many units scatters by
//! 0.8 %.

use crate::{PerMille, SpanMs};

/// A line is in a defect event during a minute when, of the ware inspected in the `minutes` that end with it, at least
/// `limit` is defective and at least `least_units` were inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefectEvent {
    pub minutes: u16,
    pub limit: PerMille,
    pub least_units: i64,
}

/// Forecasts are made for so many horizons.
pub const HORIZONS: usize = 3;

impl DefectEvent {
    pub const RULE: DefectEvent = DefectEvent { minutes: 30, limit: PerMille(100), least_units: 100 };

    /// How far ahead forecasts look.
    pub const HORIZONS: [SpanMs; HORIZONS] = [SpanMs::hours(1), SpanMs::hours(4), SpanMs::hours(24)];

    /// Whether so much ware of its minutes is an event.
    pub fn is_event(&self, inspected: i64, defective: i64) -> bool {
        inspected >= self.least_units.max(1) && defective * 1000 >= i64::from(self.limit.0) * inspected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_enough_ware_is_an_event() {
        let rule = DefectEvent::RULE;
        assert!(rule.is_event(450, 45));
        assert!(!rule.is_event(450, 44));
        assert!(!rule.is_event(99, 99), "too little was inspected");
        assert!(rule.is_event(100, 10));
        assert!(!DefectEvent { least_units: 0, ..rule }.is_event(0, 0), "nothing was inspected");
    }
}
