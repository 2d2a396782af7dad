//! What a defect event is.

use lehr_domain::defect_event::DefectEvent;
use serde::{Deserialize, Serialize};

/// A line is in a defect event during a minute when, of the ware inspected in the `minutes` that end with it, at least `limit`
/// is defective and at least `least_units` were inspected. The same rule is applied to the ware as it was (truth) and to what
/// inspection says (labels).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRule {
    pub minutes: u32,
    pub limit: f64,
    pub least_units: u32,
}

/// The rule by which forecasts are held against what came.
impl Default for EventRule {
    fn default() -> EventRule {
        let DefectEvent { minutes, limit, least_units } = DefectEvent::RULE;
        EventRule { minutes: minutes.into(), limit: limit.to_f64(), least_units: least_units as u32 }
    }
}

impl EventRule {
    /// For each minute whether the line is in an event. `units` and `defective` count the ware of each minute.
    pub fn minutes(&self, units: &[u8], defective: &[u8]) -> Vec<bool> {
        assert_eq!(units.len(), defective.len(), "both count the ware of the same minutes");
        let width = self.minutes.max(1) as usize;
        let (mut all, mut bad) = (0u32, 0u32);
        let minute = |minute: usize| {
            all += u32::from(units[minute]);
            bad += u32::from(defective[minute]);
            if let Some(left) = minute.checked_sub(width) {
                all -= u32::from(units[left]);
                bad -= u32::from(defective[left]);
            }
            all >= self.least_units.max(1) && f64::from(bad) >= self.limit * f64::from(all)
        };
        (0..units.len()).map(minute).collect()
    }
}

/// For each minute the next minute, itself included, that is in an event.
pub(super) fn next_event(events: &[bool]) -> Vec<Option<usize>> {
    let mut next = None;
    let mut ahead: Vec<Option<usize>> = events
        .iter()
        .enumerate()
        .rev()
        .map(|(minute, event)| {
            next = if *event { Some(minute) } else { next };
            next
        })
        .collect();
    ahead.reverse();
    ahead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_share_of_enough_ware() {
        let rule = EventRule { minutes: 3, limit: 0.5, least_units: 6 };
        let units = [2, 2, 2, 2, 2, 0, 0, 0, 9];
        let bad = [2, 2, 0, 1, 0, 0, 0, 0, 5];
        //   of 2, 4: too little; 4 of 6, 3 of 6, 1 of 6; 1 of 4, 0 of 2, none; 5 of 9.
        let expected = [false, false, true, true, false, false, false, false, true];
        assert_eq!(rule.minutes(&units, &bad), expected);
        let next = next_event(&expected);
        assert_eq!(next[..4], [Some(2), Some(2), Some(2), Some(3)]);
        assert_eq!(next[4..], [Some(8); 5]);
    }

    #[test]
    fn nothing_inspected_is_no_event() {
        assert_eq!(EventRule { least_units: 0, ..EventRule::default() }.minutes(&[0; 3], &[0; 3]), [false; 3]);
        assert_eq!(next_event(&[false, false]), [None, None]);
    }
}
