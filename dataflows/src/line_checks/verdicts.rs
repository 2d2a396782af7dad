//! What a check says of the units of a stretch of time.

use crate::sums::sums;
use lehr_domain::rule::Check;
use lehr_domain::unit::{DefectType, Unit, Verdict};
use lehr_domain::{Micro, PerMille};

sums! {
    /// The units of a minute, or of several.
    pub struct UnitCounts {
        pub units: i64,
        pub good: i64,
        pub defective: i64,
        /// By [`DefectType`].
        pub defects: [i64; DefectType::COUNT],
    }
}

impl UnitCounts {
    pub fn of_unit(unit: &Unit) -> UnitCounts {
        let mut counts = UnitCounts {
            units: 1,
            good: i64::from(unit.verdict == Verdict::Good),
            defective: i64::from(!unit.defects.is_empty()),
            ..UnitCounts::default()
        };
        for defect in &unit.defects {
            counts.defects[defect.defect as usize] += 1;
        }
        counts
    }
}

/// Minutes that a verdict looks back over, its own included; `None` for checks that do not count units.
pub fn look_back(check: &Check) -> Option<u16> {
    match check {
        Check::DefectRate { minutes, .. }
        | Check::QualityScore { minutes, .. }
        | Check::DefectCount { minutes, .. } => Some((*minutes).max(1)),
        _ => None,
    }
}

/// The value, when it violates the check. Compared as cross products, exactly; the value is rounded down.
pub fn violation(check: &Check, window: &UnitCounts) -> Option<Micro> {
    let enough = |least: u16| window.units >= i64::from(least.max(1));
    match check {
        Check::DefectRate { limit, min_units, .. } => {
            let violated = enough(*min_units) && window.defective * 1000 > i64::from(limit.0) * window.units;
            violated.then(|| Micro(window.defective * Micro::SCALE / window.units))
        }
        Check::QualityScore { limit, min_units, .. } => {
            let violated = enough(*min_units) && window.good * 1000 < i64::from(limit.0) * window.units;
            violated.then(|| Micro(window.good * Micro::SCALE / window.units))
        }
        Check::DefectCount { defect, per_minute, minutes } => {
            let (count, minutes) = (window.defects[*defect as usize] * Micro::SCALE, i64::from((*minutes).max(1)));
            (count > per_minute.0.saturating_mul(minutes)).then(|| Micro(count / minutes))
        }
        _ => None,
    }
}

/// The limit in the unit of the values. A state is an indicator: 1 while it holds, which is more than 0.
pub fn limit(check: &Check) -> Micro {
    let fraction = |limit: PerMille| Micro(i64::from(limit.0) * (Micro::SCALE / 1000));
    match check {
        Check::DefectRate { limit, .. } | Check::QualityScore { limit, .. } => fraction(*limit),
        Check::DefectCount { per_minute, .. } => *per_minute,
        _ => Micro(0),
    }
}

/// The more extreme of two values.
pub fn worse(check: &Check, one: Micro, other: Micro) -> Micro {
    if matches!(check, Check::QualityScore { .. }) { one.min(other) } else { one.max(other) }
}
