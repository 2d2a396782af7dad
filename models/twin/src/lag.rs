//! A first-order lag, with its sensitivity to its time constant.

use serde::{Deserialize, Serialize};

/// dx/dt = (u − x)/τ, and s = ∂x/∂ln τ, which obeys ds/dt = (x − u − s)/τ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lag {
    pub x: f64,
    pub s: f64,
}

/// What a step of one length does to a lag of one time constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// e^(−Δt/τ).
    stays: f64,
    /// Δt/τ·e^(−Δt/τ).
    slope: f64,
}

impl Decay {
    pub fn new(step_min: f64, constant_min: f64) -> Decay {
        let ratio = step_min / constant_min;
        let stays = (-ratio).exp();
        Decay { stays, slope: ratio * stays }
    }
}

impl Lag {
    /// Exact for an input that is constant during the step.
    #[inline]
    pub fn step(&mut self, input: f64, decay: Decay) {
        let off = self.x - input;
        self.s = self.s * decay.stays + off * decay.slope;
        self.x = input + off * decay.stays;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sensitivity_is_the_derivative_by_the_logarithm_of_the_time_constant() {
        let run = |tau: f64| {
            let mut lag = Lag::default();
            for step in 0..40 {
                lag.step(if step < 25 { 1.0 } else { -0.5 }, Decay::new(0.3, tau));
            }
            lag
        };
        let difference = (run(5.0 * 1e-4_f64.exp()).x - run(5.0 * (-1e-4_f64).exp()).x) / 2e-4;
        assert!((difference - run(5.0).s).abs() < 1e-6, "{difference} {:?}", run(5.0));
    }

    #[test]
    fn one_long_step_is_many_short_ones() {
        let (mut long, mut short) = (Lag { x: 3.0, s: 0.0 }, Lag { x: 3.0, s: 0.0 });
        long.step(1.0, Decay::new(6.0, 4.0));
        (0..6).for_each(|_| short.step(1.0, Decay::new(1.0, 4.0)));
        assert!((long.x - short.x).abs() < 1e-12 && (long.s - short.s).abs() < 1e-12);
    }
}
