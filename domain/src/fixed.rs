//! Numbers that add up the same in every order. Sums of floats depend on the order of addition, so a
//! retraction would leave residue; Lehr therefore computes with scaled integers and makes a float only when
//! a row is published.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A measured value in millionths of its unit (µ°C, µkPa, …).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micro(pub i64);

/// Why a float cannot become a [`Micro`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMicro {
    #[error("is not a number (NaN)")]
    Nan,
    #[error("is infinite")]
    Infinite,
    #[error("is beyond ±{} and so no measurement", Micro::MAX_UNITS)]
    Absurd,
}

impl Micro {
    pub const SCALE: i64 = 1_000_000;
    /// The greatest magnitude accepted, in units. Squares of it, summed over 10^9 readings, fit in an `i128`:
    /// (10^8 · 10^6)² · 10^9 = 10^37 < 1.7 · 10^38.
    pub const MAX_UNITS: f64 = 1e8;

    /// Rounds to the nearest millionth, halves away from zero.
    #[inline]
    pub fn from_f64(value: f64) -> Result<Micro, NotMicro> {
        // One comparison says yes to every measurement; NaN compares with nothing.
        if value.abs() <= Self::MAX_UNITS { Ok(Micro(round(value * Self::SCALE as f64))) } else { Err(refusal(value)) }
    }

    /// A whole number of units.
    pub const fn units(units: i64) -> Micro {
        Micro(units * Self::SCALE)
    }

    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }
}

/// Rounds as [`f64::round`] does, halves away from zero, without a call: readings pass here at memory speed. Exact
/// below 2^52, far above the greatest measurement in millionths.
#[inline]
fn round(value: f64) -> i64 {
    let whole = value as i64;
    let rest = value - whole as f64;
    whole + i64::from(rest >= 0.5) - i64::from(rest <= -0.5)
}

#[cold]
fn refusal(value: f64) -> NotMicro {
    match value {
        _ if value.is_nan() => NotMicro::Nan,
        _ if value.is_infinite() => NotMicro::Infinite,
        _ => NotMicro::Absurd,
    }
}

impl fmt::Display for Micro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_f64())
    }
}

/// A fraction in thousandths: probabilities, confidences, scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PerMille(pub i32);

impl PerMille {
    pub const ONE: PerMille = PerMille(1000);

    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// Rounds to the nearest thousandth and clamps to 0..=1.
    pub fn from_f64(fraction: f64) -> PerMille {
        PerMille((fraction.clamp(0.0, 1.0) * 1000.0).round() as i32)
    }

    /// The product of two fractions, rounded to nearest.
    pub fn times(self, other: PerMille) -> PerMille {
        PerMille((self.0 * other.0 + 500) / 1000)
    }
}

/// A ratio kept as its two sums, because ratios must never be averaged. Undefined, not zero, when nothing
/// was counted below the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ratio {
    pub num: i128,
    pub den: i128,
}

impl Ratio {
    pub fn new(num: impl Into<i128>, den: impl Into<i128>) -> Ratio {
        Ratio { num: num.into(), den: den.into() }
    }

    pub fn to_f64(self) -> Option<f64> {
        (self.den != 0).then(|| self.num as f64 / self.den as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_round_to_the_nearest_millionth_and_back() {
        assert_eq!(Micro::from_f64(1_500.123_456_7), Ok(Micro(1_500_123_457)));
        assert_eq!(Micro::from_f64(-0.000_000_5), Ok(Micro(-1)));
        assert_eq!(Micro(1_500_123_457).to_f64(), 1500.123457);
    }

    #[test]
    fn rounding_is_that_of_the_standard_library() {
        let mut value = 1e-9_f64;
        while value < Micro::MAX_UNITS * Micro::SCALE as f64 {
            for near in
                [value.next_down(), value, value.next_up(), value.trunc() + 0.5, (value.trunc() + 0.5).next_down()]
            {
                assert_eq!((round(near), round(-near)), (near.round() as i64, -near.round() as i64), "{near}");
            }
            value *= 1.37;
        }
    }

    #[test]
    fn what_is_no_measurement_is_refused_with_its_reason() {
        assert_eq!(Micro::from_f64(f64::NAN), Err(NotMicro::Nan));
        assert_eq!(Micro::from_f64(f64::NEG_INFINITY), Err(NotMicro::Infinite));
        assert_eq!(Micro::from_f64(1.000_001e8), Err(NotMicro::Absurd));
    }

    #[test]
    fn a_ratio_over_nothing_is_undefined() {
        assert_eq!(Ratio::new(3, 0).to_f64(), None);
        assert_eq!(Ratio::new(3, 4).to_f64(), Some(0.75));
    }
}
