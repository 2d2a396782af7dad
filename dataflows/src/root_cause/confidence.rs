//! How sure a root cause is, in integers.
//!
//! confidence = edge × size × time × frequency, each a fraction in thousandths, rounded after each factor:
//!
//! - *edge*: what the knowledge base says.
//! - *size*, ½ to 1: how far the deviation went from the centre towards the edge's threshold. Without a
//!   threshold: how many of [`FULL_SIGMAS`] σ.
//! - *time*, 0.8 to 1: 1 when the deviation began early enough to have caused the first effect. Otherwise
//!   less, by the share of the incident's time that it came too late for.
//! - *frequency*, 0.95 to 1: how often this edge had evidence in incidents of this effect. The least value
//!   is such that every cause of a defect that the shipped knowledge base is sure of (0.75 and more) stays
//!   above 0.70 when the deviation has the full size and came in time, however rare it is.

use lehr_domain::causal::Direction;
use lehr_domain::{Micro, PerMille, SpanMs};

/// Deviations below are normal operation: three σ, the limit of a control chart (Shewhart 1931).
pub(super) const MIN_SIGMAS: PerMille = PerMille(3000);

/// The least share of the way to the threshold. Below, the effect is practically absent, and ordinary
/// excursions of the chart would pass for causes.
const MIN_CLOSENESS: i128 = 300;

/// Deviation that counts as full for edges without a threshold: twice the limit of the chart.
const FULL_SIGMAS: i128 = 6000;

const LEAST_SIZE: i128 = 500;
const LEAST_TIME: i128 = 800;
const LEAST_FREQUENCY: i32 = 950;

/// What the size of a deviation is judged by.
pub(super) struct Size {
    pub direction: Direction,
    pub threshold: Option<Micro>,
    pub peak: Micro,
    pub centre: Micro,
    pub sigmas: PerMille,
}

/// `None` when the deviation is too small to be a cause.
pub(super) fn size_factor(size: &Size) -> Option<PerMille> {
    let share = match size.threshold {
        None => i128::from(size.sigmas.0) * 1000 / FULL_SIGMAS,
        Some(threshold) => {
            let outward = match size.direction {
                Direction::High | Direction::Variation => 1,
                Direction::Low => -1,
            };
            let way = (i128::from(threshold.0) - i128::from(size.centre.0)) * outward;
            let gone = (i128::from(size.peak.0) - i128::from(size.centre.0)) * outward;
            // A set-point beyond the threshold: whatever deviates further is all the way.
            let share = if way > 0 { gone * 1000 / way } else { 1000 };
            if share < MIN_CLOSENESS {
                return None;
            }
            share
        }
    };
    Some(PerMille((LEAST_SIZE + (1000 - LEAST_SIZE) * share.clamp(0, 1000) / 1000) as i32))
}

/// `late`: how long after the latest moment at which it could have caused the first effect the deviation
/// began. `length`: from the first effect to the last.
pub(super) fn time_factor(late: SpanMs, length: SpanMs) -> PerMille {
    if late.0 <= 0 {
        return PerMille::ONE;
    }
    let share = (i128::from(late.0) * 1000 / i128::from(length.0).max(1)).min(1000);
    PerMille((1000 - (1000 - LEAST_TIME) * share / 1000) as i32)
}

/// `part` of `all`, rounded down to whole eighths.
pub(super) fn eighths(part: isize, all: isize) -> u8 {
    (part.max(0) * 8 / all.max(1)).min(8) as u8
}

pub(super) fn frequency_factor(eighths: u8) -> PerMille {
    PerMille(LEAST_FREQUENCY + (1000 - LEAST_FREQUENCY) * i32::from(eighths) / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn furnace(peak: i64) -> Option<i32> {
        let [peak, centre, threshold] = [peak, 1520, 1600].map(Micro::units);
        let threshold = Some(threshold);
        size_factor(&Size { direction: Direction::High, threshold, peak, centre, sigmas: PerMille(9000) }).map(|f| f.0)
    }

    #[test]
    fn the_closer_to_the_threshold_the_stronger() {
        assert_eq!(furnace(1543), None, "less than 30 % of the way");
        assert_eq!(furnace(1544), Some(650));
        assert_eq!(furnace(1560), Some(750));
        assert_eq!(furnace(1600), Some(1000));
        assert_eq!(furnace(1700), Some(1000));
        assert_eq!(furnace(1400), None, "the other way");
    }

    #[test]
    fn a_low_deviation_is_measured_downwards() {
        let [peak, centre, threshold] = [365, 450, 280].map(Micro::units);
        let low = Size { direction: Direction::Low, threshold: Some(threshold), peak, centre, sigmas: PerMille(9000) };
        assert_eq!(size_factor(&low), Some(PerMille(750)));
    }

    #[test]
    fn a_set_point_beyond_the_threshold_makes_every_deviation_full() {
        let [peak, centre, threshold] = [1620, 1610, 1600].map(Micro::units);
        let high =
            Size { direction: Direction::High, threshold: Some(threshold), peak, centre, sigmas: PerMille(4000) };
        assert_eq!(size_factor(&high), Some(PerMille::ONE));
    }

    #[test]
    fn without_a_threshold_six_sigma_are_full() {
        let size = |sigmas| Size {
            direction: Direction::High,
            threshold: None,
            peak: Micro(1),
            centre: Micro(0),
            sigmas: PerMille(sigmas),
        };
        assert_eq!(size_factor(&size(3000)), Some(PerMille(750)));
        assert_eq!(size_factor(&size(i32::MAX)), Some(PerMille::ONE));
    }

    #[test]
    fn a_cause_that_came_too_late_for_some_effects_is_less_sure() {
        let length = SpanMs::minutes(10);
        assert_eq!(time_factor(SpanMs(0), length), PerMille::ONE);
        assert_eq!(time_factor(SpanMs::minutes(-60), length), PerMille::ONE);
        assert_eq!(time_factor(SpanMs::minutes(5), length), PerMille(900));
        assert_eq!(time_factor(SpanMs::minutes(10), length), PerMille(800));
    }

    #[test]
    fn frequency_moves_in_eighths_between_its_ends() {
        assert_eq!([eighths(0, 9), eighths(1, 9), eighths(5, 9), eighths(9, 9)], [0, 0, 4, 8]);
        assert_eq!([0, 4, 8].map(|e| frequency_factor(e).0), [950, 975, 1000]);
    }

    #[test]
    fn the_least_sure_known_cause_of_a_defect_stays_above_70_percent_when_it_is_rare() {
        let (full, in_time) = (PerMille::ONE, time_factor(SpanMs(0), SpanMs(0)));
        assert!(PerMille(750).times(full).times(in_time).times(frequency_factor(0)) > PerMille(700));
    }
}
