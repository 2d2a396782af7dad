//! Relaxation as a sum of exponentials.

/// Terms of every spectrum here.
pub const TERMS: usize = 6;

/// Σ `weights`·exp(−ξ/`times_s`), with ξ the reduced time: what a clock at the reference temperature would show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prony {
    pub weights: [f64; TERMS],
    pub times_s: [f64; TERMS],
}

impl Prony {
    /// Σ weight·time: for a shear spectrum the viscosity at the reference temperature over the shear modulus, s.
    pub fn mean_time_s(&self) -> f64 {
        self.weights.iter().zip(&self.times_s).map(|(weight, time)| weight * time).sum()
    }

    /// How each term relaxes during a reduced time.
    pub(crate) fn over(&self, reduced_s: f64) -> [Decay; TERMS] {
        self.times_s.map(|time| Decay::over(reduced_s / time))
    }
}

/// Relaxation during a step in which the driving quantity changes linearly in reduced time: exact for each term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decay {
    /// What is left of the state at the begin, e^(−x).
    pub left: f64,
    /// What is left of the change during the step, (1 − e^(−x))/x.
    pub of_change: f64,
}

impl Decay {
    pub fn over(x: f64) -> Decay {
        // Frozen glass is the most frequent case; the series saves the exponential and the loss of digits.
        if x < 1e-3 {
            let of_change = 1.0 - x * (0.5 - x * (1.0 / 6.0 - x / 24.0));
            return Decay { left: 1.0 - x * of_change, of_change };
        }
        // e^(−50) is below the rounding of one.
        if x > 50.0 {
            return Decay { left: 0.0, of_change: 1.0 / x };
        }
        let left = (-x).exp();
        Decay { left, of_change: (1.0 - left) / x }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_branches_meet() {
        for seam in [1e-3, 50.0_f64] {
            let (before, after) = (Decay::over(seam * (1.0 - 1e-13)), Decay::over(seam * (1.0 + 1e-13)));
            assert!((before.left - after.left).abs() < 1e-12 && (before.of_change - after.of_change).abs() < 1e-12);
        }
    }

    proptest! {
        #[test]
        fn two_halves_are_a_whole(x in 0.0..100.0_f64, state in -1.0..1.0_f64, change in -1.0..1.0_f64) {
            let advanced = |state: f64, decay: Decay, change: f64| decay.left * state + decay.of_change * change;
            let once = advanced(state, Decay::over(x), change);
            let half = advanced(state, Decay::over(0.5 * x), 0.5 * change);
            let twice = advanced(half, Decay::over(0.5 * x), 0.5 * change);
            prop_assert!((once - twice).abs() < 1e-12);
        }
    }
}
