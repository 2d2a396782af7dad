//! Structural relaxation: the fictive temperature, at which a liquid in equilibrium would have the structure that the
//! glass has (A. Q. Tool 1946; Narayanaswamy 1971; Moynihan 1976).
//!
//! Each term follows the temperature, dT_f,i/dξ = (T − T_f,i)/λ_i; the fictive temperature is their weighted mean.
//! A. Markovsky & T. F. Soules (J. Am. Ceram. Soc. 67 (1984) C-56) step this implicitly at first order. Here a step is
//! exact for temperature that is linear in reduced time, with the speed in its middle: second order, and stable for
//! any step.

use super::prony::TERMS;
use super::relaxing::RelaxingGlass;
use crate::Kelvin;

/// The structure of one piece of glass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Structure {
    temperature: f64,
    /// By how much the fictive temperature of each term is above the temperature, K.
    above: [f64; TERMS],
    fictive: f64,
}

/// What a step did to the glass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aged {
    /// Reduced time that passed, s.
    pub reduced_s: f64,
    /// Free thermal strain of the step.
    pub strain: f64,
}

impl Structure {
    /// Glass whose structure is that of equilibrium at `fictive`; above the transition this is the temperature itself.
    pub fn new(temperature: Kelvin, fictive: Kelvin) -> Structure {
        let above = [fictive.0 - temperature.0; TERMS];
        Structure { temperature: temperature.0, above, fictive: fictive.0 }
    }

    pub fn temperature(&self) -> Kelvin {
        Kelvin(self.temperature)
    }

    pub fn fictive(&self) -> Kelvin {
        Kelvin(self.fictive)
    }

    /// Brings the glass to `temperature` within `step_s`, at an even rate. A step of zero is elastic.
    pub fn step(&mut self, glass: &RelaxingGlass, step_s: f64, temperature: Kelvin) -> Aged {
        let change = temperature.0 - self.temperature;
        let middle = Kelvin(self.temperature + 0.5 * change);
        // A first guess of where the structure goes gives the speed in the middle of the step.
        let guess = step_s * glass.shift.speed(middle, Kelvin(self.fictive));
        let halfway = 0.5 * (self.fictive + self.aged(glass, guess, change).1);
        let reduced_s = step_s * glass.shift.speed(middle, Kelvin(halfway));
        let (above, fictive) = self.aged(glass, reduced_s, change);
        let beyond = glass.expansion_liquid_per_k - glass.expansion_glass_per_k;
        let strain = glass.expansion_glass_per_k * change + beyond * (fictive - self.fictive);
        *self = Structure { temperature: temperature.0, above, fictive };
        Aged { reduced_s, strain }
    }

    fn aged(&self, glass: &RelaxingGlass, reduced_s: f64, change: f64) -> ([f64; TERMS], f64) {
        let mut above = [0.0; TERMS];
        let (mut sum, mut weights) = (0.0, 0.0);
        for (term, decay) in glass.structure.over(reduced_s).into_iter().enumerate() {
            above[term] = decay.left * self.above[term] - decay.of_change * change;
            sum += glass.structure.weights[term] * above[term];
            weights += glass.structure.weights[term];
        }
        (above, self.temperature + change + sum / weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GLASS: RelaxingGlass = RelaxingGlass::CARRE_DAUDEVILLE;

    fn cooled(rate_k_s: f64, step_k: f64) -> Structure {
        let mut structure = Structure::new(Kelvin(973.15), Kelvin(973.15));
        let mut temperature = 973.15;
        while temperature > 573.15 {
            temperature -= step_k;
            structure.step(&GLASS, step_k / rate_k_s, Kelvin(temperature));
        }
        structure
    }

    #[test]
    fn steps_of_five_kelvin_are_good_to_a_tenth() {
        let (coarse, fine) = (cooled(0.2, 5.0).fictive().0, cooled(0.2, 0.1).fictive().0);
        assert!((coarse - fine).abs() < 0.1, "{coarse} {fine}");
    }

    /// Δ ln(rate) = (H/R)·Δ(1/T_f) (C. T. Moynihan et al. 1976), whatever the spectrum.
    #[test]
    fn ten_times_the_rate_raises_the_fictive_temperature_by_the_activation_energy() {
        let (slow, fast) = (cooled(0.1, 0.5).fictive().0, cooled(1.0, 0.5).fictive().0);
        let activation = std::f64::consts::LN_10 / (1.0 / slow - 1.0 / fast);
        assert!((activation / GLASS.shift.activation_k - 1.0).abs() < 0.03, "{activation}");
    }

    proptest! {
        #[test]
        fn glass_that_waits_comes_to_equilibrium(kelvin in 830.0..1200.0_f64, fictive in 800.0..1000.0_f64) {
            let mut structure = Structure::new(Kelvin(kelvin), Kelvin(fictive));
            for _ in 0..40 {
                structure.step(&GLASS, 600.0, Kelvin(kelvin));
            }
            prop_assert!((structure.fictive().0 - kelvin).abs() < 0.01);
        }

        #[test]
        fn cooling_glass_is_left_behind_by_its_temperature(rate in 1e-3..50.0_f64) {
            let structure = cooled(rate, 4.0);
            prop_assert!(structure.fictive() > structure.temperature());
            prop_assert!(structure.fictive() < Kelvin(973.15));
        }

        #[test]
        fn cold_glass_keeps_its_structure_and_strains_elastically(fictive in 780.0..900.0_f64, down in 1.0..200.0_f64) {
            let mut structure = Structure::new(Kelvin(520.0), Kelvin(fictive));
            let aged = structure.step(&GLASS, 1000.0, Kelvin(520.0 - down));
            prop_assert!((structure.fictive().0 - fictive).abs() < 0.1);
            prop_assert!((aged.strain + 9e-6 * down).abs() < 3e-6);
        }
    }
}
