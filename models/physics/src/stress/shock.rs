//! Thermal shock: what jump of temperature glass stands.

use crate::PhysicsError;
use crate::error::within;

/// Elastic constants that thermal shock depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Brittle {
    pub young_pa: f64,
    pub poisson: f64,
    pub expansion_per_k: f64,
}

impl Brittle {
    /// Container glass: 72 GPa, 0.22, 9e-6/K.
    pub const CONTAINER: Brittle = Brittle { young_pa: 72e9, poisson: 0.22, expansion_per_k: 9e-6 };
    /// Float glass: 74 GPa, 0.22, 9.5e-6/K.
    pub const FLOAT: Brittle = Brittle { young_pa: 74e9, poisson: 0.22, expansion_per_k: 9.5e-6 };

    /// The jump of a face's temperature in K that takes it to the stress `strength_pa`: R = σ(1−ν)/(Eα)
    /// (W. D. Kingery, J. Am. Ceram. Soc. 38 (1955) 3), for heat transfer without resistance.
    pub fn resistance_k(&self, strength_pa: f64) -> f64 {
        strength_pa * (1.0 - self.poisson) / (self.young_pa * self.expansion_per_k)
    }

    /// The greatest tension in Pa in a face of a plate that is brought from uniform temperature into an ambient colder
    /// by `drop_k`, with Biot number hL/k on the half thickness. The share of EαΔT/(1−ν) that is reached is
    /// 1/(1.5 + 3.25/Bi − 0.5 e^(−16/Bi)) (S. S. Manson, NACA TN 2933, 1953), good to 5 % of the exact value.
    ///
    /// Error: a Biot number that is not positive; infinity is allowed.
    pub fn quench_pa(&self, drop_k: f64, biot: f64) -> Result<f64, PhysicsError> {
        if biot != f64::INFINITY {
            within("the Biot number", biot, f64::MIN_POSITIVE, f64::MAX)?;
        }
        let share = 1.0 / (1.5 + 3.25 / biot - 0.5 * (-16.0 / biot).exp());
        Ok(share * self.young_pa * self.expansion_per_k * drop_k / (1.0 - self.poisson))
    }

    /// The drop of the ambient in K that takes a plate of this Biot number to `strength_pa`; errors as
    /// [`Brittle::quench_pa`].
    pub fn quench_resistance_k(&self, strength_pa: f64, biot: f64) -> Result<f64, PhysicsError> {
        Ok(strength_pa / self.quench_pa(1.0, biot)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conduction::series::PlaneWall;

    #[test]
    fn resistance_to_shock_is_what_the_formula_gives_by_hand() {
        for (strength_mpa, expected) in [(30.0, 36.0), (40.0, 48.0), (50.0, 60.0), (70.0, 84.0)] {
            let found = Brittle::CONTAINER.resistance_k(strength_mpa * 1e6);
            assert!((found / expected - 1.0).abs() < 0.01, "{found}");
        }
    }

    /// Tension in the face is (mean − surface temperature)·Eα/(1−ν); the series says how great it gets.
    #[test]
    fn the_greatest_tension_agrees_with_the_exact_temperatures() {
        let plate = Brittle { young_pa: 1.0, poisson: 0.0, expansion_per_k: 1.0 };
        for biot in [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0] {
            let wall = PlaneWall::new(biot);
            let at = |step: i32| {
                let fourier = 1e-3 * 1.02_f64.powi(step);
                wall.mean(fourier) - wall.at(1.0, fourier)
            };
            let exact = (0..400).map(at).fold(0.0, f64::max);
            let found = plate.quench_pa(1.0, biot).unwrap();
            assert!((found / exact - 1.0).abs() < 0.05, "Bi {biot}: {found} instead of {exact}");
        }
        assert_eq!(plate.quench_pa(1.0, f64::INFINITY).unwrap(), 1.0);
        assert!(plate.quench_pa(1.0, 0.0).is_err());
    }
}
