//! Within what set-points may be changed. One place for everybody who asks: the twin's what-if, recommendations, and
//! whatever guards a change before it reaches the plant.

use crate::{Micro, SpanMs};

/// What may be done with the set-point of one parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlLimit {
    pub parameter: &'static str,
    pub low: Micro,
    pub high: Micro,
    /// By how much it may move, either way, within `pace_over`.
    pub pace: Micro,
    pub pace_over: SpanMs,
    /// A greater change is large: it needs a person with the right to approve it.
    pub approval_above: Micro,
}

/// The parameters that have limits of control. Any other may be set within the span of its instrument, and no change
/// of it is large.
pub const LIMITS: [ControlLimit; 4] = [
    ControlLimit {
        parameter: "furnace_temperature",
        low: Micro::units(1200),
        high: Micro::units(1700),
        pace: Micro::units(50),
        pace_over: SpanMs::hours(1),
        approval_above: Micro::units(100),
    },
    ControlLimit {
        parameter: "belt_speed",
        low: Micro::units(50),
        high: Micro::units(200),
        pace: Micro::units(20),
        pace_over: SpanMs::minutes(1),
        approval_above: Micro::units(50),
    },
    ControlLimit {
        parameter: "mold_temperature",
        low: Micro::units(200),
        high: Micro::units(600),
        pace: Micro::units(30),
        pace_over: SpanMs::hours(1),
        approval_above: Micro::units(80),
    },
    ControlLimit {
        parameter: "forming_pressure",
        low: Micro::units(0),
        high: Micro::units(120),
        pace: Micro::units(15),
        pace_over: SpanMs::minutes(1),
        approval_above: Micro::units(30),
    },
];

/// The limits of control of a parameter, where there are some.
pub fn limit(parameter: &str) -> Option<&'static ControlLimit> {
    LIMITS.iter().find(|limit| limit.parameter == parameter)
}

impl ControlLimit {
    /// Whether a change from the set-point in force needs a person's approval.
    pub fn is_large(&self, from: Micro, to: Micro) -> bool {
        to.0.abs_diff(from.0) > self.approval_above.0.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_large_beyond_the_limit_either_way() {
        let belt = limit("belt_speed").unwrap();
        for (to, large) in [(200, false), (100, false), (99, true), (201, true), (150, false)] {
            assert_eq!(belt.is_large(Micro::units(150), Micro::units(to)), large, "{to}");
        }
        assert!(belt.is_large(Micro(i64::MIN), Micro(i64::MAX)));
        assert_eq!(limit("cooling_rate"), None);
    }
}
